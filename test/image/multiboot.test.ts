import { describe, expect, it } from 'vitest';
import { detectImage } from '../../src/image/detect.js';
import type { MultibootPlan } from '../../src/image/image.js';
import {
  buildElf,
  CODE,
  join,
  multibootElf,
  multibootHeader,
  rawMultiboot,
  SHT_PROGBITS,
  symbolSections,
  words,
} from './builders.js';

function plan(bytes: Uint8Array): MultibootPlan {
  const { plan } = detectImage(bytes, 'multiboot');
  if (plan.protocol !== 'multiboot') throw new Error(plan.protocol);
  return plan;
}

function refusal(bytes: Uint8Array): unknown {
  try {
    detectImage(bytes, 'multiboot');
  } catch (error) {
    return error;
  }
  throw new Error('was not refused');
}

describe.each([32, 64] as const)('an ELF%i carrier', (bits) => {
  it('loads its segments at physical addresses, in order', () => {
    const image = buildElf({
      bits,
      entry: 0x200010n,
      segments: [
        { bytes: CODE, physicalAddress: 0x200000, virtualAddress: 0x200000n },
        { bytes: join(multibootHeader(3), CODE), physicalAddress: 0x100000, memorySize: 0x800 },
        { physicalAddress: 0x300000 },
      ],
    });
    const { carrier, entry, segments, requests } = plan(image);
    expect({ carrier, entry }).toEqual({ carrier: `elf${bits}`, entry: 0x200010 });
    expect(
      segments.map(({ physicalAddress, bytes, memorySize }) => [physicalAddress, bytes.length, memorySize]),
    ).toEqual([
      [0x100000, 76, 0x800],
      [0x200000, 64, 64],
    ]);
    expect(requests).toEqual({ pageAlignedModules: true, memoryInformation: true, video: undefined });
  });

  it('keeps views of the file, not copies', () => {
    const image = multibootElf(bits);
    expect(plan(image).segments[0]?.bytes.buffer).toBe(image.buffer);
  });

  it('translates a virtual entry through the segment around it', () => {
    const image = buildElf({
      bits,
      entry: 0xc0000010n,
      segments: [
        { bytes: join(multibootHeader(0), CODE), virtualAddress: 0xc0000000n, physicalAddress: 0x100000 },
      ],
    });
    expect(plan(image).entry).toBe(0x100010);
  });

  it('takes an entry outside all virtual ranges as physical', () => {
    const image = buildElf({
      bits,
      entry: 0x100010n,
      segments: [
        { bytes: join(multibootHeader(0), CODE), virtualAddress: 0xc0000000n, physicalAddress: 0x100000 },
      ],
    });
    expect(plan(image).entry).toBe(0x100010);
  });

  it('is refused when the entry lies in no segment', () => {
    const image = buildElf({ bits, entry: 0x500000n, segments: [{ bytes: multibootHeader(0) }] });
    expect(refusal(image)).toMatchObject({ code: 'bad-entry', message: expect.stringContaining('0x500000') });
  });

  it('hands on the section headers, with symbols and strings', () => {
    const image = buildElf({
      bits,
      gap: multibootHeader(0),
      segments: [{ bytes: CODE }],
      sections: [
        { name: '.text', type: SHT_PROGBITS, flags: 6, address: 0x100000n, bytes: CODE },
        { name: '.debug', type: SHT_PROGBITS, bytes: CODE },
        ...symbolSections([{ name: 'a', value: 0x100000n }], bits, 4),
      ],
    });
    const headers = plan(image).sectionHeaders;
    expect(headers).toMatchObject({ count: 6, entrySize: bits === 64 ? 64 : 40, nameIndex: 5 });
    expect(headers?.contents.map(({ index }) => index)).toEqual([3, 4, 5]);
  });
});

it('loads an ELF32 for x86-64 and a position-independent one at its physical addresses', () => {
  const segments = [{ bytes: join(multibootHeader(0), CODE) }];
  expect(plan(buildElf({ bits: 32, machine: 62, segments })).carrier).toBe('elf32');
  expect(plan(buildElf({ bits: 64, type: 3, segments })).segments[0]?.physicalAddress).toBe(0x100000);
});

it('finds the header outside of any segment, as Unikraft has it', () => {
  const image = buildElf({ bits: 32, gap: multibootHeader(3), segments: [{ bytes: CODE }] });
  expect(plan(image).segments[0]?.bytes).toEqual(CODE);
});

describe('address fields', () => {
  it('carry a raw image: the whole file when load_end_addr is 0, no bss when bss_end_addr is 0', () => {
    const image = rawMultiboot();
    expect(plan(image)).toMatchObject({ carrier: 'raw', entry: 0x100020, sectionHeaders: undefined });
    expect(plan(image).segments).toEqual([
      { physicalAddress: 0x100000, bytes: image, memorySize: image.length },
    ]);
  });

  it('say how much to load and to clear', () => {
    const image = rawMultiboot(0, { loadEnd: 0x100040, bssEnd: 0x101000 });
    expect(plan(image).segments).toEqual([
      { physicalAddress: 0x100000, bytes: image.subarray(0, 0x40), memorySize: 0x1000 },
    ]);
  });

  it('place the file by where the header was found', () => {
    // 0x40 bytes precede what is loaded; the header lies 8 bytes into the segment.
    const header = multibootHeader(0x10000, 0x200008, 0x200000, 0, 0, 0x200030);
    const image = join(new Uint8Array(0x48), header, CODE);
    expect(plan(image).segments[0]).toEqual({
      physicalAddress: 0x200000,
      bytes: image.subarray(0x40),
      memorySize: image.length - 0x40,
    });
  });

  it('overrule the ELF around them, as Solo5 needs', () => {
    const header = multibootHeader(0x10003, 0x100000, 0x100000, 0x100030, 0x102000, 0x100020);
    const image = buildElf({
      entry: 0xdeadn,
      segments: [{ physicalAddress: 0x900000, bytes: join(header, CODE) }],
    });
    expect(plan(image)).toMatchObject({ carrier: 'elf64', entry: 0x100020, sectionHeaders: undefined });
    expect(plan(image).segments).toMatchObject([{ physicalAddress: 0x100000, memorySize: 0x2000 }]);
    expect(plan(image).segments[0]?.bytes.length).toBe(0x30);
  });

  it.each([
    ['load_addr above header_addr', [0x100000, 0x100004, 0, 0, 0x100020], 'load_addr 0x100004'],
    ['a start before the file', [0x100010, 0x100000, 0, 0, 0x100020], 'header lies 0x0 into the file'],
    ['an end below the header', [0x100000, 0x100000, 0xfffff, 0, 0x100020], 'load_end_addr 0xfffff'],
    ['a bss that ends within the data', [0x100000, 0x100000, 0, 0x100010, 0x100020], 'bss_end_addr 0x100010'],
    ['a file that passes 4 GiB', [0xfffffff0, 0xfffffff0, 0, 0, 0xfffffff0], 'above 4 GiB'],
  ])('with %s are refused', (_, fields, message) => {
    const image = join(multibootHeader(0x10000, ...fields), CODE);
    expect(refusal(image)).toMatchObject({
      code: 'bad-multiboot',
      message: expect.stringContaining(message),
    });
  });

  it('that reach beyond the file are refused', () => {
    expect(refusal(rawMultiboot(0, { loadEnd: 0x200000 }))).toMatchObject({ code: 'truncated' });
  });

  it('with an entry outside are refused', () => {
    expect(refusal(rawMultiboot(0, { entry: 0x200000 }))).toMatchObject({
      code: 'bad-entry',
      message: expect.stringContaining('entry_addr'),
    });
  });
});

describe('the header', () => {
  it('is found up to the last place in the first 8192 bytes', () => {
    expect(plan(rawMultiboot(8192 - 32)).entry).toBe(0x100000 + 8192);
    expect(refusal(rawMultiboot(8192 - 12))).toMatchObject({ code: 'bad-multiboot' });
    expect(refusal(rawMultiboot(8192))).toMatchObject({
      code: 'not-an-image',
      message: expect.stringContaining('beyond the first 8192 bytes'),
    });
  });

  it('is found only on a multiple of 4 and with its checksum', () => {
    expect(refusal(rawMultiboot(2))).toMatchObject({ code: 'not-an-image' });
    const wrong = rawMultiboot();
    wrong[8] = 0;
    expect(refusal(wrong)).toMatchObject({ message: expect.stringContaining('wrong checksum') });
    // A false magic before the true header does not hide it.
    const image = join(words(0x1badb002, 0, 0), rawMultiboot());
    expect(plan(image).segments[0]?.bytes.length).toBe(image.length - 12);
  });

  it('is refused by the number of a mandatory bit that has no meaning', () => {
    for (let bit = 3; bit < 16; bit++) {
      expect(refusal(multibootElf(32, 1 << bit))).toMatchObject({
        code: 'unsupported-feature',
        message: expect.stringContaining(`feature bit ${bit} `),
      });
    }
  });

  it('may set optional bits that have no meaning', () => {
    expect(plan(multibootElf(32, 0xfffe0000 | 0)).protocol).toBe('multiboot');
  });

  it('needs address fields when the file is no ELF', () => {
    expect(refusal(join(multibootHeader(0), CODE))).toMatchObject({ code: 'bad-multiboot' });
  });
});

describe('a request for video', () => {
  const image = (modeType: number, width: number, height: number, depth: number) =>
    multibootElf(32, 4, 0, 0, 0, 0, 0, modeType, width, height, depth);

  it('for text, or for any graphics, is met with text', () => {
    expect(plan(image(1, 80, 25, 0)).requests.video).toEqual({
      modeType: 'text',
      width: 80,
      height: 25,
      depth: 0,
    });
    expect(plan(image(0, 0, 0, 0)).requests.video).toMatchObject({ modeType: 'graphics' });
  });

  it('for graphics of a size is refused by name', () => {
    expect(refusal(image(0, 1024, 768, 32))).toMatchObject({
      code: 'unsupported-feature',
      message: expect.stringContaining('1024×768×32'),
    });
  });

  it('of a reserved type is refused', () => {
    expect(refusal(image(2, 0, 0, 0))).toMatchObject({ code: 'bad-multiboot' });
  });
});

describe('segments', () => {
  const image = (...segments: object[]) =>
    buildElf({ bits: 64, gap: multibootHeader(0), segments: [{ bytes: CODE }, ...segments] });

  it.each([
    ['beyond 4 GiB', { physicalAddress: 0xffffff00, bytes: CODE, memorySize: 0x101 }, 'beyond-4-gib'],
    ['of terabytes', { physicalAddress: 0x200000, memorySize: 2 ** 43 }, 'beyond-4-gib'],
    ['of 2^64 bytes', { physicalAddress: 0x200000, memorySize: 2 ** 53 }, 'beyond-4-gib'],
    ['at 2^63', { physicalAddress: 2 ** 63, bytes: CODE }, 'beyond-4-gib'],
    [
      'larger in the file than in memory',
      { physicalAddress: 0x200000, bytes: CODE, memorySize: 63 },
      'bad-segment',
    ],
    ['that overlap', { physicalAddress: 0x10003f, bytes: CODE }, 'overlapping-segments'],
    ['that overlap in bss', { physicalAddress: 0xf0000, memorySize: 0x10001 }, 'overlapping-segments'],
  ])('%s are refused', (_, segment, code) => {
    expect(refusal(image(segment))).toMatchObject({ name: 'ImageError', code });
  });

  it('that touch are not refused', () => {
    expect(plan(image({ physicalAddress: 0x100040, bytes: CODE })).segments.length).toBe(2);
  });

  it('beyond the file are refused', () => {
    const whole = image();
    expect(refusal(whole.subarray(0, whole.length - 1))).toMatchObject({ code: 'truncated' });
  });

  it('must exist', () => {
    expect(refusal(buildElf({ gap: multibootHeader(0) }))).toMatchObject({ code: 'no-segments' });
  });
});
