import { describe, expect, it } from 'vitest';
import { boot } from '../../src/boot/boot.js';
import type { BootOptions } from '../../src/boot/boot-types.js';
import { MemoryType } from '../../src/boot/memory-map.js';
import { detectImage } from '../../src/image/detect.js';
import { GuestMemory } from '../../src/memory/guest-memory.js';
import {
  buildElf,
  CODE,
  join,
  multibootElf,
  multibootHeader,
  rawMultiboot,
  SHT_PROGBITS,
  symbolSections,
  text,
} from '../image/builders.js';
import { MIB, protectedRegisters, string, u32, u64, words } from './guest.js';

function start(image: Uint8Array, options: Partial<BootOptions> = {}, size = 4 * MIB) {
  const memory = GuestMemory.standalone(size);
  // What an earlier guest left must not shine through.
  memory.fill(MIB, size - MIB, 0xaa);
  const registers = protectedRegisters(
    boot(detectImage(image, 'multiboot').plan, memory, { commandLine: '', ...options }),
  );
  return { memory, registers, info: registers.ebx };
}

it('enters in protected mode with the magic and the information', () => {
  const { registers, info } = start(multibootElf(32));
  expect(registers).toEqual({
    mode: 'protected32',
    eip: 0x100020,
    eflags: 2,
    eax: 0x2badb002,
    ebx: 0x9000,
    ecx: 0,
    edx: 0,
    esi: 0,
    edi: 0,
    ebp: 0,
    esp: 0,
  });
  expect(info % 16).toBe(0);
});

it('loads segments and clears what the file does not fill', () => {
  const image = multibootElf(64);
  const { memory } = start(image);
  expect(memory.bytes(0x10000c, 64)).toEqual(CODE);
  expect(memory.bytes(0x10004c, 0x1000)).toEqual(new Uint8Array(0x1000));
  expect(memory.read(0x10104c, 1)).toBe(0xaa);
});

it('tells the RAM, the command line, the map and the loader', () => {
  const { memory, info } = start(multibootElf(32), { commandLine: 'a=1 "b c"', imageName: 'hello.elf' });
  expect(u32(memory, info)).toBe(0b10_0100_1101);
  expect(u32(memory, info + 4)).toBe(639);
  expect(u32(memory, info + 8)).toBe(3 * 1024);
  expect(string(memory, u32(memory, info + 16))).toBe('hello.elf a=1 "b c"');
  expect(u32(memory, info + 20)).toBe(0);
  expect(string(memory, u32(memory, info + 64))).toBe('univisor');
  expect(u32(memory, info + 44)).toBe(4 * 24);
  const map = u32(memory, info + 48);
  const entries = [0, 1, 2, 3].map((index) => {
    const at = map + index * 24;
    return [u32(memory, at), u64(memory, at + 4), u64(memory, at + 12), u32(memory, at + 20)];
  });
  expect(entries).toEqual([
    [20, 0, 0x9fc00, 1],
    [20, 0x9fc00, 0x400, 2],
    [20, 0xf0000, 0x10000, 2],
    [20, 0x100000, 3 * MIB, 1],
  ]);
});

it("puts one word for the image's name first, which guests skip", () => {
  const line = (options: Partial<BootOptions>) => {
    const { memory, info } = start(multibootElf(32), options);
    return string(memory, u32(memory, info + 16));
  };
  expect(line({})).toBe('image');
  expect(line({ commandLine: 'x' })).toBe('image x');
  expect(line({ commandLine: 'x', imageName: 'my image' })).toBe('my_image x');
  expect(line({ commandLine: 'grün' })).toBe('image grün');
});

describe('modules', () => {
  it('lie on page boundaries above the image, with their strings', () => {
    const modules = [
      { bytes: text('first'), commandLine: 'initrd a' },
      { bytes: new Uint8Array(0), commandLine: '' },
      { bytes: new Uint8Array(5000).fill(7), commandLine: 'data' },
    ];
    const { memory, info } = start(multibootElf(32), { modules });
    expect(u32(memory, info + 20)).toBe(3);
    const list = u32(memory, info + 24);
    const entries = [0, 1, 2].map((index) => words(memory, list + index * 16, 4));
    expect(entries.map(([from, to]) => [from, to])).toEqual([
      [0x102000, 0x102005],
      [0x103000, 0x103000],
      [0x104000, 0x104000 + 5000],
    ]);
    expect(entries.map((entry) => string(memory, entry[2]!))).toEqual(['initrd a', '', 'data']);
    expect(entries.map((entry) => entry[3])).toEqual([0, 0, 0]);
    expect(memory.bytes(0x102000, 5)).toEqual(text('first'));
    expect(memory.bytes(0x104000, 5000)).toEqual(modules[2]!.bytes);
  });

  it('go below an image that leaves no room above it', () => {
    const image = buildElf({
      bits: 32,
      entry: 0x300000n,
      gap: multibootHeader(0),
      segments: [{ physicalAddress: 0x300000, bytes: CODE, memorySize: MIB }],
    });
    const { memory, info } = start(image, { modules: [{ bytes: new Uint8Array(MIB), commandLine: '' }] });
    expect(u32(memory, u32(memory, info + 24))).toBe(MIB);
  });

  it('that do not fit are refused with the memory that would do', () => {
    const modules = [{ bytes: new Uint8Array(3 * MIB), commandLine: '' }];
    expect(() => start(multibootElf(32), { modules })).toThrow(
      'the image with its 1 modules needs 4.1 MiB, machine has 4 MiB: -m 8M',
    );
  });
});

describe('section headers', () => {
  const sections = [
    { name: '.text', type: SHT_PROGBITS, flags: 6, address: 0x100000n, bytes: CODE },
    ...symbolSections([{ name: 'main', value: 0x100000n }], 64, 3),
  ];

  it.each([32, 64] as const)('of an ELF%i are in memory with its symbols', (bits) => {
    const gap = multibootHeader(0);
    const symbols = symbolSections([{ name: 'main', value: 0x100000n }], bits, 3);
    const image = buildElf({ bits, gap, segments: [{ bytes: CODE }], sections: [sections[0]!, ...symbols] });
    const { memory, info } = start(image);
    expect(u32(memory, info) & (1 << 5)).not.toBe(0);
    const [count, entrySize, address, names] = words(memory, info + 28, 4);
    expect([count, entrySize, names]).toEqual([5, bits === 64 ? 64 : 40, 4]);
    const addressOf = (index: number) => u32(memory, address! + index * entrySize! + (bits === 64 ? 16 : 12));
    expect(addressOf(1)).toBe(0x100000);
    expect(memory.bytes(addressOf(2), symbols[0]!.bytes!.length)).toEqual(symbols[0]!.bytes);
    expect(memory.bytes(addressOf(3), 6)).toEqual(text('\0main\0'));
  });

  it('are left out when they do not fit, and for address fields', () => {
    const huge = { name: '.strtab2', type: 3, bytes: new Uint8Array(4 * MIB) };
    const image = buildElf({ gap: multibootHeader(0), segments: [{ bytes: CODE }], sections: [huge] });
    const without = start(image);
    expect(u32(without.memory, without.info) & (1 << 5)).toBe(0);
    const raw = start(rawMultiboot());
    expect(u32(raw.memory, raw.info) & (1 << 5)).toBe(0);
  });
});

it('describes the text screen to an image that asks for video', () => {
  const { memory, info } = start(multibootElf(32, 4, 0, 0, 0, 0, 0, 1, 80, 25, 0));
  expect(u32(memory, info) & (1 << 12)).not.toBe(0);
  expect(u64(memory, info + 88)).toBe(0xb8000);
  expect(words(memory, info + 96, 3)).toEqual([160, 80, 25]);
  expect([memory.read(info + 108, 1), memory.read(info + 109, 1)]).toEqual([16, 2]);
});

it('puts the information beside an image in low memory', () => {
  const image = buildElf({
    bits: 32,
    entry: 0x8000n,
    segments: [{ physicalAddress: 0x8000, bytes: join(multibootHeader(0), CODE), memorySize: 0x2000 }],
  });
  expect(start(image).info).toBe(0xa000);
  const all = buildElf({
    bits: 32,
    entry: 0x8000n,
    segments: [{ physicalAddress: 0x8000, bytes: join(multibootHeader(0), CODE), memorySize: 0x98000 }],
  });
  expect(start(all).info).toBe(0x100000);
});

it('hands on the map of the machine and keeps to it', () => {
  const memoryMap = [
    { start: 0, length: 0x80000, type: MemoryType.usable },
    { start: 0x9000, length: 0x1000, type: MemoryType.acpiNvs },
    { start: MIB, length: MIB, type: MemoryType.usable },
    { start: 2 * MIB, length: 2 * MIB, type: MemoryType.acpiReclaimable },
  ];
  const { memory, info } = start(multibootElf(32), { memoryMap });
  expect(info).toBe(0xa000);
  expect(words(memory, info + 4, 2)).toEqual([512, 1024]);
  expect(u32(memory, u32(memory, info + 48) + 24 + 20)).toBe(4);
});
