/** PINSRW and PEXTRW: one 16-bit lane in or out (SDM vol. 1 §11.4.2). */
import { Simd } from '../../../wasm/simd.js';
import { select } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import type { Operand } from '../context.js';
import { defineVector, lanes } from './common.js';

defineVector('PINSRW', 'Puts the low 16 bits of the source into a lane.', (context) => {
  const [destination, source, lane] = context.operands as [Operand, Operand, Operand];
  const value = source.read().wrap();
  const chosen = V128.splatI16(lane.read().wrap().and(7)).binary(
    Simd.i16x8.eq,
    lanes(16, 0, 1, 2, 3, 4, 5, 6, 7),
  );
  destination.writeVector(V128.splatI16(value).bitselect(destination.readVector(), chosen));
});

defineVector('PEXTRW', 'Copies a 16-bit lane to a general register, zero-extended.', (context) => {
  const { code } = context;
  const [destination, source, lane] = context.operands as [Operand, Operand, Operand];
  const vector = source.readVector();
  const number = code.let(lane.read());
  const half = select(number.and(4).wrap(), vector.extractI64(1), vector.extractI64(0));
  destination.write(code.let(half.shrU(number.and(3).shl(4)).and(0xffff)));
});
