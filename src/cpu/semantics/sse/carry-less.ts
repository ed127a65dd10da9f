/**
 * PCLMULQDQ: products of polynomials over two elements (SDM vol. 1 §12.13.2). Each factor is split into four, of every
 * fourth bit: ordinary products of those leave room for the carries, which are then thrown away. The upper half is
 * the lower half of the product of the factors in reverse.
 */
import { I64, select } from '../../../wasm/values.js';
import { V128, ZERO_VECTOR } from '../../../wasm/vector.js';
import { routine } from '../../routine.js';
import { control, defineLanes } from './common.js';

const EVERY_FOURTH = 0x1111111111111111n;
const CLASSES = [0, 1, 2, 3];

/** (a, b) → bits 63:0 of the product */
const lowProduct = routine('lowCarrylessProduct', { parameters: [I64, I64], result: I64 }, (e, a, b) => {
  const { code } = e;
  const every = (value: I64, first: number): I64 => value.and(EVERY_FOURTH << BigInt(first));
  const lefts = CLASSES.map((n) => code.let(every(a, n)));
  const rights = CLASSES.map((n) => code.let(every(b, n)));
  const result = code.variable(I64, I64.const(0));
  for (const n of CLASSES) {
    const products = lefts.map((left, m) => left.mul(rights[(n - m + 4) % 4] as I64));
    const sum = products.reduce((all, product) => all.xor(product));
    result.set(result.get().or(every(sum, n)));
  }
  code.return(result.get());
});

const reverseBits = routine('reverseBits', { parameters: [I64], result: I64 }, (e, value) => {
  const { code } = e;
  const masks: readonly [shift: number, mask: bigint][] = [
    [1, 0x5555555555555555n],
    [2, 0x3333333333333333n],
    [4, 0x0f0f0f0f0f0f0f0fn],
    [8, 0x00ff00ff00ff00ffn],
    [16, 0x0000ffff0000ffffn],
  ];
  let result = value;
  for (const [shift, mask] of masks) {
    result = code.let(result.shrU(shift).and(mask).or(result.and(mask).shl(shift)));
  }
  code.return(result.rotl(32));
});

const carrylessProduct = routine('carrylessProduct', { parameters: [I64, I64], result: V128 }, (e, a, b) => {
  const low = e.call(lowProduct, a, b);
  const reversed = e.call(lowProduct, e.call(reverseBits, a), e.call(reverseBits, b));
  const high = e.call(reverseBits, reversed).shrU(1);
  e.code.return(ZERO_VECTOR.replaceI64(0, low).replaceI64(1, high));
});

defineLanes(
  'PCLMULQDQ',
  'Multiplies a half of each source, chosen by an immediate, without carries.',
  (a, b, context) => {
    const { code } = context;
    const choice = control(context);
    const half = (vector: V128, bit: number): I64 =>
      code.let(select(choice.and(bit), vector.extractI64(1), vector.extractI64(0)));
    return context.call(carrylessProduct, half(a, 1), half(b, 16));
  },
);
