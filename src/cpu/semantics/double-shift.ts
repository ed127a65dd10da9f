/**
 * SHLD and SHRD: shifts that fill with the bits of a second register (SDM vol. 2). A 16-bit count above 16 has no
 * defined result; here the destination follows the source once more. OF and AF are as in shift.ts, but that a shift by 1
 * clears AF, as processors do.
 */
import { I64, select } from '../../wasm/values.js';
import { type Context, define, type Operand } from './context.js';

const AF = 8n;

interface Shifted {
  readonly result: I64;
  /** What `Flags.setCarryWord` takes, but AF. */
  readonly carry: I64;
}

function doubleShift(
  shift: (context: Context, value: I64, source: I64, count: I64, width: number) => Shifted,
): (context: Context) => void {
  return (context) => {
    const { code } = context;
    const [destination, source, counter] = context.operands as [Operand, Operand, Operand];
    const { width } = destination;
    const count = code.let(counter.read().and(width === 64 ? 63 : 31));
    const filler = source.read();
    const place = destination.modify();
    const result = code.variable(I64, place.value);
    code.if(count.eqz().eqz(), () => {
      const shifted = shift(context, place.value, filler, count, width);
      result.set(shifted.result);
      context.flags.setResult(result.get(), width);
      const adjust = select(count.eq(1), I64.const(0), I64.const(AF));
      context.flags.setCarryWord(shifted.carry.and(~AF).or(adjust));
    });
    place.write(result.get());
  };
}

define(
  'SHLD',
  'Shifts to the left, filling with the top bits of the second operand.',
  doubleShift((context, value, source, count, width) => {
    const { code } = context;
    const less = code.let(count.sub(1));
    if (width === 64) {
      const filling = source.shrU(I64.const(64).sub(count));
      return { result: code.let(value.shl(count).or(filling)), carry: value.shl(less) };
    }
    const upper = value.shl(32).or(source.shl(32 - width));
    const all = width === 32 ? upper : upper.or(value);
    const half = code.let(all.shl(less));
    const result = half.shl(1).shrU(32);
    return {
      result: code.let(width === 32 ? result : result.and(0xffff)),
      carry: width === 32 ? half : half.shl(16),
    };
  }),
);

define(
  'SHRD',
  'Shifts to the right, filling with the low bits of the second operand.',
  doubleShift((context, value, source, count, width) => {
    const { code } = context;
    const less = code.let(count.sub(1));
    const lower = value.or(source.shl(width === 64 ? 0 : width));
    const all = width === 16 ? lower.or(value.shl(32)) : lower;
    const half = code.let((width === 64 ? value : all).shrU(less));
    const mask = (1n << BigInt(width)) - 1n;
    const result = code.let(
      width === 64 ? value.shrU(count).or(source.shl(I64.const(64).sub(count))) : half.shrU(1).and(mask),
    );
    const pair = code.let(result.shrU(width - 2));
    const overflow = pair.xor(pair.shrU(1)).and(1).shl(62);
    return { result, carry: half.shl(63).shrS(1).xor(overflow) };
  }),
);
