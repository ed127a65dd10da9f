/**
 * What every SSE meaning begins with: the check that the instruction is available now (SDM vol. 3 Table 2-2), and
 * the refusal of MMX operands, which have no meaning yet. Memory operands of 16 bytes must be aligned, except where
 * the instruction says unaligned (vol. 1 §11.3).
 */
import { V128 } from '../../../wasm/vector.js';
import { get32 } from '../../emitter.js';
import * as state from '../../state.js';
import { type Context, define, type Meaning, type Operand } from '../context.js';

export const ZERO_VECTOR = V128.const(new Array<number>(16).fill(0));

/** A vector of 16 bytes computed from their positions. */
export function bytes(at: (position: number) => number): V128 {
  return V128.const(Array.from({ length: 16 }, (_, position) => at(position) & 0xff));
}

/** A vector of 16-, 32- or 64-bit lanes; the values given are repeated to fill it. */
export function lanes(width: 16 | 32 | 64, ...values: readonly (bigint | number)[]): V128 {
  return bytes((position) => {
    const value = values[Math.floor((position * 8) / width) % values.length] as bigint | number;
    return Number(BigInt.asUintN(8, BigInt(value) >> BigInt((position * 8) % width)));
  });
}

function raiseUnlessAvailable(context: Context): void {
  context.code.if(get32(state.vectorFault), () => {
    context.raise(get32(state.vectorFault));
  });
}

function guarded(meaning: Meaning): Meaning {
  return (context) => {
    if (context.operands.some((operand) => operand.kind === 'mmx')) {
      context.notImplemented();
      return;
    }
    raiseUnlessAvailable(context);
    meaning(context);
  };
}

/** Gives an SSE instruction its meaning. */
export function defineVector(mnemonic: string, summary: string, meaning: Meaning): void {
  define(mnemonic, summary, guarded(meaning));
}

/** Like `defineVector`, for what compilers emit all the time. */
export function defineHotVector(mnemonic: string, summary: string, meaning: Meaning): void {
  define(mnemonic, summary, guarded(meaning), { forms: 'near' });
}

/** The two operands of most instructions. */
export function pair(context: Context): [destination: Operand, source: Operand] {
  return context.operands as unknown as [Operand, Operand];
}

/** Defines destination = f(destination, source) on whole vectors. */
export function defineBinary(
  mnemonic: string,
  summary: string,
  compute: (left: V128, right: V128, context: Context) => V128,
  hot = false,
): void {
  (hot ? defineHotVector : defineVector)(mnemonic, summary, (context) => {
    const [destination, source] = pair(context);
    const right = source.readVector(true);
    destination.writeVector(compute(destination.readVector(), right, context));
  });
}
