/** Bug 9: null selectors and limits of segments outside long mode. */
import { describe, expect, test } from 'vitest';
import { KERNEL_CODE, Selector, SystemWorld } from '../../support/system-world.js';

/** MOV DS, EAX */
const LOAD = '8e d8';

const ACCESSES: readonly (readonly [string, number, string, bigint, number | undefined])[] = [
  ['null: a byte', 0, '8a 07', 0x50000n, 13],
  ['null with an RPL: a byte', 3, '8a 07', 0x50000n, 13],
  ['64 KiB: the last byte', Selector.smallData, '8a 07', 0xffffn, undefined],
  ['64 KiB: the byte after', Selector.smallData, '8a 07', 0x10000n, 13],
  ['64 KiB: a word at the last byte', Selector.smallData, '66 8b 07', 0xffffn, 13],
  ['64 KiB: the last four', Selector.smallData, '8b 07', 0xfffcn, undefined],
  ['64 KiB: four, one too far', Selector.smallData, '8b 07', 0xfffdn, 13],
  ['64 KiB: a write, one too far', Selector.smallData, '89 07', 0xfffdn, 13],
  ['64 KiB: an address that wraps', Selector.smallData, '8b 07', 0xfffffffen, 13],
  ['expand-down: the last byte below', Selector.expandDownData, '8a 07', 0xfffn, 13],
  ['expand-down: the first byte', Selector.expandDownData, '8a 07', 0x1000n, undefined],
  ['expand-down: four from below', Selector.expandDownData, '8b 07', 0xfffn, 13],
  ['read-only: a read', Selector.readOnlyData, '8a 07', 0x50000n, undefined],
  ['read-only: a write', Selector.readOnlyData, '88 07', 0x50000n, 13],
];

describe('bug 9: an access by DS', () => {
  test.each(ACCESSES)('%s', async (_what, selector, access, address, vector) => {
    const world = await SystemWorld.create('protected');
    const outcome = world.run({
      code: `${LOAD} ${access}`,
      registers: { 0: BigInt(selector), 7: address },
    });
    expect(outcome.vector).toBe(vector);
    if (vector === undefined) expect(outcome.done).toBe(true);
    else expect([outcome.errorCode, outcome.frame.rip]).toEqual([0, BigInt(KERNEL_CODE + 2)]);
  });
});

describe('bug 9: other uses', () => {
  test.each([
    ['a null SS is refused', '8e d0', 0n, 13, 0],
    ['a null CS is refused', 'ea 00 00 00 00 00 00', 0n, 13, 0],
    ['[EBP] beyond the limit is #SS', '8e d0 bd 00 00 01 00 8a 5d 00', BigInt(Selector.smallData), 12, 7],
    ['a pop beyond the limit is #SS', '8e d0 bc fe ff 00 00 5b', BigInt(Selector.smallData), 12, 7],
  ] as const)('%s', async (_what, code, selector, vector, at) => {
    const world = await SystemWorld.create('protected');
    const outcome = world.run({ code, registers: { 0: selector, 4: 0x7000n } });
    expect(outcome).toMatchObject({ vector, errorCode: 0 });
    expect(outcome.frame.rip).toBe(BigInt(KERNEL_CODE + at));
  });

  test('a push beyond the limit of the stack that the handlers have too is a triple fault', async () => {
    const world = await SystemWorld.create('protected');
    // MOV SS, EAX, which makes a 16-bit stack; MOV ESP, 2; PUSH EBX
    const code = '8e d0 bc 02 00 00 00 53';
    const outcome = world.run({ code, registers: { 0: BigInt(Selector.smallData) } });
    expect(outcome.exit.kind).toBe('shutdown');
  });
});
