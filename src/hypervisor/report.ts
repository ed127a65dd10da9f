/**
 * What a person wants to know of a guest that crashed: registers, the exception's address, and a backtrace by frame
 * pointers with the image's symbols. Reads guest memory only; whatever it holds, this ends.
 */
import type { Cpu } from '../cpu/cpu.js';
import type { CodeSize } from '../cpu/decode/instruction.js';
import * as state from '../cpu/state.js';
import { Flag } from '../cpu/state.js';
import { exceptionName } from '../cpu/system/exception-names.js';
import type { SymbolTable } from '../image/symbols.js';

const NAMES = 'rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15'.split(' ');
const SEGMENTS = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'] as const;
const MOST_FRAMES = 32;
const LONGEST_INSTRUCTION = 15;

export interface Frame {
  readonly address: bigint;
  /** Name and offset, `name+0x12`, if a symbol covers the address. */
  readonly symbol: string | undefined;
}

/** The exception that the guest could not take. */
export interface ReportedException {
  readonly vector: number;
  /** As in `#PF page fault`. */
  readonly name: string;
  readonly errorCode: number | undefined;
}

export interface MachineReport {
  /** What came to a shutdown; absent otherwise. Its linear address, if a page fault, is CR2. */
  readonly exception?: ReportedException;
  readonly rip: bigint;
  /** Up to 15 bytes at RIP; fewer, or none, where memory ends. */
  readonly code: Uint8Array;
  readonly codeSize: CodeSize;
  readonly rflags: bigint;
  /** By name, in the manual's order. */
  readonly registers: Readonly<Record<string, bigint>>;
  readonly selectors: Readonly<Record<string, number>>;
  readonly control: Readonly<Record<'cr0' | 'cr2' | 'cr3' | 'cr4' | 'efer', bigint>>;
  /** The innermost first. */
  readonly backtrace: readonly Frame[];
}

export function reportOn(cpu: Cpu, symbols: SymbolTable | undefined): MachineReport {
  const view = cpu.state;
  const cause = cpu.shutdownCause;
  return {
    ...(cause && { exception: { ...cause, name: exceptionName(cause.vector) } }),
    rip: cpu.rip,
    code: codeAt(cpu),
    codeSize: cpu.state.get32(state.codeSize) as CodeSize,
    rflags: rflagsOf(cpu),
    registers: Object.fromEntries(NAMES.map((name, n) => [name, view.get64(state.gpr, n)])),
    selectors: Object.fromEntries(SEGMENTS.map((name, n) => [name, view.get32(state.segmentSelector, n)])),
    control: {
      cr0: view.get64(state.cr0),
      cr2: view.get64(state.cr2),
      cr3: view.get64(state.cr3),
      cr4: view.get64(state.cr4),
      efer: view.get64(state.efer),
    },
    backtrace: backtrace(cpu, symbols),
  };
}

function codeAt(cpu: Cpu): Uint8Array {
  const linear = cpu.rip + codeBase(cpu);
  const bytes: number[] = [];
  for (; bytes.length < LONGEST_INSTRUCTION; ) {
    const physical = cpu.translate(linear + BigInt(bytes.length));
    const byte = physical === undefined ? undefined : cpu.memory.read(physical, 1);
    if (byte === undefined) break;
    bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

/** Where RIP counts from: 64-bit code ignores the segment's base. */
function codeBase(cpu: Cpu): bigint {
  if (cpu.state.get32(state.codeSize) === 64) return 0n;
  return cpu.state.get64(state.segmentBase, state.Segment.cs);
}

/** RFLAGS, from the words in which the CPU keeps the arithmetic flags; see cpu/state.ts. */
function rflagsOf(cpu: Cpu): bigint {
  const sign = cpu.state.get64(state.flagSign);
  const carry = cpu.state.get64(state.flagCarry);
  let flags = cpu.state.get32(state.systemFlags);
  if (carry >> 63n) flags |= Flag.cf;
  if (((carry >> 63n) ^ (carry >> 62n)) & 1n) flags |= Flag.of;
  if (carry & 8n) flags |= Flag.af;
  if (sign >> 63n) flags |= Flag.sf;
  if (cpu.state.get64(state.flagZero) === 0n) flags |= Flag.zf;
  if (evenParity(Number(sign & 0xffn))) flags |= Flag.pf;
  return BigInt(flags >>> 0);
}

function evenParity(byte: number): boolean {
  const folded = byte ^ (byte >> 4);
  return ((0x6996 >> (folded & 15)) & 1) === 0;
}

function backtrace(cpu: Cpu, symbols: SymbolTable | undefined): Frame[] {
  const word = cpu.state.get32(state.codeSize) === 64 ? 8 : 4;
  const frames: Frame[] = [frameAt(cpu.rip, symbols)];
  let pointer = cpu.state.get64(state.gpr, 5);
  while (frames.length < MOST_FRAMES) {
    const caller = readWord(cpu, pointer + BigInt(word), word);
    const next = readWord(cpu, pointer, word);
    if (caller === undefined || next === undefined || caller === 0n) break;
    frames.push(frameAt(caller, symbols));
    // Frames of one stack go up; anything else is not a chain of frames.
    if (next <= pointer) break;
    pointer = next;
  }
  return frames;
}

function frameAt(address: bigint, symbols: SymbolTable | undefined): Frame {
  const found = symbols?.symbolize(address);
  if (!found) return { address, symbol: undefined };
  const offset = found.offset ? `+0x${found.offset.toString(16)}` : '';
  return { address, symbol: `${found.name}${offset}` };
}

function readWord(cpu: Cpu, linear: bigint, size: number): bigint | undefined {
  if (linear % BigInt(size) !== 0n) return undefined;
  const physical = cpu.translate(linear);
  if (physical === undefined) return undefined;
  const low = cpu.memory.read(physical, 4);
  if (low === undefined || size === 4) return low === undefined ? undefined : BigInt(low);
  const high = cpu.memory.read(physical + 4, 4);
  return high === undefined ? undefined : (BigInt(high) << 32n) | BigInt(low);
}
