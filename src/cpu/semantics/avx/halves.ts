/**
 * Moves of whole 128-bit halves: VINSERTx128, VEXTRACTx128, VPERM2x128, and VZEROUPPER and VZEROALL (SDM vol. 2). In
 * 32-bit code there are only eight registers to clear.
 */
import { I32, I64 } from '../../../wasm/values.js';
import { V128, ZERO_VECTOR } from '../../../wasm/vector.js';
import * as state from '../../state.js';
import { control, defineVector, pair, sources } from '../sse/common.js';

/** All ones if any of these bits is set. */
function mask(bits: I32): V128 {
  return V128.splatI64(I64.const(0).sub(bits.ne(0).extendU()));
}

for (const mnemonic of ['VINSERTF128', 'VINSERTI128']) {
  defineVector(mnemonic, 'Copies the first source with 16 bytes put over one half.', (context) => {
    const { code } = context;
    const { destination, first, second } = sources(context);
    const inserted = second.readVector();
    const [low, high] = first.readVectors() as [V128, V128];
    const upper = code.let(mask(control(context).and(1)));
    destination.writeVectors([low.bitselect(inserted, upper), inserted.bitselect(high, upper)]);
  });
}

for (const mnemonic of ['VEXTRACTF128', 'VEXTRACTI128']) {
  defineVector(mnemonic, 'Copies one half.', (context) => {
    const [destination, source] = pair(context);
    const [low, high] = source.readVectors() as [V128, V128];
    destination.writeVector(context.code.let(high.bitselect(low, mask(control(context).and(1)))));
  });
}

for (const mnemonic of ['VPERM2F128', 'VPERM2I128']) {
  defineVector(mnemonic, 'Puts any half of the two sources, or zeros, into each half.', (context) => {
    const { code } = context;
    const { destination, first, second } = sources(context);
    const [c, d] = second.readVectors() as [V128, V128];
    const [a, b] = first.readVectors() as [V128, V128];
    const choice = control(context);
    const half = (shift: number): V128 => {
      const bit = (n: number): V128 => code.let(mask(choice.and(1 << (n + shift))));
      const high = bit(0);
      const chosen = d.bitselect(c, high).bitselect(b.bitselect(a, high), bit(1));
      return code.let(ZERO_VECTOR.bitselect(chosen, bit(3)));
    };
    destination.writeVectors([half(0), half(4)]);
  });
}

defineVector('VZEROUPPER', 'Clears bits 255:128 of the vector registers.', (context) => {
  for (let n = 0; n < (context.long ? 16 : 8); n++) {
    context.code.store(I32.const(state.at(state.xmm, n)), ZERO_VECTOR, 16);
  }
});

defineVector('VZEROALL', 'Clears the vector registers.', (context) => {
  const { code } = context;
  code.memoryFill(I32.const(state.xmm.address), 0, state.xmm.stride * (context.long ? 16 : 8));
});
