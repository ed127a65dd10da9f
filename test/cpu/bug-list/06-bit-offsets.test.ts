/** Bug 6: BT, BTS, BTR and BTC with a bit offset of the whole operand size, and signed. */
import { describe, expect, test } from 'vitest';
import { runCode } from '../../support/run-code.js';

const BASE = 0x50000;
const OFFSETS = [-1n, -8n, -63n, -64n, -65n, -4096n, -0x80000n, 0n, 63n, 64n, 65n, 0x7ffffn];

/** In which byte, and which of its bits. */
function place(offset: bigint): { address: number; bit: number } {
  return { address: BASE + Number(offset >> 3n), bit: Number(offset & 7n) };
}

describe('bug 6: a bit at an offset', () => {
  test.each([
    ['BT', '48 0f a3 07', (byte: number) => byte],
    ['BTS', '48 0f ab 07', (byte: number, bit: number) => byte | (1 << bit)],
    ['LOCK BTR', 'f0 48 0f b3 07', (byte: number, bit: number) => byte & ~(1 << bit)],
    ['BTC', '48 0f bb 07', (byte: number, bit: number) => byte ^ (1 << bit)],
  ] as const)('%s [RDI], RAX', async (_name, code, change) => {
    for (const offset of OFFSETS) {
      for (const before of [0x00, 0xff]) {
        const { address, bit } = place(offset);
        const { flags, bytes } = await runCode({
          code,
          registers: { 0: offset, 7: BigInt(BASE) },
          memory: [{ address: address - 1, bytes: [before, before, before] }],
        });
        expect([offset, flags & 1n]).toEqual([offset, before === 0 ? 0n : 1n]);
        expect(bytes(address - 1, 3)).toEqual([before, change(before, bit), before]);
      }
    }
  });

  test('of 16 and 32 bits is signed at that size', async () => {
    // BTS [RDI], AX with AX = −1; BTS [RDI], EAX with EAX = −9
    const memory = [{ address: BASE - 8, bytes: new Array<number>(8).fill(0) }];
    const word = await runCode({ code: '66 0f ab 07', registers: { 0: 0xffffn, 7: BigInt(BASE) }, memory });
    expect(word.bytes(BASE - 1, 1)).toEqual([0x80]);
    const long = await runCode({ code: '0f ab 07', registers: { 0: 0xfffffff7n, 7: BigInt(BASE) }, memory });
    expect(long.bytes(BASE - 2, 2)).toEqual([0x80, 0]);
  });

  test('in an immediate counts within the operand', async () => {
    // BTS QWORD [RDI], 0xff: bit 63
    const memory = [{ address: BASE, bytes: new Array<number>(16).fill(0) }];
    const { bytes } = await runCode({ code: '48 0f ba 2f ff', registers: { 7: BigInt(BASE) }, memory });
    expect(bytes(BASE, 16)).toEqual([0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0]);
  });
});
