/**
 * Moves to, from and between XMM registers (SDM vol. 1 §10.4.1, §11.4.1). Non-temporal stores are ordinary ones.
 * A register is always written as a whole, so that the next reader's load, of whatever width, meets one store.
 */
import { Simd } from '../../../wasm/simd.js';
import { I32 } from '../../../wasm/values.js';
import { V128, ZERO_VECTOR } from '../../../wasm/vector.js';
import { commit, place } from '../../mmu/access.js';
import { behind } from '../../mmu/segmentation.js';
import { AccessKind } from '../../mmu/walk.js';
import { Register, Segment } from '../../state.js';
import { define, type Operand } from '../context.js';
import { enterMmx } from '../x87/mmx-state.js';
import { defineHotVector, defineLanes, defineUnaryLanes, defineVector, pair, sources } from './common.js';

const WHOLE_MOVES = [
  { names: ['MOVAPS', 'MOVAPD', 'MOVDQA'], alignment: 'whole', hot: true, what: 'aligned' },
  { names: ['MOVUPS', 'MOVUPD', 'MOVDQU'], alignment: 'none', hot: true, what: 'unaligned' },
  { names: ['LDDQU'], alignment: 'none', hot: false, what: 'unaligned' },
  {
    names: ['MOVNTPS', 'MOVNTPD', 'MOVNTDQ', 'MOVNTDQA'],
    alignment: 'whole',
    hot: false,
    what: 'aligned, non-temporal',
  },
  { names: ['MOVNTQ'], alignment: 'none', hot: false, what: 'non-temporal' },
] as const;
for (const { names, alignment, hot, what } of WHOLE_MOVES) {
  for (const name of names) {
    (hot ? defineHotVector : defineVector)(name, `Copies a whole register, ${what} in memory.`, (context) => {
      const [destination, source] = pair(context);
      destination.writeVectors(source.readVectors(alignment), alignment);
    });
  }
}

defineHotVector('MOVSD', 'Copies a double; from memory, the upper half becomes 0.', (context) => {
  const [destination, source] = pair(context);
  if (destination.kind === 'memory') destination.write(source.read());
  else if (source.kind === 'memory') destination.writeVector(source.readVector());
  else {
    const { first, second } = sources(context);
    destination.writeVector(first.readVector().replaceF64(0, second.readF64()));
  }
});

defineHotVector('MOVSS', 'Copies a single; from memory, the upper three lanes become 0.', (context) => {
  const [destination, source] = pair(context);
  if (destination.kind === 'memory') destination.write(source.read());
  else if (source.kind === 'memory') destination.writeVector(source.readVector());
  else {
    const { first, second } = sources(context);
    destination.writeVector(first.readVector().replaceF32(0, second.readF32()));
  }
});

function loadZeroExtended(destination: Operand, source: Operand, width: 32 | 64): void {
  if (destination.kind !== 'xmm') destination.write(source.read());
  else if (source.kind === 'general') destination.writeVector(ZERO_VECTOR.replaceI64(0, source.read()));
  else destination.writeVector(source.readLow(width));
}

defineHotVector(
  'MOVD',
  'Copies 32 bits between a vector register and another place; fills up with 0.',
  (context) => {
    const [destination, source] = pair(context);
    loadZeroExtended(destination, source, 32);
  },
);

defineHotVector('MOVQ', 'Copies 64 bits; fills a vector register up with 0.', (context) => {
  const [destination, source] = pair(context);
  loadZeroExtended(destination, source, 64);
});

for (const suffix of ['PS', 'PD'] as const) {
  const halves = [
    { name: `MOVL${suffix}`, half: 'low', lane: 0 },
    { name: `MOVH${suffix}`, half: 'high', lane: 1 },
  ] as const;
  for (const { name, half, lane } of halves) {
    defineHotVector(name, `Copies 8 bytes between memory and the ${half} half of a register.`, (context) => {
      const [destination, source] = pair(context);
      if (destination.kind === 'memory') {
        destination.write(context.code.let(source.readVector().extractI64(lane)));
      } else {
        const { first, second } = sources(context);
        const value = second.readF64();
        destination.writeVector(first.readVector().replaceF64(lane, value));
      }
    });
  }
}

/** The same lane of each pair, or the low double, twice. MOVDDUP reads no more than that. */
const DUPLICATES = [
  [
    'MOVSLDUP',
    'Copies the even singles over the odd ones.',
    [0, 1, 2, 3, 0, 1, 2, 3, 8, 9, 10, 11, 8, 9, 10, 11],
  ],
  [
    'MOVSHDUP',
    'Copies the odd singles over the even ones.',
    [4, 5, 6, 7, 4, 5, 6, 7, 12, 13, 14, 15, 12, 13, 14, 15],
  ],
  [
    'MOVDDUP',
    'Copies the low double of each 128 bits to both places.',
    [0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7],
  ],
] as const;
for (const [name, summary, positions] of DUPLICATES) {
  defineUnaryLanes(name, summary, (source) => source.shuffle(source, positions));
}

defineLanes('MOVHLPS', 'The high half of the second source, below that of the first.', (a, b) =>
  a.replaceF64(0, b.extractF64(1)),
);
defineLanes('MOVLHPS', 'The low half of the second source, above that of the first.', (a, b) =>
  a.replaceF64(1, b.extractF64(0)),
);

const MASKS = [
  ['MOVMSKPS', Simd.i32x4.bitmask, 4, 'singles'],
  ['MOVMSKPD', Simd.i64x2.bitmask, 2, 'doubles'],
  ['PMOVMSKB', Simd.i8x16.bitmask, 16, 'bytes'],
] as const;
for (const [name, opcode, count, what] of MASKS) {
  defineVector(name, `Gathers the sign bits of the ${what}.`, (context) => {
    const [destination, source] = pair(context);
    const [low, high] = source.readVectors().map((vector) => vector.test(opcode)) as [I32, I32?];
    const bits = high ? low.or(high.shl(count)) : low;
    destination.write(context.code.let(bits.extendU()));
  });
}

define('MOVNTI', 'Stores a general register, non-temporal.', (context) => {
  const [destination, source] = pair(context);
  destination.write(source.read());
});

/**
 * All bytes must be accessible, whether or not they are chosen, and the upper eight of sixteen are tried first: so
 * processors do, where the manual leaves it open. MASKMOVQ enters the MMX state even if it faults.
 */
for (const mnemonic of ['MASKMOVDQU', 'MASKMOVQ']) {
  defineVector(mnemonic, 'Stores to rDI the bytes whose mask byte has its top bit set.', (context) => {
    const { code } = context;
    const [value, mask] = pair(context);
    const bytes = value.width / 8;
    if (value.kind === 'mmx') enterMmx(context);
    const offset = code.let(context.register(Register.rdi, 64).and(context.addressMask()));
    const access = code.let(context.segment().eq(Segment.ss).mul(AccessKind.stack));
    if (bytes === 16 && context.long) {
      const upper = context.linear(context.segment(), code.let(offset.add(8)), 8, 'write');
      place(context, code.let(upper), 8, 'write', access);
    }
    const linear = code.let(context.linear(context.segment(), offset, bytes, 'write'));
    if (bytes === 16 && !context.long) place(context, behind(context, linear, 8), 8, 'write', access);
    const host = place(context, linear, bytes, 'modify', access);
    const chosen = code.let(mask.readVector().shift(Simd.i8x16.shrS, I32.const(7)));
    const before = bytes === 16 ? V128.load(host) : V128.load64Zero(host);
    const after = code.let(value.readVector().bitselect(before, chosen));
    code.store(host, bytes === 16 ? after : after.extractI64(0));
    commit(context, host);
  });
}

for (const name of [
  'LFENCE',
  'MFENCE',
  'SFENCE',
  'PREFETCHNTA',
  'PREFETCHT0',
  'PREFETCHT1',
  'PREFETCHT2',
  'PREFETCHW',
]) {
  define(name, 'Does nothing: memory is always in order and has no cache here.', () => {});
}

for (const name of ['CLFLUSH', 'CLFLUSHOPT', 'CLWB']) {
  define(name, 'Does nothing but check that the byte can be read.', (context) => {
    const [line] = context.operands as [Operand];
    line.probe('read');
  });
}
