/**
 * Bug 1: self-modifying code across a block's or page's end, by the CPU, by an alias mapping, by DMA. Each byte of an
 * instruction changes after it has run, wherever it lies about a page's end. More is in tiers/code-cache.test.ts.
 */
import { describe, expect, test } from 'vitest';
import type { Cpu } from '../../../src/cpu/cpu.js';
import { CODE, runCode } from '../../support/run-code.js';
import { PAGE_TABLE, SystemWorld } from '../../support/system-world.js';

const PAGE_END = 0x21000;
const little = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >> shift) & 0xff);
const hex = (bytes: readonly number[]): string =>
  bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');
/** MOV EAX, 0x11111111; RET */
const TARGET = [0xb8, 0x11, 0x11, 0x11, 0x11, 0xc3];
const changed = (byte: number): bigint => 0x11111111n + (0x31n << BigInt(8 * (byte - 1)));
/** Where the instruction begins, and which of its bytes changes. */
const PLACES = Array.from({ length: 9 }, (_, n) => PAGE_END - 7 + n).flatMap((at) =>
  [1, 2, 3, 4].map((byte) => [at, byte] as const),
);

const call = (from: number, to: number): string => `e8 ${hex(little(to - (from + 5)))}`;

describe('bug 1: code that changes after it has run', () => {
  test('by a store, at every offset across the end of a page', async () => {
    for (const [at, byte] of PLACES) {
      // CALL at; MOV BYTE [at + byte], 0x42; CALL at
      const store = `c60425 ${hex(little(at + byte))} 42`;
      const { registers } = await runCode({
        code: `${call(CODE, at)} ${store} ${call(CODE + 13, at)}`,
        memory: [{ address: at, bytes: TARGET }],
      });
      expect([at, byte, registers[0]]).toEqual([at, byte, changed(byte)]);
    }
  });

  test('by a store right before it, in the same straight line', async () => {
    for (let byte = 1; byte <= 4; byte++) {
      // MOV BYTE [RIP + byte], 0x42; MOV EAX, 0x11111111
      const { registers } = await runCode({
        code: `c605 ${hex(little(byte))} 42 ${hex(TARGET.slice(0, 5))}`,
      });
      expect([byte, registers[0]]).toEqual([byte, changed(byte)]);
    }
  });

  test('by a store through another linear address', async () => {
    const [shown, alias] = [0x50000, 0x60000];
    for (let byte = 1; byte <= 4; byte++) {
      const world = await SystemWorld.create('long');
      world.put64(PAGE_TABLE + (alias >> 12) * 8, BigInt(shown) | 3n);
      world.cpu.memory.write(shown + 0x10, Uint8Array.of(...TARGET));
      // MOV RBX, shown; CALL RBX; MOV BYTE [alias], 0x42; CALL RBX
      const store = `c60425 ${hex(little(alias + 0x10 + byte))} 42`;
      const outcome = world.run({ code: `48c7c3 ${hex(little(shown + 0x10))} ffd3 ${store} ffd3` });
      expect([byte, outcome.registers[0]]).toEqual([byte, changed(byte)]);
    }
  });

  test('by a device, in the midst of a run', async () => {
    for (const [at, byte] of PLACES) {
      let machine: Cpu | undefined;
      // CALL at; OUT 0x80, AL; CALL at
      const { registers } = await runCode({
        code: `${call(CODE, at)} e680 ${call(CODE + 7, at)}`,
        memory: [{ address: at, bytes: TARGET }],
        bus: { writePort: () => void machine?.memory.store(at + byte, 1, 0x42) },
        prepare: (cpu) => {
          machine = cpu;
        },
      });
      expect([at, byte, registers[0]]).toEqual([at, byte, changed(byte)]);
    }
  });
});
