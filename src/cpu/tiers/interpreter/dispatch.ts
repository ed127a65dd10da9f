/**
 * The interpreter's loop: one record, one instruction. Each turn takes one from the budget; a negative budget ends
 * the run before the record's instruction begins. An exception counts like an instruction, so that a guest whose
 * handlers fault for ever still comes to the end of its budget.
 */
import type { FunctionBuilder } from '../../../wasm/function-builder.js';
import { I32, type I64 } from '../../../wasm/values.js';
import { Emitter, get32, get64, type Linker } from '../../emitter.js';
import { decodeAt, unimplemented } from '../../externals.js';
import { fetchPhysical } from '../../mmu/fetch.js';
import * as state from '../../state.js';
import { Vector } from '../../state.js';
import { deliverPending } from '../../system/delivery.js';
import type { Ending } from './context.js';
import type { Handler } from './handlers.js';
import { lookup } from './lookup.js';
import {
  immediate,
  load16,
  NO_OFFSET,
  PSEUDO_HANDLERS,
  PseudoHandler,
  RECORD_SIZE,
  RecordField,
} from './record.js';

/**
 * Writes the body of `run`.
 * @param type module type of a handler function
 * @param inLoop the handlers numbered from `PSEUDO_HANDLERS` on; the rest are in table 0
 */
export function buildDispatchLoop(
  code: FunctionBuilder,
  linker: Linker,
  type: number,
  inLoop: readonly Handler[],
): void {
  const outer = new Emitter(code, linker, () => code.unreachable());
  const record = code.variable(I32, outer.call(lookup, get64(state.rip)));
  const current = record.get();
  code.loop((dispatch) => {
    const goTo = (target: I32): void => {
      record.set(target);
      code.branch(dispatch);
    };
    code.block((aborted) => {
      const ending: Ending = { goTo, abort: () => code.branch(aborted) };
      const e = new Emitter(code, linker, ending.abort);
      const left = code.let(get32(state.budget).sub(1));
      e.set32(state.budget, left);
      code.if(left.ltS(0), () => {
        stop(e, current);
        code.return();
      });
      const pseudo = pseudoHandlers(e, current, goTo);
      const cases = inLoop.map((handler) => () => handler.emit(code, current, ending));
      code.switch(load16(current, RecordField.handler), [...pseudo, ...cases], () => {
        const entry = load16(current, RecordField.handler).sub(PSEUDO_HANDLERS + inLoop.length);
        const target = code.let(code.callIndirect(I32, type, entry, current));
        code.branchIf(aborted, target.eqz());
        goTo(target);
      });
    });
    outer.set64(state.rip, ripOf(current));
    deliver(outer, goTo);
  });
}

function ripOf(record: I32): I64 {
  return get64(state.pageBase).add(load16(record, RecordField.offset).extendU()).and(get64(state.ripMask));
}

function deliver(e: Emitter, goTo: (record: I32) => void): void {
  e.call(deliverPending);
  goTo(e.call(lookup, get64(state.rip)));
}

/** Leaves `state.rip` exact. A fetch fault not yet delivered is forgotten: the next run meets it again. */
function stop(e: Emitter, record: I32): void {
  e.set32(state.budget, 0);
  e.code.if(
    load16(record, RecordField.offset).eq(NO_OFFSET),
    () => e.set32(state.pending, 0),
    () => e.set64(state.rip, ripOf(record)),
  );
}

/** In the order of `PseudoHandler`. What is no instruction gives its turn back. */
function pseudoHandlers(e: Emitter, record: I32, goTo: (record: I32) => void): (() => void)[] {
  const { code } = e;
  const refund = (): void => e.set32(state.budget, get32(state.budget).add(1));
  const lookAgain = (): void => goTo(e.call(lookup, code.let(ripOf(record))));
  const bodies: Record<keyof typeof PseudoHandler, () => void> = {
    nextPage: () => {
      refund();
      lookAgain();
    },
    stale: () => {
      refund();
      e.set64(state.rip, ripOf(record));
      goTo(e.call(decodeAt));
    },
    goto: () => {
      refund();
      goTo(I32.load(record, RecordField.link));
    },
    fetchFault: () => deliver(e, goTo),
    checkNextPage: () => {
      refund();
      const following = get64(state.pageBase).add(4096).and(get64(state.ripMask));
      const physical = e.call(fetchPhysical, code.let(following));
      code.if(physical.eq(immediate(record)), () => goTo(record.add(RECORD_SIZE)));
      e.set64(state.rip, ripOf(record));
      goTo(e.call(decodeAt));
    },
    unimplemented: () => {
      e.set64(state.rip, ripOf(record));
      e.call(unimplemented, record);
      e.raise(Vector.ud);
    },
    invalid: () => e.raise(Vector.ud),
    tooLong: () => e.raise(Vector.gp, 0),
  };
  return Object.keys(PseudoHandler).map((name) => bodies[name as keyof typeof PseudoHandler]);
}
