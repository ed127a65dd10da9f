import fc from 'fast-check';
import { expect, it } from 'vitest';
import { pcMemoryMap } from '../../src/boot/memory-map.js';
import { HIGH_START, LOW_START, Placement, type Range } from '../../src/boot/placement.js';
import { GuestMemory } from '../../src/memory/guest-memory.js';
import { MIB } from './guest.js';

const memory = GuestMemory.standalone(4 * MIB);
const map = pcMemoryMap(memory.size);
const anywhere = [{ start: 0, end: memory.size }];

const ranges = fc.array(
  fc.tuple(fc.nat(4 * MIB), fc.nat(MIB)).map(([start, size]): Range => ({ start, end: start + size })),
  { maxLength: 6 },
);
const requests = fc.array(fc.tuple(fc.nat(MIB), fc.constantFrom(1, 4, 16, 4096)), { maxLength: 12 });

it('never hands out what is taken, reserved, not RAM or handed out before', () => {
  fc.assert(
    fc.property(ranges, requests, (taken, wanted) => {
      const placement = new Placement(memory, map, taken);
      const mine: Range[] = [];
      for (const [size, alignment] of wanted) {
        const start = placement.allocate(size, alignment, anywhere);
        if (start === undefined) continue;
        const range = { start, end: start + size };
        expect(start % alignment).toBe(0);
        expect(memory.contains(start, size)).toBe(true);
        expect(start).toBeGreaterThanOrEqual(LOW_START);
        const reserved = map
          .filter(({ type }) => type !== 1)
          .map((e) => ({ start: e.start, end: e.start + e.length }));
        for (const other of [...taken, ...reserved, ...mine]) {
          const apart =
            range.end <= other.start || other.end <= range.start || other.start === other.end || size === 0;
          expect(apart).toBe(true);
        }
        mine.push(range);
      }
    }),
    { numRuns: 300 },
  );
});

it('tries the zones in order and takes the lowest place', () => {
  const placement = new Placement(memory, map, []);
  const zones = [{ start: HIGH_START, end: 2 * MIB }, ...anywhere];
  expect(placement.allocate(0x1001, 4096, zones)).toBe(HIGH_START);
  expect(placement.allocate(1, 4096, zones)).toBe(HIGH_START + 0x2000);
  expect(placement.allocate(1, 1, zones)).toBe(HIGH_START + 0x1001);
  expect(placement.allocate(MIB, 1, zones)).toBe(HIGH_START + 0x2001);
  expect(placement.allocate(4 * MIB, 1, zones)).toBeUndefined();
});

it('gives what is empty an address of its own', () => {
  const placement = new Placement(memory, map, []);
  expect(placement.allocate(0, 4096, anywhere)).toBe(0x9000);
  expect(placement.allocate(0, 4096, anywhere)).toBe(0xa000);
});
