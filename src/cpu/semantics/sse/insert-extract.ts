/** PINSRW and PEXTRW: one 16-bit lane in or out (SDM vol. 1 §11.4.2). */
import { Simd } from '../../../wasm/simd.js';
import { select } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import { control, defineVector, lanes, pair, sources } from './common.js';

defineVector('PINSRW', 'Puts the low 16 bits of the source into a lane.', (context) => {
  const { destination, first, second } = sources(context);
  const value = second.read().wrap();
  const lane = control(context).and(destination.kind === 'mmx' ? 3 : 7);
  const chosen = V128.splatI16(lane).binary(Simd.i16x8.eq, lanes(16, 0, 1, 2, 3, 4, 5, 6, 7));
  destination.writeVector(V128.splatI16(value).bitselect(first.readVector(), chosen));
});

defineVector('PEXTRW', 'Copies a 16-bit lane to a general register, zero-extended.', (context) => {
  const { code } = context;
  const [destination, source] = pair(context);
  const vector = source.readVector();
  const number = control(context);
  const low = vector.extractI64(0);
  const half = source.kind === 'mmx' ? low : select(number.and(4), vector.extractI64(1), low);
  destination.write(code.let(half.shrU(number.and(3).shl(4).extendU()).and(0xffff)));
});
