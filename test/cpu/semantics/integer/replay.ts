/**
 * Replays what a real processor did, instruction by instruction, on our CPU. A fixture's run is one line,
 * `before > after`, of `key=value` pairs in hexadecimal: 0 … f a general register, F the flags (after a slash, the
 * bits that the manual leaves undefined), M<address> bytes of memory (`5ax20` is 5a thirty-two times), P<linear>=<physical>.<0 none, 1 read, 3 write> a
 * page of an else identical mapping, X=<vector>.<error code>.<CR2> an exception. What is not named is as in `BASE`
 * before, and unchanged after. The processor ran at CPL 3, ours at CPL 0: the fault's user bit is left out.
 */
import { Cpu } from '../../../../src/cpu/cpu.js';
import * as state from '../../../../src/cpu/state.js';
import { Cr0, Segment } from '../../../../src/cpu/state.js';
import type { Interpreter } from '../../../../src/cpu/tiers/interpreter/load.js';
import { type Outcome, runOn, STACK } from '../../../support/run-code.js';
import { pageTables } from './page-tables.js';

export interface Recorded {
  readonly text: string;
  readonly code: string;
  readonly mode: 32 | 64;
  readonly runs: readonly string[];
}

export interface Fixture {
  readonly about: string;
  readonly cpu: string;
  readonly tests: readonly Recorded[];
}

const BASE = Array.from({ length: 16 }, (_, n) =>
  n === 4 ? BigInt(STACK) : 0x0101010101010101n * BigInt(n + 16),
);
const COMPARED_FLAGS = 0xcd5n;
/** What a recording covers: the same addresses were mapped there. */
const WORLD_END = 0x50000;
/** The descriptor tables, the exception stack and the handlers of `run-code.ts` lie between. */
const OURS = { from: 0x1000, to: 0x7000 };
const GS_BASE = 0x1000n;
const WITH_ERROR_CODE = new Set([12, 13, 14]);

interface Side {
  readonly registers: Map<number, bigint>;
  readonly flags: bigint | undefined;
  readonly undefinedFlags: bigint;
  readonly memory: { address: number; bytes: number[] }[];
  readonly pages: { linear: number; physical: number; rights: number }[];
  readonly exception: string | undefined;
}

const hex = (text: string | undefined): bigint => BigInt(`0x${text || '0'}`);

/** Pairs of digits, or `<byte>x<count>`. */
function bytesOf(text: string): number[] {
  const [byte, count] = text.split('x') as [string, string?];
  if (count) return new Array<number>(Number.parseInt(count, 16)).fill(Number.parseInt(byte, 16));
  return (text.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16));
}

function parse(text: string): Side {
  const registers = new Map<number, bigint>();
  const memory: { address: number; bytes: number[] }[] = [];
  const pages: { linear: number; physical: number; rights: number }[] = [];
  let flags: bigint | undefined;
  let undefinedFlags = 0n;
  let exception: string | undefined;
  for (const item of text.split(' ').filter(Boolean)) {
    const [key, value] = item.split('=') as [string, string];
    const address = Number.parseInt(key.slice(1), 16);
    if (key === 'F') {
      flags = hex(value.split('/')[0]);
      undefinedFlags = hex(value.split('/')[1]);
    } else if (key === 'X') exception = value;
    else if (key[0] === 'M') {
      memory.push({ address, bytes: bytesOf(value) });
    } else if (key[0] === 'P') {
      const [physical, rights] = value.split('.');
      pages.push({ linear: address, physical: Number(hex(physical)), rights: Number(rights) });
    } else registers.set(Number.parseInt(key, 16), hex(value));
  }
  return { registers, flags, undefinedFlags, memory, pages, exception };
}

/** A CPU to replay on, again and again. */
export function replayCpu(interpreter: Interpreter): Cpu {
  return new Cpu({
    interpreter,
    ramSize: 4 << 20,
    bus: { readPort: () => 0, writePort: () => {}, readMemory: () => 0, writeMemory: () => {} },
    interrupts: { pending: () => false, acknowledge: () => 0 },
  });
}

/** What differs from the recording, in words; empty if nothing does. */
export function replay(cpu: Cpu, { code, mode }: Recorded, run: string): string[] {
  const [before, after] = run.split('>').map(parse) as [Side, Side];
  const mask = mode === 32 ? 0xffffffffn : -1n;
  const registers = BASE.map((value, n) => (before.registers.get(n) ?? value) & mask);
  const flags = before.flags ?? 0n;
  cpu.memory.fill(0, WORLD_END, 0);
  let snapshot = new Uint8Array();
  const outcome = runOn(cpu, {
    code,
    mode,
    registers: Object.fromEntries(registers.map((value, n) => [n, value])),
    flags: flags | 2n,
    memory: before.memory,
    limit: 100_000,
    prepare: () => {
      if (mode === 64) cpu.state.set64(state.segmentBase, GS_BASE, Segment.gs);
      if (before.pages.length > 0) turnPagingOn(cpu, mode, before.pages);
      snapshot = cpu.memory.bytes(0, WORLD_END)?.slice() ?? snapshot;
    },
  });
  return [
    ...compareEnd(outcome, after),
    ...compareRegisters(outcome, registers, after, mask),
    ...compareFlags(outcome, flags, after),
    ...compareMemory(cpu, snapshot, after, mode),
  ];
}

function turnPagingOn(cpu: Cpu, mode: 32 | 64, pages: Side['pages']): void {
  const tables = pageTables(cpu.memory, mode);
  for (let address = 0; address < WORLD_END; address += 4096) tables.map(address, address, 3);
  for (const { linear, physical, rights } of pages) tables.map(linear, physical, rights);
  cpu.state.set64(state.cr3, BigInt(tables.root));
  cpu.state.set64(state.cr4, cpu.state.get64(state.cr4) | tables.cr4);
  cpu.state.set64(state.cr0, cpu.state.get64(state.cr0) | BigInt(Cr0.pg) | BigInt(Cr0.wp));
}

function compareEnd({ exception, exit, rip, cpu }: Outcome, after: Side): string[] {
  const parts: number[] = [];
  if (exception) {
    parts.push(exception.vector);
    if (WITH_ERROR_CODE.has(exception.vector)) parts.push(exception.errorCode);
    if (exception.vector === 14) parts.push(Number(cpu.state.get64(state.cr2)));
  } else if (exit.kind !== 'halt') parts.push(-1);
  const found = parts.length > 0 ? parts.map((part) => part.toString(16)).join('.') : undefined;
  if (found === after.exception) return [];
  return [`end ${found} at ${rip.toString(16)}; not ${after.exception}`];
}

function compareRegisters(outcome: Outcome, before: readonly bigint[], after: Side, mask: bigint): string[] {
  return before.flatMap((value, n) => {
    if (after.exception && n === 4) return [];
    const wanted = after.registers.get(n) ?? value;
    const found = (outcome.registers[n] as bigint) & mask;
    return found === wanted ? [] : [`register ${n} ${found.toString(16)}, not ${wanted.toString(16)}`];
  });
}

function compareFlags(outcome: Outcome, before: bigint, after: Side): string[] {
  const compared = COMPARED_FLAGS & ~after.undefinedFlags;
  const [found, wanted] = [outcome.flags & compared, (after.flags ?? before) & compared];
  return found === wanted ? [] : [`flags ${found.toString(16)}, not ${wanted.toString(16)}`];
}

function compareMemory(cpu: Cpu, wanted: Uint8Array, after: Side, mode: 32 | 64): string[] {
  for (const { address, bytes } of after.memory) wanted.set(bytes, address);
  const found = cpu.memory.bytes(0, WORLD_END) ?? new Uint8Array();
  const skip = (from: number, to: number): void => wanted.set(found.subarray(from, to), from);
  skip(OURS.from, OURS.to);
  if (after.exception && mode === 32) skip(STACK - 64, STACK);
  if (Buffer.compare(wanted, found) === 0) return [];
  const n = wanted.findIndex((byte, address) => byte !== found[address]);
  return [`byte at ${n.toString(16)} is ${found[n]}, not ${wanted[n]}`];
}
