/** Instruction boundaries by number, so that what holds for one boundary only passes by itself. */
import type { I32, I64 } from '../../wasm/values.js';
import { type Emitter, get32, get64 } from '../emitter.js';
import * as state from '../state.js';

/** The retired count at the boundary after the instruction that runs; between two runs, the present count. */
export function boundaryAfter(e: Emitter): I64 {
  const used = get32(state.granted).sub(get32(state.budget)).sub(get32(state.deferred));
  return e.code.let(get64(state.retired).add(used.extendU()));
}

/** Whether RF is set: for the one instruction after an IRET that set it, or between two passes of a repeated one. */
export function resumes(e: Emitter): I32 {
  return get64(state.resumeAt).eq(boundaryAfter(e));
}
