import { describe, expect, it } from 'vitest';
import { detectImage } from '../../src/image/detect.js';
import { buildElf, CODE, join, note, PT_NOTE, pvhElf, pvhNote, SHT_NOTE, words } from './builders.js';

function refusal(bytes: Uint8Array): unknown {
  try {
    detectImage(bytes, 'pvh');
  } catch (error) {
    return error;
  }
  throw new Error('was not refused');
}

describe.each([32, 64] as const)('a PVH image in an ELF%i', (bits) => {
  it('enters where its note says, at a physical address', () => {
    const image = buildElf({
      bits,
      entry: 0xc0000000n,
      segments: [
        { bytes: CODE, virtualAddress: 0xc0000000n, physicalAddress: 0x200000 },
        { type: PT_NOTE, bytes: pvhNote(0x200010) },
      ],
    });
    expect(detectImage(image).plan).toMatchObject({
      protocol: 'pvh',
      carrier: `elf${bits}`,
      entry: 0x200010,
    });
  });
});

it('reads an entry of 8 bytes, among other notes', () => {
  const notes = join(
    note('Xen', 6, words(1)),
    note('Linux', 18, words(1)),
    note('Xen', 18, words(0x100004, 0)),
  );
  const image = buildElf({ segments: [{ bytes: CODE }, { type: PT_NOTE, bytes: notes }] });
  expect(detectImage(image).plan.entry).toBe(0x100004);
});

it('finds the note in a section when the segments have other notes only', () => {
  const image = buildElf({
    segments: [{ bytes: CODE }, { type: PT_NOTE, bytes: note('GNU', 3, words(0)) }],
    sections: [{ name: '.note.Xen', type: SHT_NOTE, bytes: pvhNote(0x100000) }],
  });
  expect(detectImage(image).plan.protocol).toBe('pvh');
});

it('refuses an entry above 4 GiB, outside the segments, or of another size', () => {
  const image = (desc: Uint8Array) =>
    buildElf({ segments: [{ bytes: CODE }, { type: PT_NOTE, bytes: note('Xen', 18, desc) }] });
  expect(refusal(image(words(0x100000, 1)))).toMatchObject({
    code: 'bad-pvh',
    message: expect.stringContaining('4 GiB'),
  });
  expect(refusal(image(words(1, 2, 3)))).toMatchObject({
    code: 'bad-pvh',
    message: expect.stringContaining('12 bytes'),
  });
  expect(refusal(image(words()))).toMatchObject({ code: 'bad-pvh' });
  expect(refusal(pvhElf(64, 0x100040))).toMatchObject({
    code: 'bad-entry',
    message: expect.stringContaining('PVH'),
  });
});
