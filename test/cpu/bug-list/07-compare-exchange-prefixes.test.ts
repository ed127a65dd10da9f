/** Bug 7: CMPXCHG8B and CMPXCHG16B with operand-size prefixes, which change nothing, and with their alignment. */
import { describe, expect, test } from 'vitest';
import { runCode } from '../../support/run-code.js';

const AT = 0x50000;
const [RAX, RCX, RDX, RBX, RDI] = [0, 1, 2, 3, 7] as const;
const bytesOf = (value: bigint, count: number): number[] =>
  Array.from({ length: count }, (_, n) => Number((value >> BigInt(8 * n)) & 0xffn));

describe('bug 7: CMPXCHG8B', () => {
  test.each([
    '0f c7 0f',
    '66 0f c7 0f',
    'f0 0f c7 0f',
    'f0 66 0f c7 0f',
    '66 f0 0f c7 0f',
    'f2 0f c7 0f',
    'f3 0f c7 0f',
  ])('is 64 bits wide as %s', async (code) => {
    const old = 0x1122334455667788n;
    const memory = [{ address: AT, bytes: [...bytesOf(old, 8), 0xee, 0xee] }];
    const fresh = { [RCX]: 0xaaaaaaaabbccddeen, [RBX]: 0xaaaaaaaa01020304n, [RDI]: BigInt(AT) };
    const equal = await runCode({
      code,
      memory,
      registers: { ...fresh, [RAX]: (-1n << 32n) | (old & 0xffffffffn), [RDX]: old >> 32n },
    });
    expect(equal.flags & 0x40n).toBe(0x40n);
    expect(equal.bytes(AT, 10)).toEqual([...bytesOf(0xbbccddee01020304n, 8), 0xee, 0xee]);
    const other = await runCode({ code, memory, registers: { ...fresh, [RAX]: 1n, [RDX]: -1n } });
    expect(other.flags & 0x40n).toBe(0n);
    expect(other.bytes(AT, 8)).toEqual(bytesOf(old, 8));
    expect([other.registers[RAX], other.registers[RDX]]).toEqual([0x55667788n, 0x11223344n]);
  });
});

describe('bug 7: CMPXCHG16B', () => {
  const low = 0x1122334455667788n;
  const high = 0x99aabbccddeeff00n;
  const memory = [{ address: AT, bytes: [...bytesOf(low, 8), ...bytesOf(high, 8), 0xee] }];
  const fresh = { [RCX]: 3n, [RBX]: 4n, [RDI]: BigInt(AT) };
  test.each(['48 0f c7 0f', '66 48 0f c7 0f', 'f0 66 48 0f c7 0f', 'f3 48 0f c7 0f'])(
    'is 128 bits wide as %s',
    async (code) => {
      const equal = await runCode({ code, memory, registers: { ...fresh, [RAX]: low, [RDX]: high } });
      expect(equal.flags & 0x40n).toBe(0x40n);
      expect(equal.bytes(AT, 17)).toEqual([...bytesOf(4n, 8), ...bytesOf(3n, 8), 0xee]);
      const other = await runCode({ code, memory, registers: { ...fresh, [RAX]: low, [RDX]: 0n } });
      expect(other.flags & 0x40n).toBe(0n);
      expect([other.registers[RAX], other.registers[RDX]]).toEqual([low, high]);
    },
  );
  test('wants 16-byte alignment', async () => {
    const { exception } = await runCode({ code: '48 0f c7 0f', registers: { [RDI]: BigInt(AT + 8) } });
    expect(exception).toMatchObject({ vector: 13, errorCode: 0 });
  });
});
