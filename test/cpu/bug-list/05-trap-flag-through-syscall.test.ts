/** Bug 5: TF through SYSCALL: masked by IA32_FMASK no trap follows, and else it comes at the target. More in system/debug.test.ts. */
import { describe, expect, test } from 'vitest';
import * as state from '../../../src/cpu/state.js';
import { SystemWorld, USER_CODE } from '../../support/system-world.js';

const TARGET = 0x5400;
const TF = 0x100n;

describe('bug 5: SYSCALL with TF set', () => {
  test.each([
    ['masked: no trap, and R11 has TF', TF, undefined],
    ['not masked: a trap at the target', 0n, 1],
  ] as const)('%s', async (_what, mask, vector) => {
    const world = await SystemWorld.create('long');
    const view = world.cpu.state;
    view.set64(state.msrStar, 0x0018000800000000n);
    view.set64(state.msrLstar, BigInt(TARGET));
    view.set64(state.msrSfmask, mask);
    // At the target: MOV RSP, RBX; HLT
    world.cpu.memory.write(TARGET, Uint8Array.of(0x48, 0x89, 0xdc, 0xf4));
    // Ring 3: PUSH 0x102; POPF; SYSCALL: the first instruction that traps by itself is SYSCALL
    const outcome = world.run({ code: '68 02 01 00 00 9d 0f 05', ring: 3, registers: { 3: 0x18000n } });
    expect(outcome.vector).toBe(vector);
    expect(outcome.registers[1]).toBe(BigInt(USER_CODE + 8));
    expect(outcome.registers[11]! & TF).toBe(TF);
    if (vector === 1) expect(outcome.frame.rip).toBe(BigInt(TARGET));
    else expect(world.cpu.rip).toBe(BigInt(TARGET + 4));
  });
});
