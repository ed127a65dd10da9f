/**
 * Entering a code segment by a far jump, call or return (SDM vol. 3 §5.8): the checks, apart from the change itself,
 * so that what lies between can still fault with nothing changed.
 */
import { I32, I64 } from '../../wasm/values.js';
import { get32, get64 } from '../emitter.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { Access, Efer, Segment, Vector } from '../state.js';
import { updateMode } from './mode.js';
import {
  accessOf,
  dplOf,
  isNull,
  limitOf,
  loadDescriptor,
  markAccessed,
  selectorError,
  setRealSegment,
  setSegment,
} from './segments.js';

/** 1 if code of this segment runs in 64-bit mode: L counts only in long mode. */
export function entersLong(descriptor: I64): I32 {
  const active = get64(state.efer).and(Efer.lma).ne(0);
  return active.and(accessOf(descriptor).and(Access.long).ne(0));
}

/** (selector, descriptor) → #NP, or #GP for a segment both long and 32-bit */
export const checkCodeSegment = routine(
  'checkCodeSegment',
  { parameters: [I32, I64], mayFault: true },
  (e, selector, descriptor) => {
    const { code } = e;
    const access = code.let(accessOf(descriptor));
    const error = selectorError(selector);
    e.raiseIf(access.and(Access.present).eqz(), Vector.np, error);
    e.raiseIf(entersLong(descriptor).and(access.and(Access.big).ne(0)), Vector.gp, error);
  },
);

/** (descriptor, RIP to be) → #GP(0) for a RIP that is not canonical, or outside a segment that has 32 bits of it */
export const checkCodeOffset = routine(
  'checkCodeOffset',
  { parameters: [I64, I64], mayFault: true },
  (e, descriptor, rip) => {
    e.code.if(
      entersLong(descriptor),
      () => e.raiseIf(rip.shl(16).shrS(16).ne(rip), Vector.gp, 0),
      () => e.raiseIf(rip.and(0xffffffffn).gtU(limitOf(descriptor)), Vector.gp, 0),
    );
  },
);

/** (selector, descriptor, RIP to be) → #NP or #GP */
export const checkCodeTarget = routine(
  'checkCodeTarget',
  { parameters: [I32, I64, I64], mayFault: true },
  (e, selector, descriptor, rip) => {
    e.call(checkCodeSegment, selector, descriptor);
    e.call(checkCodeOffset, descriptor, rip);
  },
);

/** (selector) → descriptor of a code segment that may be entered at this CPL by a far jump or call, or a gate or TSS */
export const loadCodeOrGate = routine(
  'loadCodeOrGate',
  { parameters: [I32], result: I64, mayFault: true },
  (e, selector) => {
    const { code } = e;
    e.raiseIf(isNull(selector), Vector.gp, 0);
    const error = selectorError(selector);
    const descriptor = e.call(loadDescriptor, selector);
    const access = code.let(accessOf(descriptor));
    code.if(access.and(Access.notSystem).eqz(), () => code.return(descriptor));
    e.raiseIf(access.and(Access.code).eqz(), Vector.gp, error);
    const dpl = code.let(dplOf(access));
    const cpl = e.read32(state.cpl);
    code.if(
      access.and(Access.conforming),
      () => e.raiseIf(dpl.gtU(cpl), Vector.gp, error),
      () => e.raiseIf(dpl.ne(cpl).or(selector.and(3).gtU(cpl)), Vector.gp, error),
    );
    code.return(descriptor);
  },
);

/** (selector) → descriptor of the code segment that a far return or IRET goes to; its RIP is checked after the stack segment */
export const loadReturnCode = routine(
  'loadReturnCode',
  { parameters: [I32], result: I64, mayFault: true },
  (e, selector) => {
    const { code } = e;
    e.raiseIf(isNull(selector), Vector.gp, 0);
    const error = selectorError(selector);
    const descriptor = e.call(loadDescriptor, selector);
    const access = code.let(accessOf(descriptor));
    const rpl = code.let(selector.and(3));
    const isCode = access.and(Access.notSystem | Access.code).eq(Access.notSystem | Access.code);
    e.raiseIf(isCode.eqz().or(rpl.ltU(get32(state.cpl))), Vector.gp, error);
    const dpl = code.let(dplOf(access));
    code.if(
      access.and(Access.conforming),
      () => e.raiseIf(dpl.gtU(rpl), Vector.gp, error),
      () => e.raiseIf(dpl.ne(rpl), Vector.gp, error),
    );
    e.call(checkCodeSegment, selector, descriptor);
    code.return(descriptor);
  },
);

/** (selector, descriptor, CPL to be, RIP) after the checks: only marking the descriptor as accessed can still fault */
export const enterCode = routine(
  'enterCode',
  { parameters: [I32, I64, I32, I64], mayFault: true },
  (e, selector, descriptor, cpl, rip) => {
    e.call(markAccessed, selector, descriptor);
    e.call(setSegment, I32.const(Segment.cs), selector.and(0xfffc).or(cpl), descriptor.or(1n << 40n));
    e.set32(state.cpl, cpl);
    e.call(updateMode);
    e.set64(state.rip, rip.and(get64(state.ripMask)));
  },
);

/** (selector, IP) in real mode, with the segment's limit kept */
export const enterRealCode = routine(
  'enterRealCode',
  { parameters: [I32, I64], mayFault: true },
  (e, selector, rip) => {
    const limit = I64.load32U(I32.const(0), state.at(state.segmentLimit, Segment.cs));
    e.raiseIf(rip.gtU(limit), Vector.gp, 0);
    e.call(setRealSegment, I32.const(Segment.cs), selector);
    e.set64(state.rip, rip);
    e.call(updateMode);
  },
);
