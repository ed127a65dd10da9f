import { expect, it } from 'vitest';
import { describeImage } from '../../src/image/describe.js';
import {
  buildElf,
  CODE,
  join,
  multibootElf,
  multibootHeader,
  note,
  PT_NOTE,
  pvhNote,
  rawMultiboot,
  symbolSections,
  text,
  words,
} from './builders.js';

it('describes an ELF with both protocols', () => {
  const image = buildElf({
    entry: 0xffffffff80000010n,
    segments: [
      {
        bytes: join(multibootHeader(3), CODE),
        virtualAddress: 0xffffffff80000000n,
        physicalAddress: 0x100000,
        memorySize: 0x3000,
        flags: 5,
      },
      { type: PT_NOTE, bytes: pvhNote(0x100010) },
    ],
    sections: symbolSections([{ name: 'a', value: 1n }], 64, 2),
  });
  expect(describeImage(image)).toEqual({
    format: 'ELF64 ET_EXEC',
    fileSize: image.length,
    machine: 'x86-64',
    entry: '0xffffffff80000010',
    protocols: [
      {
        name: 'multiboot',
        details: [
          ['header', '0xb0 in the file'],
          ['flags', '0x3, modules on page boundaries, memory information'],
        ],
      },
      { name: 'pvh', details: [['entry', '0x100010']] },
    ],
    bootsBy: 'multiboot',
    bootEntry: '0x100010',
    segments: [
      {
        virtualAddress: '0xffffffff80000000',
        physicalAddress: '0x100000',
        fileSize: 76,
        memorySize: 0x3000,
        permissions: 'r-x',
      },
    ],
    notes: [{ name: 'Xen', type: '0x12', size: 4 }],
    symbolCount: 1,
    lowestAddress: 0x100000,
    highestAddress: 0x103000,
    memoryNeeded: 0x103000,
    needs: [
      'At least 1.1 MiB of memory, and more for modules and its heap.',
      'A start in 32-bit protected mode at 0x100010.',
      'A processor with 64-bit mode.',
      'Modules on page boundaries.',
      'The amount of memory.',
    ],
  });
});

it('describes a raw image with its address fields', () => {
  const description = describeImage(rawMultiboot(0, { bssEnd: 0x101000 }));
  expect(description).toMatchObject({
    format: 'raw multiboot image',
    bootsBy: 'multiboot',
    memoryNeeded: 0x101000,
  });
  expect(description.protocols[0]?.details).toContainEqual(['bss_end_addr', '0x101000']);
  expect(description.segments).toMatchObject([
    { physicalAddress: '0x100000', memorySize: 0x1000, permissions: 'rwx' },
  ]);
});

it('describes what cannot be booted, and why', () => {
  const solo5 = buildElf({
    segments: [{ bytes: CODE }, { type: PT_NOTE, bytes: note('Solo5', 0x31494241, words(1, 2, 0, 0)) }],
  });
  expect(describeImage(solo5)).toMatchObject({
    refusal: { code: 'unsupported-protocol' },
    protocols: [
      {
        name: 'solo5',
        details: [
          ['binding', 'hvt'],
          ['version', '2'],
        ],
        refusal: { code: 'unsupported-protocol' },
      },
    ],
    needs: ['A processor with 64-bit mode.', "The interface of Solo5's hvt binding, version 2."],
  });
  expect(describeImage(multibootElf(32, 0x80))).toMatchObject({
    format: 'ELF32 ET_EXEC',
    refusal: { code: 'unsupported-feature' },
    protocols: [{ name: 'multiboot', refusal: { code: 'unsupported-feature' } }],
  });
  expect(describeImage(text('#!/bin/sh\n'))).toMatchObject({
    format: 'script',
    refusal: { code: 'not-an-image' },
  });
  expect(describeImage(new Uint8Array(0))).toMatchObject({
    format: 'empty file',
    refusal: { code: 'empty' },
  });
  expect(describeImage(buildElf({ machine: 183 }))).toMatchObject({
    format: 'ELF',
    refusal: { code: 'wrong-machine' },
  });
});

it('is plain data', () => {
  const description = describeImage(multibootElf(64, 0x10003, 0x100000, 0x100000, 0, 0, 0x100020));
  expect(JSON.parse(JSON.stringify(description))).toEqual(description);
});
