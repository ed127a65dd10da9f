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

/** A bit for each chosen element. */
function chosenBy(context: Context, mask: Operand, width: 32 | 64): I32 {
  const opcode = width === 32 ? Simd.i32x4.bitmask : Simd.i64x2.bitmask;
  const [low, high] = mask.readVectors().map((vector) => vector.test(opcode)) as [I32, I32?];
  return context.code.let(high ? low.or(high.shl(128 / width)) : low);
}

/** Runs `body` for the offset in bytes of each chosen element, from the lowest on. */
function forEachChosen(context: Context, chosen: I32, width: 32 | 64, body: (offset: I32) => void): void {
  const { code } = context;
  const left = code.variable(I32, chosen);
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

/**
 * The last byte of the chosen elements, which is tried before the first where it is not canonical, and which a store
 * that reaches into a second page faults with: so processors do. All lies in two pages, so no other byte matters.
 */
function lastByte(context: Context, memory: Operand, chosen: I32, width: 32 | 64): Operand {
  const bytes = I32.const(32)
    .sub(chosen.clz())
    .mul(width / 8);
  return memory.part(context.code.let(bytes.sub(1).extendU()), 8);
}

/** What must not fault, of the chosen elements' first byte and their last. */
function probeChosen(
  context: Context,
  memory: Operand,
  chosen: I32,
  width: 32 | 64,
  kind: 'read' | 'write',
): void {
  const { code } = context;
  const last = lastByte(context, memory, chosen, width);
  if (context.long) {
    const linear = code.let(last.linearAddress(1, kind));
    code.if(linear.shl(16).shrS(16).ne(linear), () => last.probe(kind));
  }
  if (kind === 'read') return;
  const first = code.let(
    chosen
      .ctz()
      .mul(width / 8)
      .extendU(),
  );
  memory.part(first, 8).probe(kind);
  last.probe(kind);
}

function load(context: Context, destination: Operand, mask: Operand, memory: Operand, width: 32 | 64): void {
  const { code } = context;
  const elements = I32.const(state.vectorElements.address);
  for (const offset of [0, 16]) code.store(elements, ZERO_VECTOR, offset);
  const chosen = chosenBy(context, mask, width);
  code.if(chosen, () => probeChosen(context, memory, chosen, width, 'read'));
  forEachChosen(context, chosen, width, (offset) => {
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
  const chosen = chosenBy(context, mask, width);
  code.if(chosen, () => probeChosen(context, memory, chosen, width, 'write'));
  forEachChosen(context, chosen, width, (offset) => {
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
