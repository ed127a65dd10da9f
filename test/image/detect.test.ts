import { describe, expect, it } from 'vitest';
import { detectImage } from '../../src/image/detect.js';
import type { Protocol } from '../../src/image/image.js';
import {
  buildElf,
  CODE,
  join,
  multibootElf,
  multibootHeader,
  note,
  PT_INTERP,
  PT_NOTE,
  padTo,
  pvhElf,
  pvhNote,
  rawMultiboot,
  text,
  words,
} from './builders.js';

function refusal(bytes: Uint8Array, protocol?: Protocol): unknown {
  try {
    detectImage(bytes, protocol);
  } catch (error) {
    return error;
  }
  throw new Error('was not refused');
}

const solo5 = (target: number) => {
  const abi = { type: PT_NOTE, bytes: note('Solo5', 0x31494241, words(target, 2, 0, 0)) };
  return buildElf({ segments: [{ bytes: CODE }, abi] });
};

describe('auto', () => {
  it('takes multiboot before PVH, as QEMU does', () => {
    const both = buildElf({
      segments: [{ bytes: join(multibootHeader(0), CODE) }, { type: PT_NOTE, bytes: pvhNote(0x100000) }],
    });
    expect(detectImage(both).plan.protocol).toBe('multiboot');
    expect(detectImage(both, 'pvh').plan.protocol).toBe('pvh');
  });

  it('takes PVH when the multiboot header demands what we lack', () => {
    const both = buildElf({
      segments: [{ bytes: join(multibootHeader(0x80), CODE) }, { type: PT_NOTE, bytes: pvhNote(0x100000) }],
    });
    expect(detectImage(both).plan.protocol).toBe('pvh');
    expect(refusal(both, 'multiboot')).toMatchObject({ code: 'unsupported-feature' });
  });

  it('gives the ELF along for its symbols, and none for a raw image', () => {
    expect(detectImage(pvhElf(64)).elf?.carrier).toBe('elf64');
    expect(detectImage(rawMultiboot()).elf).toBeUndefined();
  });
});

describe('protocols that are not supported', () => {
  it.each(['solo5', 'elf'] as const)('%s fails by name', (protocol) => {
    expect(refusal(pvhElf(64), protocol)).toMatchObject({
      code: 'unsupported-protocol',
      message: expect.stringContaining(protocol),
    });
  });

  it('a Solo5 image is told which binding it was built for', () => {
    const message = (bytes: Uint8Array) => refusal(bytes);
    expect(message(solo5(1))).toMatchObject({
      code: 'unsupported-protocol',
      message: expect.stringContaining('hvt'),
    });
    expect(message(solo5(6))).toMatchObject({ message: expect.stringContaining('xen') });
    expect(message(solo5(99))).toMatchObject({ message: expect.stringContaining('unknown (99)') });
  });
});

describe('an ELF without any protocol', () => {
  const plain = buildElf({ segments: [{ bytes: CODE }, { type: PT_NOTE, bytes: note('GNU', 3, words(0)) }] });

  it('is told what was looked for and what was found', () => {
    expect(refusal(plain)).toMatchObject({
      code: 'no-protocol',
      message: expect.stringMatching(/multiboot 1 header.*PVH.*Solo5.*GNU 0x3/),
    });
  });

  it('is told only of the protocol asked for', () => {
    expect(refusal(plain, 'pvh')).toMatchObject({ message: expect.not.stringContaining('multiboot') });
    expect(refusal(plain, 'multiboot')).toMatchObject({ message: expect.not.stringContaining('PVH') });
    expect(refusal(rawMultiboot(), 'pvh')).toMatchObject({ code: 'no-protocol' });
  });

  it('is named a program when it asks for a loader', () => {
    const program = buildElf({
      segments: [{ bytes: CODE }, { type: PT_INTERP, bytes: text('/lib/ld.so\0') }],
    });
    expect(refusal(program)).toMatchObject({ message: expect.stringContaining('/lib/ld.so') });
  });

  it('is told of a header that lies too far into the file', () => {
    const late = buildElf({ segments: [{ bytes: join(new Uint8Array(8192), multibootHeader(0)) }] });
    expect(refusal(late)).toMatchObject({ message: expect.stringContaining('beyond the first 8192 bytes') });
  });

  it('is told of a wrong checksum', () => {
    const wrong = buildElf({ segments: [{ bytes: words(0x1badb002, 3, 1) }] });
    expect(refusal(wrong)).toMatchObject({ message: expect.stringContaining('wrong checksum') });
  });

  it('is told of a multiboot 2 header', () => {
    const second = buildElf({ segments: [{ bytes: words(0xe85250d6, 0, 16, -(0xe85250d6 + 16)) }] });
    expect(refusal(second)).toMatchObject({ message: expect.stringContaining('multiboot 2') });
  });
});

describe('files that are no image', () => {
  const at = (offset: number, magic: string) => padTo(join(new Uint8Array(offset), text(magic)), 0x8100);
  const portable = padTo(text('MZ'), 0x8100);
  portable.set([0x80], 0x3c);
  portable.set(text('PE\0\0'), 0x80);

  it.each([
    ['script', text('#!/bin/sh\n')],
    ['gzip', at(0, '\x1f\x8b\x08')],
    ['xz', at(0, '\xfd7zXZ\0')],
    ['Zstandard', at(0, '\x28\xb5\x2f\xfd')],
    ['bzip2', at(0, 'BZh9')],
    ['LZ4', at(0, '\x04\x22\x4d\x18')],
    ['zip', at(0, 'PK\x03\x04')],
    ['tar', at(257, 'ustar')],
    ['cpio', at(0, '070701')],
    ['ar', at(0, '!<arch>\n')],
    ['qcow2', at(0, 'QFI\xfb')],
    ['VMDK', at(0, 'KDMV')],
    ['VHDX', at(0, 'vhdxfile')],
    ['VHD', at(0, 'conectix')],
    ['VDI', at(0x40, '\x7f\x10\xda\xbe')],
    ['ISO 9660', at(0x8001, 'CD001')],
    ['arm64', at(0x38, 'ARM\x64')],
    ['U-Boot', at(0, '\x27\x05\x19\x56')],
    ['Mach-O', at(0, '\xcf\xfa\xed\xfe')],
    ['WebAssembly', at(0, '\0asm')],
    ['LLVM', at(0, 'BC\xc0\xde')],
    ['PE', portable],
    ['boot sector', at(510, '\x55\xaa')],
    ['text', text('hello\n')],
  ])('%s is named', (name, bytes) => {
    expect(refusal(bytes)).toMatchObject({ code: 'not-an-image', message: expect.stringContaining(name) });
  });

  it('an empty file is told so', () => {
    expect(refusal(new Uint8Array(0))).toMatchObject({ code: 'empty' });
  });

  it('anything else shows how it begins', () => {
    expect(refusal(Uint8Array.of(1, 2, 3, 4, 5))).toMatchObject({
      code: 'not-an-image',
      message: expect.stringContaining('01 02 03 04'),
    });
  });
});

it('reads an image that is a view into a larger buffer', () => {
  const image = multibootElf(32);
  const view = join(new Uint8Array(3), image, new Uint8Array(5)).subarray(3, 3 + image.length);
  expect(detectImage(view).plan).toEqual(detectImage(image).plan);
});
