/**
 * Bug 14: lazy flags read by every reader. After each way to set flags, every instruction that reads some must see what
 * PUSHF would store; what PUSHF stores is compared with silicon elsewhere (semantics/integer).
 */
import { beforeAll, describe, expect, test } from 'vitest';
import type { Cpu } from '../../../src/cpu/cpu.js';
import { type Outcome, runCode, runOn } from '../../support/run-code.js';

const [RAX, RCX, RDX, RBX] = [0, 1, 2, 3] as const;
const CF = 1n;
const PF = 4n;
const AF = 0x10n;
const ZF = 0x40n;
const SF = 0x80n;
const OF = 0x800n;
const ALL = CF | PF | AF | ZF | SF | OF;

/** Instructions on EAX and ECX, AL and CL. */
const SETTERS: readonly (readonly [string, string])[] = [
  ['ADD', '01 c8'],
  ['ADD 8', '00 c8'],
  ['ADD 64', '48 01 c8'],
  ['ADC', '11 c8'],
  ['SUB', '29 c8'],
  ['SBB', '66 19 c8'],
  ['CMP', '38 c8'],
  ['INC', 'ff c0'],
  ['DEC', 'fe c8'],
  ['NEG', 'f7 d8'],
  ['AND', '21 c8'],
  ['XOR', '31 c8'],
  ['TEST', '84 c8'],
  ['SHL 1', 'd1 e0'],
  ['SHL CL', 'd3 e0'],
  ['SHR CL', 'd2 e8'],
  ['SAR 3', 'c1 f8 03'],
  ['ROL 1', 'd1 c0'],
  ['RCR CL', 'd3 d8'],
  ['SHLD', '0f a5 c8'],
  ['MUL', 'f7 e1'],
  ['IMUL', '0f af c1'],
  ['BT', '0f a3 c8'],
  ['BSF', '0f bc c1'],
  ['XADD', '0f c1 c8'],
  ['CMPXCHG', '0f b1 c8'],
  ['POPCNT', 'f3 0f b8 c1'],
  ['SAHF', '9e'],
  ['CMC', 'f5'],
  ['STC', 'f9'],
  ['POPF', '25 d5 08 00 00 50 9d'],
  ['COMISS', '0f 2f c1'],
];
const VALUES: readonly (readonly [bigint, bigint])[] = [
  [0n, 0n],
  [0x7fffffffn, 1n],
  [0xffffffffn, 1n],
  [0x80000000n, 0x80000000n],
  [0xd5n, 0x1fn],
  [0x8d5n, 0x20n],
];

const CONDITIONS: readonly ((flags: bigint) => boolean)[] = [
  (flags) => (flags & OF) !== 0n,
  (flags) => (flags & CF) !== 0n,
  (flags) => (flags & ZF) !== 0n,
  (flags) => (flags & (CF | ZF)) !== 0n,
  (flags) => (flags & SF) !== 0n,
  (flags) => (flags & PF) !== 0n,
  (flags) => ((flags & SF) !== 0n) !== ((flags & OF) !== 0n),
  (flags) => (flags & ZF) !== 0n || ((flags & SF) !== 0n) !== ((flags & OF) !== 0n),
];
const holds = (condition: number, flags: bigint): boolean =>
  (CONDITIONS[condition >> 1] as (flags: bigint) => boolean)(flags) !== ((condition & 1) === 1);
const byte = (value: number): string => value.toString(16).padStart(2, '0');

/** What reads flags, and what EBX must then be; EBX is 0 before. */
const READERS: readonly (readonly [string, string, (flags: bigint) => bigint])[] = [
  ...Array.from({ length: 16 }, (_, condition) => condition).flatMap((condition) => [
    [
      `SETcc ${condition}`,
      `0f ${byte(0x90 + condition)} c3`,
      (flags: bigint) => (holds(condition, flags) ? 1n : 0n),
    ] as const,
    // CMOVcc EBX, EDX with EDX = 5
    [
      `CMOVcc ${condition}`,
      `0f ${byte(0x40 + condition)} da`,
      (flags: bigint) => (holds(condition, flags) ? 5n : 0n),
    ] as const,
    // Jcc over MOV BL, 7
    [
      `Jcc ${condition}`,
      `${byte(0x70 + condition)} 02 b3 07`,
      (flags: bigint) => (holds(condition, flags) ? 0n : 7n),
    ] as const,
  ]),
  ['ADC', '80 d3 00', (flags) => flags & CF],
  ['SBB', '80 db 00', (flags) => (flags & CF ? 0xffn : 0n)],
  ['RCL', 'd0 d3', (flags) => flags & CF],
  ['RCR', 'd0 db', (flags) => (flags & CF ? 0x80n : 0n)],
  ['LAHF', '9f 88 e3', (flags) => (flags & (CF | PF | AF | ZF | SF)) | 2n],
  ['PUSHF', '9c 5b', (flags) => flags | 2n],
  ['CMC, ADC', 'f5 80 d3 00', (flags) => (flags & CF) ^ 1n],
  ['INC, which keeps CF, ADC', 'fe c3 80 d3 00', (flags) => 1n + (flags & CF)],
  ['LOOPE', 'b1 02 e1 02 b3 07', (flags) => (flags & ZF ? 0n : 7n)],
  ['LOOPNE', 'b1 02 e0 02 b3 07', (flags) => (flags & ZF ? 7n : 0n)],
];

describe('bug 14: the flags of', () => {
  let cpu: Cpu;
  beforeAll(async () => {
    cpu = (await runCode({ code: '90' })).cpu;
  });

  test.each(SETTERS)('%s are what every reader sees', (_name, setter) => {
    const run = (code: string, [a, b]: readonly [bigint, bigint]): Outcome =>
      runOn(cpu, {
        code,
        flags: 0x13n,
        xmm: { 0: a, 1: b },
        registers: { [RAX]: a, [RCX]: b, [RDX]: 5n, [RBX]: 0n, 7: 0x50000n },
      });
    for (const values of VALUES) {
      const flags = (run(`${setter} 9c 5b`, values).registers[RBX] as bigint) & ALL;
      for (const [reader, code, expected] of READERS) {
        // What the setter leaves in EDX and ECX must not matter to the reader.
        const { registers } = run(`${setter} ba 05 00 00 00 ${code}`, values);
        expect([reader, values, (registers[RBX] as bigint) & 0xfffn]).toEqual([
          reader,
          values,
          expected(flags),
        ]);
      }
    }
  });
});
