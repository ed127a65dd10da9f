/** Packed BCD: 18 digits, two a byte from the lowest, then the sign in bit 79 (SDM vol. 1 §4.7). */
import { I32, I64, select } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import { routine } from '../../routine.js';
import { widenInteger } from './convert.js';
import { extended, headOf, negated, SIGN, significandOf } from './extended.js';

/** (value of up to 16 digits, one a nibble) → as a number; what is no digit counts as what its bits say */
const digitsToNumber = routine('x87DigitsToNumber', { parameters: [I64], result: I64 }, (e, digits) => {
  const { code } = e;
  const left = code.variable(I64, digits);
  const sum = code.variable(I64, I64.const(0));
  const turns = code.variable(I32, I32.const(16));
  code.while(
    () => turns.get(),
    () => {
      sum.set(sum.get().mul(10).add(left.get().shrU(60)));
      left.set(left.get().shl(4));
      turns.set(turns.get().sub(1));
    },
  );
  code.return(sum.get());
});

/** ten bytes of BCD → number */
export const fromDecimal = routine('x87FromDecimal', { parameters: [V128], result: V128 }, (e, bytes) => {
  const { code } = e;
  const low = e.call(digitsToNumber, significandOf(bytes));
  const head = code.let(headOf(bytes));
  const top = head.shrU(4).and(15).mul(10).add(head.and(15)).extendU();
  const value = e.call(widenInteger, top.mul(10_000_000_000_000_000n).add(low));
  code.return(select(head.and(SIGN), negated(value), value));
});

/** (magnitude below 10^18, sign) → ten bytes of BCD */
export const toDecimal = routine(
  'x87ToDecimal',
  { parameters: [I64, I32], result: V128 },
  (e, magnitude, sign) => {
    const { code } = e;
    const left = code.variable(I64, magnitude);
    const digits = code.variable(I64, I64.const(0));
    const turns = code.variable(I32, I32.const(16));
    code.while(
      () => turns.get(),
      () => {
        digits.set(digits.get().shrU(4).or(left.get().remU(10).shl(60)));
        left.set(left.get().divU(10));
        turns.set(turns.get().sub(1));
      },
    );
    const top = left.get().divU(10).shl(4).or(left.get().remU(10));
    code.return(extended(sign.or(top.wrap()), digits.get()));
  },
);

/** What is stored where the number does not fit. */
export const DECIMAL_INDEFINITE = extended(I32.const(0xffff), I64.const(0xc000_0000_0000_0000n));
