/**
 * How MMX instructions use the x87 registers (SDM vol. 1 §9.2, §9.5; vol. 3 ch. 12). An MMX instruction begins with
 * `requireMmx`; when nothing can fault any more, `enterMmx` makes the registers MMX registers. Writing an operand of
 * kind `mmx` sets the register's sign and exponent to ones; that is the operand's matter.
 */
import { get32 } from '../../emitter.js';
import * as state from '../../state.js';
import type { Context } from '../context.js';
import { raisePendingError } from './availability.js';
import { ALL_VALID, Status } from './words.js';

/** #UD if CR0.EM, #NM if CR0.TS, #MF if an x87 exception waits. */
export function requireMmx(context: Context): void {
  context.requireUnit(state.mmxFault);
  raisePendingError(context);
}

/** TOP becomes 0: of an MMX store even if it faults, as processors do. */
export function clearTop(context: Context): void {
  context.set32(state.fpuStatus, get32(state.fpuStatus).and(~Status.top));
}

/** TOP becomes 0 and all registers valid. */
export function enterMmx(context: Context): void {
  clearTop(context);
  context.set32(state.fpuTag, ALL_VALID);
}

/** What EMMS does after `requireMmx`. */
export function emptyMmx(context: Context): void {
  enterMmx(context);
  context.set32(state.fpuTag, 0);
}
