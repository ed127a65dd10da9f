/**
 * The two floating-point formats as numbers and as WebAssembly types, so that what works on both is written once
 * (SDM vol. 1 §4.2.2). Bits are held in an i64, zero-extended. Predicates take bits that are kept.
 */
import { F32, F64, type I32, type I64, type Value, type ValueClass } from '../../../wasm/values.js';
import type { V128 } from '../../../wasm/vector.js';
import type { Operand } from '../context.js';

/** What F32 and F64 have in common. */
export interface Float<F> extends Value {
  add(other: F): F;
  sub(other: F): F;
  mul(other: F): F;
  div(other: F): F;
  sqrt(): F;
  neg(): F;
  eq(other: F): I32;
  ne(other: F): I32;
  lt(other: F): I32;
}

export class Format<F extends Float<F>> {
  /** FTZ applies to it. */
  readonly flushes = true;
  readonly fraction: number;
  /** The exponent field of infinities and NaNs. */
  readonly topField: number;
  readonly bias: number;
  /** Bits of the significand, the implicit one included. */
  readonly precision: number;
  readonly sign: bigint;
  readonly infinity: bigint;
  readonly quiet: bigint;
  readonly fractionMask: bigint;
  /** The NaN of an invalid operation: quiet, its sign set. */
  readonly defaultNaN: bigint;
  readonly zero: F;

  constructor(
    readonly name: 'F32' | 'F64',
    readonly width: 32 | 64,
    exponentBits: number,
    readonly make: ValueClass<F>,
    /** The value's bits. */
    readonly bits: (value: F) => I64,
    readonly value: (bits: I64) => F,
    readonly widen: (value: F) => F64,
    readonly read: (operand: Operand) => F,
    readonly extract: (vector: V128, lane: number) => F,
    readonly replace: (vector: V128, lane: number, value: F) => V128,
    readonly fieldOf: (value: F) => I32,
    /** 1 of a denormal; of anything else 0. */
    readonly denormal: (value: F) => I32,
    constant: (value: number) => F,
  ) {
    this.fraction = width - 1 - exponentBits;
    this.topField = (1 << exponentBits) - 1;
    this.bias = this.topField >> 1;
    this.precision = this.fraction + 1;
    this.sign = 1n << BigInt(width - 1);
    this.infinity = BigInt(this.topField) << BigInt(this.fraction);
    this.quiet = 1n << BigInt(this.fraction - 1);
    this.fractionMask = (1n << BigInt(this.fraction)) - 1n;
    this.defaultNaN = this.sign | this.infinity | this.quiet;
    this.zero = constant(0);
  }

  get count(): number {
    return 128 / this.width;
  }
  field(bits: I64): I32 {
    return bits.shrU(this.fraction).wrap().and(this.topField);
  }
  magnitude(bits: I64): I64 {
    return bits.and(this.sign - 1n);
  }
  isZero(bits: I64): I32 {
    return this.magnitude(bits).eqz();
  }
  isNaN(bits: I64): I32 {
    return this.magnitude(bits).gtU(this.infinity);
  }
  isInfinite(bits: I64): I32 {
    return this.magnitude(bits).eq(this.infinity);
  }
  isSignalling(bits: I64): I32 {
    return this.isNaN(bits).and(bits.and(this.quiet).eqz());
  }
  isDenormal(bits: I64): I32 {
    return this.magnitude(bits).sub(1).ltU(this.fractionMask);
  }
  /** Normal: neither zero, denormal, infinite nor NaN. */
  isNormal(bits: I64): I32 {
    return this.field(bits)
      .sub(1)
      .ltU(this.topField - 1);
  }
  isNormalOrZero(bits: I64): I32 {
    return this.isNormal(bits).or(this.isZero(bits));
  }
  /** 1 if negative. */
  signOf(bits: I64): I32 {
    return bits.shrU(this.width - 1).wrap();
  }
}

export const DOUBLE = new Format<F64>(
  'F64',
  64,
  11,
  F64,
  (value) => value.reinterpretI64(),
  (bits) => bits.reinterpretF64(),
  (value) => value,
  (operand) => operand.readF64(),
  (vector, lane) => vector.extractF64(lane as 0 | 1),
  (vector, lane, value) => vector.replaceF64(lane as 0 | 1, value),
  (value) => value.reinterpretI64().shrU(52).wrap().and(0x7ff),
  // Doubled, it has lost its sign; zero minus 1 is above all others.
  (value) =>
    value
      .reinterpretI64()
      .shl(1)
      .sub(1)
      .ltU((1n << 53n) - 1n),
  (value) => F64.const(value),
);

export const SINGLE = new Format<F32>(
  'F32',
  32,
  8,
  F32,
  (value) => value.reinterpretI32().extendU(),
  (bits) => bits.wrap().reinterpretF32(),
  (value) => value.promote(),
  (operand) => operand.readF32(),
  (vector, lane) => vector.extractF32(lane),
  (vector, lane, value) => vector.replaceF32(lane, value),
  (value) => value.reinterpretI32().shrU(23).and(0xff),
  (value) =>
    value
      .reinterpretI32()
      .shl(1)
      .sub(1)
      .ltU((1 << 24) - 1),
  (value) => F32.const(value),
);
