/**
 * A new task's segments, whose selectors are loaded already (SDM vol. 3 §7.3, Table 7-1): LDTR, CS, SS, then the data
 * segments, or those of virtual-8086 mode. Faults are #TS unless a segment is only not present.
 */
import { I32, type I64 } from '../../wasm/values.js';
import { type Emitter, get32, get64 } from '../emitter.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { Access, Segment, Vector } from '../state.js';
import { loadDescriptorFor } from './inner-stack.js';
import {
  accessOf,
  dplOf,
  isNull,
  markAccessed,
  selectorError,
  setNullSegment,
  setRealSegment,
  setSegment,
  virtual8086,
} from './segments.js';

const LDT_TYPE = 2;
const ACCESSED_IN_DESCRIPTOR = 1n << 40n;
const VIRTUAL = [Segment.es, Segment.cs, Segment.ss, Segment.ds, Segment.fs, Segment.gs];
/** CPL until SS is there, so that a handler of a fault before that has a stack: the new TSS's for its level. */
const OUTERMOST = 3;
const DATA = [Segment.es, Segment.ds, Segment.fs, Segment.gs];

/** (selector, EXT) of LDTR */
const loadTaskTable = routine(
  'loadTaskTable',
  { parameters: [I32, I32], mayFault: true },
  (e, selector, external) => {
    const { code } = e;
    e.call(setNullSegment, I32.const(Segment.ldtr), selector);
    code.if(isNull(selector), () => code.return());
    const error = code.let(selectorError(selector).or(external));
    e.raiseIf(selector.and(4), Vector.ts, error);
    const descriptor = e.call(loadDescriptorFor, selector, external, I32.const(Vector.ts));
    const present = accessOf(descriptor)
      .and(Access.present | 31)
      .eq(Access.present | LDT_TYPE);
    e.raiseIf(present.eqz(), Vector.ts, error);
    e.call(setSegment, I32.const(Segment.ldtr), selector, descriptor);
  },
);

interface Loaded {
  readonly descriptor: I64;
  readonly access: I32;
  readonly error: I32;
}

function describe(e: Emitter, selector: I32, external: I32): Loaded {
  const { code } = e;
  const error = code.let(selectorError(selector).or(external));
  const descriptor = e.call(loadDescriptorFor, selector, external, I32.const(Vector.ts));
  return { descriptor, access: code.let(accessOf(descriptor)), error };
}

function finish(e: Emitter, segment: I32, selector: I32, { descriptor }: Loaded): void {
  e.call(markAccessed, selector, descriptor);
  e.call(setSegment, segment, selector, descriptor.or(ACCESSED_IN_DESCRIPTOR));
}

function loadCode(e: Emitter, selector: I32, external: I32): void {
  const { code } = e;
  e.raiseIf(isNull(selector), Vector.ts, external);
  const loaded = describe(e, selector, external);
  const { access, error } = loaded;
  const isCode = access.and(Access.code | Access.notSystem).eq(Access.code | Access.notSystem);
  const level = code.let(dplOf(access));
  const rpl = selector.and(3);
  e.raiseIf(isCode.eqz(), Vector.ts, error);
  code.if(
    access.and(Access.conforming),
    () => e.raiseIf(level.gtU(rpl), Vector.ts, error),
    () => e.raiseIf(level.ne(rpl), Vector.ts, error),
  );
  e.raiseIf(access.and(Access.present).eqz(), Vector.np, error);
  finish(e, I32.const(Segment.cs), selector, loaded);
}

/** `level` is CPL to be. */
function loadStack(e: Emitter, selector: I32, level: I32, external: I32): void {
  e.raiseIf(isNull(selector), Vector.ts, external);
  const loaded = describe(e, selector, external);
  const { access, error } = loaded;
  const right = Access.notSystem | Access.writable;
  const writable = access.and(right | Access.code).eq(right);
  const privileged = selector.and(3).eq(level).and(dplOf(access).eq(level));
  e.raiseIf(writable.and(privileged).eqz(), Vector.ts, error);
  e.raiseIf(access.and(Access.present).eqz(), Vector.ss, error);
  finish(e, I32.const(Segment.ss), selector, loaded);
}

/** (segment, EXT) of ES, DS, FS, GS */
const loadTaskData = routine(
  'loadTaskData',
  { parameters: [I32, I32], mayFault: true },
  (e, segment, external) => {
    const { code } = e;
    const selector = code.let(I32.load(e.element(state.segmentSelector, segment)));
    code.if(isNull(selector), () => {
      e.call(setNullSegment, segment, selector);
      code.return();
    });
    const loaded = describe(e, selector, external);
    const { access, error } = loaded;
    const isCode = code.let(access.and(Access.code).ne(0));
    const readable = isCode.eqz().or(access.and(Access.writable).ne(0));
    const conforming = isCode.and(access.and(Access.conforming).ne(0));
    const level = code.let(dplOf(access));
    const privileged = level.geU(get32(state.cpl)).and(level.geU(selector.and(3)));
    const usable = access.and(Access.notSystem).ne(0).and(readable).and(conforming.or(privileged));
    e.raiseIf(usable.eqz(), Vector.ts, error);
    e.raiseIf(access.and(Access.present).eqz(), Vector.np, error);
    finish(e, segment, selector, loaded);
  },
);

/** (LDT's selector, EXT) */
export const loadTaskSegments = routine(
  'loadTaskSegments',
  { parameters: [I32, I32], mayFault: true },
  (e, table, external) => {
    const { code } = e;
    const codeSelector = e.read32(state.segmentSelector, Segment.cs);
    const virtual = code.let(virtual8086());
    e.set32(state.cpl, OUTERMOST);
    code.if(virtual, () => {
      for (const segment of VIRTUAL) {
        e.call(setRealSegment, I32.const(segment), get32(state.segmentSelector, segment));
      }
    });
    e.call(loadTaskTable, table, external);
    code.if(virtual.eqz(), () => {
      const level = code.let(codeSelector.and(3));
      loadCode(e, codeSelector, external);
      loadStack(e, e.read32(state.segmentSelector, Segment.ss), level, external);
      e.set32(state.cpl, level);
      for (const segment of DATA) e.call(loadTaskData, I32.const(segment), external);
    });
    const limit = get32(state.segmentLimit, Segment.cs).extendU();
    e.raiseIf(get64(state.rip).gtU(limit), Vector.gp, external);
  },
);
