/** Bug 12: REP with overlap, with wrap, and restarted at a fault on each iteration. More is in semantics/integer. */
import { describe, expect, test } from 'vitest';
import { runCode } from '../../support/run-code.js';
import { KERNEL_CODE, SystemWorld } from '../../support/system-world.js';

const AT = 0x50000;
const [RAX, RCX, RSI, RDI] = [0, 1, 6, 7] as const;

/** MOVS one element after the other. */
function moved(
  memory: number[],
  from: number,
  to: number,
  size: number,
  count: number,
  step: 1 | -1,
): number[] {
  const after = [...memory];
  for (let n = 0; n < count; n++) {
    const element = after.slice(from + n * step * size, from + n * step * size + size);
    after.splice(to + n * step * size, size, ...element);
  }
  return after;
}

describe('bug 12: REP MOVS with overlap', () => {
  test.each([
    ['f3 a4', 1],
    ['66 f3 a5', 2],
    ['f3 a5', 4],
    ['f3 48 a5', 8],
  ] as const)('%s', async (code, size) => {
    const memory = Array.from({ length: 256 }, (_, n) => n);
    for (const distance of [-9, -4, -1, 0, 1, 2, 3, 5, 8, 9, 40]) {
      for (const step of [1, -1] as const) {
        const [from, to, count] = [100, 100 + distance, 8];
        const { bytes, registers } = await runCode({
          code,
          flags: step < 0 ? 0x402n : 2n,
          registers: { [RCX]: BigInt(count), [RSI]: BigInt(AT + from), [RDI]: BigInt(AT + to) },
          memory: [{ address: AT, bytes: memory }],
        });
        expect([distance, step, bytes(AT, 256)]).toEqual([
          distance,
          step,
          moved(memory, from, to, size, count, step),
        ]);
        expect([registers[RCX], registers[RSI]]).toEqual([0n, BigInt(AT + from + step * size * count)]);
      }
    }
  });
});

describe('bug 12: REP where an index wraps', () => {
  test('SI and DI of 16 bits, with the upper halves kept', async () => {
    const { registers, bytes } = await runCode({
      code: '67 f3 a4',
      mode: 32,
      registers: { [RCX]: 0xaaaa0004n, [RSI]: 0x5555fffen, [RDI]: 0x66663000n },
      memory: [
        { address: 0xfffe, bytes: [1, 2] },
        { address: 0, bytes: [3, 4] },
      ],
    });
    expect(bytes(0x3000, 4)).toEqual([1, 2, 3, 4]);
    expect([registers[RCX], registers[RSI], registers[RDI]]).toEqual([0xaaaa0000n, 0x55550002n, 0x66663004n]);
  });
  test('ESI of 32 bits in 64-bit code, which clears the upper half', async () => {
    const { registers } = await runCode({
      code: '67 f3 a4',
      registers: { [RCX]: 0x100000003n, [RSI]: 0xffffffffen & 0xffffffffn, [RDI]: 0x700050000n },
    });
    expect([registers[RCX], registers[RSI], registers[RDI]]).toEqual([0n, 1n, 0x50003n]);
  });
});

/** The registers that go along, and how often an element is done before the page that is not there. */
const STRINGS: readonly (readonly [string, string, number, readonly number[]])[] = [
  ['REP MOVSB', 'f3 a4', 1, [RSI, RDI]],
  ['REP MOVSQ', 'f3 48 a5', 8, [RSI, RDI]],
  ['REP STOSD', 'f3 ab', 4, [RDI]],
  ['REP LODSW', '66 f3 ad', 2, [RSI]],
  ['REPE CMPSB', 'f3 a6', 1, [RSI, RDI]],
  ['REPE SCASD', 'f3 af', 4, [RDI]],
];

describe('bug 12: a fault on each iteration', () => {
  test.each(STRINGS)('%s', async (_name, code, size, indices) => {
    const world = await SystemWorld.create('long');
    const count = 12;
    for (const faulting of indices) {
      for (let done = 0; done < count; done++) {
        world.setUp();
        world.cpu.memory.fill(0x50000, 0x4000, 0);
        for (const page of [0x50000, 0x51000, 0x52000, 0x53000]) world.setPage(page, 3n);
        const missing = faulting === RSI ? 0x51000 : 0x53000;
        world.setPage(missing, 0n);
        const start = {
          [RSI]: BigInt(faulting === RSI ? missing - done * size : 0x50100),
          [RDI]: BigInt(faulting === RDI ? missing - done * size : 0x52100),
        };
        const outcome = world.run({ code, registers: { [RAX]: 0n, [RCX]: BigInt(count), ...start } });
        expect([done, outcome.vector, outcome.cr2]).toEqual([done, 14, BigInt(missing)]);
        expect(outcome.frame.rip).toBe(BigInt(KERNEL_CODE));
        expect(outcome.registers[RCX]).toBe(BigInt(count - done));
        for (const index of indices) {
          expect(outcome.registers[index]).toBe(start[index as 6 | 7] + BigInt(done * size));
        }
        // With the page there, what is left is done.
        world.setPage(missing, 3n);
        const rest = world.run({
          code,
          registers: {
            [RAX]: 0n,
            [RCX]: BigInt(count - done),
            [RSI]: outcome.registers[RSI] as bigint,
            [RDI]: outcome.registers[RDI] as bigint,
          },
        });
        expect([rest.done, rest.registers[RCX]]).toEqual([true, 0n]);
      }
    }
  });
});
