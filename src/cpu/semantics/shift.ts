/**
 * Shifts and rotates: SHL SHR SAR, ROL ROR, RCL RCR (SDM vol. 2). The count is masked to 5 bits, 6 for 64-bit
 * operands; a masked count of 0 leaves every flag as it was. Where the manual leaves OF and AF undefined, they
 * are what a Zen 5 gives. SHLD and SHRD are in double-shift.ts.
 */
import { I64 } from '../../wasm/values.js';
import { type Context, define, defineHot, type Operand } from './context.js';
import { signExtend, truncate } from './flags.js';

/** Gives the result and sets the flags; the count is not 0 where the flags are set. */
interface Shift {
  result(context: Context, value: I64, count: I64, width: number): I64;
  /** @param half the value shifted by one less than the count: the next bit to go out is still in it */
  flags(context: Context, result: I64, value: I64, count: I64, width: number): void;
}

function shift({ result, flags }: Shift): (context: Context) => void {
  return (context) => {
    const { code } = context;
    const [destination, source] = context.operands as [Operand, Operand];
    const { width } = destination;
    const count = code.let(source.read().and(width === 64 ? 63 : 31));
    const place = destination.modify();
    const shifted = code.let(result(context, place.value, count, width));
    code.if(count.eqz().eqz(), () => flags(context, shifted, place.value, count, width));
    place.write(shifted);
  };
}

const AF = 8n;

/** CF in bit 63 and, since OF is 0, in bit 62, from the low bit. */
function carryFromLowBit(half: I64): I64 {
  return half.shl(63).shrS(1);
}

defineHot(
  'SHL',
  'Shifts to the left.',
  shift({
    result: (_context, value, count) => value.shl(count),
    flags: (context, result, value, count, width) => {
      context.flags.setResult(result, width);
      const half = value.shl(count.sub(1));
      context.flags.setCarryWord((width === 64 ? half : half.shl(64 - width)).or(AF));
    },
  }),
);

defineHot(
  'SHR',
  'Shifts to the right, filling with zeros.',
  shift({
    result: (_context, value, count) => value.shrU(count),
    flags: (context, result, value, count, width) => {
      context.flags.setResult(result, width);
      const half = context.code.let(value.shrU(count.sub(1)));
      const overflow = half.shrU(width - 1).shl(62);
      context.flags.setCarryWord(carryFromLowBit(half).xor(overflow).or(AF));
    },
  }),
);

defineHot(
  'SAR',
  'Shifts to the right, filling with the sign.',
  shift({
    result: (_context, value, count, width) => signExtend(value, width).shrS(count),
    flags: (context, result, value, count, width) => {
      context.flags.setResult(result, width);
      const half = signExtend(value, width).shrS(count.sub(1));
      context.flags.setCarryWord(carryFromLowBit(half).or(AF));
    },
  }),
);

/** What repeats a value of so many bits through 64, so that a 64-bit rotation turns each copy. */
const REPEAT: Record<number, bigint> = {
  8: 0x0101010101010101n,
  16: 0x0001000100010001n,
  32: 0x0000000100000001n,
  64: 1n,
};

function repeated(value: I64, width: number): I64 {
  return width === 64 ? value : value.mul(REPEAT[width] as bigint);
}

/** CF is the low bit that came round, OF the top bit xor CF. */
function leftFlags(context: Context, result: I64, width: number): void {
  const top = result.shrU(width - 1).shl(62);
  context.flags.setCarryWordButAf(result.shl(63).or(top));
}

/** CF is the top bit that came round, OF the top two bits' xor. */
function rightFlags(context: Context, result: I64, width: number): void {
  context.flags.setCarryWordButAf(width === 64 ? result : result.shl(64 - width));
}

defineHot(
  'ROL',
  'Rotates to the left.',
  shift({
    result: (_context, value, count, width) => truncate(repeated(value, width).rotl(count), width),
    flags: (context, result, _value, _count, width) => leftFlags(context, result, width),
  }),
);

defineHot(
  'ROR',
  'Rotates to the right.',
  shift({
    result: (_context, value, count, width) => truncate(repeated(value, width).rotr(count), width),
    flags: (context, result, _value, _count, width) => rightFlags(context, result, width),
  }),
);

/** The operand with CF above it, turned to the left by a count below its width + 1 bits; for up to 32 bits. */
function rotateWithCarry(context: Context, value: I64, left: I64, width: number): I64 {
  const all = context.code.let(value.or(context.flags.cf().shl(width)));
  return context.code.let(all.shl(left).or(all.shrU(I64.const(width + 1).sub(left))));
}

/** Rotates through CF; `toLeft` gives the count to the left. */
function rotateThroughCarry(
  toLeft: (count: I64, bits: number) => I64,
  setOverflow: (context: Context, carry: I64, result: I64, width: number) => void,
  wide: (context: Context, value: I64, count: I64) => { result: I64; carry: I64 },
): (context: Context) => void {
  return (context) => {
    const { code } = context;
    const [destination, source] = context.operands as [Operand, Operand];
    const { width } = destination;
    const count = code.let(source.read().and(width === 64 ? 63 : 31));
    const place = destination.modify();
    const result = code.variable(I64, place.value);
    code.if(count.eqz().eqz(), () => {
      if (width === 64) {
        const turned = wide(context, place.value, count);
        result.set(turned.result);
        setOverflow(context, turned.carry, result.get(), width);
        return;
      }
      const bits = width + 1;
      const left = code.let(toLeft(width === 32 ? count : count.remU(bits), bits));
      const turned = rotateWithCarry(context, place.value, left, width);
      result.set(truncate(turned, width));
      setOverflow(context, turned.shrU(width).and(1), result.get(), width);
    });
    place.write(result.get());
  };
}

define(
  'RCL',
  'Rotates to the left through CF.',
  rotateThroughCarry(
    (count) => count,
    (context, carry, result, width) => {
      context.flags.setCarryWordButAf(carry.shl(63).or(result.shrU(width - 1).shl(62)));
    },
    (context, value, count) => {
      const { code } = context;
      const entering = context.flags.cf().shl(count.sub(1));
      const round = value.shrU(1).shrU(I64.const(64).sub(count));
      return {
        result: code.let(value.shl(count).or(entering).or(round)),
        carry: code.let(value.shrU(I64.const(64).sub(count)).and(1)),
      };
    },
  ),
);

define(
  'RCR',
  'Rotates to the right through CF.',
  rotateThroughCarry(
    (count, bits) => I64.const(bits).sub(count),
    (context, carry, result, width) => {
      const pair = context.code.let(result.shrU(width - 2));
      const overflow = pair.xor(pair.shrU(1)).and(1);
      context.flags.setCarryWordButAf(carry.shl(63).shrS(1).xor(overflow.shl(62)));
    },
    (context, value, count) => {
      const { code } = context;
      const entering = context.flags.cf().shl(I64.const(64).sub(count));
      const round = value.shl(1).shl(I64.const(64).sub(count));
      return {
        result: code.let(value.shrU(count).or(entering).or(round)),
        carry: code.let(value.shrU(count.sub(1)).and(1)),
      };
    },
  ),
);
