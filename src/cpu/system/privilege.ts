/** Who may run an instruction: CPL 0, or whoever UMIP lets (SDM vol. 3 §6.9 and §2.5). */
import { type Emitter, get32, get64 } from '../emitter.js';
import * as state from '../state.js';
import { Cr4, Vector } from '../state.js';
import { realSegments } from './segments.js';

/** #GP(0) unless CPL is 0. */
export function requireSupervisor(e: Emitter): void {
  e.raiseIf(get32(state.cpl).ne(0), Vector.gp, 0);
}

/** #GP(0) for SGDT, SIDT, SLDT, STR and SMSW above CPL 0 while CR4.UMIP is set. */
export function checkUserModePrevention(e: Emitter): void {
  const prevented = get64(state.cr4).and(Cr4.umip).ne(0);
  e.raiseIf(prevented.and(get32(state.cpl).ne(0)), Vector.gp, 0);
}

/** #UD in real and virtual-8086 mode. */
export function requireProtectedMode(e: Emitter): void {
  e.raiseIf(realSegments(), Vector.ud);
}
