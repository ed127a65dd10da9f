/**
 * The interpreter's loop: one record, one instruction. Each turn takes one from the budget; a negative budget ends
 * the run before the record's instruction begins. An exception counts like an instruction, so that a guest whose
 * handlers fault for ever still comes to the end of its budget.
 * It is two loops. `dispatch` does what can be done in place and calls nothing, so that V8 keeps record and budget in
 * registers; whatever else comes up it hands to `run`, which calls the instruction's function in table 0.
 * A third, `watch`, notes each instruction before it runs, and calls the functions of all.
 */
import { MOST_WATCHED, WATCHED_BASE, WATCHED_STRIDE } from '../../../memory/layout.js';
import type { FunctionBuilder } from '../../../wasm/function-builder.js';
import type { FunctionHandle } from '../../../wasm/module-builder.js';
import { I32 } from '../../../wasm/values.js';
import { Emitter, get32, get64, type Linker } from '../../emitter.js';
import * as state from '../../state.js';
import type { Handler } from './handlers.js';
import { lookup } from './lookup.js';
import { abortHandler, ripOf } from './pseudo-handlers.js';
import { load16, NO_OFFSET, PSEUDO_HANDLERS, PseudoHandler, RecordField } from './record.js';

/**
 * Writes the body of `dispatch`: (record) → the first record that the loop cannot run, its turn taken from the
 * budget; or any record with a negative budget.
 * @param inLoop the handlers numbered from `PSEUDO_HANDLERS` on
 */
export function buildDispatch(code: FunctionBuilder, linker: Linker, inLoop: readonly Handler[]): void {
  const e = new Emitter(code, linker, () => code.unreachable());
  const record = code.variable(I32, code.parameter(I32, 0));
  const left = code.variable(I32, get32(state.budget));
  const current = record.get();
  code.block((outside) => {
    code.loop((dispatch) => {
      const goTo = (target: I32): void => {
        record.set(target);
        code.branch(dispatch);
      };
      left.set(left.get().sub(1));
      code.branchIf(outside, left.get().ltS(0));
      const bail = (): void => code.branch(outside);
      const bodies: ((() => void) | undefined)[] = inLoop.map(
        (handler) => () => handler.emit(code, current, { goTo, abort: bail, bail }),
      );
      const pseudo = new Array<(() => void) | undefined>(PSEUDO_HANDLERS).fill(undefined);
      pseudo[PseudoHandler.goto] = () => {
        left.set(left.get().add(1));
        goTo(I32.load(current, RecordField.link));
      };
      code.switch(load16(current, RecordField.handler), [...pseudo, ...bodies], () => {});
    });
  });
  e.set32(state.budget, left.get());
  code.return(current);
}

/**
 * Writes the body of `run`.
 * @param type module type of a handler function
 * @param firstOutside handlers from this number on are in no case of the loop's
 */
export function buildRun(
  code: FunctionBuilder,
  linker: Linker,
  type: number,
  dispatch: FunctionHandle<I32>,
  firstOutside: number,
): void {
  const e = new Emitter(code, linker, () => code.unreachable());
  e.set32(state.refetch, 0);
  const record = code.variable(I32, e.call(lookup, get64(state.rip)));
  code.loop((again) => {
    code.if(
      load16(record.get(), RecordField.handler).ltU(firstOutside),
      () => record.set(code.callValue(dispatch, record.get())),
      () => e.set32(state.budget, get32(state.budget).sub(1)),
    );
    code.if(get32(state.budget).ltS(0), () => {
      stop(e, record.get());
      code.return();
    });
    record.set(runOne(e, type, record.get()));
    code.branch(again);
  });
}

/**
 * Writes the body of `watch`, which runs like `run` while `state.watching` keeps regions from being entered.
 * @param firstRegion handlers from this number on are regions, which stand for an instruction
 */
export function buildWatch(code: FunctionBuilder, linker: Linker, type: number, firstRegion: number): void {
  const e = new Emitter(code, linker, () => code.unreachable());
  e.set32(state.refetch, 0);
  const record = code.variable(I32, e.call(lookup, get64(state.rip)));
  code.loop((again) => {
    e.set32(state.budget, get32(state.budget).sub(1));
    code.if(get32(state.budget).ltS(0), () => {
      stop(e, record.get());
      code.return();
    });
    const instruction = load16(record.get(), RecordField.handler).sub(PSEUDO_HANDLERS);
    code.if(instruction.ltU(firstRegion - PSEUDO_HANDLERS), () => note(e, record.get()));
    record.set(runOne(e, type, record.get()));
    code.branch(again);
  });
}

function note(e: Emitter, record: I32): void {
  const { code } = e;
  const count = e.read32(state.watched);
  code.if(count.ltU(MOST_WATCHED), () => {
    const at = code.let(count.mul(WATCHED_STRIDE));
    code.store(at, ripOf(record), WATCHED_BASE);
    code.store(at, get32(state.regionKey), WATCHED_BASE + 8);
    e.set32(state.watched, count.add(1));
  });
}

/** Runs a record by its function, and gives the next. */
function runOne(e: Emitter, type: number, record: I32): I32 {
  const { code } = e;
  const handler = load16(record, RecordField.handler);
  const target = code.variable(I32, code.callIndirect(I32, type, handler, record));
  code.if(target.get().eqz(), () => target.set(e.call(abortHandler, record)));
  code.if(get32(state.refetch), () => {
    e.set32(state.refetch, 0);
    code.if(load16(target.get(), RecordField.offset).ne(NO_OFFSET), () => {
      target.set(e.call(lookup, code.let(ripOf(target.get()))));
    });
  });
  return target.get();
}

/** Leaves `state.rip` exact. A fetch fault not yet delivered is forgotten, CR2 too: the next run meets it again. */
function stop(e: Emitter, record: I32): void {
  e.set32(state.budget, 0);
  e.code.if(
    load16(record, RecordField.offset).eq(NO_OFFSET),
    () => {
      e.set32(state.pending, 0);
      e.set64(state.cr2, get64(state.cr2BeforeFetch));
    },
    () => e.set64(state.rip, ripOf(record)),
  );
}
