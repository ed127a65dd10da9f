/** FNINIT and FNCLEX, and when they are not available. */
import { expect, test } from 'vitest';
import type { Cpu } from '../../../../src/cpu/cpu.js';
import * as state from '../../../../src/cpu/state.js';
import { Cr0 } from '../../../../src/cpu/state.js';
import { runCode } from '../../../support/run-code.js';

const dirty = (cpu: Cpu): void => {
  cpu.state.set32(state.fpuControl, 0x40);
  cpu.state.set32(state.fpuStatus, 0xffff);
  cpu.state.set32(state.fpuTag, 0x55);
};

test('FNINIT sets control, status and tags to their defaults', async () => {
  const { cpu, exception } = await runCode({ code: 'dbe3', prepare: dirty });
  expect(exception).toBeUndefined();
  expect(cpu.state.get32(state.fpuControl)).toBe(0x37f);
  expect(cpu.state.get32(state.fpuStatus)).toBe(0);
  expect(cpu.state.get32(state.fpuTag)).toBe(0);
});

test('FNCLEX clears the exception flags and nothing else', async () => {
  const { cpu } = await runCode({ code: 'dbe2', prepare: dirty });
  expect(cpu.state.get32(state.fpuStatus)).toBe(0x7f00);
  expect(cpu.state.get32(state.fpuControl)).toBe(0x40);
  expect(cpu.state.get32(state.fpuTag)).toBe(0x55);
});

test.each([Cr0.ts, Cr0.em])('with CR0 bit 0x%x they are #NM', async (bit) => {
  for (const code of ['dbe3', 'dbe2']) {
    const { exception } = await runCode({
      code,
      prepare: (cpu) => cpu.state.set64(state.cr0, cpu.state.get64(state.cr0) | BigInt(bit)),
    });
    expect(exception?.vector).toBe(7);
  }
});
