/**
 * The instruction after STI, MOV SS and POP SS is run before any interrupt is taken, and after the latter two before
 * any single-step trap (SDM vol. 3 §6.8.3). The shadow is the retired count at which these are held off; it passes by
 * itself.
 */
import type { I32 } from '../../wasm/values.js';
import { get32, get64 } from '../emitter.js';
import * as state from '../state.js';
import { Flag, Segment } from '../state.js';
import { boundaryAfter } from '../system/instruction-count.js';
import type { Context } from './context.js';

/** Notes that no interrupt is taken at the boundary after this instruction. */
export function holdInterrupts(context: Context): void {
  context.set64(state.shadowAt, boundaryAfter(context));
}

/** After a load of segment register `number`, for it may have been SS: also holds off the single-step trap. */
export function holdInterruptsAfterStackSegment(context: Context, number: I32): void {
  context.code.if(number.eq(Segment.ss), () => {
    holdInterrupts(context);
    context.set64(state.trapShadowAt, get64(state.shadowAt));
  });
}

/**
 * After IF may have been set: if an interrupt waits, ends the run so that it is taken.
 * @param after instructions that may still begin first
 */
export function offerInterrupt(context: Context, after = 0): void {
  const enabled = get32(state.systemFlags).and(Flag.if).ne(0);
  context.code.if(enabled.and(get32(state.interruptWaiting).ne(0)), () => context.requestExit(after));
}
