/**
 * Operands bound to an instruction record: registers by slot, memory by one of three forms of address, immediates.
 */
import { F32, F64, I32, I64, type Value } from '../../../wasm/values.js';
import { V128, ZERO_VECTOR } from '../../../wasm/vector.js';
import { commit, place } from '../../mmu/access.js';
import { AccessKind } from '../../mmu/walk.js';
import type { Alignment, Operand, OperandKind, Place } from '../../semantics/context.js';
import { at, gpr, Segment, Vector } from '../../state.js';
import { type Binding, Form } from './binding.js';
import type { InterpreterContext } from './context.js';
import { displacement, load8, load16, RecordField } from './record.js';

/** Reads an n-bit integer, zero-extended. */
export function loadInteger(address: I32, width: number): I64 {
  if (width === 8) return I64.load8U(address);
  if (width === 16) return I64.load16U(address);
  return width === 32 ? I64.load32U(address) : I64.load(address);
}

/** At most 128 bits, filled up with 0. */
function loadVector(address: I32, width: number, offset = 0): V128 {
  if (width >= 128) return V128.load(address, offset);
  if (width === 64) return V128.load64Zero(address, offset);
  if (width === 32) return V128.load32Zero(address, offset);
  return ZERO_VECTOR.replaceI32(0, loadInteger(address, width).wrap());
}

function refuse(what: string): never {
  throw new TypeError(`${what}: this operand is of another kind`);
}

/** What every kind of operand answers when asked for something it is not. */
abstract class BoundOperand implements Operand {
  abstract readonly kind: OperandKind;
  constructor(
    protected readonly context: InterpreterContext,
    readonly width: number,
  ) {}
  read(): I64 {
    return refuse('read');
  }
  write(_value: I64): void {
    refuse('write');
  }
  modify(): Place {
    return refuse('modify');
  }
  effectiveAddress(): I64 {
    return refuse('effectiveAddress');
  }
  linearAddress(_bytes: number, _kind: 'read' | 'write' | 'modify'): I64 {
    return refuse('linearAddress');
  }
  part(_bytes: I64 | number, _width: number): Operand {
    return refuse('part');
  }
  indexed(_index: I64): Operand {
    return refuse('indexed');
  }
  indices(): I32 {
    return refuse('indices');
  }
  unaligned(): Operand {
    return this;
  }
  probe(_kind: 'read' | 'write'): void {
    refuse('probe');
  }
  stateAddress(): I32 {
    return refuse('stateAddress');
  }
  basedOn(_register: number): I32 {
    return refuse('basedOn');
  }
  number(): I32 {
    return refuse('number');
  }
  readVector(_alignment?: Alignment): V128 {
    return refuse('readVector');
  }
  readVectors(_alignment?: Alignment): readonly V128[] {
    return refuse('readVectors');
  }
  writeVector(_value: V128, _alignment?: Alignment): void {
    refuse('writeVector');
  }
  writeVectors(_values: readonly V128[], _alignment?: Alignment): void {
    refuse('writeVectors');
  }
  readLow(_width: 32 | 64): V128 {
    return refuse('readLow');
  }
  readF64(): F64 {
    return refuse('readF64');
  }
  readF32(): F32 {
    return refuse('readF32');
  }
}

export class RegisterOperand extends BoundOperand {
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
    if (this.binding.file === 'mmx') this.#writeMmx(value);
    else if (this.binding.file !== 'general') context.storeState(this.#address(), value);
    else if (this.width === 32) context.storeInteger(this.#address(), value.wrap().extendU(), 64);
    else context.storeInteger(this.#address(), value, this.width);
  }
  /** Sign and exponent of the x87 register become ones (vol. 1 §9.2). */
  #writeMmx(value: I64): void {
    this.context.storeState(this.#address(), value);
    this.context.code.store16(this.#address(), I32.const(0xffff), 8);
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
    if (this.binding.file === 'mmx') {
      this.#writeMmx((low as V128).extractI64(0));
      return;
    }
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

/** How a memory operand is looked at other than as encoded. */
interface View {
  readonly bias?: I64 | number;
  readonly index?: I64;
  readonly unaligned?: boolean;
}

export class MemoryOperand extends BoundOperand {
  readonly kind = 'memory';
  constructor(
    context: InterpreterContext,
    width: number,
    private readonly form: Form | 'offset',
    private readonly view: View = {},
  ) {
    super(context, width);
  }
  #seenAs(view: View, width = this.width): MemoryOperand {
    return new MemoryOperand(this.context, width, this.form, { ...this.view, ...view });
  }
  override indexed(index: I64): Operand {
    return this.#seenAs({ index });
  }
  override unaligned(): Operand {
    return this.#seenAs({ unaligned: true });
  }
  override indices(): I32 {
    return load16(this.context.record, RecordField.index);
  }
  override probe(kind: 'read' | 'write'): void {
    this.#place(this.width / 8, kind);
  }
  override part(bytes: I64 | number, width: number): Operand {
    if (this.view.bias !== undefined) return refuse('part of a part');
    return this.#seenAs({ bias: bytes }, width);
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
  override linearAddress(bytes: number, kind: 'read' | 'write' | 'modify'): I64 {
    const address = this.effectiveAddress();
    if (this.form === Form.near || this.form === Form.scaled) return address;
    return this.context.linear(this.context.segment(), address, bytes, kind === 'read' ? 'read' : 'write');
  }
  /** Tells the slow path which fault a non-canonical address gives, and whether alignment counts. */
  #accessBits(): I32 {
    const stack = load8(this.context.record, RecordField.segment).eq(Segment.ss).mul(AccessKind.stack);
    return this.view.unaligned ? stack.or(AccessKind.unaligned) : stack;
  }
  #place(bytes: number, kind: 'read' | 'write' | 'modify', aligned = false): I32 {
    const linear = this.linearAddress(bytes, kind);
    if (aligned) this.context.raiseIf(linear.wrap().and(bytes - 1), Vector.gp, 0);
    return place(this.context, linear, bytes, kind, this.#accessBits());
  }
  #load<T extends Value>(bytes: number, make: (host: I32) => T): T {
    return this.context.code.let(make(this.#place(bytes, 'read')));
  }
  #isAligned(bytes: number, alignment: Alignment): boolean {
    if (alignment === 'whole') return bytes >= 16;
    return alignment === 'usual' && bytes === 16 && !this.context.vex;
  }
  override read(): I64 {
    return this.#load(this.width / 8, (host) => loadInteger(host, this.width));
  }
  override write(value: I64): void {
    const host = this.#place(this.width / 8, 'write');
    this.context.storeInteger(host, value, this.width);
    commit(this.context, host);
  }
  override modify(): Place {
    const host = this.#place(this.width / 8, 'modify');
    return {
      value: this.context.code.let(loadInteger(host, this.width)),
      write: (value) => {
        this.context.storeInteger(host, value, this.width);
        commit(this.context, host);
      },
    };
  }
  override readVector(alignment: Alignment = 'usual'): V128 {
    const bytes = Math.min(this.width, 128) / 8;
    const host = this.#place(bytes, 'read', this.#isAligned(bytes, alignment));
    return this.context.code.let(loadVector(host, this.width));
  }
  override readVectors(alignment: Alignment = 'usual'): readonly V128[] {
    if (this.width <= 128) return [this.readVector(alignment)];
    const { code } = this.context;
    const host = this.#place(32, 'read', this.#isAligned(32, alignment));
    return [code.let(V128.load(host)), code.let(V128.load(host, 16))];
  }
  override writeVector(value: V128, alignment?: Alignment): void {
    this.writeVectors([value], alignment);
  }
  override writeVectors(values: readonly V128[], alignment: Alignment = 'usual'): void {
    if (this.width < 128) {
      this.write(this.context.code.let((values[0] as V128).extractI64(0)));
      return;
    }
    const bytes = values.length * 16;
    const host = this.#place(bytes, 'write', this.#isAligned(bytes, alignment));
    values.forEach((value, half) => {
      this.context.storeState(host, value, 16 * half);
    });
    commit(this.context, host);
  }
  override readLow(width: 32 | 64): V128 {
    return this.#load(width / 8, (host) => loadVector(host, width));
  }
  override readF64(): F64 {
    return this.#load(8, (host) => F64.load(host));
  }
  override readF32(): F32 {
    return this.#load(4, (host) => F32.load(host));
  }
}

export class ImmediateOperand extends BoundOperand {
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

/** An operand that the meaning reaches by registers itself: strings and branch targets have only a width. */
export class ImplicitOperand extends BoundOperand {
  readonly kind = 'implicit';
}
