/** What kernels ask about speculation (SDM vol. 4, table 2-2): there is none, so nothing need be guarded against. */
import { expect, test } from 'vitest';
import { Vector } from '../../../src/cpu/state.js';
import { runCode } from '../../support/run-code.js';

const RDMSR = '0f 32';
const WRMSR = '0f 30';

/** MOV ECX, address; MOV EAX, value; XOR EDX, EDX; then the instruction. */
function access(address: number, value: number, code: string): string {
  const dword = (number: number): string =>
    [0, 8, 16, 24].map((shift) => ((number >>> shift) & 0xff).toString(16).padStart(2, '0')).join(' ');
  return `b9 ${dword(address)} b8 ${dword(value)} 31 d2 ${code}`;
}

test('CPUID promises the registers', async () => {
  // MOV EAX, 7; XOR ECX, ECX; CPUID
  const { registers } = await runCode({ code: 'b8 07 00 00 00 31 c9 0f a2' });
  expect((registers[2] ?? 0n) & 0x2400_0000n).toBe(0x2400_0000n);
});

test('IA32_ARCH_CAPABILITIES says that no leak is there, and cannot be written', async () => {
  const { registers } = await runCode({ code: access(0x10a, 0, RDMSR) });
  expect([registers[0], registers[2]]).toEqual([0x0d10_e17bn, 0x4000_0000n]);
  expect((await runCode({ code: access(0x10a, 0, WRMSR) })).exception?.vector).toBe(Vector.gp);
});

test('IA32_SPEC_CTRL keeps IBRS and refuses the rest', async () => {
  const kept = await runCode({ code: `${access(0x48, 1, WRMSR)} 31 c0 ${RDMSR}` });
  expect(kept.registers[0]).toBe(1n);
  expect((await runCode({ code: access(0x48, 4, WRMSR) })).exception?.vector).toBe(Vector.gp);
});

test('IA32_PRED_CMD takes IBPB and cannot be read', async () => {
  expect((await runCode({ code: access(0x49, 1, WRMSR) })).exception).toBeUndefined();
  expect((await runCode({ code: access(0x49, 2, WRMSR) })).exception?.vector).toBe(Vector.gp);
  expect((await runCode({ code: access(0x49, 0, RDMSR) })).exception?.vector).toBe(Vector.gp);
});
