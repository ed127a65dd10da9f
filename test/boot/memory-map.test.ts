import { expect, it } from 'vitest';
import { pcMemoryMap } from '../../src/boot/memory-map.js';

it('is the PC map', () => {
  expect(pcMemoryMap(0x1000000)).toEqual([
    { start: 0, length: 0x9fc00, type: 1 },
    { start: 0x9fc00, length: 0x400, type: 2 },
    { start: 0xf0000, length: 0x10000, type: 2 },
    { start: 0x100000, length: 0xf00000, type: 1 },
  ]);
});

it('lists no RAM that a small machine lacks', () => {
  expect(pcMemoryMap(0x80000)).toEqual([
    { start: 0, length: 0x80000, type: 1 },
    { start: 0xf0000, length: 0x10000, type: 2 },
  ]);
  expect(pcMemoryMap(0x100000).map(({ start }) => start)).toEqual([0, 0x9fc00, 0xf0000]);
});
