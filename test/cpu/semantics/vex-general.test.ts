/** VEX-encoded instructions on general registers exist in protected mode only (SDM vol. 2 §2.6.6). */
import { expect, test } from 'vitest';
import { Vector } from '../../../src/cpu/state.js';
import { runCode } from '../../support/run-code.js';
import { SystemWorld } from '../../support/system-world.js';

const ANDN_EAX_ECX_EBX = 'c4 e2 70 f2 c3';

test.each([32, 64] as const)('ANDN works in protected %i-bit code', async (mode) => {
  const { registers } = await runCode({
    code: ANDN_EAX_ECX_EBX,
    mode,
    registers: { 1: 0x0ffn, 3: 0xabcdn },
  });
  expect(registers[0]).toBe(0xab00n);
});

test('ANDN is #UD in real mode', async () => {
  const world = await SystemWorld.create('real');
  expect(world.run({ code: ANDN_EAX_ECX_EBX }).vector).toBe(Vector.ud);
});

test('W is ignored outside 64-bit code', async () => {
  const { registers } = await runCode({
    code: 'c4 e2 f0 f2 c3',
    mode: 32,
    registers: { 1: 0xffn, 3: 0xffff_ffff_0000_abcdn },
  });
  expect(registers[0]).toBe(0xab00n);
});

test('MULX into one register keeps the upper half', async () => {
  const { registers } = await runCode({
    code: 'c4 e2 fb f6 c3',
    registers: { 2: 1n << 63n, 3: 6n },
  });
  expect(registers[0]).toBe(3n);
});
