/** What a hostile guest was once able to do to its host: each of these trapped, hung, or reached where it must not. */
import { describe, expect, test } from 'vitest';
import type { Cpu } from '../../src/cpu/cpu.js';
import * as state from '../../src/cpu/state.js';
import { Cr0, Cr4, Flag } from '../../src/cpu/state.js';
import { CODE, runCode } from '../support/run-code.js';
import { HANDLERS, Selector, SystemWorld, USER_STACK } from '../support/system-world.js';

const TABLES = 0x100000;

/** 4-level tables that map the first 2 MiB to themselves by 4 KiB pages, but for what `entries` says. */
function pageTables(entries: Record<number, bigint> = {}): { address: number; bytes: Uint8Array }[] {
  const tables = new BigUint64Array(4 * 512);
  for (const [n, at] of [
    [0, 0x1000],
    [512, 0x2000],
    [1024, 0x3000],
  ] as const)
    tables[n] = BigInt(TABLES + at) | 7n;
  for (let page = 0; page < 512; page++) tables[1536 + page] = BigInt(page << 12) | 7n;
  for (const [address, entry] of Object.entries(entries)) tables[1536 + (Number(address) >> 12)] = entry;
  return [{ address: TABLES, bytes: new Uint8Array(tables.buffer) }];
}

function usePageTables(cpu: Cpu): void {
  cpu.state.set64(state.cr3, BigInt(TABLES));
  cpu.state.set64(state.cr4, cpu.state.get64(state.cr4) | BigInt(Cr4.pae));
  cpu.state.set64(state.cr0, cpu.state.get64(state.cr0) | BigInt(Cr0.pg) | BigInt(Cr0.wp));
}

function entryOf(address: number): number {
  return TABLES + 0x3000 + (address >> 12) * 8;
}

const little = (value: number): string =>
  [0, 8, 16, 24].map((shift) => ((value >>> shift) & 0xff).toString(16).padStart(2, '0')).join('');

test.each(['488b01', '488901', 'f3a4'])(
  'a physical address near 2^40 is device space for %s',
  async (code) => {
    const { exit } = await runCode({
      code,
      registers: { 1: 0x50000n, 6: 0x50000n, 7: 0x50000n },
      memory: pageTables({ 327680: 0xfffffff003n }),
      prepare: usePageTables,
    });
    expect(exit.kind).toBe('halt');
  },
);

test('code that rewrites itself for ever stays within its own memory', { timeout: 60_000 }, async () => {
  // again: inc byte [rip + 0]; 230 nops; dec ecx; jnz again — each turn decodes some 240 instructions anew
  const distance = -(6 + 1 + 230 + 2 + 6);
  const { exit, bytes, registers } = await runCode({
    code: `fe0501000000 90 ${'90'.repeat(230)} ffc9 0f85 ${little(distance)}`.replace(
      /^fe0501000000/,
      'fe0500010000',
    ),
    registers: { 1: 6000n },
    limit: 3_000_000,
  });
  expect(exit.kind).toBe('halt');
  expect(registers[1]).toBe(0n);
  expect(bytes(0, 64)).toEqual(new Array(64).fill(0));
});

describe('MOV with an offset', () => {
  test.each([
    [32, 'a200000500', [0x44]],
    [32, '66a300000500', [0x44, 0x33]],
    [32, 'a300000500', [0x44, 0x33, 0x22, 0x11]],
  ] as const)('in %i-bit code %s stores its width', async (mode, code, stored) => {
    const { bytes } = await runCode({
      code,
      mode,
      registers: { 0: 0x11223344n },
      memory: [{ address: 0x50000, bytes: new Array(8).fill(0xff) }],
    });
    expect(bytes(0x50000, 8)).toEqual([...stored, ...new Array(8 - stored.length).fill(0xff)]);
  });
  test('at the end of RAM reaches no further', async () => {
    const { registers } = await runCode({ code: 'a1ffff3f00', mode: 32, registers: { 0: 0n } });
    expect(registers[0]).toBe(0xffffff00n);
  });
  test('across a page faults on the second', async () => {
    const { exception } = await runCode({
      code: '48a3ffff030000000000',
      memory: pageTables({ 262144: 0n }),
      prepare: usePageTables,
    });
    expect(exception).toMatchObject({ vector: 14, errorCode: 2 });
  });
});

test('a handler whose own fetch faults for ever still uses its budget up', async () => {
  // The handler of #PF begins in the last byte of a page, and the next page goes away.
  const handler = 0x50fff;
  const gate =
    BigInt(handler & 0xffff) | (8n << 16n) | (1n << 32n) | (0x8en << 40n) | (BigInt(handler >> 16) << 48n);
  const idt = new BigUint64Array([gate, 0n]);
  const { exit, cpu } = await runCode({
    code: `488b01 48c702 00000000 488b01`,
    registers: { 1: 0x60000n, 2: BigInt(entryOf(0x51000)) },
    memory: [
      ...pageTables({ 393216: 0n }),
      { address: 0x10e0, bytes: new Uint8Array(idt.buffer) },
      // mov eax, 1; pop rbx; add qword [rsp], 3; iretq
      { address: handler, bytes: [0xb8, 1, 0, 0, 0, 0x5b, 0x48, 0x83, 0x04, 0x24, 0x03, 0x48, 0xcf] },
    ],
    prepare: usePageTables,
    limit: 1000,
  });
  expect(exit.kind).toBe('limit');
  expect(cpu.retired).toBe(1000);
});

test('a handler beyond its segment’s limit for ever still uses its budget up', async () => {
  const world = await SystemWorld.create('real');
  // The vector of #GP is FFFF:FFFF, where an instruction of three bytes ends past 64 KiB.
  world.cpu.memory.store(13 * 4, 4, 0xffffffff);
  world.cpu.memory.write(0x10ffef, Uint8Array.of(0xb8, 0, 0));
  const { exit } = world.run({ code: 'e9 fd fe', limit: 1000 });
  expect(exit.kind).toBe('limit');
  expect(world.cpu.retired).toBe(1000);
});

test('#AC whose own frame is not aligned shuts the processor down', async () => {
  const world = await SystemWorld.create('protected');
  const view = world.cpu.state;
  view.set64(state.cr0, view.get64(state.cr0) | BigInt(Cr0.am));
  world.setGate(17, { level: 3, selector: Selector.userCode32 | 3 });
  // MOV EAX, [EDI]
  const registers = { 4: BigInt(USER_STACK - 3), 7: 0x50001n };
  const { exit } = world.run({ code: '8b 07', ring: 3, flags: BigInt(Flag.ac | 2), registers });
  expect(exit.kind).toBe('shutdown');
});

test('a handler of #DB with a breakpoint on itself still uses its budget up', async () => {
  const world = await SystemWorld.create('long');
  // MOV DR0, RAX; MOV DR7, RCX; INT1
  const code = '0f 23 c0 0f 23 f9 f1';
  const { exit } = world.run({ code, registers: { 0: BigInt(HANDLERS + 16), 1: 0x402n }, limit: 1000 });
  expect(exit.kind).not.toBe('halt');
  expect(world.cpu.retired).toBeLessThanOrEqual(1000);
});

test('a jump that a page made while it was being mapped away is not remembered', async () => {
  // At 0x50000 in two physical pages: mov [rdx], rax, which maps one of them there; jmp +0x100; there, mov ebx, n; ret.
  const page = (value: number): number[] => {
    const bytes = new Array<number>(0x200).fill(0x90);
    bytes.splice(0, 8, 0x48, 0x89, 0x02, 0xe9, 0xf8, 0, 0, 0);
    bytes.splice(0x100, 6, 0xbb, value, 0, 0, 0, 0xc3);
    return bytes;
  };
  const callThere = (at: number): string => `e8 ${little(0x50000 - (CODE + at + 5))}`;
  // call; mov rax, rcx; mov [rdx], rax; invlpg [0x50000]; call
  const code = `${callThere(0)} 4889c8 488902 0f013c2500000500 ${callThere(19)}`;
  const { registers } = await runCode({
    code,
    registers: { 0: 0x71003n, 1: 0x70003n, 2: BigInt(entryOf(0x50000)), 3: 0n },
    memory: [
      ...pageTables({ 327680: 0x70003n }),
      { address: 0x70000, bytes: page(1) },
      { address: 0x71000, bytes: page(2) },
    ],
    prepare: usePageTables,
  });
  expect(registers[3]).toBe(1n);
});

test('HLT under TF runs the handler of the trap', async () => {
  const { exception } = await runCode({ code: 'f4', flags: BigInt(Flag.tf | 2) });
  expect(exception).toMatchObject({ vector: 1, rip: BigInt(CODE + 1) });
});

test('REP under TF traps after each element', async () => {
  const { exception, registers } = await runCode({
    code: 'f3aa',
    flags: BigInt(Flag.tf | 2),
    registers: { 1: 5n, 7: 0x50000n },
  });
  expect(exception).toMatchObject({ vector: 1, rip: BigInt(CODE) });
  expect(registers[1]).toBe(4n);
});

test('looking at memory from outside leaves the accessed bits alone', async () => {
  const { cpu } = await runCode({
    code: '90',
    memory: pageTables(),
    prepare: usePageTables,
  });
  const before = cpu.memory.read(entryOf(0x55000), 4);
  expect(cpu.translate(0x55123n)).toBe(0x55123);
  expect(cpu.memory.read(entryOf(0x55000), 4)).toBe(before);
});
