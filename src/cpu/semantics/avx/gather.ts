/**
 * VGATHERxxx and VPGATHERxx: elements from a vector of addresses (SDM vol. 2, VGATHERDPS). The mask's signs say which,
 * from the lowest on. A fault leaves what is done: loaded elements in the destination, and zeros in their masks, so that
 * the instruction goes on from there. As processors do, masks are spread over their elements first, and a form of 128
 * bits clears the upper half of the destination with the first element it loads.
 * Alignment is never checked.
 */
import { Simd } from '../../../wasm/simd.js';
import { I32, I64 } from '../../../wasm/values.js';
import { V128, ZERO_VECTOR } from '../../../wasm/vector.js';
import type { Context, Operand } from '../context.js';
import { defineVector } from '../sse/common.js';

interface Shape {
  readonly index: 32 | 64;
  readonly data: 32 | 64;
}

/** A signed index or an element of 32 or 64 bits. */
function load(address: I32, width: 32 | 64): I64 {
  return width === 32 ? I64.load32S(address) : I64.load(address);
}

function gather(context: Context, { index, data }: Shape): void {
  const { code } = context;
  const [destination, memory, mask] = context.operands as [Operand, Operand, Operand];
  const simd = data === 32 ? Simd.i32x4 : Simd.i64x2;
  const spread = (vector: V128): V128 => vector.shift(simd.shrS, I32.const(data - 1));
  const halves = [0, 16].map((at) => code.let(spread(V128.load(mask.stateAddress(), at))));
  const [low, high] = halves as [V128, V128];
  code.store(mask.stateAddress(), low);
  code.store(mask.stateAddress(), context.vectorLength === 128 ? ZERO_VECTOR : high, 16);
  const count = context.vectorLength / Math.max(index, data);
  const n = code.variable(I32, I32.const(0));
  code.while(
    () => n.get().ltU(count),
    () => {
      const offset = code.let(n.get().mul(data / 8));
      const maskElement = code.let(mask.stateAddress().add(offset));
      code.if(load(maskElement, data).ne(I64.const(0)), () => {
        const at = code.let(load(memory.indices().add(n.get().mul(index / 8)), index));
        const value = memory.indexed(at).unaligned().read();
        const element = code.let(destination.stateAddress().add(offset));
        if (data === 32) {
          code.store32(element, value);
          code.store32(maskElement, I64.const(0));
        } else {
          code.store(element, value);
          code.store(maskElement, I64.const(0));
        }
        if (context.vectorLength === 128) code.store(destination.stateAddress(), ZERO_VECTOR, 16);
      });
      n.set(n.get().add(1));
    },
  );
  mask.writeVector(ZERO_VECTOR);
  const vectors = destination.readVectors();
  destination.writeVectors(
    count * data < 128 ? vectors.map((vector) => vector.replaceI64(1, I64.const(0))) : vectors,
  );
}

for (const [mnemonic, index, data] of [
  ['VPGATHERDD', 32, 32],
  ['VPGATHERDQ', 32, 64],
  ['VPGATHERQD', 64, 32],
  ['VPGATHERQQ', 64, 64],
  ['VGATHERDPS', 32, 32],
  ['VGATHERDPD', 32, 64],
  ['VGATHERQPS', 64, 32],
  ['VGATHERQPD', 64, 64],
] as const) {
  defineVector(
    mnemonic,
    `Loads the ${data}-bit elements that the mask chooses, by ${index}-bit indices.`,
    (context) => gather(context, { index, data }),
  );
}
