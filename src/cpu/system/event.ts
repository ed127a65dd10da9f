/**
 * What the deliveries by real-mode vectors, 8-byte and 16-byte gates share (SDM vol. 3 §6.12–6.14): error codes, the
 * RFLAGS image, gates' checks. An event is the vector with `PENDING_…` bits, as `state.pending` holds it.
 */
import { I32, type I64, select } from '../../wasm/values.js';
import { type Emitter, get32 } from '../emitter.js';
import * as state from '../state.js';
import { Access, Flag, Vector } from '../state.js';
import { readFlags } from './flags-register.js';
import { loadDescriptorFor } from './inner-stack.js';
import { resumes } from './instruction-count.js';
import { accessOf, dplOf, isNull, selectorError } from './segments.js';

export const GATE_TASK = 5;
export const GATE_INTERRUPT_16 = 6;
export const GATE_TRAP_16 = 7;
export const GATE_INTERRUPT_32 = 14;
export const GATE_TRAP_32 = 15;

const CLEARED = ~(Flag.tf | Flag.nt | Flag.rf | Flag.vm);
/** Events that are no faults. */
const NOT_FAULT = state.PENDING_SOFTWARE | state.PENDING_EXTERNAL | state.PENDING_TRAP;

/** EXT, bit 0 of an error code: set unless an INT instruction asked for the event (§6.13). */
export function external(event: I32): I32 {
  return event.and(state.PENDING_SOFTWARE).eqz();
}

/** Error code for the event's own gate. */
export function gateError(event: I32): I32 {
  return event.and(0xff).shl(3).or(2).or(external(event));
}

/** The image to push: with RF for a fault, else as RF stands (§17.3.1.1). */
export function pushedFlags(e: Emitter, event: I32): I64 {
  const fault = event.and(NOT_FAULT).eqz();
  return e.code.let(readFlags(e).or(fault.or(resumes(e)).extendU().mul(Flag.rf)));
}

/** Clears TF, NT, RF, VM, and IF for an interrupt gate. */
export function clearFlags(e: Emitter, isInterrupt: I32): void {
  e.set64(state.resumeAt, -1);
  const kept = select(isInterrupt, I32.const(CLEARED & ~Flag.if), I32.const(CLEARED));
  e.set32(state.systemFlags, get32(state.systemFlags).and(kept));
}

/** Of a gate known to be of the right type: #GP if a software interrupt may not use it, #NP if it is not present. */
export function checkGate(e: Emitter, event: I32, gate: I64): void {
  const level = gate.shrU(45).wrap().and(3);
  const refused = event
    .and(state.PENDING_SOFTWARE)
    .ne(0)
    .and(level.ltU(get32(state.cpl)));
  e.raiseIf(refused, Vector.gp, gateError(event));
  e.raiseIf(gate.shrU(47).and(1).eqz(), Vector.np, gateError(event));
}

export interface HandlerCode {
  readonly selector: I32;
  readonly descriptor: I64;
  readonly access: I32;
  /** CPL of the handler. */
  readonly target: I32;
}

/** The code segment that a gate names, checked but for what differs between protected and long mode. */
export function loadHandlerCode(e: Emitter, event: I32, gate: I64): HandlerCode {
  const { code } = e;
  const cpl = get32(state.cpl);
  const selector = code.let(gate.shrU(16).wrap().and(0xffff));
  e.raiseIf(isNull(selector), Vector.gp, external(event));
  const error = selectorError(selector).or(external(event));
  const descriptor = e.call(loadDescriptorFor, selector, external(event), I32.const(Vector.gp));
  const access = code.let(accessOf(descriptor));
  const isCode = access.and(Access.code | Access.notSystem).eq(Access.code | Access.notSystem);
  const dpl = code.let(dplOf(access));
  e.raiseIf(isCode.eqz().or(dpl.gtU(cpl)), Vector.gp, error);
  e.raiseIf(access.and(Access.present).eqz(), Vector.np, error);
  const conforming = access.and(Access.conforming).ne(0);
  return { selector, descriptor, access, target: code.let(select(conforming, cpl, dpl)) };
}
