/** The register stack: TOP, tags, pushing and popping (SDM vol. 1 §8.1.2, §8.1.7). */
import { I32, I64 } from '../../../wasm/values.js';
import type { V128 } from '../../../wasm/vector.js';
import { type Emitter, get32 } from '../../emitter.js';
import * as state from '../../state.js';
import { extended, headOf, significandOf } from './extended.js';
import { Status, TOP_SHIFT } from './words.js';

/** The physical number of ST(n). */
export function physical(n: I32 | number): I32 {
  return get32(state.fpuStatus).shrU(TOP_SHIFT).add(n).and(7);
}

/** The address of ST(n). */
export function stackAddress(e: Emitter, n: I32 | number): I32 {
  return e.code.let(e.element(state.fpr, physical(n)));
}

/** Registers are read and written in two halves: a whole one read after halves were written would wait for both. */
export function loadRegister(e: Emitter, address: I32): V128 {
  return e.code.let(extended(I32.load(address, 8), I64.load(address)));
}

export function storeRegister(e: Emitter, address: I32, value: V128): void {
  e.code.store(address, significandOf(value));
  e.code.store(address, headOf(value).extendU(), 8);
}

export function stackRegister(e: Emitter, n: I32 | number): V128 {
  return loadRegister(e, stackAddress(e, n));
}

/** 1 if ST(n) is not empty. */
export function isPresent(n: I32 | number): I32 {
  return get32(state.fpuTag).shrU(physical(n)).and(1);
}

export function isEmpty(n: I32 | number): I32 {
  return isPresent(n).eqz();
}

/** ST(n) = value, not empty */
export function writeStack(e: Emitter, n: I32 | number, value: V128): void {
  storeRegister(e, stackAddress(e, n), value);
  e.set32(state.fpuTag, get32(state.fpuTag).or(I32.const(1).shl(physical(n))));
}

export function setTop(e: Emitter, top: I32): void {
  e.set32(state.fpuStatus, get32(state.fpuStatus).and(~Status.top).or(top.and(7).shl(TOP_SHIFT)));
}

export function markEmpty(e: Emitter, n: I32 | number): void {
  e.set32(state.fpuTag, get32(state.fpuTag).and(I32.const(1).shl(physical(n)).xor(-1)));
}

/** ST(0) becomes empty and ST(1) the top. */
export function popStack(e: Emitter): void {
  markEmpty(e, 0);
  setTop(e, physical(1));
}

/** A new top, not empty, whatever was there. */
export function pushStack(e: Emitter, value: V128): void {
  setTop(e, physical(7));
  writeStack(e, 0, value);
}
