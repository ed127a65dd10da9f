/**
 * Going back to a less privileged level's stack by a far return or IRET (SDM vol. 2, RET and IRET,
 * RETURN-TO-OUTER-PRIVILEGE-LEVEL): the checks of SS, its loading, and what becomes of the data segments.
 */
import { I32, I64 } from '../../wasm/values.js';
import { get32 } from '../emitter.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { Access, Segment, Vector } from '../state.js';
import {
  accessOf,
  dplOf,
  isNull,
  loadDescriptor,
  markAccessed,
  selectorError,
  setNullSegment,
  setSegment,
} from './segments.js';

/** (selector, level, 1 if the code to return to is 64-bit) → descriptor, 0 for a null selector where that may be */
export const loadReturnStack = routine(
  'loadReturnStack',
  { parameters: [I32, I32, I32], result: I64, mayFault: true },
  (e, selector, level, long) => {
    const { code } = e;
    const error = selectorError(selector);
    code.if(isNull(selector), () => {
      e.raiseIf(long.eqz().or(level.eq(3)), Vector.gp, 0);
      e.raiseIf(selector.and(3).ne(level), Vector.gp, 0);
      code.return(I64.const(0));
    });
    const descriptor = e.call(loadDescriptor, selector);
    const access = code.let(accessOf(descriptor));
    const right = Access.notSystem | Access.writable;
    const writable = access.and(right | Access.code).eq(right);
    const privileged = selector.and(3).eq(level).and(dplOf(access).eq(level));
    e.raiseIf(writable.and(privileged).eqz(), Vector.gp, error);
    e.raiseIf(access.and(Access.present).eqz(), Vector.ss, error);
    code.return(descriptor);
  },
);

/** (selector, descriptor) marks what `loadReturnStack` gave as accessed, once nothing else of the return can fault */
export const markReturnStack = routine(
  'markReturnStack',
  { parameters: [I32, I64], mayFault: true },
  (e, selector, descriptor) => {
    e.code.if(descriptor.eqz(), () => e.code.return());
    e.call(markAccessed, selector, descriptor);
  },
);

/** (selector, descriptor) loads SS with what `loadReturnStack` gave; CPL is already the new one */
export const setReturnStack = routine(
  'setReturnStack',
  { parameters: [I32, I64] },
  (e, selector, descriptor) => {
    const stack = I32.const(Segment.ss);
    e.code.if(
      descriptor.eqz(),
      () => e.call(setNullSegment, stack, selector),
      () => e.call(setSegment, stack, selector, descriptor.or(1n << 40n)),
    );
  },
);

/**
 * Makes those of DS, ES, FS and GS null that the new, lesser privilege may not use, and null selectors that are 1 to 3
 * become 0, as processors have it. Only the selectors change: 64-bit kernels keep the bases of FS and GS so over a visit to
 * ring 3.
 */
export const dropPrivilegedSegments = routine('dropPrivilegedSegments', { parameters: [] }, (e) => {
  const { code } = e;
  for (const segment of [Segment.es, Segment.ds, Segment.fs, Segment.gs]) {
    code.scope(() => {
      const access = e.read32(state.segmentAccess, segment);
      const conforming = Access.code | Access.conforming;
      const open = access.and(conforming).eq(conforming);
      const tooLow = dplOf(access).ltU(get32(state.cpl)).and(open.eqz());
      code.if(access.and(Access.null).ne(0).or(tooLow), () => {
        const base = code.let(e.read64(state.segmentBase, segment));
        e.call(setNullSegment, I32.const(segment), I32.const(0));
        e.set64(state.segmentBase, base, segment);
      });
    });
  }
});
