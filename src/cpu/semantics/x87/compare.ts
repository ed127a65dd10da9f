/**
 * FCOM and FUCOM with their forms that pop, take integers or write RFLAGS, FTST, FXAM and FCMOVcc (SDM vol. 1 §8.3.6,
 * §8.3.3; vol. 2).
 */
import { I32, type I64, select } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import { type Emitter, get32 } from '../../emitter.js';
import { routine } from '../../routine.js';
import * as state from '../../state.js';
import type { Context, Operand } from '../context.js';
import { raiseDenormal } from './arithmetic-core.js';
import { classify, constant, NumberClass, signOf } from './extended.js';
import { memorySource } from './memory.js';
import { replaceDenormal } from './nan.js';
import { unpack } from './normalise.js';
import {
  clearStatus,
  commitStatus,
  defineX87,
  defineX87KeepingC1,
  finishWrite,
  nothing,
  underflow,
  unmasked,
} from './results.js';
import { isEmpty, isPresent, popStack, stackRegister } from './stack.js';
import { compareUsual, halvesOf, isComparable } from './usual.js';
import { Status } from './words.js';

/** C3, C2 and C0: what a comparison of ST(0) with its operand gives. */
const Outcome = {
  greater: 0,
  less: Status.c0,
  equal: Status.c3,
  unordered: Status.c3 | Status.c2 | Status.c0,
} as const;

/** (a, b, whether a quiet NaN is valid) → outcome */
const compareNumbers = routine(
  'x87Compare',
  { parameters: [V128, V128, I32], result: I32 },
  (e, a, b, quiet) => {
    const { code } = e;
    const aKind = e.call(classify, a);
    const bKind = e.call(classify, b);
    code.if(aKind.geU(NumberClass.quiet).or(bKind.geU(NumberClass.quiet)), () => {
      const invalid = aKind.gtU(NumberClass.quiet).or(bKind.gtU(NumberClass.quiet)).or(quiet.eqz());
      replaceDenormal(e, invalid.mul(Status.ie));
      code.return(I32.const(Outcome.unordered));
    });
    raiseDenormal(e, aKind, bKind);
    const isZero = (kind: I32): I32 => kind.eq(NumberClass.zero);
    code.if(isZero(aKind).and(isZero(bKind)), () => code.return(I32.const(Outcome.equal)));
    const whenSign = (sign: I32): I32 => select(sign, I32.const(Outcome.less), I32.const(Outcome.greater));
    code.if(isZero(aKind), () => code.return(whenSign(signOf(b).eqz())));
    code.if(isZero(bKind), () => code.return(whenSign(signOf(a))));
    const first = unpack(e, a);
    const second = unpack(e, b);
    code.if(first.sign.ne(second.sign), () => code.return(whenSign(first.sign)));
    code.if(first.exponent.ne(second.exponent), () => {
      const smaller = first.exponent.ltS(second.exponent);
      code.return(whenSign(smaller.ne(first.sign.ne(0))));
    });
    code.if(first.significand.eq(second.significand), () => code.return(I32.const(Outcome.equal)));
    code.return(whenSign(first.significand.ltU(second.significand).ne(first.sign.ne(0))));
  },
);

/** Returns the outcome of what is nearly always compared. */
function returnUsual(e: Emitter, first: V128, second: V128): void {
  const { code } = e;
  const [a, b] = [halvesOf(e, first), halvesOf(e, second)];
  code.if(isComparable(a).and(isComparable(b)), () => {
    const { equal, less } = compareUsual(e, a, b);
    code.return(equal.mul(Outcome.equal).or(less.mul(Outcome.less)));
  });
}

/** (pops): unless invalid and unmasked; the status word follows */
const finishPops = routine('x87FinishPops', { parameters: [I32] }, (e, pops) => {
  const { code } = e;
  code.if(unmasked(Status.ie | Status.de).eqz(), () => {
    code.if(pops, () => popStack(e));
    code.if(pops.gtU(1), () => popStack(e));
  });
  commitStatus(e);
});

/** (outcome, pops): C3, C2 and C0, whatever was raised; then pops */
const finishCompare = routine('x87FinishCompare', { parameters: [I32, I32] }, (e, outcome, pops) => {
  e.set32(state.fpuStatus, get32(state.fpuStatus).and(~Outcome.unordered).or(outcome));
  e.call(finishPops, pops);
});

/** (n, quiet) → outcome of ST(0) with ST(n) */
const compareRegister = routine(
  'x87CompareRegister',
  { parameters: [I32, I32], result: I32 },
  (e, n, quiet) => {
    e.code.if(isEmpty(0).or(isEmpty(n)), () => {
      clearStatus(e, Status.c1);
      underflow(e);
      e.code.return(I32.const(Outcome.unordered));
    });
    const [a, b] = [stackRegister(e, 0), stackRegister(e, n)];
    returnUsual(e, a, b);
    e.code.return(e.call(compareNumbers, a, b, quiet));
  },
);

/** (b) → outcome of ST(0) with b */
const compareMemory = routine('x87CompareMemory', { parameters: [V128], result: I32 }, (e, b) => {
  e.code.if(isEmpty(0), () => {
    underflow(e);
    e.code.return(I32.const(Outcome.unordered));
  });
  const a = stackRegister(e, 0);
  returnUsual(e, a, b);
  e.code.return(e.call(compareNumbers, a, b, I32.const(0)));
});

interface Kind {
  readonly quiet?: boolean;
  readonly integer?: boolean;
  readonly pops: 0 | 1 | 2;
}

/** The register that a comparison without operands takes is ST(1). */
function otherRegister(context: Context): I32 {
  return context.operands[1]?.number() ?? I32.const(1);
}

function defineCompare(mnemonic: string, summary: string, { quiet, integer, pops }: Kind): void {
  defineX87(
    mnemonic,
    summary,
    (context) => memorySource(context, integer ?? false),
    (context, source) => {
      const outcome = source
        ? context.call(compareMemory, context.call(source.widen, source.bits))
        : context.call(compareRegister, otherRegister(context), I32.const(quiet ? 1 : 0));
      context.call(finishCompare, outcome, I32.const(pops));
    },
  );
}

defineCompare('FCOM', 'Compares ST(0).', { pops: 0 });
defineCompare('FCOMP', 'Compares ST(0) and pops.', { pops: 1 });
defineCompare('FCOMPP', 'Compares ST(0) with ST(1) and pops both.', { pops: 2 });
defineCompare('FICOM', 'Compares ST(0) with an integer.', { integer: true, pops: 0 });
defineCompare('FICOMP', 'Compares ST(0) with an integer and pops.', { integer: true, pops: 1 });
defineCompare('FUCOM', 'Compares ST(0), which may be a quiet NaN.', { quiet: true, pops: 0 });
defineCompare('FUCOMP', 'Compares ST(0), which may be a quiet NaN, and pops.', { quiet: true, pops: 1 });
defineCompare('FUCOMPP', 'Compares ST(0) with ST(1), which may be quiet NaNs, and pops both.', {
  quiet: true,
  pops: 2,
});

function defineFlagCompare(mnemonic: string, summary: string, { quiet, pops }: Kind): void {
  defineX87KeepingC1(mnemonic, summary, nothing, (context) => {
    const { code } = context;
    const outcome = context.call(compareRegister, otherRegister(context), I32.const(quiet ? 1 : 0));
    const flag = (bit: number): I64 => code.let(outcome.and(bit).ne(0).extendU());
    context.flags.setFloatComparison(flag(Status.c3), flag(Status.c2), flag(Status.c0));
    context.call(finishPops, I32.const(pops));
  });
}

defineFlagCompare('FCOMI', 'Compares ST(0) into ZF, PF and CF.', { pops: 0 });
defineFlagCompare('FCOMIP', 'Compares ST(0) into ZF, PF and CF, and pops.', { pops: 1 });
defineFlagCompare('FUCOMI', 'Compares ST(0), which may be a quiet NaN, into ZF, PF and CF.', {
  quiet: true,
  pops: 0,
});
defineFlagCompare('FUCOMIP', 'Compares ST(0), which may be a quiet NaN, into ZF, PF and CF, and pops.', {
  quiet: true,
  pops: 1,
});

defineX87('FTST', 'Compares ST(0) with 0.', nothing, (context) => {
  const outcome = context.call(compareMemory, constant(0, 0n));
  context.call(finishCompare, outcome, I32.const(0));
});

/** C3, C2 and C0 of FXAM by `NumberClass`. */
const EXAMINED: Readonly<Record<keyof typeof NumberClass, number>> = {
  normal: Status.c2,
  denormal: Status.c3 | Status.c2,
  zero: Status.c3,
  infinity: Status.c2 | Status.c0,
  quiet: Status.c0,
  signalling: Status.c0,
  unsupported: 0,
};

const examine = routine('x87Examine', { parameters: [] }, (e) => {
  const { code } = e;
  const value = stackRegister(e, 0);
  const kind = e.call(classify, value);
  const found = code.variable(I32, I32.const(Status.c3 | Status.c0));
  code.if(isPresent(0), () => {
    for (const [name, bits] of Object.entries(EXAMINED)) {
      const number = NumberClass[name as keyof typeof NumberClass];
      found.set(select(kind.eq(number), I32.const(bits), found.get()));
    }
  });
  const sign = signOf(value).ne(0).mul(Status.c1);
  const kept = get32(state.fpuStatus).and(~(Outcome.unordered | Status.c1));
  e.set32(state.fpuStatus, kept.or(found.get()).or(sign));
});

defineX87('FXAM', 'Tells what kind of number ST(0) is.', nothing, (context) => context.call(examine));

/** (n, whether to move) */
const moveIf = routine('x87MoveIf', { parameters: [I32, I32] }, (e, n, condition) => {
  const { code } = e;
  code.if(isEmpty(0).or(isEmpty(n)), () => {
    clearStatus(e, Status.c1);
    e.call(finishWrite, I32.const(0), underflow(e), I32.const(0));
    code.return();
  });
  code.if(condition, () => e.call(finishWrite, I32.const(0), stackRegister(e, n), I32.const(0)));
});

/** Suffixes of FCMOVcc with the condition codes of Jcc. */
const CONDITIONS = { B: 2, E: 4, BE: 6, U: 10, NB: 3, NE: 5, NBE: 7, NU: 11 } as const;
for (const [suffix, condition] of Object.entries(CONDITIONS)) {
  defineX87KeepingC1(`FCMOV${suffix}`, 'Moves ST(i) to ST(0) if the condition holds.', nothing, (context) => {
    const [, source] = context.operands as [Operand, Operand];
    context.call(moveIf, source.number(), context.flags.condition(condition));
  });
}
