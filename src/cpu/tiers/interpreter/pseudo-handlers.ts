/** Handlers of records that are no instructions, and what becomes of an instruction that raised an exception. */
import { I32, I64 } from '../../../wasm/values.js';
import { type Emitter, get32, get64 } from '../../emitter.js';
import { decodeAt, unimplemented } from '../../externals.js';
import { fetchPhysical } from '../../mmu/fetch.js';
import { type Routine, routine } from '../../routine.js';
import * as state from '../../state.js';
import { Segment, Vector } from '../../state.js';
import { meetInstructionBreakpoint } from '../../system/breakpoints.js';
import { deliverPending } from '../../system/delivery.js';
import { lookup } from './lookup.js';
import { immediate, load16, PseudoHandler, RECORD_SIZE, RecordField } from './record.js';

/** RIP of a record's instruction. */
export function ripOf(record: I32): I64 {
  return get64(state.pageBase).add(load16(record, RecordField.offset).extendU()).and(get64(state.ripMask));
}

function deliver(e: Emitter): void {
  e.call(deliverPending);
  e.code.return(e.call(lookup, get64(state.rip)));
}

/** (RIP of the instruction that left an exception pending) → record of the handler */
export const abortAt = routine('abortAt', { parameters: [I64], result: I32 }, (e, rip) => {
  e.set64(state.rip, rip);
  e.set32(state.debugMet, 0);
  deliver(e);
});

/** (record of the instruction that left an exception pending) → record of the handler */
export const abortHandler = routine('abortHandler', { parameters: [I32], result: I32 }, (e, record) => {
  e.code.return(e.call(abortAt, ripOf(record)));
});

/** What is no instruction gives its turn back, but not before it can fault no more: or a handler that faults so never ends. */
function refund(e: Emitter): void {
  e.set32(state.budget, get32(state.budget).add(1));
}

const BODIES: Record<keyof typeof PseudoHandler, (e: Emitter, record: I32) => void> = {
  nextPage: (e, record) => {
    refund(e);
    e.code.return(e.call(lookup, e.code.let(ripOf(record))));
  },
  stale: (e, record) => {
    refund(e);
    e.set64(state.rip, ripOf(record));
    e.code.return(e.call(decodeAt));
  },
  goto: (e, record) => {
    refund(e);
    e.code.return(I32.load(record, RecordField.link));
  },
  fetchFault: (e) => {
    const event = e.read32(state.pending);
    const budget = e.read32(state.budget);
    e.set32(state.pending, 0);
    refund(e);
    const met = e.call(meetInstructionBreakpoint, get64(state.rip));
    e.set32(state.budget, budget);
    e.code.if(met.eqz(), () => e.set32(state.pending, event));
    deliver(e);
  },
  checkNextPage: (e, record) => {
    const { code } = e;
    const following = get64(state.pageBase).add(4096).and(get64(state.ripMask));
    const physical = e.call(fetchPhysical, code.let(following));
    refund(e);
    code.if(physical.eq(immediate(record)), () => code.return(record.add(RECORD_SIZE)));
    e.set64(state.rip, ripOf(record));
    code.return(e.call(decodeAt));
  },
  unimplemented: (e, record) => {
    e.set64(state.rip, ripOf(record));
    e.call(unimplemented, record);
    e.raise(Vector.ud);
  },
  invalid: (e) => e.raise(Vector.ud),
  tooLong: (e) => e.raise(Vector.gp, 0),
  breakpoint: (e, record) => {
    const budget = e.read32(state.budget);
    refund(e);
    const met = e.call(meetInstructionBreakpoint, e.code.let(ripOf(record)));
    e.code.if(met, () => {
      e.set32(state.budget, budget);
      e.abort();
    });
    e.code.return(record.add(RECORD_SIZE));
  },
  checkLimit: (e, record) => {
    const last = ripOf(record).add(immediate(record)).sub(1);
    const limit = I64.load32U(I32.const(0), state.at(state.segmentLimit, Segment.cs));
    e.raiseIf(last.gtU(limit), Vector.gp, 0);
    refund(e);
    e.code.return(record.add(RECORD_SIZE));
  },
};

/** In the order of `PseudoHandler`: (record) → next record, or 0 for an exception. */
export const pseudoHandlers: readonly Routine<readonly [typeof I32], I32>[] = Object.keys(PseudoHandler).map(
  (name) =>
    routine(`pseudo ${name}`, { parameters: [I32], result: I32 }, (e, record) =>
      BODIES[name as keyof typeof PseudoHandler](e, record),
    ),
);
