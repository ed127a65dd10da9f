import { expect, it } from 'vitest';
import { boot } from '../../src/boot/boot.js';
import type { BootOptions } from '../../src/boot/boot-types.js';
import { BootError } from '../../src/boot/errors.js';
import { Machine } from '../../src/hypervisor/machine.js';
import { detectImage } from '../../src/image/detect.js';
import { GuestMemory } from '../../src/memory/guest-memory.js';
import { buildElf, bzImage, CODE, join, text } from '../image/builders.js';
import { longRegisters, MIB, string, u32, u64 } from './guest.js';

function start(image: Uint8Array, options: Partial<BootOptions> = {}, size = 4 * MIB) {
  const memory = GuestMemory.standalone(size);
  const { plan } = detectImage(image, 'linux');
  const registers = longRegisters(boot(plan, memory, { commandLine: '', ...options }));
  return { memory, registers, parameters: registers.rsi };
}

function refusal(...given: Parameters<typeof start>): BootError {
  try {
    start(...given);
  } catch (error) {
    if (error instanceof BootError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

it('enters in 64-bit mode at 0x200 with the boot parameters in RSI', () => {
  const { registers, memory, parameters } = start(bzImage());
  expect(registers).toMatchObject({ mode: 'long64', rip: 0x200200, cr3: 0x9000, rsi: 0xf000 });
  expect(memory.bytes(parameters + 0x202, 4)).toEqual(text('HdrS'));
  expect([memory.read(parameters + 0x210, 1), memory.read(parameters + 0x211, 1)]).toEqual([0xff, 1]);
  expect(u32(memory, parameters + 0x260)).toBe(0x1000);
});

it('has segments 0x10 and 0x18, flat, in its table', () => {
  const { registers, memory } = start(bzImage());
  const { base, limit } = registers.gdt;
  expect(limit).toBe(31);
  const descriptors = [0, 1, 2, 3].map((n) => u64(memory, base + 8 * n).toString(16));
  // Access 0x9B and 0x93, limit 4 GiB in pages, code 64-bit, data 32-bit.
  expect(descriptors.slice(0, 2)).toEqual(['0', '0']);
  expect([2, 3].map((n) => [u32(memory, base + 8 * n), u32(memory, base + 8 * n + 4)])).toEqual([
    [0xffff, 0x00af9b00],
    [0xffff, 0x00cf9300],
  ]);
});

it('has the first 4 GiB mapped one to one', () => {
  const { registers, memory } = start(bzImage());
  for (const address of [0, 0x200000, 0x3fe00000, 0x40000000, 0xffe00000]) {
    const directory = u64(memory, u64(memory, registers.cr3) - 3 + 8 * Math.floor(address / 2 ** 30)) - 3;
    const entry = u64(memory, directory + 8 * (Math.floor(address / 2 ** 21) % 512));
    expect(entry).toBe(address + 0x83);
  }
});

it('is told of its command line and the memory map', () => {
  const { memory, parameters } = start(bzImage(), { commandLine: 'console=ttyS0 quiet' });
  expect(string(memory, u32(memory, parameters + 0x228))).toBe('console=ttyS0 quiet');
  expect(memory.read(parameters + 0x1e8, 1)).toBe(4);
  const entries = [0, 3].map((n) => {
    const at = parameters + 0x2d0 + 20 * n;
    return [u64(memory, at), u64(memory, at + 8), u32(memory, at + 16)];
  });
  expect(entries).toEqual([
    [0, 0x9fc00, 1],
    [MIB, 3 * MIB, 1],
  ]);
});

it('has no initial RAM disk, or all of them joined on multiples of 4 bytes', () => {
  const none = start(bzImage());
  expect([0x218, 0x21c].map((at) => u32(none.memory, none.parameters + at))).toEqual([0, 0]);
  const modules = [text('first'), text('second')].map((bytes) => ({ bytes, commandLine: 'file' }));
  const { memory, parameters } = start(bzImage(), { modules });
  const [address, length] = [0x218, 0x21c].map((at) => u32(memory, parameters + at)) as [number, number];
  expect(address).toBe(0x201000);
  expect(memory.bytes(address, length)).toEqual(join(text('first\0\0\0'), text('second\0\0')));
});

it('gets a header of our making in a vmlinux', () => {
  const image = buildElf({ entry: 0x100010n, segments: [{ bytes: CODE }] });
  const { memory, registers, parameters } = start(image, { commandLine: 'x' });
  expect(registers.rip).toBe(0x100010);
  expect(memory.bytes(parameters + 0x202, 4)).toEqual(text('HdrS'));
  expect(string(memory, u32(memory, parameters + 0x228))).toBe('x');
});

it.each([
  ['a command line over its length', { commandLine: 'x'.repeat(11) }, 'command-line-too-long', /takes 10/],
  ['a NUL', { commandLine: 'a\0b' }, 'bad-command-line', /NUL/],
  [
    'a RAM disk with arguments',
    { modules: [{ bytes: CODE, commandLine: 'file a=b' }] },
    'module-arguments',
    /file a=b/,
  ],
  [
    'a RAM disk too large',
    { modules: [{ bytes: new Uint8Array(3 * MIB), commandLine: 'file' }] },
    'not-enough-memory',
    /RAM disk.*-m 8M/,
  ],
])('refuses %s', (_what, options, code, message) => {
  const error = refusal(bzImage({ commandLineSize: 10 }), options);
  expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
});

it('keeps the RAM disk below the address that the kernel names', () => {
  const modules = [{ bytes: new Uint8Array(0x2000), commandLine: 'file' }];
  const { memory, parameters } = start(bzImage({ initrdAddressMax: 0x1fffff }), { modules });
  expect(u32(memory, parameters + 0x218)).toBe(0x100000);
});

it('runs: the first instruction is 64-bit code on the segments and tables that the protocol names', async () => {
  // lea rax, [rip]; shr rax, 20 – 2 if it runs at 2 MiB; mov ecx, cs; add eax, ecx; mov ecx, ss; add eax, ecx;
  // add eax, [rsi + 0x202] – the header; mov ebx, 0xFFFFFFF0; cmp byte [rbx], 0 – mapped; out 0xF4, al; hlt
  const code = [
    ...[0x48, 0x8d, 0x05, 0, 0, 0, 0, 0x48, 0xc1, 0xe8, 20],
    ...[0x8c, 0xc9, 0x01, 0xc8, 0x8c, 0xd1, 0x01, 0xc8, 0x03, 0x86, 2, 2, 0, 0],
    ...[0xbb, 0xf0, 0xff, 0xff, 0xff, 0x80, 0x3b, 0, 0xe6, 0xf4, 0xf4],
  ];
  const kernel = join(new Uint8Array(0x200), Uint8Array.from(code));
  const machine = await Machine.create({ image: bzImage({ kernel }), memory: 4 * MIB });
  const status = (((2 + 0x10 + 0x18 + 'H'.charCodeAt(0)) << 1) | 1) & 0xff;
  expect(await machine.run({ maxInstructions: 100 })).toMatchObject({ reason: 'exit', status });
});

it.each([
  ['', 'DEVICES'],
  ['a b', 'a b DEVICES'],
  ['a -- b', 'a DEVICES -- b'],
  ['-- b -- c', 'DEVICES -- b -- c'],
  ['a--b', 'a--b DEVICES'],
])('tells of virtio devices in the command line %j, in the kernel’s part', (commandLine, expected) => {
  const virtioMmio = [0, 1].map((n) => ({ base: 0xfeb00000 + 512 * n, length: 512, irq: 5 + n }));
  const devices = 'virtio_mmio.device=512@0xfeb00000:5 virtio_mmio.device=512@0xfeb00200:6';
  const { memory, parameters } = start(bzImage(), { commandLine, virtioMmio });
  expect(string(memory, u32(memory, parameters + 0x228))).toBe(expected.replace('DEVICES', devices));
});
