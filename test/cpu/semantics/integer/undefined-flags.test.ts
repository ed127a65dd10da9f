/** Flags that the manual leaves undefined: they are a Zen 5's, so that every tier and every build gives the same. */
import { expect, test } from 'vitest';
import { runCode } from '../../../support/run-code.js';

const ALL = 0x8d5n;
const ARITHMETIC = 0x8d5n;

test.each<[text: string, code: string, rax: bigint, rcx: bigint, before: bigint, after: bigint]>([
  // [instruction, code, RAX, RCX, flags before, flags after]: CF 1, PF 4, AF 10, ZF 40, SF 80, OF 800
  ['SHL eax, 4 sets AF, OF = top bit xor CF', 'c1 e0 04', 0x18000000n, 0n, 0n, 0x95n],
  ['SHL eax, 4 with both top bits out', 'c1 e0 04', 0x08000000n, 0n, 0n, 0x894n],
  ['SHR eax, 4 clears OF', 'c1 e8 04', 0xf0000000n, 0n, 0x800n, 0x14n],
  ['SAR eax, 4 clears OF', 'c1 f8 04', 0xf0000000n, 0n, 0x800n, 0x94n],
  ['SHL al, 9 shifts a 0 out', 'c0 e0 09', 0xffn, 0n, 0n, 0x54n],
  ['SHR al, 8 shifts the top bit out', 'c0 e8 08', 0x80n, 0n, 0n, 0x55n],
  ['ROL eax, 4: OF = top bit xor CF', 'c1 c0 04', 0x08000000n, 0n, 0n, 0x800n],
  ['ROR eax, 4: OF = top bits xored', 'c1 c8 04', 0x8n, 0n, 0n, 0x801n],
  ['SHLD eax, ecx, 4 sets AF', '0f a4 c8 04', 1n, 0n, 0n, 0x10n],
  ['SHLD eax, ecx, 1 clears AF, as silicon does', '0f a4 c8 01', 0x18n, 0n, ALL, 4n],
  ['SHRD eax, ecx, 1 clears AF, as silicon does', '0f ac c8 01', 0x1en, 0n, ALL, 4n],
  ['MUL keeps SF ZF AF PF', 'f7 e1', 2n, 3n, ALL, 0xd4n],
  ['IMUL keeps SF ZF AF PF', '0f af c1', 2n, 3n, ALL, 0xd4n],
  ['DIV keeps CF and OF, sets AF', 'b2 00 66 f7 f1', 7n, 2n, ALL, 0x811n],
  ['IDIV keeps CF and OF, sets AF', 'f6 f9', 7n, 2n, 0x40n, 0x10n],
  ['BSF clears all but PF and ZF', '0f bc c1', 0n, 8n, ALL, 4n],
  ['BT keeps all but CF', '0f ba e0 00', 0n, 0n, ALL, 0x8d4n],
  ['TZCNT keeps OF', 'f3 0f bc c1', 0n, 1n, ALL, 0x840n],
  ['ANDN clears AF', 'c4 e2 78 f2 c1', 0n, 0x81n, ALL, 0x4n],
  ['BLSR clears AF and sets PF', 'c4 e2 78 f3 c9', 0n, 7n, ALL, 0x4n],
  ['BZHI clears AF and sets PF', 'c4 e2 78 f5 c1', 2n, 7n, ALL, 0x4n],
  ['BEXTR sets AF and clears SF', 'c4 e2 f8 f7 c1', 0x4000n, -1n, ALL, 0x14n],
  ['LZCNT keeps OF', 'f3 0f bd c1', 0n, 0n, ALL, 0x801n],
])('%s', async (_text, code, rax, rcx, before, after) => {
  const registers = { 0: rax, 1: rcx, 2: 0n };
  const { flags, exception } = await runCode({ code, registers, flags: before | 2n });
  expect(exception).toBeUndefined();
  expect((flags & ARITHMETIC).toString(16)).toBe(after.toString(16));
});

test('BSF of 0 keeps all 64 bits of the destination', async () => {
  const { registers } = await runCode({ code: '0f bc c1', registers: { 0: -1n, 1: 0n } });
  expect(BigInt.asUintN(64, registers[0] as bigint)).toBe(0xffffffffffffffffn);
});
