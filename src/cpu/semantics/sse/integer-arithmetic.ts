/** Packed integers: sums, differences, products, averages, least and greatest, comparisons (SDM vol. 1 §9.4, §11.4.2). */
import { Simd } from '../../../wasm/simd.js';
import { I32 } from '../../../wasm/values.js';
import { type V128, ZERO_VECTOR } from '../../../wasm/vector.js';
import { defineLanes, LOW_HALVES, lanes } from './common.js';

const { i8x16, i16x8, i32x4, i64x2 } = Simd;

/** Instructions that are one WebAssembly operation. */
const SIMPLE: readonly [mnemonic: string, opcode: number, summary: string][] = [
  ['PADDB', i8x16.add, 'Adds bytes.'],
  ['PADDW', i16x8.add, 'Adds 16-bit lanes.'],
  ['PADDD', i32x4.add, 'Adds 32-bit lanes.'],
  ['PADDQ', i64x2.add, 'Adds 64-bit lanes.'],
  ['PSUBB', i8x16.sub, 'Subtracts bytes.'],
  ['PSUBW', i16x8.sub, 'Subtracts 16-bit lanes.'],
  ['PSUBD', i32x4.sub, 'Subtracts 32-bit lanes.'],
  ['PSUBQ', i64x2.sub, 'Subtracts 64-bit lanes.'],
  ['PADDSB', i8x16.addSatS, 'Adds signed bytes, saturating.'],
  ['PADDSW', i16x8.addSatS, 'Adds signed 16-bit lanes, saturating.'],
  ['PADDUSB', i8x16.addSatU, 'Adds unsigned bytes, saturating.'],
  ['PADDUSW', i16x8.addSatU, 'Adds unsigned 16-bit lanes, saturating.'],
  ['PSUBSB', i8x16.subSatS, 'Subtracts signed bytes, saturating.'],
  ['PSUBSW', i16x8.subSatS, 'Subtracts signed 16-bit lanes, saturating.'],
  ['PSUBUSB', i8x16.subSatU, 'Subtracts unsigned bytes, saturating.'],
  ['PSUBUSW', i16x8.subSatU, 'Subtracts unsigned 16-bit lanes, saturating.'],
  ['PMULLW', i16x8.mul, 'Multiplies 16-bit lanes, keeping the low halves.'],
  ['PMADDWD', i32x4.dot, 'Multiplies signed 16-bit lanes and adds neighbouring products.'],
  ['PAVGB', i8x16.averageU, 'Averages unsigned bytes, rounding up.'],
  ['PAVGW', i16x8.averageU, 'Averages unsigned 16-bit lanes, rounding up.'],
  ['PMINUB', i8x16.minU, 'Keeps the lesser unsigned bytes.'],
  ['PMINSW', i16x8.minS, 'Keeps the lesser signed 16-bit lanes.'],
  ['PMAXUB', i8x16.maxU, 'Keeps the greater unsigned bytes.'],
  ['PMAXSW', i16x8.maxS, 'Keeps the greater signed 16-bit lanes.'],
  ['PCMPEQB', i8x16.eq, 'Ones in each byte that is equal.'],
  ['PCMPEQW', i16x8.eq, 'Ones in each 16-bit lane that is equal.'],
  ['PCMPEQD', i32x4.eq, 'Ones in each 32-bit lane that is equal.'],
  ['PCMPGTB', i8x16.gtS, 'Ones in each signed byte that is greater.'],
  ['PCMPGTW', i16x8.gtS, 'Ones in each signed 16-bit lane that is greater.'],
  ['PCMPGTD', i32x4.gtS, 'Ones in each signed 32-bit lane that is greater.'],
  ['PACKUSDW', i16x8.narrowU, 'Narrows signed 32-bit lanes to unsigned 16-bit ones, saturating.'],
  ['PMULLD', i32x4.mul, 'Multiplies 32-bit lanes, keeping the low halves.'],
  ['PMINSB', i8x16.minS, 'Keeps the lesser signed bytes.'],
  ['PMINUW', i16x8.minU, 'Keeps the lesser unsigned 16-bit lanes.'],
  ['PMINSD', i32x4.minS, 'Keeps the lesser signed 32-bit lanes.'],
  ['PMINUD', i32x4.minU, 'Keeps the lesser unsigned 32-bit lanes.'],
  ['PMAXSB', i8x16.maxS, 'Keeps the greater signed bytes.'],
  ['PMAXUW', i16x8.maxU, 'Keeps the greater unsigned 16-bit lanes.'],
  ['PMAXSD', i32x4.maxS, 'Keeps the greater signed 32-bit lanes.'],
  ['PMAXUD', i32x4.maxU, 'Keeps the greater unsigned 32-bit lanes.'],
  ['PCMPEQQ', i64x2.eq, 'Ones in each 64-bit lane that is equal.'],
  ['PCMPGTQ', i64x2.gtS, 'Ones in each signed 64-bit lane that is greater.'],
];
for (const [mnemonic, opcode, summary] of SIMPLE) {
  defineLanes(mnemonic, summary, (a, b) => a.binary(opcode, b));
}

const NARROWINGS: typeof SIMPLE = [
  ['PACKSSWB', i8x16.narrowS, 'Narrows 16-bit lanes to signed bytes, saturating.'],
  ['PACKUSWB', i8x16.narrowU, 'Narrows signed 16-bit lanes to unsigned bytes, saturating.'],
  ['PACKSSDW', i16x8.narrowS, 'Narrows 32-bit lanes to signed 16-bit ones, saturating.'],
];
for (const [mnemonic, opcode, summary] of NARROWINGS) {
  defineLanes(mnemonic, summary, (a, b) => a.binary(opcode, b), {
    mmx: (a, b) => a.shuffle(b, LOW_HALVES).binary(opcode, ZERO_VECTOR),
  });
}

/** The upper halves of eight 32-bit products. */
const UPPER_HALVES = [2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26, 27, 30, 31];
const HIGH_PRODUCTS = [
  ['PMULHW', i32x4.mulLowS, i32x4.mulHighS, 'signed'],
  ['PMULHUW', i32x4.mulLowU, i32x4.mulHighU, 'unsigned'],
] as const;
for (const [mnemonic, low, high, how] of HIGH_PRODUCTS) {
  defineLanes(mnemonic, `Multiplies ${how} 16-bit lanes, keeping the high halves.`, (a, b) =>
    a.binary(low, b).shuffle(a.binary(high, b), UPPER_HALVES),
  );
}

/** Brings the even 32-bit lanes together in the low half. */
const EVEN_LANES = [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11];
const even = (vector: V128): V128 => vector.shuffle(vector, EVEN_LANES);
defineLanes('PMULUDQ', 'Multiplies the even unsigned 32-bit lanes to 64-bit products.', (a, b) =>
  even(a).binary(i64x2.mulLowU, even(b)),
);

defineLanes('PSADBW', 'Adds up the differences of unsigned bytes in each half.', (a, b, { code }) => {
  const differences = a.binary(i8x16.maxU, b).binary(i8x16.sub, a.binary(i8x16.minU, b));
  const sums = code.let(differences.unary(i16x8.addPairsU).unary(i32x4.addPairsU));
  return sums.binary(i64x2.add, sums.shift(i64x2.shrU, I32.const(32))).and(lanes(64, 0xffffffffn));
});
