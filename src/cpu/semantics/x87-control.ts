/**
 * FNINIT and FNCLEX, with which kernels put the x87 unit into a known state (SDM vol. 2; vol. 1 §8.1.5). The rest of
 * x87 is not there yet, and CPUID does not offer it.
 */
import { get32 } from '../emitter.js';
import * as state from '../state.js';
import { type Context, define } from './context.js';

/** Default control word: all exceptions masked, 64-bit precision, round to nearest. */
const INITIAL_CONTROL = 0x37f;
const ALL_EMPTY = 0xffff;
/** B, ES, SF and the six exception flags. */
const EXCEPTION_BITS = 0x80ff;

function raiseUnlessAvailable(context: Context): void {
  context.code.if(get32(state.fpuFault), () => context.raise(get32(state.fpuFault)));
}

define('FNINIT', 'Sets the x87 control, status and tag words to their defaults.', (context) => {
  raiseUnlessAvailable(context);
  context.set32(state.fpuControl, INITIAL_CONTROL);
  context.set32(state.fpuStatus, 0);
  context.set32(state.fpuTag, ALL_EMPTY);
});

define('FNCLEX', 'Clears the x87 exception flags.', (context) => {
  raiseUnlessAvailable(context);
  context.set32(state.fpuStatus, get32(state.fpuStatus).and(~EXCEPTION_BITS));
});
