/**
 * What routines and instructions are written with: the function being built, the CPU's state, calls to routines,
 * and exceptions. An exception is left pending in the state and control goes to the abort point: the end of a
 * routine, or the dispatcher for an instruction. Nothing architectural may be written before the last thing
 * that can fault.
 */
import type { FunctionBuilder } from '../wasm/function-builder.js';
import type { FunctionHandle } from '../wasm/module-builder.js';
import { I32, I64, i32, i64, type Value } from '../wasm/values.js';
import type { Arguments, Parameters, Routine } from './routine.js';
import * as state from './state.js';

/** Finds the module's function for a routine. */
export interface Linker {
  link<P extends Parameters, R extends Value | undefined>(routine: Routine<P, R>): FunctionHandle<R>;
}

const BASE = I32.const(0);

/** A 32-bit state field's value where it is used. */
export function get32(field: state.Field, n = 0): I32 {
  return I32.load(BASE, state.at(field, n));
}

/** A 64-bit state field's value where it is used. */
export function get64(field: state.Field, n = 0): I64 {
  return I64.load(BASE, state.at(field, n));
}

export class Emitter {
  constructor(
    readonly code: FunctionBuilder,
    private readonly linker: Linker,
    private readonly leave: () => void,
  ) {}

  /** The field's present value, kept. */
  read32(field: state.Field, n = 0): I32 {
    return this.code.let(get32(field, n));
  }

  /** The field's present value, kept. */
  read64(field: state.Field, n = 0): I64 {
    return this.code.let(get64(field, n));
  }

  set32(field: state.Field, value: I32 | number, n = 0): void {
    this.code.store(BASE, i32(value), state.at(field, n));
  }

  set64(field: state.Field, value: I64 | bigint | number, n = 0): void {
    this.code.store(BASE, i64(value), state.at(field, n));
  }

  /** Element number computed at run time: its address, to load from and store to. */
  element(field: state.Field, n: I32): I32 {
    return n.mul(field.stride).add(field.address);
  }

  /**
   * Whether memory is only ever reached in place, so that no bounce buffer can come up: the dispatch loop's handlers
   * leave everything else to their twins outside it.
   */
  get inPlace(): boolean {
    return false;
  }

  /** Whether code must be short: in the dispatch loop, where a call to a routine leaves for the handler's twin. */
  get terse(): boolean {
    return false;
  }

  /** Calls a routine; its result is kept. Aborts if it left an exception pending. */
  call<P extends Parameters, R extends Value | undefined>(target: Routine<P, R>, ...args: Arguments<P>): R {
    const result = this.attempt(target, ...args);
    if (target.mayFault) this.abortIf(get32(state.pending));
    return result;
  }

  /** Calls a routine and goes on even if it left an exception pending: the caller looks at `state.pending`. */
  attempt<P extends Parameters, R extends Value | undefined>(
    target: Routine<P, R>,
    ...args: Arguments<P>
  ): R {
    const handle = this.linker.link(target) as FunctionHandle<Value | undefined>;
    const values: Value[] = [...args];
    if (!target.result) {
      this.code.call(handle, ...values);
      return undefined as R;
    }
    return this.code.callValue(handle as FunctionHandle<Value>, ...values) as R;
  }

  /** Leaves an exception pending and aborts. @param errorCode for the vectors that push one (vol. 3 §6.15) */
  raise(vector: I32 | number, errorCode?: I32 | number): void {
    if (errorCode !== undefined) this.set32(state.pendingCode, errorCode);
    const hasCode = errorCode === undefined ? 0 : state.PENDING_HAS_CODE;
    this.set32(state.pending, i32(vector).or(state.PENDING | hasCode));
    this.leave();
  }

  raiseIf(condition: I32, vector: I32 | number, errorCode?: I32 | number): void {
    this.code.ifRarely(condition, () => this.raise(vector, errorCode));
  }

  abort(): void {
    this.leave();
  }

  abortIf(condition: I32): void {
    this.code.ifRarely(condition, () => this.abort());
  }

  /** Ends the run at the next instruction boundary. @param after how many more instructions may begin first */
  requestExit(after = 0): void {
    const { code } = this;
    const left = this.read32(state.budget);
    code.if(left.gtS(after), () => {
      this.set32(state.deferred, get32(state.deferred).add(left).sub(after));
      this.set32(state.budget, after);
    });
  }
}
