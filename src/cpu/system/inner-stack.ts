/**
 * The stack of a more privileged level, from the TSS (SDM vol. 3 §5.8.5, §6.12.1, §6.14.4, §7.2.1), for interrupts,
 * exceptions and call gates. Errors carry EXT where the event comes from outside the program.
 */
import { I32, I64, select } from '../../wasm/values.js';
import { get32, get64 } from '../emitter.js';
import { systemLoad } from '../mmu/access.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { Access, Segment, Vector } from '../state.js';
import { accessOf, dplOf, isNull, limitOf, loadDescriptor, selectorError } from './segments.js';

/** #TS with the TSS's own selector: it is too short. */
function tssError(external: I32): I32 {
  return selectorError(get32(state.segmentSelector, Segment.tr)).or(external);
}

/** Like `loadDescriptor`, with EXT in the error code and another vector for a selector outside its table. */
export const loadDescriptorFor = routine(
  'loadDescriptorFor',
  { parameters: [I32, I32, I32], result: I64, mayFault: true },
  (e, selector, external, vector) => {
    const { code } = e;
    const descriptor = e.attempt(loadDescriptor, selector);
    const fault = e.read32(state.pending);
    code.if(fault.eqz(), () => code.return(descriptor));
    code.if(fault.and(0xff).eq(Vector.gp), () => {
      e.set32(state.pending, vector.or(state.PENDING | state.PENDING_HAS_CODE));
      e.set32(state.pendingCode, get32(state.pendingCode).or(external));
    });
    e.abort();
  },
);

/** (offset in the TSS, EXT) → 64-bit stack pointer of a 64-bit TSS, not looked at: a push there faults */
export const longStackPointer = routine(
  'longStackPointer',
  { parameters: [I32, I32], result: I64, mayFault: true },
  (e, offset, external) => {
    const limit = get32(state.segmentLimit, Segment.tr);
    e.raiseIf(offset.add(7).gtU(limit), Vector.ts, tssError(external));
    const base = get64(state.segmentBase, Segment.tr);
    e.code.return(systemLoad(e, base.add(offset.extendU()), 64));
  },
);

/** (level, EXT) → bits 31:0 the stack pointer, 47:32 the selector, from a 32- or 16-bit TSS */
export const legacyStackPointer = routine(
  'legacyStackPointer',
  { parameters: [I32, I32], result: I64, mayFault: true },
  (e, level, external) => {
    const { code } = e;
    const limit = e.read32(state.segmentLimit, Segment.tr);
    const tss = e.read64(state.segmentBase, Segment.tr);
    const wide = get32(state.segmentAccess, Segment.tr).and(8).ne(0);
    code.if(
      wide,
      () => {
        const offset = code.let(level.shl(3).add(4));
        e.raiseIf(offset.add(5).gtU(limit), Vector.ts, tssError(external));
        const place = code.let(tss.add(offset.extendU()));
        const pointer = systemLoad(e, place, 32);
        code.return(pointer.or(systemLoad(e, place.add(4), 16).shl(32)));
      },
      () => {
        const offset = code.let(level.shl(2).add(2));
        e.raiseIf(offset.add(3).gtU(limit), Vector.ts, tssError(external));
        const both = systemLoad(e, tss.add(offset.extendU()), 32);
        code.return(both.and(0xffff).or(both.shrU(16).shl(32)));
      },
    );
  },
);

/** (selector, level, EXT) → descriptor of the stack segment of that level, or #TS, or #SS if it is not present */
export const loadInnerStackSegment = routine(
  'loadInnerStackSegment',
  { parameters: [I32, I32, I32], result: I64, mayFault: true },
  (e, selector, level, external) => {
    const { code } = e;
    e.raiseIf(isNull(selector), Vector.ts, external);
    const error = code.let(selectorError(selector).or(external));
    e.raiseIf(selector.and(3).ne(level), Vector.ts, error);
    const descriptor = e.call(loadDescriptorFor, selector, external, I32.const(Vector.ts));
    const access = code.let(accessOf(descriptor));
    const right = Access.notSystem | Access.writable;
    const writable = access.and(right | Access.code).eq(right);
    e.raiseIf(writable.and(dplOf(access).eq(level)).eqz(), Vector.ts, error);
    e.raiseIf(access.and(Access.present).eqz(), Vector.ss, error);
    code.return(descriptor);
  },
);

/** What a stack segment's pointer is masked with. */
export function stackMaskOf(descriptor: I64): I64 {
  return select(accessOf(descriptor).and(Access.big), I64.const(0xffffffff), I64.const(0xffff));
}

/** (descriptor, pointer, bytes to be pushed, error code) raises #SS unless they fit into the stack segment */
export const checkStackRoom = routine(
  'checkStackRoom',
  { parameters: [I64, I64, I32, I32], mayFault: true },
  (e, descriptor, pointer, bytes, error) => {
    const { code } = e;
    const mask = code.let(stackMaskOf(descriptor));
    const first = code.let(pointer.sub(bytes.extendU()).and(mask));
    const last = code.let(pointer.sub(1).and(mask));
    const limit = code.let(limitOf(descriptor));
    const down = accessOf(descriptor).and(Access.expandDown).ne(0);
    const outside = select(down, first.leU(limit), last.gtU(limit));
    e.raiseIf(first.gtU(last).or(outside), Vector.ss, error);
  },
);
