/**
 * What MMX, SSE and AVX meanings are written with: one meaning serves all encodings of an operation. PADDB is defined
 * once, as a function of 128-bit vectors, and is PADDB mm, PADDB xmm, VPADDB xmm and VPADDB ymm; a mnemonic with V
 * before it takes the definition of the one without (`definitionOf`). What differs is settled here and in the operands:
 *
 * - Operands. A legacy form reads its destination, a VEX form a register of its own: `sources` tells `destination`,
 *   `first` and `second` for both; `pair` is for what has one source. An immediate comes last: `control`.
 *   `readVectors` and `writeVectors` have a vector for each 128 bits: two for a YMM operand. An MMX operand is a vector
 *   with zeros in its upper half, and only the lower half of what is written counts.
 * - Bits above the destination: VEX forms write zeros, legacy ones nothing. Scalar results are put into `first`'s
 *   vector and written as a whole: then the bits that are kept come from the right place in either form.
 * - Alignment: `usual`, the default, asks it of 16 bytes of memory in legacy forms; say `none` for MOVUPS and its like,
 *   `whole` for what VEX forms want aligned too.
 * - Availability: `defineVector` and all that is built on it begin with the check that the encoding asks for (SDM vol. 3
 *   Table 2-2, §14.3), and let an instruction with MMX operands enter the MMX state at its end.
 *
 * Most instructions need only `defineLanes` or `defineUnaryLanes`. Floating-point exceptions are gathered over the whole
 * instruction: `beginExceptions`, then routines that raise flags, then one `commitExceptions` before anything is
 * written (exceptions.ts).
 */
import type { I32 } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import * as state from '../../state.js';
import { type Alignment, type Context, define, type Meaning, type Operand } from '../context.js';
import { clearTop, enterMmx, requireMmx } from '../x87/mmx-state.js';

/** A vector of 16 bytes computed from their positions. */
export function bytes(at: (position: number) => number): V128 {
  return V128.const(Array.from({ length: 16 }, (_, position) => at(position) & 0xff));
}

/** A vector of lanes; the values given are repeated to fill it. */
export function lanes(width: 8 | 16 | 32 | 64, ...values: readonly (bigint | number)[]): V128 {
  return bytes((position) => {
    const value = values[Math.floor((position * 8) / width) % values.length] as bigint | number;
    return Number(BigInt.asUintN(8, BigInt(value) >> BigInt((position * 8) % width)));
  });
}

/** For `shuffle`: the low halves of two vectors, side by side. */
export const LOW_HALVES = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];
/** For `shuffle`: the high half of one vector, then the low half of another. */
export const HIGH_HALF = [8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23];

function raiseUnlessAvailable(context: Context): void {
  context.requireUnit(context.vex ? state.vexFault : state.vectorFault);
}

function guarded(meaning: Meaning): Meaning {
  return (context) => {
    const has = (kind: string): boolean => context.operands.some((operand) => operand.kind === kind);
    const mmx = has('mmx');
    if (!mmx || has('xmm')) raiseUnlessAvailable(context);
    if (mmx) requireMmx(context);
    if (mmx && context.operands[0]?.kind === 'memory') clearTop(context);
    meaning(context);
    if (mmx) enterMmx(context);
  };
}

/** Gives a vector instruction its meaning, in all its encodings. */
export function defineVector(mnemonic: string, summary: string, meaning: Meaning): void {
  define(mnemonic, summary, guarded(meaning));
}

/** Like `defineVector`, for what compilers emit all the time. */
export function defineHotVector(mnemonic: string, summary: string, meaning: Meaning): void {
  define(mnemonic, summary, guarded(meaning), { forms: 'near' });
}

/** Destination and source of an instruction that does not read its destination. */
export function pair(context: Context): [destination: Operand, source: Operand] {
  return context.operands as unknown as [Operand, Operand];
}

export interface Sources {
  readonly destination: Operand;
  /** The destination itself, or the register in VEX.vvvv. */
  readonly first: Operand;
  readonly second: Operand;
}

/** Destination and sources of an instruction whose legacy form reads its destination. */
export function sources({ operands, vex }: Context): Sources {
  const [destination, ...rest] = operands as [Operand, ...Operand[]];
  const [first, second] = (vex ? rest : operands) as [Operand, Operand];
  return { destination, first, second };
}

/** The immediate byte. */
export function control(context: Context): I32 {
  return context.code.let((context.operands.at(-1) as Operand).read().wrap().and(0xff));
}

/** What is done with 128 bits of each source. @param half which: 0, or 1 for bits 255:128 */
export type Lanes = (left: V128, right: V128, context: Context, half: number) => V128;
export type UnaryLanes = (source: V128, context: Context, half: number) => V128;

export interface LaneOptions<F> {
  readonly hot?: boolean;
  /** What it is in 64 bits, where that is not the lower half of what it is in 128. */
  readonly mmx?: F;
  readonly alignment?: Alignment;
}

function give(hot: boolean | undefined): typeof defineVector {
  return hot ? defineHotVector : defineVector;
}

/** Defines destination = f(first, second) for each 128 bits. */
export function defineLanes(
  mnemonic: string,
  summary: string,
  compute: Lanes,
  options: LaneOptions<Lanes> = {},
): void {
  give(options.hot)(mnemonic, summary, (context) => {
    const { destination, first, second } = sources(context);
    const right = second.readVectors(options.alignment);
    const left = first.readVectors();
    const lane = destination.kind === 'mmx' ? (options.mmx ?? compute) : compute;
    destination.writeVectors(left.map((each, half) => lane(each, right[half] as V128, context, half)));
  });
}

/** Defines destination = f(source) for each 128 bits. */
export function defineUnaryLanes(
  mnemonic: string,
  summary: string,
  compute: UnaryLanes,
  options: LaneOptions<UnaryLanes> = {},
): void {
  give(options.hot)(mnemonic, summary, (context) => {
    const [destination, source] = pair(context);
    const lane = destination.kind === 'mmx' ? (options.mmx ?? compute) : compute;
    const vectors = source.readVectors(options.alignment);
    destination.writeVectors(vectors.map((each, half) => lane(each, context, half)));
  });
}
