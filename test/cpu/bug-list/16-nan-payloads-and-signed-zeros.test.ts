/**
 * Bug 16: NaN payloads, and zeros of either sign in MIN and MAX: what WebAssembly leaves open, or does another way. The first
 * operand's NaN comes out, made quiet; MIN and MAX give the second operand wherever they cannot tell (SDM vol. 1
 * §4.8.3.5, vol. 2 MINSD). The same in the loop as outside it, before and after V8 has optimised it.
 */
import { describe, expect, it } from 'vitest';
import { runCode } from '../../support/run-code.js';

const ZERO = 0n;
const MINUS_ZERO = 1n << 63n;
const ONE = 0x3ff0000000000000n;
const QUIET_A = 0x7ff8000000000aaan;
const QUIET_B = 0xfff8000000000bbbn;
const SIGNALLING_A = 0x7ff0000000000aaan;
const SIGNALLING_B = 0xfff0000000000bbbn;
const INVALID = 1;

const LEGACY = { ADD: '58', MUL: '59', SUB: '5c', DIV: '5e', MIN: '5d', MAX: '5f' } as const;
type Operation = keyof typeof LEGACY;

/** The forms whose results are all the low double: destination and first source XMM0, second source XMM1. */
function formsOf(operation: Operation): [name: string, code: string][] {
  const opcode = LEGACY[operation];
  return [
    [`${operation}SD`, `f2 0f ${opcode} c1`],
    [`${operation}PD`, `66 0f ${opcode} c1`],
    [`V${operation}SD`, `c5 fb ${opcode} c1`],
    [`V${operation}PD ymm`, `c5 fd ${opcode} c1`],
  ];
}

type Row = [operation: Operation, a: bigint, b: bigint, result: bigint, flags: number];

const ARITHMETIC = (['ADD', 'MUL', 'SUB', 'DIV'] as const).flatMap((operation): Row[] => [
  [operation, QUIET_A, QUIET_B, QUIET_A, 0],
  [operation, QUIET_B, QUIET_A, QUIET_B, 0],
  [operation, ONE, QUIET_B, QUIET_B, 0],
  [operation, SIGNALLING_A, QUIET_B, QUIET_A, INVALID],
  [operation, QUIET_A, SIGNALLING_B, QUIET_A, INVALID],
  [operation, ONE, SIGNALLING_B, QUIET_B, INVALID],
]);
const CHOICES = (['MIN', 'MAX'] as const).flatMap((operation): Row[] => [
  [operation, ZERO, MINUS_ZERO, MINUS_ZERO, 0],
  [operation, MINUS_ZERO, ZERO, ZERO, 0],
  [operation, QUIET_A, ONE, ONE, INVALID],
  [operation, ONE, QUIET_B, QUIET_B, INVALID],
  [operation, ONE, SIGNALLING_B, SIGNALLING_B, INVALID],
  [operation, QUIET_A, QUIET_B, QUIET_B, INVALID],
]);

const hex = (value: bigint): string => value.toString(16);
const everywhere = (value: bigint): bigint =>
  [0n, 64n, 128n, 192n].reduce((all, at) => all | (value << at), 0n);

describe.each([...ARITHMETIC, ...CHOICES])('bug 16: %s', (operation, a, b, result, flags) => {
  it.each(formsOf(operation))(`%s of ${hex(a)} and ${hex(b)} is ${hex(result)}`, async (_name, code) => {
    const ymm = { 0: everywhere(a), 1: everywhere(b) };
    const { xmm, mxcsr } = await runCode({ code, ymm, avx: true });
    expect(hex(xmm(0) & ((1n << 64n) - 1n))).toBe(hex(result));
    expect(mxcsr & 0x3f).toBe(flags);
  });
});

describe('bug 16: however often it has run', () => {
  /** MOVAPS XMM0, XMM2; the operation; MOVQ RDX, XMM0; CMP RDX, RBX; JNE to the end; DEC ECX; JNZ to the start. */
  const loop = (operation: string): string =>
    `0f 28 c2 ${operation} 66 48 0f 7e c2 48 39 da 75 04 ff c9 75 ${(0x100 - 21).toString(16)}`;
  const TURNS = 300_000n;

  it.each([
    ['ADDSD keeps the first payload', 'f2 0f 58 c1', QUIET_A, QUIET_B, QUIET_A],
    ['MULSD keeps the first payload', 'f2 0f 59 c1', QUIET_B, QUIET_A, QUIET_B],
    ['ADDPD keeps the first payload', '66 0f 58 c1', QUIET_A, QUIET_B, QUIET_A],
    ['MINSD gives the second zero', 'f2 0f 5d c1', MINUS_ZERO, ZERO, ZERO],
    ['MAXPD gives the second zero', '66 0f 5f c1', ZERO, MINUS_ZERO, MINUS_ZERO],
  ])('%s', async (_name, operation, a, b, result) => {
    const { registers } = await runCode({
      code: loop(operation),
      ymm: { 1: everywhere(b), 2: everywhere(a) },
      registers: { 1: TURNS, 3: result },
      limit: 10_000_000,
    });
    expect(registers[1]).toBe(0n);
    expect(hex(registers[2] as bigint)).toBe(hex(result));
  });
});
