/** The stack as system routines reach it: by the running program's rights, at whatever size it is in force. */
import { I32, I64, select } from '../../wasm/values.js';
import { type Emitter, get32, get64 } from '../emitter.js';
import { loadInteger, storeInteger } from '../integer-memory.js';
import { commit, place } from '../mmu/access.js';
import { segmentAddress } from '../mmu/segmentation.js';
import { AccessKind } from '../mmu/walk.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { Register, Segment } from '../state.js';
import { stackMaskIn } from './mode.js';

export type StackWidth = 16 | 32 | 64;

function stackPlace(e: Emitter, offset: I64, width: StackWidth, kind: 'read' | 'write'): I32 {
  const bytes = I32.const(width / 8);
  const write = I32.const(kind === 'write' ? 1 : 0);
  const linear = e.call(segmentAddress, I32.const(Segment.ss), offset, bytes, write);
  return place(e, linear, width / 8, kind, I32.const(AccessKind.stack));
}

/** The value so many bytes above the stack pointer, zero-extended. */
export function peekStack(e: Emitter, depth: number | I64, width: StackWidth): I64 {
  const { code } = e;
  const offset = code.let(get64(state.gpr, Register.rsp).add(depth).and(get64(state.stackMask)));
  const host = stackPlace(e, offset, width, 'read');
  return code.let(loadInteger(host, width));
}

/** RSP with `value` in the bits that the stack in force reaches, kept. */
function reached(e: Emitter, value: I64): I64 {
  const mask = get64(state.stackMask);
  return e.code.let(get64(state.gpr, Register.rsp).and(mask.not()).or(value.and(mask)));
}

/** What RSP will be when so many bytes have been dropped, on the stack in force: of a return, its target's. */
export function pointerAbove(e: Emitter, bytes: I64 | number): I64 {
  return reached(e, get64(state.gpr, Register.rsp).add(bytes));
}

/** Stores values below the stack pointer, the first one topmost, and answers what RSP will be. */
export function storeOnStack(e: Emitter, width: StackWidth, values: readonly I64[]): I64 {
  const { code } = e;
  const top = code.variable(I64, get64(state.gpr, Register.rsp));
  for (const value of values) {
    const next = top.get().sub(width / 8);
    top.set(next.and(get64(state.stackMask)));
    const host = stackPlace(e, top.get(), width, 'write');
    storeInteger(code, host, value, width);
    commit(e, host);
  }
  return reached(e, top.get());
}

function storeReturnAddressOf(width: StackWidth) {
  return routine(`storeReturnAddress${width}`, { parameters: [I64], mayFault: true }, (e, returnTo) => {
    storeOnStack(e, width, [get32(state.segmentSelector, Segment.cs).extendU(), returnTo]);
  });
}
const storeReturnAddress = {
  16: storeReturnAddressOf(16),
  32: storeReturnAddressOf(32),
  64: storeReturnAddressOf(64),
} as const;

/**
 * Stores CS and RIP below the stack pointer, which stays, as the mode of the code segment to be entered reaches the stack:
 * between 64-bit and compatibility mode the processor changes over first. `long` is 1 for 64-bit mode.
 */
export function pushReturnAddress(e: Emitter, width: StackWidth, returnTo: I64, long: I32): void {
  const size = e.read32(state.codeSize);
  const mask = e.read64(state.stackMask);
  e.set32(state.codeSize, select(long, I32.const(64), I32.const(32)));
  e.set64(state.stackMask, stackMaskIn(long));
  e.attempt(storeReturnAddress[width], returnTo);
  e.set32(state.codeSize, size);
  e.set64(state.stackMask, mask);
  e.abortIf(get32(state.pending));
}

export function setStackPointer(e: Emitter, value: I64): void {
  e.set64(state.gpr, value, Register.rsp);
}

/** Sets the pointer into another stack: as wide as it is, but for a 16-bit one, which leaves bits 31:16 (vol. 2, IRET). */
export function enterStack(e: Emitter, value: I64): void {
  const mask = get64(state.stackMask);
  const narrow = mask.eq(0xffff);
  const kept = get64(state.gpr, Register.rsp).and(0xffff0000n).or(value.and(0xffff));
  e.set64(state.gpr, e.code.let(select(narrow, kept, value.and(mask))), Register.rsp);
}
