/** RFLAGS as one image (SDM vol. 1 §3.4.3): the arithmetic flags from their lazy words, and the rest. RF is kept apart: `resumeAt`. */
import { I64, select } from '../../wasm/values.js';
import { type Emitter, get32, get64 } from '../emitter.js';
import { Flags } from '../semantics/flags.js';
import * as state from '../state.js';
import { Flag } from '../state.js';

const WORDS = { zero: state.flagZero, sign: state.flagSign, carry: state.flagCarry } as const;
const ARITHMETIC = Flag.cf | Flag.pf | Flag.af | Flag.zf | Flag.sf | Flag.of;
const IMPLEMENTED =
  Flag.tf | Flag.if | Flag.df | Flag.iopl | Flag.nt | Flag.vm | Flag.ac | Flag.vif | Flag.vip | Flag.id;

/** The arithmetic flags where they live in the state. */
function stateFlags(e: Emitter): Flags {
  return new Flags(e.code, {
    get: (word) => get64(WORDS[word]),
    set: (word, value) => e.set64(WORDS[word], value),
  });
}

export function readFlags(e: Emitter): I64 {
  return e.code.let(stateFlags(e).image().or(get32(state.systemFlags).extendU()));
}

/** Sets the flags in `mask` from an image; reserved bits stay as they are. The arithmetic flags are always set. */
export function writeFlags(e: Emitter, image: I64, mask: I64): void {
  const { code } = e;
  stateFlags(e).setImage(image);
  const writable = code.let(mask.and(IMPLEMENTED & ~ARITHMETIC).wrap());
  const kept = get32(state.systemFlags).and(writable.xor(-1));
  e.set32(state.systemFlags, kept.or(image.wrap().and(writable)).or(2));
}

/**
 * Which bits POPF and IRET may change at this CPL: IF up to IOPL, IOPL itself at CPL 0, and the upper half only by a
 * 32- or 64-bit operand (vol. 2, POPF, Table 4-16). RF, VM, VIF and VIP are left to the caller.
 */
export function changeableFlags(e: Emitter, operandSize: number): I64 {
  const { code } = e;
  const always = Flag.tf | Flag.df | Flag.nt | (operandSize === 16 ? 0 : Flag.ac | Flag.id);
  const cpl = e.read32(state.cpl);
  const level = get32(state.systemFlags).shrU(12).and(3);
  const interrupts = select(cpl.leU(level), I64.const(Flag.if), I64.const(0));
  const privilege = select(cpl.eqz(), I64.const(Flag.iopl), I64.const(0));
  return code.let(interrupts.or(privilege).or(always));
}
