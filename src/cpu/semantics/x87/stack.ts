/** The register stack: TOP, tags, pushing and popping (SDM vol. 1 §8.1.2, §8.1.7). */
import { I32 } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import { type Emitter, get32 } from '../../emitter.js';
import { routine } from '../../routine.js';
import * as state from '../../state.js';
import { Status, TOP_SHIFT } from './words.js';

/** The physical number of ST(n). */
export function physical(n: I32 | number): I32 {
  return get32(state.fpuStatus).shrU(TOP_SHIFT).add(n).and(7);
}

/** The address of ST(n). */
export const stackAddress = routine('x87StackAddress', { parameters: [I32], result: I32 }, (e, n) => {
  e.code.return(e.element(state.fpr, physical(n)));
});

export function stackRegister(e: Emitter, n: I32 | number): V128 {
  const number = typeof n === 'number' ? I32.const(n) : n;
  return e.code.let(V128.load(e.call(stackAddress, number)));
}

/** 1 if ST(n) is not empty. */
export function isPresent(n: I32 | number): I32 {
  return get32(state.fpuTag).shrU(physical(n)).and(1);
}

export function isEmpty(n: I32 | number): I32 {
  return isPresent(n).eqz();
}

/** (n, value): ST(n) = value, not empty */
export const writeStack = routine('x87WriteStack', { parameters: [I32, V128] }, (e, n, value) => {
  e.code.store(e.call(stackAddress, n), value);
  e.set32(state.fpuTag, get32(state.fpuTag).or(I32.const(1).shl(physical(n))));
});

export function setTop(e: Emitter, top: I32): void {
  e.set32(state.fpuStatus, get32(state.fpuStatus).and(~Status.top).or(top.and(7).shl(TOP_SHIFT)));
}

export function markEmpty(e: Emitter, n: I32 | number): void {
  e.set32(state.fpuTag, get32(state.fpuTag).and(I32.const(1).shl(physical(n)).xor(-1)));
}

/** ST(0) becomes empty and ST(1) the top. */
export const popStack = routine('x87Pop', { parameters: [] }, (e) => {
  markEmpty(e, 0);
  setTop(e, physical(1));
});

/** (value): a new top, not empty, whatever was there */
export const pushStack = routine('x87Push', { parameters: [V128] }, (e, value) => {
  setTop(e, physical(7));
  e.call(writeStack, I32.const(0), value);
});
