/** What SSE instructions raise, and what they leave untouched when they do. */
import { describe, expect, it } from 'vitest';
import type { Cpu } from '../../../../src/cpu/cpu.js';
import * as state from '../../../../src/cpu/state.js';
import { Cr0, Cr4, Vector } from '../../../../src/cpu/state.js';
import { runCode, type Setup } from '../../../support/run-code.js';

const RDI = 7;
const ONE = 0x3ff0000000000000n;
const MOVAPS_LOAD = '0f 28 07';
const MOVUPS_LOAD = '0f 10 07';
const ADDPD_LOAD = '66 0f 58 07';
const ADDSD_LOAD = 'f2 0f 58 07';
const ADDSD = 'f2 0f 58 c1';
const DIVSD = 'f2 0f 5e c1';

async function vectorOf(setup: Setup): Promise<number | undefined> {
  return (await runCode(setup)).exception?.vector;
}

const set = (field: state.Field64, change: (value: bigint) => bigint) => (cpu: Cpu) =>
  cpu.state.set64(field, change(cpu.state.get64(field)));

describe('alignment', () => {
  it.each([
    ['MOVAPS', MOVAPS_LOAD, Vector.gp],
    ['ADDPD', ADDPD_LOAD, Vector.gp],
    ['MOVUPS', MOVUPS_LOAD, undefined],
    ['ADDSD', ADDSD_LOAD, undefined],
  ])('%s at an odd address', async (_name, code, vector) => {
    expect(await vectorOf({ code, registers: { [RDI]: 0x20001n } })).toBe(vector);
  });
});

describe('availability', () => {
  it.each([
    ['CR0.TS', set(state.cr0, (value) => value | BigInt(Cr0.ts)), Vector.nm],
    ['CR0.EM', set(state.cr0, (value) => value | BigInt(Cr0.em)), Vector.ud],
    ['CR4.OSFXSR clear', set(state.cr4, (value) => value & ~BigInt(Cr4.osfxsr)), Vector.ud],
  ])('%s', async (_name, prepare, vector) => {
    for (const code of [ADDSD, MOVAPS_LOAD, '66 0f ef c0', 'f2 48 0f 2a c0']) {
      expect(await vectorOf({ code, prepare, registers: { [RDI]: 0x20000n } })).toBe(vector);
    }
  });

  it('fences, prefetches and MOVNTI do not depend on CR0.TS', async () => {
    const prepare = set(state.cr0, (value) => value | BigInt(Cr0.ts));
    const code = '0f ae e8 0f ae f0 0f ae f8 0f 18 07 0f c3 07';
    const { exception, bytes } = await runCode({ code, prepare, registers: { 0: 0x1234n, [RDI]: 0x20000n } });
    expect(exception).toBeUndefined();
    expect(bytes(0x20000, 4)).toEqual([0x34, 0x12, 0, 0]);
  });
});

describe('unmasked exceptions', () => {
  const divideByZero = { code: DIVSD, xmm: { 0: ONE, 1: 0n }, mxcsr: 0x1d80 };

  it('raise #XM, set the flag and keep the destination', async () => {
    const { exception, mxcsr, xmm } = await runCode(divideByZero);
    expect(exception?.vector).toBe(Vector.xm);
    expect(mxcsr).toBe(0x1d84);
    expect(xmm(0)).toBe(ONE);
  });

  it('raise #UD where CR4.OSXMMEXCPT is clear', async () => {
    const prepare = set(state.cr4, (value) => value & ~BigInt(Cr4.osxmmexcpt));
    expect(await vectorOf({ ...divideByZero, prepare })).toBe(Vector.ud);
  });

  it('keep the flags of a comparison', async () => {
    const { exception, flags } = await runCode({
      code: '66 0f 2f c1',
      xmm: { 0: 0x7ff8000000000000n, 1: ONE },
      mxcsr: 0x1f00,
      flags: 0x8d7n,
    });
    expect(exception?.vector).toBe(Vector.xm);
    expect(flags & 0x8d5n).toBe(0x8d5n);
  });
});

describe('precision flag', () => {
  it('stays clear through exact operations and is set by the first inexact one', async () => {
    const third = 0x3fd5555555555555n;
    const exact = await runCode({ code: ADDSD, xmm: { 0: ONE, 1: ONE } });
    const inexact = await runCode({ code: `${ADDSD} ${ADDSD}`, xmm: { 0: ONE, 1: third } });
    expect([exact.mxcsr, inexact.mxcsr]).toEqual([0x1f80, 0x1fa0]);
  });
});
