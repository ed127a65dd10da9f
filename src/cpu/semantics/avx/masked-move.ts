/**
 * VMASKMOVPx and VPMASKMOVx: loads and stores of the elements whose mask has its sign set (SDM vol. 2). Elements that
 * are not chosen are not accessed. Of a store all chosen ones are tried before the first is written.
 */
import { Simd } from '../../../wasm/simd.js';
import { I32, I64 } from '../../../wasm/values.js';
import { V128, ZERO_VECTOR } from '../../../wasm/vector.js';
import * as state from '../../state.js';
import type { Context, Operand } from '../context.js';
import { defineVector } from '../sse/common.js';

/** Runs `body` for the offset in bytes of each chosen element, from the lowest on. */
function forEachChosen(context: Context, mask: Operand, width: 32 | 64, body: (offset: I32) => void): void {
  const { code } = context;
  const opcode = width === 32 ? Simd.i32x4.bitmask : Simd.i64x2.bitmask;
  const [low, high] = mask.readVectors().map((vector) => vector.test(opcode)) as [I32, I32?];
  const left = code.variable(I32, high ? low.or(high.shl(128 / width)) : low);
  code.while(
    () => left.get(),
    () => {
      const offset = code.let(
        left
          .get()
          .ctz()
          .mul(width / 8),
      );
      body(offset);
      left.set(left.get().and(left.get().sub(1)));
    },
  );
}

/** Whatever its alignment: none of them checks that. */
function elementOf(context: Context, memory: Operand, offset: I32, width: 32 | 64): Operand {
  return memory.part(context.code.let(offset.extendU()), width).unaligned();
}

function load(context: Context, destination: Operand, mask: Operand, memory: Operand, width: 32 | 64): void {
  const { code } = context;
  const elements = I32.const(state.vectorElements.address);
  for (const offset of [0, 16]) code.store(elements, ZERO_VECTOR, offset);
  forEachChosen(context, mask, width, (offset) => {
    const value = elementOf(context, memory, offset, width).read();
    if (width === 32) code.store32(elements.add(offset), value);
    else code.store(elements.add(offset), value);
  });
  const vectors = Array.from({ length: destination.width / 128 }, (_, n) => V128.load(elements, 16 * n));
  destination.writeVectors(vectors);
}

function store(context: Context, memory: Operand, mask: Operand, source: Operand, width: 32 | 64): void {
  const { code } = context;
  const element = (offset: I32): Operand => elementOf(context, memory, offset, width);
  forEachChosen(context, mask, width, (offset) => element(offset).probe('write'));
  forEachChosen(context, mask, width, (offset) => {
    const from = source.stateAddress().add(offset);
    element(offset).write(code.let(width === 32 ? I64.load32U(from) : I64.load(from)));
  });
}

for (const [mnemonic, width] of [
  ['VMASKMOVPS', 32],
  ['VMASKMOVPD', 64],
  ['VPMASKMOVD', 32],
  ['VPMASKMOVQ', 64],
] as const) {
  defineVector(
    mnemonic,
    `Moves the ${width}-bit elements that the mask chooses; loads 0 for others.`,
    (context) => {
      const [destination, mask, source] = context.operands as [Operand, Operand, Operand];
      if (source.kind === 'memory') load(context, destination, mask, source, width);
      else store(context, destination, mask, source, width);
    },
  );
}
