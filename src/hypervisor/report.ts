/**
 * What a person wants to know of a guest that crashed: registers, the exception's address, and a backtrace by frame
 * pointers with the image's symbols. Reads guest memory only; whatever it holds, this ends.
 */
import type { Cpu } from '../cpu/cpu.js';
import * as state from '../cpu/state.js';
import type { SymbolTable } from '../image/symbols.js';

const NAMES = 'rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15'.split(' ');
const SEGMENTS = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'] as const;
const MOST_FRAMES = 32;

export interface Frame {
  readonly address: bigint;
  /** Name and offset, `name+0x12`, if a symbol covers the address. */
  readonly symbol: string | undefined;
}

export interface MachineReport {
  readonly rip: bigint;
  /** By name, in the manual's order. */
  readonly registers: Readonly<Record<string, bigint>>;
  readonly selectors: Readonly<Record<string, number>>;
  readonly control: Readonly<Record<'cr0' | 'cr2' | 'cr3' | 'cr4' | 'efer', bigint>>;
  /** The innermost first. */
  readonly backtrace: readonly Frame[];
}

export function reportOn(cpu: Cpu, symbols: SymbolTable | undefined): MachineReport {
  const view = cpu.state;
  return {
    rip: cpu.rip,
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
