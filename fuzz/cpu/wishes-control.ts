/**
 * Wishes of instructions that jump, and of those that use the stack or load segment registers: targets, frames, selectors,
 * and code behind them that makes segments what they were.
 */
import type { DecodedInstruction } from '../../src/cpu/decode/instruction.js';
import type { Build } from './build.js';
import { Fixup, FS_BASE, GS_BASE, NUMBER_SELECTOR, SELECTOR } from './layout.js';
import { type After, moveImmediate, RBP, RCX, RDX } from './wishes.js';

/** Two bytes that change ECX, in either code size: what a jump jumps over. */
const SKIPPED = [0xf7, 0xd1];

export function jumpsOver(build: Build): void {
  build.immediate = [SKIPPED.length, 0, 0, 0];
  build.after.push(...SKIPPED);
}

export const word = (build: Build, instruction: DecodedInstruction): number =>
  build.codeSize === 64 && instruction.operandSize === 32 ? 8 : instruction.operandSize / 8;

export const stack =
  (down: number, up: number): After =>
  (build, instruction) => {
    const bytes = word(build, instruction);
    build.stack(down * bytes, up * bytes);
  };

export function jumpsIndirectly(build: Build, instruction: DecodedInstruction): void {
  const target = BigInt(instruction.length + SKIPPED.length);
  build.after.push(...SKIPPED);
  const bytes = instruction.operandSize / 8;
  if (instruction.isMemory) build.memory(build.operand, 0, bytes, target, true);
  else build.fixups.push({ operation: Fixup.set, register: instruction.rm, value: target, fromCode: true });
}

/** INT3, which ends a case in either mode: its handler goes back to 64-bit code. */
const BREAKPOINT = 0xcc;

/** Where a far transfer through memory goes: now and then to the other mode, with a RIP wider than compatibility mode's. */
function farTarget(
  build: Build,
  instruction: DecodedInstruction,
): { readonly rip: bigint; readonly selector: bigint } {
  const other = build.tier === 'fault' && build.random.oneIn(4);
  const long = (build.codeSize === 64) !== other;
  build.after.push(...SKIPPED);
  if (other) build.after.push(BREAKPOINT);
  const beyond = !long && instruction.operandSize === 64 && build.random.oneIn(2) ? 1n << 32n : 0n;
  return {
    rip: BigInt(instruction.length + SKIPPED.length) + beyond,
    selector: BigInt(long ? SELECTOR.code64 : SELECTOR.code32),
  };
}

export function farThroughMemory(build: Build, instruction: DecodedInstruction): void {
  const { rip, selector } = farTarget(build, instruction);
  const bytes = instruction.operandSize / 8;
  build.memory(build.operand, 0, bytes, rip, true);
  build.memory(build.operand, bytes, 2, selector);
}

/** What goes on after 4 GiB is the processor's own affair (SDM vol. 3 §5.3), and the call may go to 32-bit code. */
export function farCallStack(build: Build, instruction: DecodedInstruction): void {
  const bytes = 2 * word(build, instruction);
  const top = build.stack(bytes, 0);
  if ((top & 0xffffffffn) < bytes) build.refused = true;
}

export function farDirect(build: Build, instruction: DecodedInstruction): void {
  if (instruction.operandSize === 16) {
    build.refused = true;
    return;
  }
  const { length } = instruction;
  build.after.push(...SKIPPED);
  build.patches.push({ at: length - 6, kind: 'address', value: length + SKIPPED.length, from: 0 });
}

function nearTarget(build: Build, instruction: DecodedInstruction): { rip: bigint; selector: bigint } {
  build.after.push(...SKIPPED);
  return { rip: BigInt(instruction.length + SKIPPED.length), selector: 0n };
}

/** A frame on the stack: words with the code's address, a selector and more. */
export function returns(kind: 'near' | 'far' | 'interrupt'): After {
  return (build, instruction) => {
    const near = kind === 'near';
    const bytes = near ? word(build, instruction) : instruction.operandSize / 8;
    const { rip, selector } = near ? nearTarget(build, instruction) : farTarget(build, instruction);
    // Misaligned, and with AC in the popped flags, it is #AC with AC clear in the saved ones: Linux takes that for a split
    // lock, and begins it again for ever.
    const top = build.stack(0, bytes * 5, kind === 'interrupt' ? 8 : 1);
    build.memory(top, 0, bytes, rip, true);
    if (selector) build.memory(top, bytes, bytes, selector);
    if (kind !== 'interrupt') return;
    if (build.codeSize === 64) build.memory(top, bytes * 4, bytes, BigInt(SELECTOR.data));
  };
}

/** Reads what a segment register was loaded with, and makes it what it was. */
function restoreSegment(build: Build, segment: number): void {
  build.unsteppable = true;
  if (build.codeSize === 32) {
    build.after.push(0x8c, 0xc0 | (segment << 3) | RDX); // mov edx,Sreg
  } else {
    build.after.push(0x41, 0x8c, 0xc0 | (segment << 3) | 6); // mov r14d,Sreg
  }
  const scratch = build.codeSize === 32 ? RCX : 15;
  const load = (value: number): void => {
    build.after.push(...moveImmediate(scratch, value));
    if (scratch > 7) build.after.push(0x41);
    build.after.push(0x8e, 0xc0 | (segment << 3) | (scratch & 7));
  };
  load(segment >= 4 ? 0 : SELECTOR.data);
  if (segment >= 4 && build.codeSize === 64) restoreBase(build, segment);
}

export function restoreBase(build: Build, segment: number): void {
  build.unsteppable = true;
  build.after.push(...moveImmediate(15, segment === 4 ? FS_BASE : GS_BASE));
  build.after.push(0xf3, 0x49, 0x0f, 0xae, segment === 4 ? 0xd7 : 0xdf); // wrfsbase r15
}

export function segmentLoaded(build: Build, instruction: DecodedInstruction): void {
  const destination = instruction.entry.operands[0]!;
  if (destination.registers !== 'segment') return;
  selectorSource(build, instruction);
  restoreSegment(build, instruction.reg);
}

/** No null selector but 0: the host's interrupts make the others 0. */
const SELECTORS = [0, 0x2b, 0x23, 0x2b, NUMBER_SELECTOR, 0x33, 0x10, 0x1f8];

export function selectorSource(build: Build, instruction: DecodedInstruction): void {
  if (!instruction.isMemory) {
    build.fixups.push({ operation: Fixup.selector, register: instruction.rm, a: 7 });
  } else build.memory(build.operand, 0, 2, BigInt(build.random.pick(SELECTORS)));
}

export function pop(build: Build, instruction: DecodedInstruction): void {
  const bytes = word(build, instruction);
  const top = build.stack(0, bytes);
  const operand = instruction.entry.operands[0];
  if (operand?.registers !== 'segment') return;
  build.memory(top, 0, 2, BigInt(build.random.pick(SELECTORS)));
  restoreSegment(build, operand.fixed);
}

export function farPointer(build: Build, instruction: DecodedInstruction): void {
  const names = ['LES', '', 'LSS', 'LDS', 'LFS', 'LGS'];
  const segment = names.indexOf(instruction.entry.mnemonic);
  build.memory(build.operand, instruction.operandSize / 8, 2, BigInt(build.random.pick(SELECTORS)));
  restoreSegment(build, segment);
}

export function enter(build: Build, instruction: DecodedInstruction): void {
  const bytes = word(build, instruction);
  const top = build.stack(33 * bytes, bytes);
  build.point(RBP, top - BigInt(bytes * build.random.below(4)));
}
