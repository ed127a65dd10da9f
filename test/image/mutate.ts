/**
 * Mutated images, the same for the same seed: sound images of every kind with fields at their edges, bits
 * flipped, ends cut off and pieces copied over each other. For the tests that load them and those that run
 * them. Leaves out judgement.
 */

import {
  buildElf,
  bzImage,
  CODE,
  join,
  multibootElf,
  multibootHeader,
  note,
  PT_NOTE,
  pvhElf,
  pvhNote,
  rawMultiboot,
  SHT_NOTE,
  SHT_PROGBITS,
  symbolSections,
  words,
} from './builders.js';

export type Random = (below: number) => number;

/** Integers in [0, below) from a 32-bit seed (mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

const EDGES = [
  0n,
  1n,
  2n,
  3n,
  4n,
  7n,
  8n,
  0x1000n,
  0x9000n,
  0x9ffffn,
  0xa0000n,
  0xbffffn,
  0xc0000n,
  0xfffffn,
  0x100000n,
  0x100001n,
  0x3ffff0n,
  0x400000n,
  0x7fffffffn,
  0x80000000n,
  0xfffff000n,
  0xfffffffen,
  0xffffffffn,
  0x100000000n,
  0x1fffffffffffffn,
  0x20000000000000n,
  0x7fffffffffffffffn,
  0x8000000000000000n,
  0xfffffffffffff000n,
  0xffffffffffffffffn,
];

function fullElf(bits: 32 | 64): Uint8Array {
  const symbols = [
    { name: 'start', value: 0x100000n, kind: 2, size: 16 },
    { name: 'end', value: 0x100040n },
  ];
  return buildElf({
    bits,
    gap: multibootHeader(7, 0, 0, 0, 0, 0, 1, 80, 25, 0),
    segments: [
      { bytes: CODE, memorySize: 0x800, flags: 5 },
      { bytes: CODE, physicalAddress: 0x102000, memorySize: 0x1000, flags: 6 },
      { type: PT_NOTE, bytes: join(note('GNU', 3, words(1, 2)), pvhNote(0x100010)) },
    ],
    sections: [
      { name: '.text', type: SHT_PROGBITS, flags: 6, address: 0x100000n, bytes: CODE },
      { name: '.note', type: SHT_NOTE, bytes: pvhNote(0x100010) },
      ...symbolSections(symbols, bits, 4),
    ],
  });
}

/** Sound images, one of each kind. */
const SEEDS: readonly Uint8Array[] = [
  fullElf(32),
  fullElf(64),
  multibootElf(32, 3),
  multibootElf(64, 0x10003, 0x1000b0, 0x100000, 0, 0x102000, 0x100100),
  pvhElf(32),
  pvhElf(64),
  rawMultiboot(0, { loadEnd: 0x100040, bssEnd: 0x104000 }),
  rawMultiboot(0x100),
  bzImage(),
  buildElf({
    segments: [{ bytes: CODE }, { type: PT_NOTE, bytes: note('Solo5', 0x31494241, words(1, 2, 0, 0)) }],
  }),
  buildElf({
    segments: [{ bytes: CODE }],
    sections: [{ name: '.note', type: SHT_NOTE, bytes: join(note('Xen', 6, words(1)), pvhNote(0x100000)) }],
  }),
];

/** One mutated image; it may still be sound. */
export function mutatedImage(random: Random): Uint8Array {
  const image = SEEDS[random(SEEDS.length)]!.slice();
  for (let count = 1 + random(4); count > 0; count--) mutate(image, random);
  // Whether the checksum still holds decides how far a multiboot image gets, so it mostly does.
  if (random(4) > 0) repairChecksum(image);
  return random(8) === 0 ? image.subarray(0, random(image.length + 1)) : image;
}

function mutate(image: Uint8Array, random: Random): void {
  const view = new DataView(image.buffer);
  // Headers and tables lie on multiples of 2, and most at the beginning.
  const reach = random(2) === 0 ? Math.min(image.length, 0x140) : image.length;
  const at = Math.min(random(reach) & ~1, image.length - 8);
  const value = EDGES[random(EDGES.length)]!;
  switch (random(6)) {
    case 0:
      view.setBigUint64(at, value, true);
      break;
    case 1:
      view.setUint32(at & ~3, Number(BigInt.asUintN(32, value)), true);
      break;
    case 2:
      view.setUint16(at, Number(BigInt.asUintN(16, value)), true);
      break;
    case 3:
      image[at] = image[at]! ^ (1 << random(8));
      break;
    case 4:
      view.setUint32(at & ~3, (view.getUint32(at & ~3, true) + random(33) - 16) >>> 0, true);
      break;
    default:
      image.copyWithin(random(image.length), at, at + random(64));
  }
}

function repairChecksum(image: Uint8Array): void {
  const view = new DataView(image.buffer);
  for (let at = 0; at + 12 <= image.length; at += 4) {
    if (view.getUint32(at, true) !== 0x1badb002) continue;
    view.setUint32(at + 8, -(0x1badb002 + view.getUint32(at + 4, true)), true);
  }
}
