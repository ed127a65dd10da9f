import { describe, expect, it } from 'vitest';
import { ElfFile } from '../../src/image/elf.js';
import {
  buildElf,
  CODE,
  join,
  note,
  PT_INTERP,
  PT_NOTE,
  SHT_NOTE,
  SHT_PROGBITS,
  text,
  words,
} from './builders.js';

function patched(bytes: Uint8Array, offset: number, ...values: number[]): Uint8Array {
  const copy = bytes.slice();
  copy.set(values, offset);
  return copy;
}

function refusal(bytes: Uint8Array): unknown {
  try {
    ElfFile.parse(bytes);
  } catch (error) {
    return error;
  }
  throw new Error('was not refused');
}

describe.each([32, 64] as const)('the header of an ELF%i', (bits) => {
  const image = buildElf({
    bits,
    entry: 0x12345678n,
    segments: [
      {
        virtualAddress: 0xc0100000n,
        physicalAddress: 0x100000,
        bytes: CODE,
        memorySize: 0x2000,
        flags: 5,
        align: 16,
      },
    ],
  });

  it('is read field by field', () => {
    const elf = ElfFile.parse(image);
    expect(elf.carrier).toBe(`elf${bits}`);
    expect(elf.header).toMatchObject({ bits, type: 2, machine: bits === 64 ? 62 : 3, entry: 0x12345678n });
    expect(elf.programHeaders).toEqual([
      {
        index: 0,
        type: 1,
        flags: 5,
        offset: expect.any(Number),
        virtualAddress: 0xc0100000n,
        physicalAddress: 0x100000,
        fileSize: 64,
        memorySize: 0x2000,
        align: 16,
      },
    ]);
  });

  it('is refused when cut anywhere within the headers', () => {
    const end = bits === 64 ? 64 + 56 : 52 + 32;
    for (let length = 4; length < end; length++) {
      expect(refusal(image.subarray(0, length))).toMatchObject({ name: 'ImageError', code: 'truncated' });
    }
  });

  it('is refused for other machines by their names', () => {
    const machine = (number: number) => refusal(patched(image, 18, number & 255, number >> 8));
    expect(machine(183)).toMatchObject({
      code: 'wrong-machine',
      message: expect.stringContaining('AArch64'),
    });
    expect(machine(243)).toMatchObject({ code: 'wrong-machine', message: expect.stringContaining('RISC-V') });
    expect(machine(999)).toMatchObject({
      code: 'wrong-machine',
      message: expect.stringContaining('machine 999'),
    });
  });

  it('is refused when big-endian, naming the machine', () => {
    const bigEndian = patched(patched(image, 5, 2), 18, 0, 22);
    expect(refusal(bigEndian)).toMatchObject({
      code: 'wrong-endianness',
      message: expect.stringContaining('S/390'),
    });
  });

  it('is refused when class, encoding, type or entry size is wrong', () => {
    expect(refusal(patched(image, 4, 3))).toMatchObject({ code: 'bad-elf' });
    expect(refusal(patched(image, 5, 0))).toMatchObject({ code: 'bad-elf' });
    expect(refusal(patched(image, 16, 1))).toMatchObject({
      code: 'bad-elf',
      message: expect.stringContaining('ET_REL'),
    });
    expect(refusal(patched(image, bits === 64 ? 54 : 42, 1))).toMatchObject({ code: 'bad-elf' });
  });

  it('is refused when it counts more program headers than anyone needs', () => {
    const count = patched(image, bits === 64 ? 56 : 44, 0xff, 0xff);
    expect(refusal(count)).toMatchObject({ code: 'bad-elf', message: expect.stringContaining('65535') });
  });
});

it('refuses a 64-bit ELF for i386', () => {
  expect(refusal(buildElf({ bits: 64, machine: 3 }))).toMatchObject({ code: 'bad-elf' });
});

describe('sections', () => {
  const sections = [
    { name: '.text', type: SHT_PROGBITS, flags: 6, address: 0x100000n, bytes: CODE, align: 16 },
  ];

  it.each([32, 64] as const)('of an ELF%i are read with their names', (bits) => {
    const { sectionTable } = ElfFile.parse(buildElf({ bits, sections }));
    expect(sectionTable.problem).toBeUndefined();
    expect(sectionTable.sections.map(({ name }) => name)).toEqual(['', '.text', '.shstrtab']);
    expect(sectionTable.sections[1]).toMatchObject({
      type: 1,
      flags: 6,
      address: 0x100000n,
      size: 64,
      align: 16,
    });
  });

  it('that cannot be read leave an image without sections, and say why', () => {
    const image = buildElf({ sections });
    expect(ElfFile.parse(buildElf({})).sectionTable).toMatchObject({ sections: [], problem: undefined });
    expect(ElfFile.parse(image.subarray(0, image.length - 1)).sectionTable).toMatchObject({
      sections: [],
      problem: expect.stringContaining('runs beyond the file'),
    });
    expect(
      ElfFile.parse(patched(image, 40, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)).sectionTable,
    ).toMatchObject({
      sections: [],
      problem: expect.stringContaining('beyond the file'),
    });
    expect(ElfFile.parse(patched(image, 58, 1)).sectionTable.problem).toContain('e_shentsize');
  });
});

describe('notes', () => {
  const one = note('GNU', 1, words(7));
  const two = note('Solo5', 0x31494241, words(1, 2, 0, 0));

  it('come from PT_NOTE segments', () => {
    const elf = ElfFile.parse(buildElf({ segments: [{ type: PT_NOTE, bytes: join(one, two) }] }));
    expect(elf.notes.map(({ name, type, desc }) => [name, type, [...desc]])).toEqual([
      ['GNU', 1, [7, 0, 0, 0]],
      ['Solo5', 0x31494241, [1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ]);
  });

  it('come from SHT_NOTE sections when no segment has any', () => {
    const elf = ElfFile.parse(buildElf({ sections: [{ name: '.note', type: SHT_NOTE, bytes: one }] }));
    expect(elf.notes.map(({ name }) => name)).toEqual(['GNU']);
  });

  it('may be padded to 8 bytes where that is declared', () => {
    const padded = join(note('ABCDE', 5, words(1, 2, 3), 8), note('Xen', 18, words(9), 8));
    const elf = ElfFile.parse(buildElf({ segments: [{ type: PT_NOTE, bytes: padded, align: 8 }] }));
    expect(elf.notes.map(({ name, desc }) => [name, desc.length])).toEqual([
      ['ABCDE', 12],
      ['Xen', 4],
    ]);
  });

  it('may be padded to 4 bytes where 8 is declared, as Solo5 does', () => {
    const elf = ElfFile.parse(buildElf({ segments: [{ type: PT_NOTE, bytes: join(two, one), align: 8 }] }));
    expect(elf.notes.map(({ name }) => name)).toEqual(['Solo5', 'GNU']);
  });

  it('end where a size runs beyond the segment', () => {
    const broken = join(one, words(0xfffffff0, 0xfffffff0, 1));
    const elf = ElfFile.parse(buildElf({ segments: [{ type: PT_NOTE, bytes: broken }] }));
    expect(elf.notes.map(({ name }) => name)).toEqual(['GNU']);
  });

  it('have names that are safe to print', () => {
    const elf = ElfFile.parse(
      buildElf({ segments: [{ type: PT_NOTE, bytes: note('\x1b[2J', 1, words(0)) }] }),
    );
    expect(elf.notes[0]?.name).toBe('?[2J');
  });

  it('are bounded when many headers claim the same bytes', () => {
    const bytes = join(...Array.from({ length: 1000 }, () => note('A', 1, new Uint8Array(0))));
    const image = buildElf({
      segments: [{ type: PT_NOTE, bytes }, ...Array(1000).fill({ type: PT_NOTE, bytes: text('') })],
    });
    // Point every program header at the first one's bytes.
    for (let index = 1; index <= 1000; index++) image.copyWithin(64 + index * 56, 64, 64 + 56);
    expect(ElfFile.parse(image).notes.length).toBe(4096);
  });
});

it('names the loader that a Linux program asks for', () => {
  const elf = ElfFile.parse(buildElf({ segments: [{ type: PT_INTERP, bytes: text('/lib/ld.so\0') }] }));
  expect(elf.interpreter).toBe('/lib/ld.so');
});
