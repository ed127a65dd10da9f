/**
 * Bounds of the window's ranges as constants in compiled code: what they let through is in the range, and what they
 * miss is outside it or begins below 0; and when code that has them must not run any more.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { holds, isOutsideOf, RangeBit, readRanges } from '../../../src/cpu/mmu/window-range.js';
import {
  WINDOW_MAP_BASE,
  WINDOW_MAP_SIZE,
  WINDOW_RANGE_SIZE,
  WINDOW_RANGES_BASE,
} from '../../../src/memory/layout.js';
import { ModuleBuilder } from '../../../src/wasm/module-builder.js';
import { I32, I64 } from '../../../src/wasm/values.js';

interface Bounds {
  readonly first: number;
  readonly bytes: number;
  readonly displacement: number;
}

function probeOf({ first, bytes, displacement }: Bounds): (origin: bigint) => number {
  const module = new ModuleBuilder();
  const probe = module.declare<I32>('probe', [I64.type], I32);
  module.define(probe, (code) => {
    code.return(isOutsideOf(code.parameter(I64, 0), displacement, { first, bytes }));
  });
  module.export(probe);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.encode()));
  return instance.exports.probe as (origin: bigint) => number;
}

const bounds = fc.record({
  first: fc.nat(600).map((page) => page * 4096),
  bytes: fc.integer({ min: 1, max: 600 }).map((pages) => pages * 4096 - 63),
  displacement: fc.oneof(
    fc.integer({ min: -300, max: 300 }),
    fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    fc.integer({ min: -3_000_000, max: 3_000_000 }),
  ),
});
/** Where an access begins, from the range's first byte or its end, or anywhere. */
const addresses = fc.oneof(
  fc.record({ from: fc.constantFrom('first', 'end'), by: fc.integer({ min: -5000, max: 5000 }) }),
  fc.record({ from: fc.constant('zero'), by: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) }),
);

test('an access is let through where it begins in the range, but for an origin below 0', () => {
  fc.assert(
    fc.property(bounds, fc.array(addresses, { minLength: 5, maxLength: 20 }), (given, places) => {
      const probe = probeOf(given);
      const first = BigInt(given.first);
      const end = first + BigInt(given.bytes);
      for (const { from, by } of places) {
        const address = { first, end, zero: 0n }[from] + BigInt(by);
        const origin = BigInt.asIntN(64, address - BigInt(given.displacement));
        const linear = BigInt.asUintN(64, origin + BigInt(given.displacement));
        const inside = linear >= first && linear < end;
        const hidden = origin < 0n && given.displacement >= given.first;
        expect({ linear, outside: probe(origin) }).toEqual({ linear, outside: inside && !hidden ? 0 : 1 });
      }
    }),
    { numRuns: 300, seed: 11 },
  );
});

describe('ranges in memory', () => {
  const memory = new DataView(new ArrayBuffer(WINDOW_MAP_BASE + 2 * WINDOW_MAP_SIZE));
  const set = (number: number, first: bigint, bytes: number): void => {
    memory.setBigUint64(WINDOW_RANGES_BASE + number * WINDOW_RANGE_SIZE, first, true);
    memory.setUint32(WINDOW_RANGES_BASE + number * WINDOW_RANGE_SIZE + 8, bytes, true);
  };
  const read = { first: 0x3000, bytes: 2 * 4096 - 63 };

  test('are read by privilege, and not where they are empty or too far up', () => {
    set(0, 0x3000n, read.bytes);
    set(RangeBit.user, 0x8000n, 4096 - 63);
    set(RangeBit.write, 0xffff_8000_0000_0000n, 4096 - 63);
    expect(readRanges(memory, 0).filter(Boolean)).toEqual([read]);
    expect(readRanges(memory, 0)[0]).toEqual(read);
    expect(readRanges(memory, 1)[RangeBit.user]).toEqual({ first: 0x8000, bytes: 4096 - 63 });
  });

  test.each([
    { number: 0, user: 0, bit: 1 },
    { number: RangeBit.write, user: 0, bit: 2 },
    { number: RangeBit.user, user: 1, bit: 1 },
    { number: RangeBit.user | RangeBit.write | RangeBit.stack, user: 1, bit: 2 },
  ])('$number holds while all of its pages have their bit', ({ number, user, bit }) => {
    const map = WINDOW_MAP_BASE + user * WINDOW_MAP_SIZE;
    for (const page of [3, 4]) memory.setUint8(map + page, bit);
    expect(holds(memory, number, read)).toBe(true);
    for (const page of [3, 4]) {
      memory.setUint8(map + page, 3 ^ bit);
      expect(holds(memory, number, read)).toBe(false);
      memory.setUint8(map + page, 3);
    }
    expect(holds(memory, number, { ...read, bytes: 3 * 4096 - 63 })).toBe(false);
    for (const page of [3, 4]) memory.setUint8(map + page, 0);
  });
});
