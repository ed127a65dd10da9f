/**
 * The double extended-precision format (SDM vol. 1 §4.2.2, §8.2.2), held in a vector as in `state.fpr`: lane 0 the
 * significand, lane 1 sign and exponent in bits 15:0.
 */
import { I32, I64, select } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import { routine } from '../../routine.js';

export const SIGN = 0x8000;
export const TOP_EXPONENT = 0x7fff;
export const BIAS = 0x3fff;
/** The explicit integer bit. */
export const INTEGER_BIT = 1n << 63n;
export const QUIET_BIT = 1n << 62n;

export function significandOf(value: V128): I64 {
  return value.extractI64(0);
}
/** Sign and exponent. */
export function headOf(value: V128): I32 {
  return value.extractI64(1).wrap();
}
export function exponentOf(value: V128): I32 {
  return headOf(value).and(TOP_EXPONENT);
}
/** 0 or `SIGN`. */
export function signOf(value: V128): I32 {
  return headOf(value).and(SIGN);
}

/** @param head sign and exponent */
export function extended(head: I32, significand: I64): V128 {
  return V128.splatI64(significand).replaceI64(1, head.extendU());
}
/** A number known when the code is built. */
export function constant(head: number, significand: bigint): V128 {
  return extended(I32.const(head), I64.const(significand));
}
export function infinity(sign: I32): V128 {
  return extended(sign.or(TOP_EXPONENT), I64.const(INTEGER_BIT));
}
export function zero(sign: I32): V128 {
  return extended(sign, I64.const(0));
}
/** The NaN of a masked invalid operation. */
export const INDEFINITE = constant(SIGN | TOP_EXPONENT, INTEGER_BIT | QUIET_BIT);

/** A pseudo-denormal as the normal number that it is; others as they are. */
export function withoutPseudo(value: V128): V128 {
  const pseudo = exponentOf(value).eqz().and(significandOf(value).ltS(0));
  return extended(headOf(value).or(pseudo), significandOf(value));
}

/** The same number with the other sign. */
export function negated(value: V128): V128 {
  return value.xor(V128.splatI64(I64.const(0)).replaceI64(1, I64.const(SIGN)));
}

/** In this order: from `infinity` on no ordinary number, from `quiet` on no number. Denormals have pseudo-denormals in. */
export const NumberClass = {
  normal: 0,
  denormal: 1,
  zero: 2,
  infinity: 3,
  quiet: 4,
  signalling: 5,
  /** Unnormals, pseudo-infinities and pseudo-NaNs, which only the 8087 took. */
  unsupported: 6,
} as const;

/** value → its `NumberClass` */
export const classify = routine('x87Classify', { parameters: [V128], result: I32 }, (e, value) => {
  const { code } = e;
  const exponent = code.let(exponentOf(value));
  const significand = code.let(significandOf(value));
  code.if(exponent.eqz(), () => {
    code.return(select(significand.eqz(), I32.const(NumberClass.zero), I32.const(NumberClass.denormal)));
  });
  code.if(significand.geS(0), () => code.return(I32.const(NumberClass.unsupported)));
  code.if(exponent.ne(TOP_EXPONENT), () => code.return(I32.const(NumberClass.normal)));
  code.if(significand.eq(INTEGER_BIT), () => code.return(I32.const(NumberClass.infinity)));
  const quiet = significand.and(QUIET_BIT).ne(0);
  code.return(select(quiet, I32.const(NumberClass.quiet), I32.const(NumberClass.signalling)));
});

/** 1 if it is normal, as nearly all numbers are. */
export function isNormal(value: V128): I32 {
  return exponentOf(value)
    .sub(1)
    .ltU(TOP_EXPONENT - 1)
    .and(significandOf(value).ltS(0));
}

/** A finite number that is not zero, with the integer bit set and the exponent as low as that takes. */
export interface Parts {
  /** 0 or `SIGN`. */
  readonly sign: I32;
  /** Biased. */
  readonly exponent: I32;
  readonly significand: I64;
}
