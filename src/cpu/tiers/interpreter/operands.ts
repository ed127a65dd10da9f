/** Operands bound to an instruction record: registers by slot, memory by one of three forms of address, immediates. */
import { F32, F64, type I32, I64 } from '../../../wasm/values.js';
import { V128, ZERO_VECTOR } from '../../../wasm/vector.js';
import { get32 } from '../../emitter.js';
import { loadInteger } from '../../integer-memory.js';
import { AccessKind } from '../../mmu/walk.js';
import type { OperandKind, Place } from '../../semantics/context.js';
import { at, codeSize, gpr, Segment } from '../../state.js';
import { type Binding, Form } from '../binding.js';
import { BoundOperand, loadVector, MemoryOperand, type View } from '../operands.js';
import type { InterpreterContext } from './context.js';
import { displacement, load8, load16, RecordField } from './record.js';

export class RegisterOperand extends BoundOperand<InterpreterContext> {
  readonly kind: OperandKind;
  constructor(
    context: InterpreterContext,
    private readonly binding: Binding & { kind: 'register' },
  ) {
    super(context, binding.width);
    this.kind = binding.file;
  }
  #address(): I32 {
    return load16(this.context.record, RecordField[this.binding.slot]);
  }
  override read(): I64 {
    return this.context.code.let(loadInteger(this.#address(), this.width));
  }
  override write(value: I64): void {
    const { context } = this;
    if (this.binding.file !== 'general') context.storeState(this.#address(), value);
    else if (this.width === 32) context.storeInteger(this.#address(), value.wrap().extendU(), 64);
    else context.storeInteger(this.#address(), value, this.width);
  }
  override modify(): Place {
    return { value: this.read(), write: (value) => this.write(value) };
  }
  override number(): I32 {
    return this.#address();
  }
  override stateAddress(): I32 {
    return this.#address();
  }
  override readVector(): V128 {
    return this.context.code.let(loadVector(this.#address(), this.width));
  }
  override readVectors(): readonly V128[] {
    const low = this.readVector();
    return this.width > 128 ? [low, this.context.code.let(V128.load(this.#address(), 16))] : [low];
  }
  override writeVector(value: V128): void {
    this.writeVectors([value]);
  }
  override writeVectors([low, high]: readonly V128[]): void {
    const { context } = this;
    context.storeState(this.#address(), low as V128);
    if (context.vex) context.storeState(this.#address(), high ?? ZERO_VECTOR, 16);
  }
  override readLow(width: 32 | 64): V128 {
    return this.context.code.let(loadVector(this.#address(), width));
  }
  override readF64(): F64 {
    return this.context.code.let(F64.load(this.#address()));
  }
  override readF32(): F32 {
    return this.context.code.let(F32.load(this.#address()));
  }
}

export class RecordMemory extends MemoryOperand<InterpreterContext> {
  constructor(
    context: InterpreterContext,
    width: number,
    private readonly form: Form | 'offset',
    view: View = {},
  ) {
    super(context, width, view);
  }
  protected override seenAs(view: View, width = this.width): RecordMemory {
    return new RecordMemory(this.context, width, this.form, { ...this.view, ...view });
  }
  override indices(): I32 {
    return load16(this.context.record, RecordField.index);
  }
  override basedOn(register: number): I32 {
    return load16(this.context.record, RecordField.base).eq(at(gpr, register));
  }
  override effectiveAddress(): I64 {
    const { code, record } = this.context;
    const { bias } = this.view;
    const biased = (address: I64): I64 => (bias === undefined ? address : address.add(bias));
    if (this.form === 'offset') return code.let(biased(this.context.immediate()));
    const base = biased(I64.load(load16(record, RecordField.base)).add(displacement(record)));
    if (this.form === Form.near) return code.let(base);
    const index = this.view.index ?? I64.load(load16(record, RecordField.index));
    const sum = base.add(index.shl(load8(record, RecordField.scale).extendU()));
    return code.let(this.form === Form.scaled ? sum : sum.and(this.context.addressMask()));
  }
  /** On the stack, where it matters, silicon finds an address misaligned before it finds it not canonical. */
  override linearAddress(bytes: number, kind: 'read' | 'write' | 'modify', aligned = false): I64 {
    const { context } = this;
    const address = this.effectiveAddress();
    if (this.form === Form.near || this.form === Form.scaled) {
      if (aligned) this.refuseMisaligned(address, bytes);
      return address;
    }
    const segment = context.segment();
    if (aligned) {
      const onStack = segment.eq(Segment.ss).and(get32(codeSize).eq(64));
      context.code.if(onStack, () => this.refuseMisaligned(address, bytes));
    }
    const linear = context.linear(segment, address, bytes, kind === 'read' ? 'read' : 'write');
    if (aligned) this.refuseMisaligned(linear, bytes);
    return linear;
  }
  protected override accessBits(): I32 {
    const stack = load8(this.context.record, RecordField.segment).eq(Segment.ss).mul(AccessKind.stack);
    return this.view.unaligned ? stack.or(AccessKind.unaligned) : stack;
  }
}

export class ImmediateOperand extends BoundOperand<InterpreterContext> {
  readonly kind = 'immediate';
  constructor(
    context: InterpreterContext,
    width: number,
    private readonly constant?: number,
  ) {
    super(context, width);
  }
  override read(): I64 {
    return this.constant === undefined
      ? this.context.code.let(this.context.immediate())
      : I64.const(this.constant);
  }
}
