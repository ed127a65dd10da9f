/** The stack: the accesses that PUSH, POP, CALL and RET share, and those instructions that move data by it. */
import { I32, type I64 } from '../../wasm/values.js';
import { get64 } from '../emitter.js';
import * as state from '../state.js';
import { Register, Segment } from '../state.js';
import { updateMode } from '../system/mode.js';
import { loadSegment } from '../system/segments.js';
import { type Context, define, defineHot, type Operand } from './context.js';
import { holdInterruptsAfterStackSegment } from './interrupt-shadow.js';

const RSP = Register.rsp;

/** The stack pointer as the stack segment sees it: masked to the stack's address size. */
export function stackPointer(context: Context): I64 {
  const rsp = context.register(RSP, 64);
  return context.long ? rsp : context.code.let(rsp.and(get64(state.stackMask)));
}

/** Moves the stack pointer, keeping what a 16-bit one does not reach. */
export function setStackPointer(context: Context, value: I64): void {
  if (context.long) {
    context.setRegister(RSP, 64, value);
    return;
  }
  const mask = get64(state.stackMask);
  const kept = context.register(RSP, 64).and(mask.not());
  context.setRegister(RSP, 64, kept.or(value.and(mask)));
}

/** Linear address of an offset in the stack segment. */
export function stackAddress(context: Context, offset: I64, bytes: number, kind: 'read' | 'write'): I64 {
  if (context.long) return offset;
  const masked = context.code.let(offset.and(get64(state.stackMask)));
  return context.linear(Segment.ss, masked, bytes, kind);
}

/** Stores below the stack pointer and answers where the pointer goes; nothing but memory has changed. */
export function storeBelow(context: Context, width: number, value: I64): I64 {
  const bytes = width / 8;
  const top = context.code.let(stackPointer(context).sub(bytes));
  context.store(stackAddress(context, top, bytes, 'write'), width, value, true);
  return top;
}

export function push(context: Context, width: number, value: I64): void {
  setStackPointer(context, storeBelow(context, width, value));
}

/** The value `depth` bytes above the stack pointer, which stays. */
export function peek(context: Context, width: number, depth = 0): I64 {
  const top = stackPointer(context);
  const address = depth ? top.add(depth) : top;
  return context.load(stackAddress(context, address, width / 8, 'read'), width, true);
}

/** Drops bytes off the stack. */
export function discard(context: Context, bytes: number | I64): void {
  setStackPointer(context, context.code.let(stackPointer(context).add(bytes)));
}

/** At an operand size of 32 bits only the lower half of the slot is written (SDM vol. 2, PUSH, as recent processors do). */
function pushSegment(context: Context, operand: Operand): void {
  const { code, operandSize } = context;
  const selector = code.let(I32.load(context.element(state.segmentSelector, operand.number())).extendU());
  const top = code.let(stackPointer(context).sub(operandSize / 8));
  const width = operandSize === 32 ? 16 : operandSize;
  context.store(stackAddress(context, top, width / 8, 'write'), width, selector, true);
  setStackPointer(context, top);
}

defineHot('PUSH', 'Stores the operand below the stack pointer and moves it there.', (context) => {
  const [operand] = context.operands as [Operand];
  if (operand.kind === 'segment') pushSegment(context, operand);
  else push(context, context.operandSize, context.code.let(operand.read()));
});

defineHot('POP', 'Loads the operand from the top of the stack and drops it.', (context) => {
  const { code, operandSize } = context;
  const [operand] = context.operands as [Operand];
  if (operand.kind === 'segment') {
    popSegment(context, operand);
    return;
  }
  const value = peek(context, operandSize);
  if (operand.kind === 'memory') {
    const bias = operand.basedOn(RSP).mul(operandSize / 8);
    operand.part(code.let(bias.extendU()), operandSize).write(value);
    discard(context, operandSize / 8);
  } else {
    discard(context, operandSize / 8);
    operand.write(value);
  }
});

/** Reads no more than the selector. */
function popSegment(context: Context, operand: Operand): void {
  const value = peek(context, 16);
  const number = context.code.let(operand.number());
  context.call(loadSegment, number, context.code.let(value.and(0xffff).wrap()));
  discard(context, context.operandSize / 8);
  context.call(updateMode);
  holdInterruptsAfterStackSegment(context, number);
}

define('LEAVE', 'Frees a stack frame: RSP from RBP, then POP RBP.', (context) => {
  const { code, operandSize } = context;
  const frame = code.let(context.register(Register.rbp, 64));
  const address = context.long ? frame : code.let(frame.and(get64(state.stackMask)));
  const bytes = operandSize / 8;
  const value = context.load(stackAddress(context, address, bytes, 'read'), operandSize, true);
  setStackPointer(context, code.let(address.add(bytes)));
  context.setRegister(Register.rbp, operandSize, value);
});
