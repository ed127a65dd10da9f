/**
 * Runs machine code on the real CPU in a small flat world: 64-, 32- or 16-bit code at 0x10000, a stack below 0x40000,
 * 4 MiB of RAM, no paging. An exception ends the run and is told.
 * Memory map: 0x1000 IDT, 0x2000 GDT, 0x3000 TSS, 0x5000 top of the exception stack, 0x6000 handlers.
 */
import type { Bus, UnimplementedInstruction } from '../../src/cpu/bus.js';
import { Cpu } from '../../src/cpu/cpu.js';
import type { Exit } from '../../src/cpu/exit.js';
import * as state from '../../src/cpu/state.js';
import { Access, Cr0, Cr4, Efer, Segment, Xcr0 } from '../../src/cpu/state.js';
import { loadInterpreter } from '../../src/cpu/tiers/interpreter/load.js';

export const CODE = 0x10000;
export const STACK = 0x40000;
const RAM = 4 << 20;
const HANDLERS = 0x6000;
const EXCEPTION_STACK = 0x5000;

export type Mode = 16 | 32 | 64;

export interface Setup {
  /** Bytes, or hexadecimal with spaces allowed. */
  readonly code: string | readonly number[];
  /** 64 if absent. */
  readonly mode?: Mode;
  /** RAX RCX RDX RBX RSP RBP RSI RDI R8 … by index; RSP is `STACK` unless given. */
  readonly registers?: Readonly<Record<number, bigint>>;
  /** RFLAGS; 0x2 if absent. */
  readonly flags?: bigint;
  /** XMM registers by index, bits 127:0. */
  readonly xmm?: Readonly<Record<number, bigint>>;
  /** Vector registers by index, bits 255:0. */
  readonly ymm?: Readonly<Record<number, bigint>>;
  /** MMX registers by index, bits 63:0. */
  readonly mmx?: Readonly<Record<number, bigint>>;
  /** Lets VEX-encoded vector instructions run: CR4.OSXSAVE, and SSE and AVX in XCR0. */
  readonly avx?: boolean;
  readonly mxcsr?: number;
  readonly memory?: readonly { readonly address: number; readonly bytes: readonly number[] | Uint8Array }[];
  /** At most; 10,000 if absent. */
  readonly limit?: number;
  readonly bus?: Partial<Bus>;
  /** Last look at the CPU before it runs. */
  readonly prepare?: (cpu: Cpu) => void;
}

export interface Outcome {
  readonly cpu: Cpu;
  readonly exit: Exit;
  readonly registers: readonly bigint[];
  /** Of the instruction after the code if it ran to its end. */
  readonly rip: bigint;
  /** RFLAGS. */
  readonly flags: bigint;
  readonly mxcsr: number;
  /** The exception that ended the run; `errorCode` is 0 for vectors that have none. `rip` is what was saved. */
  readonly exception:
    | { readonly vector: number; readonly errorCode: number; readonly rip: bigint }
    | undefined;
  readonly unimplemented: readonly UnimplementedInstruction[];
  xmm(n: number): bigint;
  ymm(n: number): bigint;
  mmx(n: number): bigint;
  bytes(address: number, length: number): number[];
}

const WITH_ERROR_CODE = new Set([8, 10, 11, 12, 13, 14, 17]);
const NO_BUS: Bus = {
  readPort: (_port, width) => 2 ** (8 * width) - 1,
  writePort: () => {},
  readMemory: (_address, width) => 2 ** (8 * width) - 1,
  writeMemory: () => {},
};

export async function runCode(setup: Setup): Promise<Outcome> {
  const unimplemented: UnimplementedInstruction[] = [];
  const cpu = new Cpu({
    interpreter: await loadInterpreter(),
    ramSize: RAM,
    bus: { ...NO_BUS, ...setup.bus },
    interrupts: { pending: () => false, acknowledge: () => 0 },
    onUnimplemented: (instruction) => unimplemented.push(instruction),
  });
  return runOn(cpu, setup, unimplemented);
}

/** As `runCode`, on a CPU that is kept: for many runs of short code. Memory is not cleared in between. */
export function runOn(cpu: Cpu, setup: Setup, unimplemented: UnimplementedInstruction[] = []): Outcome {
  const mode = setup.mode ?? 64;
  const code = bytesOf(setup.code);
  cpu.reset();
  buildWorld(cpu, mode);
  cpu.memory.write(CODE, Uint8Array.from([...code, 0xf4]));
  for (const { address, bytes } of setup.memory ?? []) cpu.memory.write(address, Uint8Array.from(bytes));
  const view = cpu.state;
  view.set64(state.gpr, BigInt(STACK), 4);
  for (const [n, value] of Object.entries(setup.registers ?? {})) view.set64(state.gpr, value, Number(n));
  for (const [n, value] of Object.entries(setup.xmm ?? {})) setVector(cpu, Number(n), value, 2);
  for (const [n, value] of Object.entries(setup.ymm ?? {})) setVector(cpu, Number(n), value, 4);
  for (const [n, value] of Object.entries(setup.mmx ?? {})) view.set64(MMX, value, Number(n));
  if (setup.avx) {
    view.set64(state.cr4, view.get64(state.cr4) | BigInt(Cr4.osxsave));
    view.set64(state.xcr0, BigInt(Xcr0.x87 | Xcr0.sse | Xcr0.avx));
  }
  if (setup.mxcsr !== undefined) view.set32(state.mxcsr, setup.mxcsr);
  setFlags(cpu, setup.flags ?? 2n);
  view.set64(state.rip, BigInt(CODE));
  setup.prepare?.(cpu);
  cpu.synchronise();
  const exit = cpu.run(setup.limit ?? 10_000);
  return outcomeOf(cpu, exit, mode, BigInt(CODE + code.length), unimplemented);
}

function outcomeOf(
  cpu: Cpu,
  exit: Exit,
  mode: Mode,
  end: bigint,
  unimplemented: readonly UnimplementedInstruction[],
): Outcome {
  const view = cpu.state;
  const registers = Array.from({ length: 16 }, (_, n) => view.get64(state.gpr, n));
  const vector = Number(cpu.rip) - 1 - HANDLERS;
  const caught = exit.kind === 'halt' && vector >= 0 && vector < 32;
  return {
    cpu,
    exit,
    registers,
    rip: exit.kind === 'halt' && cpu.rip === end + 1n ? end : cpu.rip,
    flags: flagsOf(cpu),
    mxcsr: view.get32(state.mxcsr),
    exception: caught ? exceptionOf(cpu, vector, mode) : undefined,
    unimplemented,
    xmm: (n) => vectorOf(cpu, n, 2),
    ymm: (n) => vectorOf(cpu, n, 4),
    mmx: (n) => view.get64(MMX, n),
    bytes: (address, length) => [...(cpu.memory.bytes(address, length) ?? [])],
  };
}

function exceptionOf(cpu: Cpu, vector: number, mode: Mode): NonNullable<Outcome['exception']> {
  const word = mode === 64 ? 8 : 4;
  let top = Number(cpu.state.get64(state.gpr, 4));
  const read = (): number => {
    const value = cpu.memory.read(top, 4) ?? 0;
    top += word;
    return value;
  };
  const errorCode = WITH_ERROR_CODE.has(vector) ? read() : 0;
  const low = cpu.memory.read(top, 4) ?? 0;
  const high = mode === 64 ? (cpu.memory.read(top + 4, 4) ?? 0) : 0;
  return { vector, errorCode, rip: (BigInt(high) << 32n) | BigInt(low) };
}

function buildWorld(cpu: Cpu, mode: Mode): void {
  const { memory } = cpu;
  const view = cpu.state;
  const put64 = (address: number, value: bigint): void => {
    memory.store(address, 4, Number(value & 0xffffffffn));
    memory.store(address + 4, 4, Number(value >> 32n));
  };
  const codeAccess = { 64: 0xaf9b, 32: 0xcf9b, 16: 0x8f9b }[mode];
  const dataAccess = mode === 16 ? 0x8f93 : 0xcf93;
  const descriptor = (access: number): bigint => 0xffffn | (BigInt(access) << 40n);
  put64(0x2000, 0n);
  put64(0x2008, descriptor(codeAccess));
  put64(0x2010, descriptor(dataAccess));
  for (let vector = 0; vector < 32; vector++) {
    const handler = HANDLERS + vector;
    const gate = BigInt(handler & 0xffff) | (8n << 16n) | (0x8en << 40n) | (BigInt(handler >>> 16) << 48n);
    if (mode === 64) {
      put64(0x1000 + vector * 16, gate | (1n << 32n));
      put64(0x1008 + vector * 16, 0n);
    } else put64(0x1000 + vector * 8, gate);
    memory.store(handler, 1, 0xf4);
  }
  put64(0x3024, BigInt(EXCEPTION_STACK));
  view.set64(state.idtrBase, 0x1000n);
  view.set32(state.idtrLimit, 0xfff);
  view.set64(state.gdtrBase, 0x2000n);
  view.set32(state.gdtrLimit, 0x17);
  const segment = (n: number, selector: number, base: bigint, limit: number, access: number): void => {
    view.set32(state.segmentSelector, selector, n);
    view.set64(state.segmentBase, base, n);
    view.set32(state.segmentLimit, limit, n);
    view.set32(state.segmentAccess, access, n);
  };
  segment(Segment.cs, 8, 0n, 0xffffffff, codeAccess & 0xf0ff);
  for (const n of [Segment.ds, Segment.es, Segment.ss, Segment.fs, Segment.gs]) {
    segment(n, 16, 0n, 0xffffffff, dataAccess & 0xf0ff);
  }
  segment(Segment.tr, 0x18, 0x3000n, 0x67, Access.present | 11);
  segment(Segment.ldtr, 0, 0n, 0, Access.null);
  view.set64(state.cr0, BigInt(Cr0.pe | Cr0.et | Cr0.ne));
  view.set64(state.cr4, BigInt(Cr4.osfxsr | Cr4.osxmmexcpt));
  view.set64(state.efer, mode === 64 ? BigInt(Efer.lma | Efer.lme | Efer.sce | Efer.nxe) : 0n);
  view.set32(state.cpl, 0);
}

function bytesOf(code: string | readonly number[]): number[] {
  if (typeof code !== 'string') return [...code];
  return (code.match(/[0-9a-f]{2}/gi) ?? []).map((pair) => Number.parseInt(pair, 16));
}

/** The low 64 bits of the x87 registers. */
const MMX = { ...state.fpr, size: 8 } as const;

/** A vector register as 64-bit words. */
function words(n: number, count: number): state.Field64 {
  return { ...state.gpr, address: state.at(state.xmm, n), stride: 8, count };
}

/** Bits 127:0 or 255:0 of a vector register. @param count 64-bit words */
export function setVector(cpu: Cpu, n: number, value: bigint, count: number): void {
  for (let word = 0; word < count; word++) cpu.state.set64(words(n, count), value >> BigInt(64 * word), word);
}

export function vectorOf(cpu: Cpu, n: number, count: number): bigint {
  let value = 0n;
  for (let word = count - 1; word >= 0; word--) {
    value = (value << 64n) | cpu.state.get64(words(n, count), word);
  }
  return value;
}

/** Sets RFLAGS with its lazily kept part, as `Flags.setImage` does. */
export function setFlags(cpu: Cpu, flags: bigint): void {
  const view = cpu.state;
  const bit = (n: number): bigint => (flags >> BigInt(n)) & 1n;
  view.set64(state.flagZero, bit(6) ^ 1n);
  view.set64(state.flagSign, (bit(7) << 63n) | (bit(2) ^ 1n));
  view.set64(state.flagCarry, (bit(0) << 63n) | ((bit(0) ^ bit(11)) << 62n) | (bit(4) << 3n));
  view.set32(state.systemFlags, Number(flags & ~0x8d5n) | 2);
}

/** RFLAGS of a CPU that is not running. */
export function flagsOf(cpu: Cpu): bigint {
  const view = cpu.state;
  const carry = view.get64(state.flagCarry);
  const sign = view.get64(state.flagSign);
  const top = (carry >> 63n) & 1n;
  let ones = 0n;
  for (let n = 0n; n < 8n; n++) ones ^= (sign >> n) & 1n;
  const zero = view.get64(state.flagZero) === 0n ? 1n : 0n;
  const overflow = top ^ ((carry >> 62n) & 1n);
  const arithmetic = top | ((ones ^ 1n) << 2n) | (((carry >> 3n) & 1n) << 4n) | (zero << 6n);
  return arithmetic | ((sign >> 63n) << 7n) | (overflow << 11n) | BigInt(view.get32(state.systemFlags));
}
