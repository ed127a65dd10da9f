/**
 * DIV and IDIV (SDM vol. 2): #DE for a divisor of 0 and for a quotient that does not fit. 128 by 64 bits is Knuth's
 * algorithm D (The Art of Computer Programming, vol. 2, 4.3.1) with 32-bit digits. The flags, all undefined, are
 * those of a Zen 5: CF and OF stay, AF = 1, ZF = SF = PF = 0.
 */
import { type I32, I64, select } from '../../wasm/values.js';
import type { Emitter } from '../emitter.js';
import { routine } from '../routine.js';
import { Register, Vector } from '../state.js';
import { type Context, defineHot, type Operand } from './context.js';
import { signExtend, truncate } from './flags.js';

const LOW = 0xffffffffn;
const LOWEST = -0x8000000000000000n;

/** One 32-bit digit of the quotient of (remainder, next digit) by a normalised divisor, of at most one too many corrected. */
function quotientDigit(e: Emitter, remainder: I64, next: I64, divisor: I64): I64 {
  const { code } = e;
  const high = code.let(divisor.shrU(32));
  const low = code.let(divisor.and(LOW));
  const digit = code.variable(I64, remainder.divU(high));
  const rest = code.variable(I64, remainder.sub(digit.get().mul(high)));
  code.block((exact) => {
    code.loop((again) => {
      const tooBig = digit
        .get()
        .shrU(32)
        .ne(0)
        .or(digit.get().mul(low).gtU(rest.get().shl(32).or(next)));
      code.branchIf(exact, tooBig.eqz());
      digit.set(digit.get().sub(1));
      rest.set(rest.get().add(high));
      code.branchIf(again, rest.get().shrU(32).eqz());
    });
  });
  return digit.get();
}

/** (high, low, divisor) → quotient; the divisor is above `high`, so that the quotient fits */
export const divideWide = routine(
  'divideWide',
  { parameters: [I64, I64, I64], result: I64 },
  (e, high, low, divisor) => {
    const { code } = e;
    code.if(high.eqz(), () => code.return(low.divU(divisor)));
    const shift = code.let(divisor.clz());
    const normal = code.let(divisor.shl(shift));
    const carried = low.shrU(1).shrU(I64.const(63).sub(shift));
    const top = code.let(high.shl(shift).or(carried));
    const bottom = code.let(low.shl(shift));
    const first = quotientDigit(e, top, code.let(bottom.shrU(32)), normal);
    const between = code.let(top.shl(32).or(bottom.shrU(32)).sub(first.mul(normal)));
    const second = quotientDigit(e, between, code.let(bottom.and(LOW)), normal);
    code.return(first.shl(32).add(second));
  },
);

/** (high, low, divisor) → quotient, or #DE pending */
const divideUnsigned = routine(
  'divideUnsigned',
  { parameters: [I64, I64, I64], result: I64, mayFault: true },
  (e, high, low, divisor) => {
    e.raiseIf(high.geU(divisor), Vector.de);
    e.code.return(e.call(divideWide, high, low, divisor));
  },
);

/** (high, low, divisor) → quotient rounded towards 0, or #DE pending */
const divideSigned = routine(
  'divideSigned',
  { parameters: [I64, I64, I64], result: I64, mayFault: true },
  (e, high, low, divisor) => {
    const { code } = e;
    code.if(high.eq(low.shrS(63)), () => {
      e.raiseIf(divisor.eqz().or(divisor.eq(-1).and(low.eq(LOWEST))), Vector.de);
      code.return(low.divS(divisor));
    });
    const negative = code.let(high.ltS(0));
    const lowSize = code.let(select(negative, I64.const(0).sub(low), low));
    const borrow = low.ne(0).extendU();
    const highSize = code.let(select(negative, I64.const(0).sub(high).sub(borrow), high));
    const size = code.let(select(divisor.ltS(0), I64.const(0).sub(divisor), divisor));
    e.raiseIf(highSize.geU(size), Vector.de);
    const quotient = e.call(divideWide, highSize, lowSize, size);
    const differ = code.let(high.xor(divisor).ltS(0));
    const limit = select(differ, I64.const(LOWEST), I64.const(~LOWEST));
    e.raiseIf(quotient.gtU(limit), Vector.de);
    code.return(select(differ, I64.const(0).sub(quotient), quotient));
  },
);

function setFlags(context: Context): void {
  context.flags.setResult(I64.const(1), 64);
  context.flags.setAf(1);
}

function write(context: Context, quotient: I64, remainder: I64, width: number): void {
  if (width === 8) {
    context.setRegister(Register.rax, 16, quotient.and(0xff).or(remainder.shl(8)));
  } else {
    context.setRegister(Register.rax, width, quotient);
    context.setRegister(Register.rdx, width, remainder);
  }
  setFlags(context);
}

/** AX, DX:AX or EDX:EAX, zero-extended. */
function dividend(context: Context, width: number): I64 {
  if (width === 8) return context.register(Register.rax, 16);
  const low = context.register(Register.rax, width);
  return context.code.let(low.or(context.register(Register.rdx, width).shl(width)));
}

/** @param narrow whether 64 bits by 64 do: most dividends are no wider than their low half */
function divide64(
  context: Context,
  operand: Operand,
  target: typeof divideUnsigned,
  narrow: (high: I64, low: I64, divisor: I64) => I32,
  divideNarrow: (low: I64, divisor: I64) => I64,
): void {
  const { code } = context;
  const divisor = operand.read();
  const low = context.register(Register.rax, 64);
  const high = context.register(Register.rdx, 64);
  const quotient = code.variable(I64);
  code.if(
    narrow(high, low, divisor),
    () => quotient.set(divideNarrow(low, divisor)),
    () => quotient.set(context.call(target, high, low, divisor)),
  );
  write(context, quotient.get(), code.let(low.sub(quotient.get().mul(divisor))), 64);
}

defineHot('DIV', 'Divides twice the width in rDX:rAX by the operand, unsigned.', (context) => {
  const { code } = context;
  const [operand] = context.operands as [Operand];
  const { width } = operand;
  if (width === 64) {
    divide64(
      context,
      operand,
      divideUnsigned,
      (high, _low, divisor) => high.eqz().and(divisor.ne(0)),
      (low, divisor) => low.divU(divisor),
    );
    return;
  }
  const divisor = operand.read();
  const whole = dividend(context, width);
  context.raiseIf(whole.shrU(width).geU(divisor), Vector.de);
  const quotient = code.let(whole.divU(divisor));
  write(context, quotient, code.let(whole.sub(quotient.mul(divisor))), width);
});

defineHot(
  'IDIV',
  'Divides twice the width in rDX:rAX by the operand, signed, rounding towards 0.',
  (context) => {
    const { code } = context;
    const [operand] = context.operands as [Operand];
    const { width } = operand;
    if (width === 64) {
      divide64(
        context,
        operand,
        divideSigned,
        (high, low, divisor) => high.eq(low.shrS(63)).and(divisor.add(1).gtU(1)),
        (low, divisor) => low.divS(divisor),
      );
      return;
    }
    const divisor = code.let(signExtend(operand.read(), width));
    const whole = code.let(signExtend(dividend(context, width), width * 2));
    context.raiseIf(divisor.eqz(), Vector.de);
    if (width === 32) context.raiseIf(divisor.eq(-1).and(whole.eq(LOWEST)), Vector.de);
    const quotient = code.let(whole.divS(divisor));
    context.raiseIf(signExtend(quotient, width).ne(quotient), Vector.de);
    write(context, quotient, code.let(truncate(whole.sub(quotient.mul(divisor)), width)), width);
  },
);
