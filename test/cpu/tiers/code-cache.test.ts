/** Code that changes under the interpreter: stores by the CPU and from outside, pages' ends, aliases, full caches. */
import { expect, test } from 'vitest';
import { Cpu } from '../../../src/cpu/cpu.js';
import * as state from '../../../src/cpu/state.js';
import { Cr0, Cr4 } from '../../../src/cpu/state.js';
import { loadInterpreter } from '../../../src/cpu/tiers/interpreter/load.js';
import { CODE, runCode, runOn } from '../../support/run-code.js';
import { descriptor, Selector, SystemWorld } from '../../support/system-world.js';

const NOPS = (count: number): string => '90'.repeat(count);

test('a store changes the very next instruction', async () => {
  // mov byte [rip+6], 0x42 changes the immediate of the mov that follows
  const { registers } = await runCode({ code: 'c60501000000 42 b8 01000000' });
  expect(registers[0]).toBe(0x42n);
});

test('a store changes an instruction that ran before, in a loop', async () => {
  // again: mov eax, 1; add ebx, eax; inc dword [again + 1]; dec ecx; jnz again
  const { registers } = await runCode({
    code: 'b8 01000000 01c3 ff05 f4ffffff ff c9 75 ef',
    registers: { 1: 5n, 3: 0n },
  });
  expect(registers[3]).toBe(1n + 2n + 3n + 4n + 5n);
});

test('a store beside code in the same page leaves the code alone and is seen', async () => {
  // mov [rsi], ecx; add eax, [rsi]; dec ecx; jnz
  const { registers } = await runCode({
    code: '890e 0306 ffc9 75f8',
    registers: { 0: 0n, 1: 100n, 6: BigInt(CODE + 0x800) },
  });
  expect(registers[0]).toBe(5050n);
});

test('an instruction that crosses two pages runs, and is found anew when its second page changes', async () => {
  // At the end of the page: mov eax, imm32 with its immediate in the next page; the loop is in the next page.
  const edge = CODE + 0x1000 - 1;
  const jumpToEdge = [0xe9, ...little(edge - (CODE + 5))];
  // add ebx, eax; inc byte [second page]; dec ecx; jz done; jmp edge; done: hlt
  const next = CODE + 0x1004;
  const tail = [0x01, 0xc3, 0xfe, 0x05, ...little(CODE + 0x1000 - (next + 8)), 0xff, 0xc9, 0x74, 0x05];
  const back = [0xe9, ...little(edge - (next + tail.length + 5)), 0xf4];
  const { registers, exit } = await runCode({
    code: jumpToEdge,
    registers: { 1: 4n, 3: 0n },
    memory: [{ address: edge, bytes: [0xb8, 7, 0, 0, 0, ...tail, ...back] }],
  });
  expect(exit.kind).toBe('halt');
  expect(registers[3]).toBe(7n + 8n + 9n + 10n);
});

test.each([1, 2, 4, 8])('loads and stores of %i bytes at every offset across a page border', async (size) => {
  const opcodes: Record<number, string> = {
    1: '8806 8a1f',
    2: '668906 668b1f',
    4: '8906 8b1f',
    8: '488906 488b1f',
  };
  for (let offset = 0; offset <= size; offset++) {
    const address = BigInt(0x21000 - offset);
    const value = 0x8877665544332211n;
    const { registers, bytes } = await runCode({
      code: opcodes[size] as string,
      registers: { 0: value, 3: 0n, 6: address, 7: address },
    });
    const mask = (1n << BigInt(8 * size)) - 1n;
    expect(registers[3]).toBe(value & mask);
    expect(bytes(Number(address) + size, 1)).toEqual([0]);
  }
});

test('a store across a border whose second page faults writes nothing', async () => {
  const table = 0x100000;
  const { exception, bytes, cpu } = await runCode({
    code: '488906',
    registers: { 0: -1n, 6: 0x20ffcn },
    memory: pageTables(table, { 135168: 0n }),
    prepare: (machine) => usePageTables(machine, table),
  });
  expect(exception).toMatchObject({ vector: 14, errorCode: 2 });
  expect(cpu.state.get64(state.cr2)).toBe(0x21000n);
  expect(bytes(0x20ff0, 16)).toEqual(new Array(16).fill(0));
});

test('a store through an alias changes the code', async () => {
  const table = 0x100000;
  const alias = 0x200000 - 0x1000;
  // mov byte [alias of the mov's immediate], 0x42; mov eax, 1
  const { registers } = await runCode({
    code: `c60425 ${hex(little(alias + 9))} 42 b801000000`,
    memory: pageTables(table, { [alias]: BigInt(CODE) | 3n }),
    prepare: (machine) => usePageTables(machine, table),
  });
  expect(registers[0]).toBe(0x42n);
});

test('a write from outside between two runs changes the code', async () => {
  const first = await runCode({ code: 'b8 01000000' });
  expect(first.registers[0]).toBe(1n);
  const { cpu } = first;
  cpu.memory.store(CODE + 1, 4, 77);
  cpu.state.set64(state.rip, BigInt(CODE));
  cpu.synchronise();
  cpu.run(1);
  expect(cpu.state.get64(state.gpr)).toBe(77n);
});

test('the same CPU runs one code after another at the same place', async () => {
  const { cpu } = await runCode({ code: 'b8 01000000' });
  for (let n = 2; n < 50; n++) {
    expect(runOn(cpu, { code: `b8 ${hex(little(n))}` }).registers[0]).toBe(BigInt(n));
  }
});

test('a straight line longer than what is decoded at a time runs through', async () => {
  const { exit, rip, cpu } = await runCode({ code: NOPS(3000) });
  expect(exit.kind).toBe('halt');
  expect(rip).toBe(BigInt(CODE + 3000));
  expect(cpu.retired).toBe(3001);
});

test('code without end neither outgrows the cache nor loses its way', async () => {
  const { cpu } = await runCode({ code: '90' });
  cpu.synchronise();
  // Each turn decodes 300 instructions anew, since the page has changed: some 38 MB of records, the cache holds 24.
  cpu.memory.fill(0x100000, 0x200000, 0x90);
  for (let n = 0; n < 4000; n++) {
    cpu.memory.store(0x100000, 1, n & 1 ? 0x90 : 0xf8);
    cpu.state.set64(state.rip, 0x100000n);
    const before = cpu.retired;
    expect(cpu.run(300).kind).toBe('limit');
    expect(cpu.retired - before).toBe(300);
    expect(cpu.rip).toBe(0x100000n + 300n);
  }
});

function little(value: number): number[] {
  return [0, 8, 16, 24].map((shift) => (value >> shift) & 0xff);
}

function hex(bytes: readonly number[]): string {
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** 4-level tables that map the first 2 MiB to themselves by 4 KiB pages, but for what `entries` says. */
function pageTables(base: number, entries: Record<number, bigint>): { address: number; bytes: Uint8Array }[] {
  const tables = new BigUint64Array(4 * 512);
  tables[0] = BigInt(base + 0x1000) | 3n;
  tables[512] = BigInt(base + 0x2000) | 3n;
  tables[1024] = BigInt(base + 0x3000) | 3n;
  for (let page = 0; page < 512; page++) tables[1536 + page] = BigInt(page << 12) | 3n;
  for (const [address, entry] of Object.entries(entries)) tables[1536 + (Number(address) >> 12)] = entry;
  return [{ address: base, bytes: new Uint8Array(tables.buffer) }];
}

function usePageTables(cpu: Cpu, base: number): void {
  cpu.state.set64(state.cr3, BigInt(base));
  cpu.state.set64(state.cr4, cpu.state.get64(state.cr4) | BigInt(Cr4.pae));
  cpu.state.set64(state.cr0, cpu.state.get64(state.cr0) | BigInt(Cr0.pg) | BigInt(Cr0.wp));
}

test('code that is written again and again takes no more of the host’s memory', async () => {
  // again: inc dword [imm]; mov eax, imm; dec ecx; jz done; jmp again; done: – decoded anew each time
  const code = 'ff05 01000000 b8 00000000 ffc9 7402 ebef';
  const before = process.memoryUsage().external;
  const { registers } = await runCode({ code, registers: { 1: 20_000n }, limit: 1_000_000 });
  expect(registers[0]).toBe(20_000n);
  expect(process.memoryUsage().external - before).toBeLessThan(64 << 20);
});

test('a line of instructions with three records each does not run over the cache’s end', async () => {
  const world = await SystemWorld.create('protected');
  // The segment ends in the page at 20000h, so that limits are checked there; the breakpoints add a record each.
  const LIMITED = 0x20000;
  const ARMING = 0x1e000;
  world.setDescriptor(Selector.kernelCode32, descriptor(0, LIMITED + 0xfff, 0x9b | 0x4000));
  const line = Uint8Array.from([...Array(255).fill(0x90), 0xc3]);
  world.cpu.memory.write(LIMITED, line);
  world.cpu.memory.write(ARMING, line);
  const before = world.cpu.memory.bytes(0, 0x1000)?.slice();
  const outcome = world.run({
    // for ECX from 0 to 255: DR0 = 30000h + ECX, DR7 = 1; CALL 1E000h
    // 1,100 times: MOV BYTE [20000h],90h; CALL 20000h
    code: `31c9 bb01000000 8d8100000300 0f23c0 0f23fb 41 81f900010000 75eb b800e00100 ffd0
      be4c040000 c6050000020090 e8ccff0000 4e 75f1`,
    selector: Selector.kernelCode32,
    limit: 2_000_000,
  });
  expect(outcome.done).toBe(true);
  expect(world.cpu.memory.bytes(0, 0x1000)).toEqual(before);
});

test.for([0, 32, 100_001, (24 << 20) + 32])(
  'a space of %i bytes for decoded code is refused',
  async (codeSpace) => {
    const interpreter = await loadInterpreter();
    const bus = { readPort: () => 0, writePort: () => {}, readMemory: () => 0, writeMemory: () => {} };
    const interrupts = { pending: () => false, acknowledge: () => 0 };
    const make = (): Cpu => new Cpu({ interpreter, ramSize: 2 << 20, bus, interrupts, codeSpace });
    expect(make).toThrow(
      new RangeError(`${codeSpace} bytes for decoded code: want a multiple of 32 from 103296`),
    );
  },
);
