/** Bug 11: the size of an IDT entry, DPL on INT n, double and triple fault. More is in system/delivery.test.ts. */
import { describe, expect, test } from 'vitest';
import * as state from '../../../src/cpu/state.js';
import { SystemWorld } from '../../support/system-world.js';

const selectorOf = (vector: number): number => vector * 8 + 2;

describe('bug 11: the IDT', () => {
  test.each([
    ['long', 0x50 * 16 + 15, undefined],
    ['long', 0x50 * 16 + 14, 13],
    ['long', 0x50 * 16 + 7, 13],
    ['long', 0x50 * 16 - 1, 13],
    ['protected', 0x50 * 8 + 7, undefined],
    ['protected', 0x50 * 8 + 6, 13],
  ] as const)('in %s mode with a limit of %i: INT 0x50', async (mode, limit, refused) => {
    const world = await SystemWorld.create(mode);
    world.cpu.state.set32(state.idtrLimit, limit);
    const outcome = world.run({ code: 'cd 50' });
    expect(outcome.vector).toBe(refused ?? 0x50);
    if (refused) expect(outcome.errorCode).toBe(selectorOf(0x50));
  });

  test.each([
    ['INT 0x30', 'cd 30', 0x30, 13],
    ['INT3', 'cc', 3, 13],
    ['an exception', '0f 0b', 6, 6],
  ])('whose gates have DPL 0, from ring 3: %s', async (_what, code, vector, reached) => {
    const world = await SystemWorld.create('long');
    const outcome = world.run({ code, ring: 3 });
    expect(outcome.vector).toBe(reached);
    if (reached === 13) expect(outcome.errorCode).toBe(selectorOf(vector));
  });

  test('an external interrupt does not ask for the DPL', async () => {
    const world = await SystemWorld.create('long');
    world.raise(0x33);
    const outcome = world.run({ code: '90 90', ring: 3, flags: 0x202n });
    expect(outcome.vector).toBe(0x33);
  });
});

describe('bug 11: a fault while a fault is delivered', () => {
  test('is a double fault with error code 0', async () => {
    const world = await SystemWorld.create('long');
    world.setGate(13, { present: false });
    expect(world.run({ code: 'cd 30', ring: 3 })).toMatchObject({ vector: 8, errorCode: 0 });
  });
  test('and once more is a triple fault', async () => {
    const world = await SystemWorld.create('long');
    world.setGate(13, { present: false });
    world.setGate(8, { present: false });
    expect(world.run({ code: 'cd 30', ring: 3 }).exit.kind).toBe('shutdown');
  });
  test('is delivered by itself where the first was benign', async () => {
    const world = await SystemWorld.create('long');
    world.setGate(6, { present: false });
    expect(world.run({ code: '0f 0b' })).toMatchObject({ vector: 11, errorCode: selectorOf(6) | 1 });
  });
});
