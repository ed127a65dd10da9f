/** Operands bound to one instruction at one place: registers are locals, addresses and immediates have constants in them. */
import { type F32, type F64, I32, I64 } from '../../../wasm/values.js';
import { V128, ZERO_VECTOR } from '../../../wasm/vector.js';
import { BASE_RIP, type DecodedInstruction, INDEX_NONE } from '../../decode/instruction.js';
import type { PlaceKind } from '../../mmu/access.js';
import { AccessKind } from '../../mmu/walk.js';
import type { AddressParts } from '../../mmu/window.js';
import type { OperandKind, Place } from '../../semantics/context.js';
import { truncate } from '../../semantics/flags.js';
import { Register, Segment } from '../../state.js';
import { BoundOperand, MemoryOperand, type View } from '../operands.js';
import type { RegionContext } from './context.js';
import { NotInRegion } from './not-in-region.js';

/** Displacements from here on are added rather than kept apart: far out, an address wraps around. */
const LARGE_DISPLACEMENT = 2 ** 31;

/** A general register, or one of AH, CH, DH and BH, which lie 8 bits up in another. */
export class GeneralOperand extends BoundOperand<RegionContext> {
  readonly kind = 'general';
  constructor(
    context: RegionContext,
    width: number,
    private readonly register: number,
    private readonly high: boolean,
  ) {
    super(context, width);
  }
  override read(): I64 {
    if (!this.high) return this.context.register(this.register, this.width);
    return this.context.code.let(this.context.register(this.register, 64).shrU(8).and(0xff));
  }
  override write(value: I64): void {
    const { context, register, width } = this;
    if (!this.high) context.setRegister(register, width, value);
    else {
      const kept = context.register(register, 64).and(~0xff00n);
      context.setRegister(register, 64, kept.or(value.and(0xff).shl(8)));
    }
  }
  override modify(): Place {
    return { value: this.read(), write: (value) => this.write(value) };
  }
}

/** An XMM or YMM register: bits 127:0 in a local, those above in the state. */
export class VectorOperand extends BoundOperand<RegionContext> {
  readonly kind = 'xmm';
  constructor(
    context: RegionContext,
    width: number,
    private readonly register: number,
  ) {
    super(context, width);
  }
  override read(): I64 {
    const { code } = this.context;
    const low = code.let(this.context.vector(this.register).extractI64(0));
    return this.width < 64 ? code.let(truncate(low, this.width)) : low;
  }
  override write(value: I64): void {
    this.context.setVector(this.register, this.context.vector(this.register).replaceI64(0, value));
  }
  override stateAddress(): I32 {
    return this.context.spilledVector(this.register);
  }
  override readVector(): V128 {
    const { code } = this.context;
    const whole = this.context.vector(this.register);
    return this.width >= 128 ? whole : code.let(zeroAbove(whole, this.width));
  }
  override readVectors(): readonly V128[] {
    const low = this.readVector();
    return this.width > 128 ? [low, this.context.upperVector(this.register)] : [low];
  }
  override writeVector(value: V128): void {
    this.writeVectors([value]);
  }
  override writeVectors([low, high]: readonly V128[]): void {
    this.context.setVector(this.register, low as V128);
    if (this.context.vex) this.context.setUpperVector(this.register, high ?? ZERO_VECTOR);
  }
  override readLow(width: 32 | 64): V128 {
    const { code } = this.context;
    return code.let(zeroAbove(this.context.vector(this.register), width));
  }
  override readF64(): F64 {
    return this.context.code.let(this.context.vector(this.register).extractF64(0));
  }
  override readF32(): F32 {
    return this.context.code.let(this.context.vector(this.register).extractF32(0));
  }
}

/** The low bits of a vector, zeros above. */
function zeroAbove(vector: V128, width: number): V128 {
  const mask = Array.from({ length: 16 }, (_, position) => (position * 8 < width ? 0xff : 0));
  return vector.and(V128.const(mask));
}

/** A register of which this tier knows the number alone: meanings reach the likes of segment registers by it. */
export class NumberOperand extends BoundOperand<RegionContext> {
  constructor(
    context: RegionContext,
    width: number,
    readonly kind: OperandKind,
    private readonly place: number,
  ) {
    super(context, width);
  }
  override number(): I32 {
    return I32.const(this.place);
  }
  override stateAddress(): I32 {
    return this.#notAsValue();
  }
  override read(): I64 {
    return this.#notAsValue();
  }
  override write(): void {
    this.#notAsValue();
  }
  #notAsValue(): never {
    throw new NotInRegion(`a ${this.kind} register is reached as a value`);
  }
}

export class RegionMemory extends MemoryOperand<RegionContext> {
  constructor(
    context: RegionContext,
    width: number,
    private readonly instruction: DecodedInstruction,
    /** A MOV's memory offset is in the immediate. */
    private readonly isOffset: boolean,
    view: View = {},
  ) {
    super(context, width, view);
  }
  protected override seenAs(view: View, width = this.width): RegionMemory {
    return new RegionMemory(this.context, width, this.instruction, this.isOffset, { ...this.view, ...view });
  }
  override basedOn(register: number): I32 {
    return I32.const(this.instruction.base === register ? 1 : 0);
  }
  override effectiveAddress(): I64 {
    const { context, instruction } = this;
    const { origin, displacement } = this.#parts();
    const address = displacement === 0 ? origin : origin.add(displacement);
    return context.code.let(instruction.addressSize === 64 ? address : address.and(context.addressMask()));
  }
  /** The address before it is cut to the address size. */
  #parts(): AddressParts {
    const { context, instruction, view } = this;
    const constant = this.#constant();
    let sum: I64 | undefined;
    const add = (term: I64): void => {
      sum = sum ? sum.add(term) : term;
    };
    if (instruction.base >= 0 && !this.isOffset) add(context.register(instruction.base, 64));
    if (instruction.index !== INDEX_NONE && !this.isOffset) {
      const index = view.index ?? context.register(instruction.index, 64);
      add(instruction.scaleShift ? index.shl(instruction.scaleShift) : index);
    }
    if (typeof view.bias === 'object') add(view.bias);
    const displacement = Number(constant);
    const isSmall = Math.abs(displacement) < LARGE_DISPLACEMENT;
    if (!sum) return { origin: I64.const(constant), displacement: 0 };
    if (!isSmall) return { origin: context.code.let(sum.add(constant)), displacement: 0 };
    return { origin: context.code.let(sum), displacement };
  }
  #constant(): bigint {
    const { instruction, view } = this;
    const bias = typeof view.bias === 'number' ? BigInt(view.bias) : 0n;
    if (this.isOffset) return this.context.immediateBits + bias;
    const from = instruction.base === BASE_RIP ? this.context.next : 0n;
    return BigInt.asIntN(64, from + BigInt(instruction.displacement) + bias);
  }
  override linearAddress(bytes: number, kind: 'read' | 'write' | 'modify', aligned = false): I64 {
    const address = this.effectiveAddress();
    const { segment } = this.instruction;
    const moved = segment >= Segment.fs;
    const access = kind === 'read' ? 'read' : 'write';
    const linear = moved ? this.context.linear(segment, address, bytes, access) : address;
    if (aligned) this.refuseMisaligned(linear, bytes);
    return linear;
  }
  protected override reach(linear: I64, bytes: number, kind: PlaceKind): I32 {
    const { segment, addressSize } = this.instruction;
    const isWhole = segment < Segment.fs && addressSize === 64;
    return this.context.reach(linear, bytes, kind, this.accessBits(), isWhole ? this.#parts() : undefined);
  }
  protected override accessBits(): number {
    const { segment, base } = this.instruction;
    const stack = segment === Segment.ss ? AccessKind.stack : 0;
    const near = stack && base === Register.rsp ? AccessKind.nearStack : 0;
    return stack | near | (this.view.unaligned ? AccessKind.unaligned : 0);
  }
  override indices(): I32 {
    throw new NotInRegion('a gather');
  }
}

export class ConstantOperand extends BoundOperand<RegionContext> {
  readonly kind = 'immediate';
  constructor(
    context: RegionContext,
    width: number,
    private readonly value: bigint,
  ) {
    super(context, width);
  }
  override read(): I64 {
    return I64.const(this.value);
  }
}
