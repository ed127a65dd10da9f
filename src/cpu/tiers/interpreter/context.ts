/**
 * The interpreter's binding of an instruction's meaning: everything that an encoding leaves open is read from the
 * record. One object builds one handler, either inside the dispatch loop or as a function of its own;
 * `Ending` tells how each hands control on.
 */
import type { FunctionBuilder } from '../../../wasm/function-builder.js';
import { I32, I64, type Value } from '../../../wasm/values.js';
import { get32, get64, type Linker } from '../../emitter.js';
import { unimplemented } from '../../externals.js';
import { loadInteger } from '../../integer-memory.js';
import { NOTHING } from '../../linker.js';
import { commit, type PlaceKind, place } from '../../mmu/access.js';
import { segmentAddress } from '../../mmu/segmentation.js';
import type { Arguments, Parameters, Routine } from '../../routine.js';
import type { Operand } from '../../semantics/context.js';
import { Flags, type FlagWord } from '../../semantics/flags.js';
import * as state from '../../state.js';
import { Segment, Vector } from '../../state.js';
import type { Binding, Form } from '../binding.js';
import { BoundContext } from '../bound-context.js';
import { ImplicitOperand, MmxOperand, type OperandContext } from '../operands.js';
import { followJump, isJumpTo, jumpSlot, lookup, relativeTarget } from './lookup.js';
import { ImmediateOperand, RecordMemory, RegisterOperand } from './operands.js';
import { immediate, load8, load16, RECORD_SIZE, RecordField } from './record.js';

/** How a handler ends. */
export interface Ending {
  /** Goes on with a record. */
  goTo(record: I32): void;
  /** Leaves the handler with an exception pending. */
  abort(): void;
  /**
   * Of a handler in the dispatch loop: leaves it before it has written anything, for its twin outside the loop to do
   * the whole instruction. Then the handler calls nothing, and the loop keeps its values in registers.
   */
  readonly bail?: () => void;
}

/** What of an instruction's encoding is known when its handler is built. */
export interface Encoding {
  readonly long: boolean;
  readonly operandSize: 16 | 32 | 64;
  readonly vex: boolean;
  readonly vectorLength: 128 | 256;
  readonly bindings: readonly Binding[];
  readonly form: Form;
}

/** Why a handler cannot be in the dispatch loop: it would have to leave half done, or always. */
export class NotInLoop extends Error {}

const FLAG_FIELDS: Record<FlagWord, state.Field64> = {
  zero: state.flagZero,
  sign: state.flagSign,
  carry: state.flagCarry,
};

export class InterpreterContext extends BoundContext implements OperandContext {
  readonly operands: readonly Operand[];
  readonly flags: Flags;
  readonly long: boolean;
  readonly operandSize: 16 | 32 | 64;
  readonly vex: boolean;
  readonly vectorLength: 128 | 256;
  /** How deep in blocks the handler begins. */
  readonly #depth: number;

  constructor(
    code: FunctionBuilder,
    linker: Linker,
    /** The record being run. */
    readonly record: I32,
    private readonly ending: Ending,
    encoding: Encoding,
  ) {
    super(code, linker, () => ending.abort());
    this.long = encoding.long;
    this.operandSize = encoding.operandSize;
    this.vex = encoding.vex;
    this.vectorLength = encoding.vectorLength;
    this.#depth = code.depth;
    this.operands = encoding.bindings.map((binding) => this.#operand(binding, encoding.form));
    this.flags = new Flags(code, {
      get: (word) => get64(FLAG_FIELDS[word]),
      set: (word, value) => this.set64(FLAG_FIELDS[word], value),
    });
  }

  #operand(binding: Binding, form: Form): Operand {
    switch (binding.kind) {
      case 'register':
        return this.#register(binding);
      case 'memory':
        return new RecordMemory(this, binding.width, form);
      case 'offset':
        return new RecordMemory(this, binding.width, 'offset');
      case 'immediate':
        return new ImmediateOperand(this, binding.width);
      case 'constant':
        return new ImmediateOperand(this, binding.width, binding.value);
      default:
        return new ImplicitOperand(this, binding.width);
    }
  }

  #register(binding: Binding & { kind: 'register' }): Operand {
    const slot = RecordField[binding.slot];
    if (binding.file !== 'mmx') return new RegisterOperand(this, binding);
    return new MmxOperand(this, binding.width, () => load16(this.record, slot));
  }

  register(n: number, width: number): I64 {
    return this.code.let(loadInteger(I32.const(state.at(state.gpr, n)), width));
  }

  setRegister(n: number, width: number, value: I64): void {
    const address = I32.const(state.at(state.gpr, n));
    this.storeInteger(address, width === 32 ? value.wrap().extendU() : value, width === 32 ? 64 : width);
  }

  reach(linear: I64, bytes: number, kind: PlaceKind, access: I32 | number): I32 {
    return place(this, linear, bytes, kind, access);
  }

  commit(host: I32): void {
    commit(this, host);
  }

  linear(segment: I32 | number, offset: I64, bytes: number, kind: 'read' | 'write'): I64 {
    const number = typeof segment === 'number' ? I32.const(segment) : segment;
    return this.call(segmentAddress, number, offset, I32.const(bytes), I32.const(kind === 'write' ? 1 : 0));
  }

  repeat(): I32 {
    return load8(this.record, RecordField.repeat).and(3);
  }

  addressMask(): I64 {
    return I64.const(-1).shrU(load8(this.record, RecordField.repeat).and(0x3c).extendU());
  }

  segment(): I32 {
    return load8(this.record, RecordField.segment);
  }

  immediate(): I64 {
    return immediate(this.record);
  }

  x87Opcode(): I32 {
    return load16(this.record, RecordField.x87Opcode);
  }

  requireUnit(fault: state.Field32): void {
    this.code.if(get32(fault), () => this.raise(get32(fault)));
  }

  notImplemented(): void {
    this.set64(state.rip, this.currentRip());
    this.call(unimplemented, this.record);
    this.raise(Vector.ud);
  }

  currentRip(): I64 {
    return this.#ripMasked(get64(state.pageBase).add(load16(this.record, RecordField.offset).extendU()));
  }

  nextRip(): I64 {
    const end = load16(this.record, RecordField.offset).add(load8(this.record, RecordField.length));
    return this.#ripMasked(get64(state.pageBase).add(end.extendU()));
  }

  #ripMasked(rip: I64): I64 {
    return this.code.let(this.long ? rip : rip.and(get64(state.ripMask)));
  }

  jump(target: I64, write?: () => void): void {
    const { code } = this;
    const checked = code.let(this.long ? target : target.and(this.operandSize === 16 ? 0xffff : 0xffffffff));
    if (this.long) this.raiseIf(checked.shl(16).shrS(16).ne(checked), Vector.gp, 0);
    else {
      const limit = I64.load32U(I32.const(0), state.at(state.segmentLimit, Segment.cs));
      this.raiseIf(checked.gtU(limit), Vector.gp, 0);
    }
    if (!this.ending.bail) {
      write?.();
      this.ending.goTo(this.call(lookup, checked));
      return;
    }
    const slot = jumpSlot(this, checked);
    code.if(isJumpTo(slot, checked).eqz(), () => this.#bail());
    write?.();
    this.ending.goTo(followJump(this, slot, checked));
  }

  jumpRelative(write?: () => void): void {
    if (!this.long) {
      this.jump(get64(state.pageBase).add(this.immediate()), write);
      return;
    }
    const { code } = this;
    const target = code.variable(I32, I32.load(this.record, RecordField.link));
    code.if(target.get().eqz(), () => {
      if (this.ending.bail) this.#bail();
      else {
        const rip = code.let(get64(state.pageBase).add(this.immediate()));
        this.raiseIf(rip.shl(16).shrS(16).ne(rip), Vector.gp, 0);
      }
    });
    write?.();
    if (!this.ending.bail) {
      code.if(target.get().eqz(), () => target.set(this.call(relativeTarget, this.record)));
    }
    this.ending.goTo(target.get());
  }

  override get inPlace(): boolean {
    return this.ending.bail !== undefined;
  }

  override get terse(): boolean {
    return this.inPlace;
  }

  override call<P extends Parameters, R extends Value | undefined>(
    target: Routine<P, R>,
    ...args: Arguments<P>
  ): R {
    return this.ending.bail ? this.attempt(target, ...args) : super.call(target, ...args);
  }

  override attempt<P extends Parameters, R extends Value | undefined>(
    target: Routine<P, R>,
    ...args: Arguments<P>
  ): R {
    if (!this.ending.bail) return super.attempt(target, ...args);
    this.#bail();
    return (target.result && NOTHING.get(target.result.type)) as R;
  }

  override abort(): void {
    if (this.ending.bail) this.#bail();
    else super.abort();
  }

  override raise(vector: I32 | number, errorCode?: I32 | number): void {
    if (this.ending.bail) this.#bail();
    else super.raise(vector, errorCode);
  }

  #bail(): void {
    if (this.written) throw new NotInLoop('it has written something already');
    if (this.code.depth === this.#depth) throw new NotInLoop('it would always leave the loop');
    this.ending.bail?.();
  }

  resume(): void {
    this.ending.goTo(this.call(lookup, get64(state.rip)));
  }

  resumeNext(): void {
    this.set64(state.rip, this.nextRip());
    this.resume();
  }

  restart(): void {
    this.ending.goTo(this.record);
  }

  /** Goes on with the instruction after this one. */
  next(): void {
    this.ending.goTo(this.record.add(RECORD_SIZE));
  }
}
