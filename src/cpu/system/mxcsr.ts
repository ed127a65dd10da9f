/** MXCSR: its bits, and the word derived from it that lets ordinary SSE arithmetic stay fast (SDM vol. 1 §10.2.3). */
import { get32 } from '../emitter.js';
import { routine } from '../routine.js';
import * as state from '../state.js';

/** Exception flags; the masks are the same, `MASK_SHIFT` bits up. */
export const Exception = { ie: 1, de: 2, ze: 4, oe: 8, ue: 16, pe: 32 } as const;
export const MASK_SHIFT = 7;
export const ALL_EXCEPTIONS = 0x3f;
export const Mxcsr = {
  daz: 1 << 6,
  overflowMask: 1 << 10,
  underflowMask: 1 << 11,
  ftz: 1 << 15,
  roundingShift: 13,
  reset: 0x1f80,
  /** MXCSR_MASK of FXSAVE: the bits that may be set. */
  writable: 0xffff,
} as const;
/** Rounding control: bits 14:13. */
export const Rounding = { nearest: 0, down: 1, up: 2, zero: 3 } as const;

/** To be called after anything that has written MXCSR. */
export const updateMxcsr = routine('updateMxcsr', { parameters: [] }, (e) => {
  const modes = e.code.let(
    get32(state.mxcsr)
      .and(0xffff & ~ALL_EXCEPTIONS)
      .ne(Mxcsr.reset),
  );
  const exact = get32(state.mxcsr).and(Exception.pe).eqz();
  e.set32(state.mxcsrSlow, modes.or(exact).shl(31).or(modes));
});
