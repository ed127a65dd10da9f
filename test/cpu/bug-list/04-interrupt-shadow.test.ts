/** Bug 4: the interrupt shadow of STI and MOV SS: one instruction long, and not made longer by another of them. */
import { describe, expect, test } from 'vitest';
import { KERNEL_CODE, SystemWorld } from '../../support/system-world.js';

/** MOV AL, 0x30; OUT 0x80, AL: the device asserts INTR with vector 0x30. */
const RAISE = 'b0 30 e6 80';
const AFTER = KERNEL_CODE + 4;
const MOV_SS = '8e d1';

const CASES: readonly (readonly [string, string, bigint, number])[] = [
  ['STI: not before the instruction after it', 'fb 90 90', 2n, 2],
  ['STI where IF was set: no shadow', 'fb 90 90', 0x202n, 0],
  ['STI, STI: the second has none', 'fb fb 90 90', 2n, 2],
  ['STI, CLI: never', 'fb fa 90 90', 2n, -1],
  ['POPF that sets IF: no shadow', '68 02 02 00 00 9d 90 90', 2n, 6],
];

describe('bug 4: an interrupt that waits is taken', () => {
  test.each(CASES)('%s', async (_what, code, flags, offset) => {
    const world = await SystemWorld.create('long');
    const outcome = world.run({ code: `${RAISE} ${code}`, flags });
    if (offset < 0) expect(outcome.done).toBe(true);
    else expect([outcome.vector, outcome.frame.rip]).toEqual([0x30, BigInt(AFTER + offset)]);
  });

  test.each([
    ['MOV SS', MOV_SS, 2],
    ['POP SS', '17', 1],
  ])('%s: not before the instruction after it', async (_what, code, length) => {
    const world = await SystemWorld.create('protected');
    // PUSH 0x10; STI, whose shadow covers the load of SS; the load; NOP; NOP
    const outcome = world.run({ code: `${RAISE} 6a 10 fb ${code} 90 90`, registers: { 1: 0x10n } });
    expect([outcome.vector, outcome.frame.rip]).toEqual([0x30, BigInt(AFTER + 2 + 1 + length + 1)]);
  });
});
