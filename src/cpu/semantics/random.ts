/**
 * RDRAND and RDSEED (SDM vol. 1 §7.3.17). There is no entropy here: numbers come from a generator (SplitMix64: Steele,
 * Lea and Flood, "Fast splittable pseudorandom number generators", 2014) that begins at the machine's seed, so that
 * the same seed gives the same run. They never run out: CF is always 1.
 */
import { I64 } from '../../wasm/values.js';
import { get64 } from '../emitter.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { Flag } from '../state.js';
import { type Context, defineInstruction, type Operand } from './context.js';

/** → the next 64 bits */
const nextRandom = routine('nextRandom', { parameters: [], result: I64 }, (e) => {
  const { code } = e;
  const seed = code.let(get64(state.randomState).add(0x9e3779b97f4a7c15n));
  e.set64(state.randomState, seed);
  const first = code.let(seed.xor(seed.shrU(30)).mul(0xbf58476d1ce4e5b9n));
  const second = code.let(first.xor(first.shrU(27)).mul(0x94d049bb133111ebn));
  code.return(second.xor(second.shrU(31)));
});

function random(context: Context): void {
  const [destination] = context.operands as [Operand];
  destination.write(context.call(nextRandom));
  context.flags.setImage(I64.const(Flag.cf));
}

defineInstruction(['NF.0F C7/6 RDRAND Rv [RDRAND]'], 'Writes a random number and sets CF.', random);
defineInstruction(
  ['NF.0F C7/7 RDSEED Rv [RDSEED]'],
  'Writes a random number to seed generators with, and sets CF.',
  random,
);
