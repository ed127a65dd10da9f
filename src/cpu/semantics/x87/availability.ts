/**
 * Whether x87 instructions may run now (SDM vol. 3 Table 2-2, §6.15 for #NM and #MF). With CR0.NE clear an unmasked
 * exception would go out on the FERR# pin and come back as an interrupt; there is no such pin here, and IGNNE# is as
 * if asserted: the exception stays in the status word and is not raised.
 */
import { get32, get64 } from '../../emitter.js';
import * as state from '../../state.js';
import { Cr0, Vector } from '../../state.js';
import type { Context } from '../context.js';
import { Status } from './words.js';

/** #MF if an earlier instruction left an unmasked exception. */
export function raisePendingError(context: Context): void {
  const waiting = get32(state.fpuStatus).and(Status.error).ne(0);
  context.raiseIf(waiting.and(get64(state.cr0).and(Cr0.ne).ne(0)), Vector.mf);
}

/** What the instructions that do not wait begin with: #NM if CR0.EM or CR0.TS. */
export function requireX87(context: Context): void {
  context.requireUnit(state.fpuFault);
}

/** What all others begin with: #NM, then #MF. */
export function waitForX87(context: Context): void {
  requireX87(context);
  raisePendingError(context);
}
