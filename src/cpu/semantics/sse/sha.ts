/**
 * SHA-1 and SHA-256: rounds and message schedules (SDM vol. 2, SHA1RNDS4 and others; FIPS 180-4 §4.1, §6.1, §6.2). In the
 * manual's tables the first word is the one in bits 127:96 for SHA-1's state.
 */
import { I32 } from '../../../wasm/values.js';
import { V128, ZERO_VECTOR } from '../../../wasm/vector.js';
import type { Emitter } from '../../emitter.js';
import { routine } from '../../routine.js';
import type { Operand } from '../context.js';
import { control, defineLanes } from './common.js';

const rotateLeft = (value: I32, count: number): I32 => value.shl(count).or(value.shrU(32 - count));
const rotateRight = (value: I32, count: number): I32 => rotateLeft(value, 32 - count);

function words(e: Emitter, vector: V128): [I32, I32, I32, I32] {
  return [0, 1, 2, 3].map((n) => e.code.let(vector.extractI32(n))) as [I32, I32, I32, I32];
}

function vectorOf(values: readonly I32[]): V128 {
  return values.reduce((vector, value, n) => vector.replaceI32(n, value), ZERO_VECTOR);
}

const choose = (x: I32, y: I32, z: I32): I32 => x.and(y).xor(x.xor(-1).and(z));
const parity = (x: I32, y: I32, z: I32): I32 => x.xor(y).xor(z);
const majority = (x: I32, y: I32, z: I32): I32 => x.and(y).xor(x.and(z)).xor(y.and(z));

/** SHA-1's functions and constants, twenty rounds each. */
const SHA1 = [
  { mix: choose, constant: 0x5a827999 },
  { mix: parity, constant: 0x6ed9eba1 },
  { mix: majority, constant: 0x8f1bbcdc },
  { mix: parity, constant: 0xca62c1d6 },
];

/** (A B C D, E + W0 and W1 W2 W3, which twenty) → A B C D after four rounds */
const fourRounds = routine(
  'sha1FourRounds',
  { parameters: [V128, V128, I32], result: V128 },
  (e, state, schedule, which) => {
    const { code } = e;
    const [d0, c0, b0, a0] = words(e, state);
    const [w3, w2, w1, w0] = words(e, schedule);
    const bodies = SHA1.map(({ mix, constant }) => () => {
      let [a, b, c, d] = [a0, b0, c0, d0];
      let last: I32 | undefined;
      for (const word of [w0, w1, w2, w3]) {
        const sum = mix(b, c, d).add(rotateLeft(a, 5)).add(word).add(constant);
        const next = code.let(last ? sum.add(last) : sum);
        last = d;
        [a, b, c, d] = [next, a, code.let(rotateLeft(b, 30)), c];
      }
      code.return(vectorOf([d, c, b, a]));
    });
    code.switch(which, bodies, () => {});
    code.unreachable();
  },
);

defineLanes('SHA1RNDS4', 'Four rounds of SHA-1, of the kind that an immediate says.', (a, b, context) =>
  context.call(fourRounds, a, b, context.code.let(control(context).and(3))),
);

defineLanes('SHA1NEXTE', 'Adds what SHA-1’s E becomes after four rounds to the schedule.', (a, b) => {
  const next = rotateLeft(a.extractI32(3), 30);
  return b.replaceI32(3, b.extractI32(3).add(next));
});

defineLanes('SHA1MSG1', 'The first half of four words of SHA-1’s schedule.', (a, b, context) => {
  const [, , b2, b3] = words(context, b);
  const [a0, a1, a2, a3] = words(context, a);
  return vectorOf([b2.xor(a0), b3.xor(a1), a0.xor(a2), a1.xor(a3)]);
});

defineLanes('SHA1MSG2', 'The second half of four words of SHA-1’s schedule.', (a, b, context) => {
  const { code } = context;
  const [b0, b1, b2] = words(context, b);
  const [a0, a1, a2, a3] = words(context, a);
  const last = code.let(rotateLeft(code.let(a3.xor(b2)), 1));
  const rest = [a0.xor(last), a1.xor(b0), a2.xor(b1)].map((word) => rotateLeft(code.let(word), 1));
  return vectorOf([...rest, last]);
});

/** Two or three turns of a word, or a shift in the place of the third. */
function turned(value: I32, first: number, second: number, third: I32): I32 {
  return rotateRight(value, first).xor(rotateRight(value, second)).xor(third);
}
const sum0 = (x: I32): I32 => turned(x, 2, 13, rotateRight(x, 22));
const sum1 = (x: I32): I32 => turned(x, 6, 11, rotateRight(x, 25));
const sigma0 = (x: I32): I32 => turned(x, 7, 18, x.shrU(3));
const sigma1 = (x: I32): I32 => turned(x, 17, 19, x.shrU(10));

/** (C D G H, A B E F, two words of schedule and constants) → A B E F after two rounds */
const twoRounds = routine(
  'sha256TwoRounds',
  { parameters: [V128, V128, V128], result: V128 },
  (e, older, newer, schedule) => {
    const { code } = e;
    let [h, g, d, c] = words(e, older);
    let [f, ee, b, a] = words(e, newer);
    for (const word of words(e, schedule).slice(0, 2)) {
      const added = code.let(choose(ee, f, g).add(sum1(ee)).add(word).add(h));
      const next = code.let(added.add(majority(a, b, c)).add(sum0(a)));
      const middle = code.let(added.add(d));
      [a, b, c, d, ee, f, g, h] = [next, a, b, c, middle, ee, f, g];
    }
    code.return(vectorOf([f, ee, b, a]));
  },
);

defineLanes('SHA256RNDS2', 'Two rounds of SHA-256.', (a, b, context) => {
  const [schedule] = (context.operands.at(-1) as Operand).readVectors();
  return context.call(twoRounds, a, b, schedule as V128);
});

defineLanes('SHA256MSG1', 'The first half of four words of SHA-256’s schedule.', (a, b, context) => {
  const [a0, a1, a2, a3] = words(context, a);
  const [b0] = words(context, b);
  return vectorOf([a0.add(sigma0(a1)), a1.add(sigma0(a2)), a2.add(sigma0(a3)), a3.add(sigma0(b0))]);
});

defineLanes('SHA256MSG2', 'The second half of four words of SHA-256’s schedule.', (a, b, context) => {
  const { code } = context;
  const [, , b2, b3] = words(context, b);
  const [a0, a1, a2, a3] = words(context, a);
  const first = code.let(a0.add(sigma1(b2)));
  const second = code.let(a1.add(sigma1(b3)));
  return vectorOf([first, second, a2.add(sigma1(first)), a3.add(sigma1(second))]);
});
