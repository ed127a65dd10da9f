/** Bitwise logic on whole registers, under its names for singles, doubles and integers (SDM vol. 1 §10.4.2, §11.4.2). */
import { Simd } from '../../../wasm/simd.js';
import type { V128 } from '../../../wasm/vector.js';
import { defineLanes } from './common.js';

const OPERATIONS: readonly {
  name: string;
  summary: string;
  compute: (left: V128, right: V128) => V128;
}[] = [
  { name: 'AND', summary: 'Ands the source into the destination.', compute: (a, b) => a.and(b) },
  {
    name: 'ANDN',
    summary: "Ands the source with the destination's complement.",
    compute: (a, b) => b.binary(Simd.andNot, a),
  },
  { name: 'OR', summary: 'Ors the source into the destination.', compute: (a, b) => a.or(b) },
  { name: 'XOR', summary: 'Xors the source into the destination.', compute: (a, b) => a.xor(b) },
];

for (const { name, summary, compute } of OPERATIONS) {
  for (const mnemonic of [`P${name}`, `${name}PS`, `${name}PD`]) {
    defineLanes(mnemonic, summary, compute, { hot: mnemonic === 'PXOR' || mnemonic === 'XORPS' });
  }
}
