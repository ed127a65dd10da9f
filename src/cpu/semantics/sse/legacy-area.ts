/**
 * The first 512 bytes of a saved state, by parts: what FXSAVE and the XSAVE family have in common (SDM vol. 1 Table 10-2,
 * §13.4.1). Areas are given by linear address; the caller has checked that they can be reached before anything is
 * written. With a 64-bit operand size the x87 pointers are saved whole, else their low halves with selectors of 0.
 */
import { I32, I64, select } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import { type Emitter, get32, get64 } from '../../emitter.js';
import { commit, place } from '../../mmu/access.js';
import { behind } from '../../mmu/segmentation.js';
import { UNFILLED_TLB } from '../../mmu/tlb.js';
import { AccessKind } from '../../mmu/walk.js';
import { routine } from '../../routine.js';
import * as state from '../../state.js';
import { Segment, Vector } from '../../state.js';
import { Mxcsr, updateMxcsr } from '../../system/mxcsr.js';
import type { Context } from '../context.js';
import { setControl, updateError } from '../x87/control.js';
import { TOP_SHIFT } from '../x87/words.js';

export const LEGACY_SIZE = 512;
export const MXCSR_OFFSET = 24;
const X87_OFFSET = 32;
const XMM_OFFSET = 160;
/** Of an 80-bit register: sign and exponent, in the second 8 bytes. */
const EXTENDED_MASK = 0xffff;
/** (linear, access bits, value) */
const storeVector = routine(
  'storeVector',
  { parameters: [I64, I32, V128], mayFault: true },
  (e, linear, access, value) => {
    const host = place(e, linear, 16, 'write', access);
    e.code.store(host, value);
    commit(e, host);
  },
);

export const loadVector = routine(
  'loadVector',
  { parameters: [I64, I32], result: V128, mayFault: true },
  (e, linear, access) => e.code.return(V128.load(place(e, linear, 16, 'read', access))),
);

/** (linear, access bits, value): eight bytes */
export const storeWord = routine(
  'storeWord',
  { parameters: [I64, I32, I64], mayFault: true },
  (e, linear, access, value) => {
    const host = place(e, linear, 8, 'write', access);
    e.code.store(host, value);
    commit(e, host);
  },
);

export const loadWord = routine(
  'loadWord',
  { parameters: [I64, I32], result: I64, mayFault: true },
  (e, linear, access) => e.code.return(I64.load(place(e, linear, 8, 'read', access))),
);

/** #GP(0) off a boundary of so many bytes; silicon makes it #AC(0) off one of 4 while alignment is checked. */
export function requireAligned(context: Context, linear: I64, bytes: number): void {
  const checked = get32(state.tlbBase).eq(UNFILLED_TLB);
  context.raiseIf(checked.and(linear.and(3).ne(0)), Vector.ac, 0);
  context.raiseIf(linear.and(bytes - 1).ne(0), Vector.gp, 0);
}

/** Raises what an access to one byte would. */
export function probe(e: Emitter, linear: I64, offset: number, kind: 'read' | 'write', access: I32): void {
  place(e, behind(e, linear, offset), 1, kind, access);
}

/** How an area is reached: access bits for the segment, how many XMM registers the mode has, 1 for a 64-bit operand size. */
export interface Reach {
  readonly access: I32;
  readonly registers: I32;
  readonly wide: I32;
}

export function reachOf(context: Context): Reach {
  return {
    access: context.code.let(context.segment().eq(Segment.ss).mul(AccessKind.stack)),
    registers: I32.const(context.long ? 16 : 8),
    wide: I32.const(context.operandSize === 64 ? 1 : 0),
  };
}

/** The register that stands n-th from the top of the x87 stack: its address. */
function stackRegister(e: Emitter, top: I32, n: number): I32 {
  return e.code.let(e.element(state.fpr, top.add(n).and(7)));
}

function topOfStack(e: Emitter): I32 {
  return e.code.let(get32(state.fpuStatus).shrU(TOP_SHIFT).and(7));
}

/** (linear, access bits, 1 for a 64-bit operand size) */
export const saveX87 = routine(
  'saveX87',
  { parameters: [I64, I32, I32], mayFault: true },
  (e, linear, access, wide) => {
    const { code } = e;
    const put = (offset: number, value: I64): void => {
      e.call(storeWord, behind(e, linear, offset), access, value);
    };
    const pointer = (field: state.Field): I64 => {
      const whole = code.let(get64(field));
      return select(wide, whole, whole.and(0xffffffffn));
    };
    const control = get32(state.fpuControl).and(0xffff).extendU();
    const status = get32(state.fpuStatus).and(0xffff).extendU().shl(16);
    const tags = get32(state.fpuTag).and(0xff).extendU().shl(32);
    put(0, control.or(status).or(tags).or(get32(state.fpuOpcode).and(0x7ff).extendU().shl(48)));
    put(8, pointer(state.fpuInstruction));
    put(16, pointer(state.fpuData));
    const top = topOfStack(e);
    for (let n = 0; n < 8; n++) {
      const register = stackRegister(e, top, n);
      const exponent = I64.load(register, 8).and(EXTENDED_MASK);
      const value = V128.load(register).replaceI64(1, exponent);
      e.call(storeVector, behind(e, linear, X87_OFFSET + 16 * n), access, value);
    }
  },
);

/** (linear, access bits, 1 for a 64-bit operand size) */
export const restoreX87 = routine(
  'restoreX87',
  { parameters: [I64, I32, I32], mayFault: true },
  (e, linear, access, wide) => {
    const { code } = e;
    const get = (offset: number): I64 => e.call(loadWord, behind(e, linear, offset), access);
    const pointer = (field: state.Field, offset: number): void => {
      const whole = get(offset);
      e.set64(field, select(wide, whole, whole.and(0xffffffffn)));
    };
    const first = get(0);
    setControl(e, first.wrap());
    e.set32(state.fpuStatus, first.shrU(16).wrap().and(0xffff));
    e.call(updateError);
    e.set32(state.fpuTag, first.shrU(32).wrap().and(0xff));
    e.set32(state.fpuOpcode, first.shrU(48).wrap().and(0x7ff));
    pointer(state.fpuInstruction, 8);
    pointer(state.fpuData, 16);
    const top = topOfStack(e);
    for (let n = 0; n < 8; n++) {
      const value = e.call(loadVector, behind(e, linear, X87_OFFSET + 16 * n), access);
      const exponent = value.extractI64(1).and(EXTENDED_MASK);
      code.store(stackRegister(e, top, n), value.replaceI64(1, exponent));
    }
  },
);

/** (linear, access bits) */
export const saveMxcsr = routine(
  'saveMxcsr',
  { parameters: [I64, I32], mayFault: true },
  (e, linear, access) => {
    const mask = BigInt(Mxcsr.writable) << 32n;
    const value = get32(state.mxcsr).extendU().or(mask);
    e.call(storeWord, behind(e, linear, MXCSR_OFFSET), access, value);
  },
);

/** (linear, access bits) → the MXCSR to be loaded, or #GP(0) pending if reserved bits are set */
export const savedMxcsr = routine(
  'savedMxcsr',
  { parameters: [I64, I32], result: I32, mayFault: true },
  (e, linear, access) => {
    const word = e.call(loadWord, behind(e, linear, MXCSR_OFFSET), access);
    const value = e.code.let(word.wrap());
    e.raiseIf(value.and(~Mxcsr.writable), Vector.gp, 0);
    e.code.return(value);
  },
);

export function setMxcsr(e: Emitter, value: I32 | number): void {
  e.set32(state.mxcsr, value);
  e.call(updateMxcsr);
}

/** One 16-byte lane of each vector register, whichever way it goes. */
function eachRegister(
  name: string,
  offset: number,
  lane: 0 | 16,
  move: (e: Emitter, linear: I64, access: I32, register: I32) => void,
) {
  return routine(name, { parameters: [I64, I32, I32], mayFault: true }, (e, linear, access, registers) => {
    const { code } = e;
    for (let n = 0; n < 16; n++) {
      if (n === 8) code.if(registers.eq(8), () => code.return());
      const register = I32.const(state.at(state.xmm, n) + lane);
      move(e, behind(e, linear, offset + 16 * n), access, register);
    }
  });
}
const save = (e: Emitter, linear: I64, access: I32, register: I32): void => {
  e.call(storeVector, linear, access, V128.load(register));
};
const restore = (e: Emitter, linear: I64, access: I32, register: I32): void => {
  e.code.store(register, e.call(loadVector, linear, access));
};

/** (linear, access bits, count of registers): bits 127:0 of the vector registers */
export const saveXmm = eachRegister('saveXmm', XMM_OFFSET, 0, save);
export const restoreXmm = eachRegister('restoreXmm', XMM_OFFSET, 0, restore);
/** The same for bits 255:128, at the address itself. */
export const saveUpper = eachRegister('saveUpper', 0, 16, save);
export const restoreUpper = eachRegister('restoreUpper', 0, 16, restore);
