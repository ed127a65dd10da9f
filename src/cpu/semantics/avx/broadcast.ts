/** VBROADCASTxx and VPBROADCASTx: one element into every lane (SDM vol. 2, VBROADCAST, VPBROADCAST). */
import type { I64 } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import { defineVector, pair } from '../sse/common.js';

const BROADCASTS: readonly [mnemonic: string, width: number, splat: (element: I64) => V128][] = [
  ['VPBROADCASTB', 8, (element) => V128.splatI8(element.wrap())],
  ['VPBROADCASTW', 16, (element) => V128.splatI16(element.wrap())],
  ['VPBROADCASTD', 32, (element) => V128.splatI32(element.wrap())],
  ['VPBROADCASTQ', 64, (element) => V128.splatI64(element)],
  ['VBROADCASTSS', 32, (element) => V128.splatI32(element.wrap())],
  ['VBROADCASTSD', 64, (element) => V128.splatI64(element)],
];
for (const [mnemonic, width, splat] of BROADCASTS) {
  defineVector(mnemonic, `Copies the low ${width} bits into every lane.`, (context) => {
    const [destination, source] = pair(context);
    const vector = context.code.let(splat(source.read()));
    destination.writeVectors(destination.width > 128 ? [vector, vector] : [vector]);
  });
}

for (const mnemonic of ['VBROADCASTF128', 'VBROADCASTI128']) {
  defineVector(mnemonic, 'Copies 16 bytes of memory into both halves.', (context) => {
    const [destination, source] = pair(context);
    const vector = source.readVector();
    destination.writeVectors([vector, vector]);
  });
}
