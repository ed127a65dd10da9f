/** Blends: lanes of the second source where a mask says so, else of the first (SDM vol. 1 §12.10.4, §12.10.5). */
import { Simd } from '../../../wasm/simd.js';
import { I32 } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import type { Operand } from '../context.js';
import { control, defineLanes, defineVector, lanes, sources } from './common.js';

const { i8x16, i16x8, i32x4, i64x2 } = Simd;

/** The mask is the last operand's signs: XMM0, or the register that a VEX form's immediate names. */
for (const [mnemonic, opcode, width] of [
  ['PBLENDVB', i8x16.shrS, 8],
  ['BLENDVPS', i32x4.shrS, 32],
  ['BLENDVPD', i64x2.shrS, 64],
] as const) {
  defineVector(mnemonic, `Chooses ${width}-bit lanes by the signs of a third vector.`, (context) => {
    const { destination, first, second } = sources(context);
    const right = second.readVectors();
    const left = first.readVectors();
    const masks = (context.operands.at(-1) as Operand).readVectors();
    const blended = left.map((a, half) => {
      const chosen = (masks[half] as V128).shift(opcode, I32.const(width - 1));
      return (right[half] as V128).bitselect(a, chosen);
    });
    destination.writeVectors(blended);
  });
}

/** The mask is the immediate, a bit a lane: PBLENDW's eight serve both halves of 256 bits. */
for (const [mnemonic, width, opcode] of [
  ['BLENDPS', 32, i32x4.eq],
  ['BLENDPD', 64, i64x2.eq],
  ['PBLENDW', 16, i16x8.eq],
] as const) {
  const count = 128 / width;
  const bits = lanes(width, ...Array.from({ length: count }, (_, n) => 1 << n));
  defineLanes(mnemonic, `Chooses ${width}-bit lanes by an immediate.`, (a, b, context, half) => {
    const mask = control(context).shrU(width === 16 ? 0 : half * count);
    const spread = {
      16: () => V128.splatI16(mask),
      32: () => V128.splatI32(mask),
      64: () => V128.splatI64(mask.extendU()),
    }[width]();
    return b.bitselect(a, spread.and(bits).binary(opcode, bits));
  });
}
