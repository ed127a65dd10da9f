/**
 * Operands that are the same in both tiers, or nearly: what each kind answers when asked for something it is not, and
 * how memory is read and written once its address is known.
 */
import { F32, F64, I32, type I64, type Value } from '../../wasm/values.js';
import { V128, ZERO_VECTOR } from '../../wasm/vector.js';
import { loadInteger } from '../integer-memory.js';
import type { PlaceKind } from '../mmu/access.js';
import type { Alignment, Context, Operand, OperandKind, Place } from '../semantics/context.js';
import { Vector } from '../state.js';

/** What operands need of the context that they are bound in. */
export interface OperandContext extends Context {
  /**
   * A host address for an access to memory, where one can be made at once.
   * @param access further bits of `AccessKind`, such as `stack`: a number where they are known while code is written
   */
  reach(linear: I64, bytes: number, kind: PlaceKind, access: I32 | number): I32;
  /** Ends a store to what `reach` gave. */
  commit(host: I32): void;
  /** Stores the low `width` bits of a value. */
  storeInteger(address: I32, value: I64, width: number): void;
  /** Stores to guest-visible state or memory. */
  storeState(address: I32, value: Value, offset?: number): void;
}

/** At most 128 bits, filled up with 0. */
export function loadVector(address: I32, width: number, offset = 0): V128 {
  if (width >= 128) return V128.load(address, offset);
  if (width === 64) return V128.load64Zero(address, offset);
  if (width === 32) return V128.load32Zero(address, offset);
  return ZERO_VECTOR.replaceI32(0, loadInteger(address, width).wrap());
}

function refuse(what: string): never {
  throw new TypeError(`${what}: this operand is of another kind`);
}

/** What every kind of operand answers when asked for something it is not. */
export abstract class BoundOperand<C extends OperandContext = OperandContext> implements Operand {
  abstract readonly kind: OperandKind;
  constructor(
    protected readonly context: C,
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
  linearAddress(_bytes: number, _kind: 'read' | 'write' | 'modify', _aligned?: boolean): I64 {
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

/** How a memory operand is looked at other than as encoded. */
export interface View {
  readonly bias?: I64 | number;
  readonly index?: I64;
  readonly unaligned?: boolean;
}

export abstract class MemoryOperand<C extends OperandContext = OperandContext> extends BoundOperand<C> {
  readonly kind = 'memory';
  constructor(
    context: C,
    width: number,
    protected readonly view: View,
  ) {
    super(context, width);
  }
  /** The same operand, looked at otherwise. */
  protected abstract seenAs(view: View, width?: number): Operand;
  /** Tells the slow path which fault a non-canonical address gives, and whether alignment counts. */
  protected abstract accessBits(): I32 | number;

  override indexed(index: I64): Operand {
    return this.seenAs({ index });
  }
  override unaligned(): Operand {
    return this.seenAs({ unaligned: true });
  }
  override probe(kind: 'read' | 'write'): void {
    this.#place(this.width / 8, kind);
  }
  override part(bytes: I64 | number, width: number): Operand {
    if (this.view.bias !== undefined) return refuse('part of a part');
    return this.seenAs({ bias: bytes }, width);
  }
  #place(bytes: number, kind: 'read' | 'write' | 'modify', aligned = false): I32 {
    const linear = this.linearAddress(bytes, kind, aligned);
    return this.reach(linear, bytes, kind);
  }
  protected reach(linear: I64, bytes: number, kind: PlaceKind): I32 {
    return this.context.reach(linear, bytes, kind, this.accessBits());
  }
  /** #GP(0) for an address that is no multiple of so many bytes. */
  protected refuseMisaligned(address: I64, bytes: number): void {
    this.context.raiseIf(address.wrap().and(bytes - 1), Vector.gp, 0);
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
    this.context.commit(host);
  }
  override modify(): Place {
    const host = this.#place(this.width / 8, 'modify');
    return {
      value: this.context.code.let(loadInteger(host, this.width)),
      write: (value) => {
        this.context.storeInteger(host, value, this.width);
        this.context.commit(host);
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
    this.context.commit(host);
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

/** An MMX register, which both tiers have in the state: the significand of an x87 register. */
export class MmxOperand extends BoundOperand {
  readonly kind = 'mmx';
  constructor(
    context: OperandContext,
    width: number,
    private readonly address: () => I32,
  ) {
    super(context, width);
  }
  override number(): I32 {
    return this.address();
  }
  override stateAddress(): I32 {
    return this.address();
  }
  override read(): I64 {
    return this.context.code.let(loadInteger(this.address(), this.width));
  }
  /** Sign and exponent of the x87 register become ones (vol. 1 §9.2). */
  override write(value: I64): void {
    this.context.storeState(this.address(), value);
    this.context.code.store16(this.address(), I32.const(0xffff), 8);
  }
  override modify(): Place {
    return { value: this.read(), write: (value) => this.write(value) };
  }
  override readVector(): V128 {
    return this.context.code.let(loadVector(this.address(), this.width));
  }
  override readVectors(): readonly V128[] {
    return [this.readVector()];
  }
  override writeVector(value: V128): void {
    this.write(value.extractI64(0));
  }
  override writeVectors([low]: readonly V128[]): void {
    this.writeVector(low as V128);
  }
  override readLow(width: 32 | 64): V128 {
    return this.context.code.let(loadVector(this.address(), width));
  }
  override readF64(): F64 {
    return this.context.code.let(F64.load(this.address()));
  }
  override readF32(): F32 {
    return this.context.code.let(F32.load(this.address()));
  }
}

/** An operand that the meaning reaches by registers itself: strings and branch targets have only a width. */
export class ImplicitOperand extends BoundOperand {
  readonly kind = 'implicit';
}
