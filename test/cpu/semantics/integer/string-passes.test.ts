/** What recordings cannot show of string instructions: passes, devices, ports, segment limits, aliases. */
import { describe, expect, test } from 'vitest';
import type { Cpu } from '../../../../src/cpu/cpu.js';
import * as state from '../../../../src/cpu/state.js';
import { Cr0, Segment } from '../../../../src/cpu/state.js';
import { runCode } from '../../../support/run-code.js';
import { pageTables } from './page-tables.js';

const [RAX, RCX, RDX, RSI, RDI] = [0, 1, 2, 6, 7] as const;

/** Identical mapping with some pages put elsewhere; `undefined` is not there at all. */
function paged(
  cpu: Cpu,
  mode: 32 | 64,
  pages: readonly (readonly [linear: number, physical?: number])[],
): void {
  const tables = pageTables(cpu.memory, mode);
  for (let address = 0; address < 0x50000; address += 4096) tables.map(address, address, 3);
  for (const [linear, physical] of pages) tables.map(linear, physical ?? 0, physical === undefined ? 0 : 3);
  cpu.state.set64(state.cr3, BigInt(tables.root));
  cpu.state.set64(state.cr4, cpu.state.get64(state.cr4) | tables.cr4);
  cpu.state.set64(state.cr0, cpu.state.get64(state.cr0) | BigInt(Cr0.pg) | BigInt(Cr0.wp));
}

describe('passes', () => {
  test.each([
    [1, 0x2000n, 0x21000n],
    [2, 0x1000n, 0x22000n],
    [3, 0n, 0x23000n],
  ])('REP STOSB stands at a page border after %i of them', async (limit, rcx, rdi) => {
    const { registers } = await runCode({
      code: 'f3 aa',
      registers: { [RAX]: 7n, [RCX]: 0x2010n, [RDI]: 0x20ff0n },
      limit,
    });
    expect([registers[RCX], registers[RDI]]).toEqual([rcx, rdi]);
  });

  test('an element across a border is a pass of its own', async () => {
    const counts: (bigint | undefined)[] = [];
    for (const limit of [1, 2, 3]) {
      const { registers } = await runCode({
        code: 'f3 48 ab',
        registers: { [RAX]: 7n, [RCX]: 12n, [RDI]: 0x20fecn },
        limit,
      });
      counts.push(registers[RCX]);
    }
    expect(counts).toEqual([10n, 9n, 0n]);
  });

  test('an instruction after REP is begun only when the count is 0', async () => {
    const { registers, cpu } = await runCode({
      code: 'f3 a4 48 89 c8',
      registers: { [RAX]: 1n, [RCX]: 0x3000n, [RSI]: 0x20000n, [RDI]: 0x28000n },
    });
    expect(registers[RAX]).toBe(0n);
    expect(cpu.retired).toBe(3 + 2);
  });
});

test('REP MOVSB replicates over an alias of its own page', async () => {
  const { bytes } = await runCode({
    code: 'f3 a4',
    registers: { [RCX]: 60n, [RSI]: 0x70000n, [RDI]: 0x22001n },
    memory: [{ address: 0x22000, bytes: [9, 1, 2, 3] }],
    prepare: (cpu) => paged(cpu, 64, [[0x70000, 0x22000]]),
  });
  expect(bytes(0x22000, 61)).toEqual(new Array(61).fill(9));
});

describe('device memory', () => {
  test('is written element by element', async () => {
    const writes: number[][] = [];
    await runCode({
      code: 'f3 66 ab',
      registers: { [RAX]: 0x1234n, [RCX]: 3n, [RDI]: 0xa0000n },
      bus: { writeMemory: (...write) => void writes.push(write) },
    });
    expect(writes).toEqual([
      [0xa0000, 2, 0x1234],
      [0xa0002, 2, 0x1234],
      [0xa0004, 2, 0x1234],
    ]);
  });

  test('is copied to RAM and to itself', async () => {
    const writes: number[][] = [];
    const { bytes } = await runCode({
      code: 'f3 a4 be 00 10 0a 00 bf 00 20 0a 00 b1 02 f3 a4',
      registers: { [RCX]: 4n, [RSI]: 0xa0010n, [RDI]: 0x20000n },
      bus: {
        readMemory: (address) => address & 0xff,
        writeMemory: (...write) => void writes.push(write),
      },
    });
    expect(bytes(0x20000, 5)).toEqual([0x10, 0x11, 0x12, 0x13, 0]);
    expect(writes).toEqual([
      [0xa2000, 1, 0],
      [0xa2001, 1, 1],
    ]);
  });
});

test('a segment limit is met at the element that passes it', async () => {
  const { exception, registers, bytes } = await runCode({
    code: 'f3 aa',
    mode: 32,
    registers: { [RAX]: 5n, [RCX]: 10n, [RDI]: 0x20000n },
    prepare: (cpu) => cpu.state.set32(state.segmentLimit, 0x20005, Segment.es),
  });
  expect(exception).toMatchObject({ vector: 13, errorCode: 0, rip: 0x10000n });
  expect([registers[RCX], registers[RDI]]).toEqual([4n, 0x20006n]);
  expect(bytes(0x20000, 8)).toEqual([5, 5, 5, 5, 5, 5, 0, 0]);
});

describe('INS and OUTS', () => {
  test('REP INSW fills memory from a port', async () => {
    let next = 0x100;
    const asked: number[][] = [];
    const { bytes, registers } = await runCode({
      code: 'f3 66 6d',
      registers: { [RCX]: 3n, [RDX]: 0x1f0n, [RDI]: 0x20fffn },
      bus: {
        readPort: (...request) => {
          asked.push(request);
          return next++;
        },
      },
    });
    expect(asked).toEqual(new Array(3).fill([0x1f0, 2]));
    expect(bytes(0x20fff, 6)).toEqual([0, 1, 1, 1, 2, 1]);
    expect([registers[RCX], registers[RDI]]).toEqual([0n, 0x21005n]);
  });

  test('REP OUTSB writes memory to a port, downwards with DF', async () => {
    const writes: number[][] = [];
    await runCode({
      code: 'f3 6e',
      flags: 0x402n,
      registers: { [RCX]: 3n, [RDX]: 0x3f8n, [RSI]: 0x20002n },
      memory: [{ address: 0x20000, bytes: [1, 2, 3] }],
      bus: { writePort: (...write) => void writes.push(write) },
    });
    expect(writes).toEqual([
      [0x3f8, 1, 3],
      [0x3f8, 1, 2],
      [0x3f8, 1, 1],
    ]);
  });

  test('a port is not read when memory faults', async () => {
    let reads = 0;
    const { exception, registers } = await runCode({
      code: 'f3 6d',
      registers: { [RCX]: 3n, [RDI]: 0x20ffcn },
      bus: { readPort: () => ++reads },
      prepare: (cpu) => paged(cpu, 64, [[0x21000]]),
    });
    expect(exception).toMatchObject({ vector: 14, errorCode: 2 });
    expect([reads, registers[RCX], registers[RDI]]).toEqual([1, 2n, 0x21000n]);
  });

  test.each([
    ['INSB', '6c'],
    ['OUTSB', '6e'],
  ])('%s without permission touches nothing', async (_name, code) => {
    let touched = 0;
    const { exception } = await runCode({
      code,
      registers: { [RSI]: 0x20000n, [RDI]: 0x20000n },
      bus: { readPort: () => ++touched, writePort: () => void ++touched },
      prepare: (cpu) => cpu.state.set32(state.cpl, 3),
    });
    expect(exception).toMatchObject({ vector: 13, errorCode: 0 });
    expect(touched).toBe(0);
  });
});

// As silicon was seen to do it.
describe('PUSHA and POPA', () => {
  test('PUSHA stores nothing in the page that faults', async () => {
    const { exception, bytes } = await runCode({
      code: '60',
      mode: 32,
      registers: { 0: 0x1111n, 4: 0x38010n },
      memory: [{ address: 0x37ff0, bytes: new Array(16).fill(0xee) }],
      prepare: (cpu) => paged(cpu, 32, [[0x37000]]),
    });
    expect(exception).toMatchObject({ vector: 14, errorCode: 2, rip: 0x10000n });
    expect(bytes(0x37ff0, 16)).toEqual(new Array(16).fill(0xee));
  });

  test('POPA has popped its first registers when the last slots fault, but keeps ESP', async () => {
    const { exception, registers } = await runCode({
      code: '61',
      mode: 32,
      registers: { 4: 0x37ff0n, 6: 6n, 7: 7n },
      memory: [{ address: 0x37ff0, bytes: new Array(16).fill(0xee) }],
      prepare: (cpu) => paged(cpu, 32, [[0x38000]]),
    });
    expect(exception).toMatchObject({ vector: 14, errorCode: 0, rip: 0x10000n });
    expect([registers[RSI], registers[RDI]]).toEqual([0xeeeeeeeen, 0xeeeeeeeen]);
    const frameOfTheFault = 16n;
    expect(registers[4]).toBe(0x37ff0n - frameOfTheFault);
  });
});
