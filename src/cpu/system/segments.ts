/**
 * Descriptors and the hidden parts of segment registers (SDM vol. 3 §3.4–3.5, §5.5–5.8). Selector error codes are
 * the selector without its RPL.
 */
import { I32, I64, select } from '../../wasm/values.js';
import { get32, get64 } from '../emitter.js';
import { systemLoad, systemStore } from '../mmu/access.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { Access, Cr0, Flag, Segment, Vector } from '../state.js';

/** What a load in real mode makes of a segment. */
const REAL_ACCESS = Access.present | Access.notSystem | Access.writable | Access.accessed;

/** Bits 8–23 of a descriptor's upper half, the limit's bits left out. */
export function accessOf(descriptor: I64): I32 {
  return descriptor.shrU(40).wrap().and(0xf0ff);
}
export function dplOf(access: I32): I32 {
  return access.shrU(Access.dplShift).and(3);
}
export function baseOf(descriptor: I64): I64 {
  return descriptor.shrU(16).and(0xffffff).or(descriptor.shrU(56).shl(24));
}
/** In bytes. */
export function limitOf(descriptor: I64): I64 {
  const raw = descriptor.and(0xffff).or(descriptor.shrU(32).and(0xf0000));
  return select(accessOf(descriptor).and(Access.granularity), raw.shl(12).or(0xfff), raw);
}
/** A selector as an error code. */
export function selectorError(selector: I32): I32 {
  return selector.and(0xfffc);
}
export function isNull(selector: I32): I32 {
  return selector.and(0xfffc).eqz();
}

/** (selector, bytes) → linear address of its descriptor, or #GP(selector) pending when it is outside its table */
export const descriptorAddress = routine(
  'descriptorAddress',
  { parameters: [I32, I32], result: I64, mayFault: true },
  (e, selector, size) => {
    const { code } = e;
    const base = code.variable(I64, get64(state.gdtrBase));
    const limit = code.variable(I32, get32(state.gdtrLimit));
    code.if(selector.and(4), () => {
      const unusable = get32(state.segmentAccess, Segment.ldtr).and(Access.null);
      e.raiseIf(unusable, Vector.gp, selectorError(selector));
      base.set(get64(state.segmentBase, Segment.ldtr));
      limit.set(get32(state.segmentLimit, Segment.ldtr));
    });
    const offset = code.let(selector.and(0xfff8));
    e.raiseIf(offset.add(size).sub(1).gtU(limit.get()), Vector.gp, selectorError(selector));
    code.return(base.get().add(offset.extendU()));
  },
);

/** (selector) → its 8-byte descriptor, or #GP(selector) pending */
export const loadDescriptor = routine(
  'loadDescriptor',
  { parameters: [I32], result: I64, mayFault: true },
  (e, selector) => {
    e.code.return(systemLoad(e, e.call(descriptorAddress, selector, I32.const(8)), 64));
  },
);

/** (selector, descriptor) sets the accessed bit of a code or data descriptor in its table */
export const markAccessed = routine(
  'markAccessed',
  { parameters: [I32, I64], mayFault: true },
  (e, selector, descriptor) => {
    e.code.if(accessOf(descriptor).and(Access.accessed).eqz(), () => {
      const address = e.code.let(e.call(descriptorAddress, selector, I32.const(8)));
      systemStore(e, address, 64, descriptor.or(1n << 40n));
    });
  },
);

/** (segment, selector, descriptor) writes the visible and hidden parts; no checks, no faults */
export const setSegment = routine(
  'setSegment',
  { parameters: [I32, I32, I64] },
  (e, segment, selector, descriptor) => {
    const { code } = e;
    code.store(e.element(state.segmentSelector, segment), selector);
    code.store(e.element(state.segmentBase, segment), baseOf(descriptor));
    code.store(e.element(state.segmentLimit, segment), limitOf(descriptor).wrap());
    code.store(e.element(state.segmentAccess, segment), accessOf(descriptor));
  },
);

/** What a load in virtual-8086 mode makes of it: of level 3, and not big. */
const VIRTUAL_ACCESS = REAL_ACCESS | (3 << Access.dplShift);

/**
 * (segment, selector) as in real and virtual-8086 mode: base is selector × 16, a writable data segment. In real mode
 * the limit and size stay; in virtual-8086 mode the limit is 64 KiB.
 */
export const setRealSegment = routine(
  'setRealSegment',
  { parameters: [I32, I32] },
  (e, segment, selector) => {
    const { code } = e;
    code.store(e.element(state.segmentSelector, segment), selector);
    code.store(e.element(state.segmentBase, segment), selector.extendU().shl(4));
    const accessAt = code.let(e.element(state.segmentAccess, segment));
    code.if(
      virtual8086(),
      () => {
        code.store(accessAt, I32.const(VIRTUAL_ACCESS));
        code.store(e.element(state.segmentLimit, segment), I32.const(0xffff));
      },
      () => {
        const kept = I32.load(accessAt).and(Access.granularity | Access.big);
        code.store(accessAt, kept.or(REAL_ACCESS));
      },
    );
  },
);

/** (segment, selector) makes it null: unusable outside 64-bit mode. The base becomes 0; the limit stays. */
export const setNullSegment = routine(
  'setNullSegment',
  { parameters: [I32, I32] },
  (e, segment, selector) => {
    const { code } = e;
    code.store(e.element(state.segmentSelector, segment), selector);
    code.store(e.element(state.segmentBase, segment), I64.const(0));
    const dpl = get32(state.cpl).shl(Access.dplShift);
    code.store(e.element(state.segmentAccess, segment), dpl.or(Access.null));
  },
);

export function virtual8086(): I32 {
  return get32(state.systemFlags).and(Flag.vm).ne(0);
}

/** Whether selectors are real-mode paragraphs: CR0.PE clear, or virtual-8086 mode. */
export function realSegments(): I32 {
  return get64(state.cr0).and(Cr0.pe).eqz().or(virtual8086());
}

/** (segment: ES SS DS FS GS, selector): MOV to a segment register, POP of one, LDS and its kin. */
export const loadSegment = routine(
  'loadSegment',
  { parameters: [I32, I32], mayFault: true },
  (e, segment, selector) => {
    const { code } = e;
    const error = selectorError(selector);
    const stack = code.let(segment.eq(Segment.ss));
    const cpl = get32(state.cpl);
    code.if(realSegments(), () => {
      e.call(setRealSegment, segment, selector);
      code.return();
    });
    code.if(isNull(selector), () => {
      const nullStackAllowed = get32(state.codeSize).eq(64).and(cpl.ne(3)).and(selector.and(3).eq(cpl));
      e.raiseIf(stack.and(nullStackAllowed.eqz()), Vector.gp, 0);
      e.call(setNullSegment, segment, selector);
      code.return();
    });
    const descriptor = e.call(loadDescriptor, selector);
    const access = code.let(accessOf(descriptor));
    const dpl = code.let(dplOf(access));
    const rpl = code.let(selector.and(3));
    const isCode = code.let(access.and(Access.code).ne(0));
    e.raiseIf(access.and(Access.notSystem).eqz(), Vector.gp, error);
    code.if(
      stack,
      () => {
        const writable = access.and(Access.writable).ne(0);
        const allowed = isCode.eqz().and(writable).and(rpl.eq(cpl)).and(dpl.eq(cpl));
        e.raiseIf(allowed.eqz(), Vector.gp, error);
        e.raiseIf(access.and(Access.present).eqz(), Vector.ss, error);
      },
      () => {
        e.raiseIf(isCode.and(access.and(Access.writable).eqz()), Vector.gp, error);
        const conforming = isCode.and(access.and(Access.conforming).ne(0));
        const privileged = rpl.leU(dpl).and(cpl.leU(dpl));
        e.raiseIf(conforming.or(privileged).eqz(), Vector.gp, error);
        e.raiseIf(access.and(Access.present).eqz(), Vector.np, error);
      },
    );
    e.call(markAccessed, selector, descriptor);
    e.call(setSegment, segment, selector, descriptor.or(1n << 40n));
  },
);
