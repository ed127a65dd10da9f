import { expect, it } from 'vitest';
import { boot } from '../../src/boot/boot.js';
import { detectImage } from '../../src/image/detect.js';
import { GuestMemory } from '../../src/memory/guest-memory.js';
import { pvhElf, text } from '../image/builders.js';
import { MIB, protectedRegisters, string, u32, u64 } from './guest.js';

function start(options: Partial<Parameters<typeof boot>[2]> = {}) {
  const memory = GuestMemory.standalone(4 * MIB);
  const registers = protectedRegisters(
    boot(detectImage(pvhElf(64)).plan, memory, { commandLine: '', ...options }),
  );
  return { memory, registers, info: registers.ebx };
}

it('enters with the start info in EBX', () => {
  expect(start().registers).toMatchObject({
    mode: 'protected32',
    eip: 0x100000,
    eax: 0,
    ebx: 0x9000,
    eflags: 2,
  });
});

it('fills the start info of version 1', () => {
  const { memory, info } = start({ commandLine: 'console=ttyS0', imageName: 'unused' });
  expect([u32(memory, info), u32(memory, info + 4), u32(memory, info + 8)]).toEqual([0x336ec578, 1, 0]);
  expect([u32(memory, info + 12), u64(memory, info + 16)]).toEqual([0, 0]);
  expect(string(memory, u64(memory, info + 24))).toBe('console=ttyS0');
  expect(u64(memory, info + 32)).toBe(0);
  expect(u32(memory, info + 48)).toBe(4);
  const map = u64(memory, info + 40);
  const entries = [0, 1, 2, 3].map((index) => {
    const at = map + index * 24;
    return [u64(memory, at), u64(memory, at + 8), u32(memory, at + 16), u32(memory, at + 20)];
  });
  expect(entries).toEqual([
    [0, 0x9fc00, 1, 0],
    [0x9fc00, 0x400, 2, 0],
    [0xf0000, 0x10000, 2, 0],
    [0x100000, 3 * MIB, 1, 0],
  ]);
});

it('lists modules', () => {
  const modules = [
    { bytes: text('one'), commandLine: 'a' },
    { bytes: text('second'), commandLine: 'b c' },
  ];
  const { memory, info } = start({ modules });
  expect(u32(memory, info + 12)).toBe(2);
  const list = u64(memory, info + 16);
  const entries = [0, 1].map((index) => {
    const at = list + index * 32;
    const [address, size] = [u64(memory, at), u64(memory, at + 8)];
    expect(address % 4096).toBe(0);
    return [memory.bytes(address, size), string(memory, u64(memory, at + 16)), u64(memory, at + 24)];
  });
  expect(entries).toEqual([
    [text('one'), 'a', 0],
    [text('second'), 'b c', 0],
  ]);
});
