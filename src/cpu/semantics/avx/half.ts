/**
 * F16C: VCVTPH2PS and VCVTPS2PH (SDM vol. 1 §14.4). A half that is denormal is one even under DAZ and FTZ, and gives no
 * DE; the immediate may choose the rounding. Eight
 * bytes of memory are exempt from alignment checks here.
 */
import { F32, I32, I64, select } from '../../../wasm/values.js';
import { V128, ZERO_VECTOR } from '../../../wasm/vector.js';
import { routine } from '../../routine.js';
import { Exception } from '../../system/mxcsr.js';
import { control, defineVector, pair } from '../sse/common.js';
import {
  beginExceptions,
  commitExceptions,
  denormalAsZero,
  raiseFlags,
  roundingMode,
} from '../sse/exceptions.js';
import { SINGLE } from '../sse/float-format.js';
import { unpack } from '../sse/soft-arithmetic.js';
import { HALF, roundToHalf } from '../sse/soft-round.js';

const SIGN = 0x8000;
const MAGNITUDE = 0x7fff;
const INFINITY = Number(HALF.infinity);
const QUIET = 0x200;
const FRACTION_DIFFERENCE = SINGLE.fraction - HALF.fraction;
const BIAS_DIFFERENCE = SINGLE.bias - HALF.bias;
/** A denormal half counts these. */
const SMALLEST_HALF = 2 ** -24;

/** bits of a half → bits of a single; flags in `mxcsrRaised` */
const fromHalf = routine('fromHalf', { parameters: [I32], result: I32 }, (e, half) => {
  const { code } = e;
  const sign = code.let(half.and(SIGN).shl(16));
  const magnitude = code.let(half.and(MAGNITUDE));
  const moved = magnitude.shl(FRACTION_DIFFERENCE);
  code.if(magnitude.gtU(INFINITY), () => {
    raiseFlags(e, magnitude.and(QUIET).eqz().mul(Exception.ie));
    code.return(sign.or(moved).or(Number(SINGLE.infinity | SINGLE.quiet)));
  });
  code.if(magnitude.eq(INFINITY), () => code.return(sign.or(Number(SINGLE.infinity))));
  code.if(magnitude.ltU(1 << HALF.fraction), () => {
    code.return(sign.or(magnitude.toF32S().mul(F32.const(SMALLEST_HALF)).reinterpretI32()));
  });
  code.return(sign.or(moved.add(BIAS_DIFFERENCE << SINGLE.fraction)));
});

/**
 * (bits of a single, rounding mode) → bits of a half; flags in `mxcsrRaised`. A denormal single gives PE even where
 * underflow is not masked, as processors do.
 */
const toHalf = routine('toHalf', { parameters: [I64, I32], result: I32 }, (e, operand, mode) => {
  const { code } = e;
  const a = denormalAsZero(e, SINGLE, operand);
  const sign = code.let(SINGLE.signOf(a));
  const signBits = code.let(sign.shl(15));
  code.if(SINGLE.isNaN(a), () => {
    raiseFlags(e, SINGLE.isSignalling(a).mul(Exception.ie));
    const payload = a.and(SINGLE.fractionMask).shrU(FRACTION_DIFFERENCE).wrap();
    code.return(signBits.or(payload).or(INFINITY | QUIET));
  });
  code.if(SINGLE.isInfinite(a), () => code.return(signBits.or(INFINITY)));
  code.if(SINGLE.isZero(a), () => code.return(signBits));
  raiseFlags(e, SINGLE.isDenormal(a).mul(Exception.de | Exception.pe));
  const { exponent, significand } = unpack(e, SINGLE, a);
  code.return(e.call(roundToHalf, sign, exponent, significand, mode).wrap());
});

/** four halves → four singles */
const widen = routine('halvesToSingles', { parameters: [I64], result: V128 }, (e, halves) => {
  const { code } = e;
  const result = code.variable(V128, ZERO_VECTOR);
  for (let n = 0; n < 4; n++) {
    const half = halves
      .shrU(16 * n)
      .wrap()
      .and(0xffff);
    result.set(result.get().replaceI32(n, e.call(fromHalf, half)));
  }
  code.return(result.get());
});

/** (four singles, rounding mode) → four halves */
const narrow = routine('singlesToHalves', { parameters: [V128, I32], result: I64 }, (e, singles, mode) => {
  const { code } = e;
  const result = code.variable(I64, I64.const(0));
  for (let n = 0; n < 4; n++) {
    const half = e.call(toHalf, singles.extractI32(n).extendU(), mode);
    result.set(result.get().or(half.extendU().shl(16 * n)));
  }
  code.return(result.get());
});

defineVector('VCVTPH2PS', 'Converts halves to singles.', (context) => {
  const [destination, source] = pair(context);
  const vector = source.unaligned().readVector();
  const quarters = destination.width > 128 ? ([0, 1] as const) : ([0] as const);
  context.call(beginExceptions);
  const results = quarters.map((n) => context.call(widen, vector.extractI64(n)));
  context.call(commitExceptions);
  destination.writeVectors(results);
});

/** Immediate: bits 1:0 a rounding mode, bit 2 that MXCSR's counts instead. */
const MXCSR_ROUNDING = 4;

defineVector(
  'VCVTPS2PH',
  'Converts singles to halves; in a register, the bits above become 0.',
  (context) => {
    const { code } = context;
    const [destination, source] = pair(context);
    const immediate = control(context);
    const mode = code.let(select(immediate.and(MXCSR_ROUNDING), roundingMode(), immediate.and(3)));
    const vectors = source.readVectors();
    context.call(beginExceptions);
    const results = vectors.map((vector) => context.call(narrow, vector, mode));
    context.call(commitExceptions);
    destination
      .unaligned()
      .writeVector(results.reduce((all, result, n) => all.replaceI64(n as 0 | 1, result), ZERO_VECTOR));
  },
);
