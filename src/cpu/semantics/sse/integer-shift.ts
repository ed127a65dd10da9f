/**
 * Shifts of packed integers by an immediate or by the low 64 bits of a vector (SDM vol. 1 §9.4.6, §11.4.2). WebAssembly takes
 * the count modulo the lane's width; here a larger one gives zeros, or copies of the sign.
 */
import { Simd } from '../../../wasm/simd.js';
import { I32, I64, select } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import type { Context, Operand } from '../context.js';
import { control, defineVector, sources } from './common.js';

const { i16x8, i32x4, i64x2 } = Simd;

const SHIFTS = [
  ['PSLLW', 16, i16x8.shl, 'left'],
  ['PSLLD', 32, i32x4.shl, 'left'],
  ['PSLLQ', 64, i64x2.shl, 'left'],
  ['PSRLW', 16, i16x8.shrU, 'right'],
  ['PSRLD', 32, i32x4.shrU, 'right'],
  ['PSRLQ', 64, i64x2.shrU, 'right'],
  ['PSRAW', 16, i16x8.shrS, 'right, keeping the sign'],
  ['PSRAD', 32, i32x4.shrS, 'right, keeping the sign'],
] as const;

/** The count, unbounded. */
function countOf(context: Context, operand: Operand): I64 {
  if (operand.kind === 'immediate') return context.code.let(control(context).extendU());
  return context.code.let(operand.readVector().extractI64(0));
}

for (const [mnemonic, width, opcode, direction] of SHIFTS) {
  defineVector(mnemonic, `Shifts ${width}-bit lanes ${direction}.`, (context) => {
    const { destination, first, second } = sources(context);
    const count = countOf(context, second);
    const fits = count.ltU(width);
    const shift = (value: V128): V128 => {
      if (mnemonic.startsWith('PSRA')) {
        return value.shift(opcode, select(fits, count.wrap(), I32.const(width - 1)));
      }
      const kept = V128.splatI64(I64.const(0).sub(fits.extendU()));
      return value.shift(opcode, count.wrap()).and(kept);
    };
    destination.writeVectors(first.readVectors().map(shift));
  });
}
