/** FLD of every format, FILD, FBLD and the constants: what pushes, by `finishPush` which clears C1 (SDM vol. 1 §8.3.3, §8.3.4; vol. 2). */
import { I32, I64 } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import { routine } from '../../routine.js';
import type { Context, Operand } from '../context.js';
import { fromDecimal } from './decimal.js';
import { BIAS, classify, constant, extended, NumberClass } from './extended.js';
import { floatSource, integerSource, readExtended } from './memory.js';
import { unaryNaN } from './nan.js';
import { fromStack } from './register-forms.js';
import { defineX87KeepingC1, finishPush, nothing } from './results.js';
import { roundSignificand } from './round.js';
import { halvesOf, isComparable } from './usual.js';
import { lowOf } from './wide.js';

/** (value widened from memory): pushes it, a NaN made quiet */
const pushWidened = routine('x87PushWidened', { parameters: [V128] }, (e, value) => {
  e.code.if(isComparable(halvesOf(e, value)), () => {
    e.call(finishPush, value);
    e.code.return();
  });
  const kind = e.call(classify, value);
  e.code.if(kind.geU(NumberClass.quiet), () => {
    e.call(finishPush, e.call(unaryNaN, value, kind));
    e.code.return();
  });
  e.call(finishPush, value);
});

/** (n): pushes ST(n) */
const pushRegister = routine('x87PushRegister', { parameters: [I32] }, (e, n) => {
  e.call(
    finishPush,
    fromStack(e, [n], (value) => value as V128),
  );
});

/** What FLD takes, by its operand. */
function prepareLoad(context: Context): () => void {
  const [operand] = context.operands as [Operand];
  if (operand.kind !== 'memory') return () => context.call(pushRegister, operand.number());
  if (operand.width === 80) {
    const value = readExtended(context, operand);
    return () => context.call(finishPush, value);
  }
  const { bits, widen } = floatSource(operand);
  return () => context.call(pushWidened, context.call(widen, bits));
}

defineX87KeepingC1('FLD', 'Pushes a number.', prepareLoad, (_context, push) => push());

defineX87KeepingC1(
  'FILD',
  'Pushes a signed integer.',
  (context) => integerSource(context, context.operands[0] as Operand),
  (context, { bits, widen }) => context.call(finishPush, context.call(widen, bits)),
);

defineX87KeepingC1(
  'FBLD',
  'Pushes a number of 18 decimal digits.',
  (context) => readExtended(context, context.operands[0] as Operand),
  (context, value) => context.call(finishPush, context.call(fromDecimal, value)),
);

/** Pushes high.low × 2^(exponent − 63), rounded as rounding control says and without PE. */
function defineConstant(mnemonic: string, what: string, exponent: number, high: bigint, low: bigint): void {
  defineX87KeepingC1(mnemonic, `Pushes ${what}.`, nothing, (context) => {
    if (low === 0n) {
      context.call(finishPush, constant(BIAS + exponent, high));
      return;
    }
    const args = [I32.const(0), I64.const(high), I64.const(low), I32.const(64)] as const;
    const significand = lowOf(context.call(roundSignificand, ...args));
    context.call(finishPush, extended(I32.const(BIAS + exponent), significand));
  });
}

defineX87KeepingC1('FLDZ', 'Pushes 0.', nothing, (context) => context.call(finishPush, constant(0, 0n)));
defineConstant('FLD1', '1', 0, 1n << 63n, 0n);
defineConstant('FLDL2T', 'the binary logarithm of 10', 1, 0xd49a784bcd1b8afen, 0x492bf6ff4dafdb4cn);
defineConstant('FLDL2E', 'the binary logarithm of e', 0, 0xb8aa3b295c17f0bbn, 0xbe87fed0691d3e88n);
defineConstant('FLDPI', 'pi', 1, 0xc90fdaa22168c234n, 0xc4c6628b80dc1cd1n);
defineConstant('FLDLG2', 'the decimal logarithm of 2', -2, 0x9a209a84fbcff798n, 0x8f8959ac0b7c9178n);
defineConstant('FLDLN2', 'the natural logarithm of 2', -1, 0xb17217f7d1cf79abn, 0xc9e3b39803f2f6afn);
