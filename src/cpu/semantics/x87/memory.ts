/** Memory operands of x87 instructions, each read or checked before anything is written (SDM vol. 1 §8.1.2). */
import { I32, I64 } from '../../../wasm/values.js';
import type { V128 } from '../../../wasm/vector.js';
import { checkAlignment, commit, place } from '../../mmu/access.js';
import { behind } from '../../mmu/segmentation.js';
import { AccessKind } from '../../mmu/walk.js';
import { Segment } from '../../state.js';
import type { Context, Operand } from '../context.js';
import { signExtend } from '../flags.js';
import { type Widen, widenDouble, widenInteger, widenSingle } from './convert.js';
import { extended, headOf, significandOf } from './extended.js';

/** Of an 80-bit number (vol. 3 Table 6-7). */
const EXTENDED_BYTES = 10;
const EXTENDED_ALIGNMENT = 8;

/** Memory that has been reached: bytes can be written there, and `end` completes that. */
export interface Reached {
  readonly host: I32;
  end(): void;
}

/** Access bits of the memory operand's segment. */
export function segmentAccess(context: Context): I32 {
  return context.code.let(context.segment().eq(Segment.ss).mul(AccessKind.stack));
}

/** Checks that the operand can be written, and reads nothing. */
export function reach(context: Context, operand: Operand, bytes: number): Reached {
  const linear = context.code.let(operand.linearAddress(bytes, 'write'));
  return reachLinear(context, linear, bytes);
}

function reachLinear(context: Context, linear: I64, bytes: number): Reached {
  const host = place(context, linear, bytes, 'write', segmentAccess(context));
  return { host, end: () => commit(context, host) };
}

/** Writes ten bytes, the significand first: as on silicon it stays written if only the rest faults. */
export function writeExtended(context: Context, operand: Operand, value: V128): void {
  const { code } = context;
  const linear = code.let(operand.linearAddress(EXTENDED_BYTES, 'write'));
  checkAlignment(context, linear, EXTENDED_ALIGNMENT);
  const significand = reachLinear(context, linear, 8);
  code.store(significand.host, significandOf(value));
  significand.end();
  const head = reachLinear(context, behind(context, linear, 8), 2);
  code.store16(head.host, headOf(value));
  head.end();
}

/** Bits of a number in memory, and how they become 80 bits. */
export interface Source {
  readonly bits: I64;
  readonly widen: Widen;
}

export function floatSource(operand: Operand): Source {
  return { bits: operand.read(), widen: operand.width === 32 ? widenSingle : widenDouble };
}

export function integerSource(context: Context, operand: Operand): Source {
  return { bits: context.code.let(signExtend(operand.read(), operand.width)), widen: widenInteger };
}

/** The first operand, if it is in memory. */
export function memorySource(context: Context, integer: boolean): Source | undefined {
  const [operand] = context.operands;
  if (operand?.kind !== 'memory') return undefined;
  return integer ? integerSource(context, operand) : floatSource(operand);
}

/** The ten bytes of an 80-bit operand. */
export function readExtended(context: Context, operand: Operand): V128 {
  const linear = context.code.let(operand.linearAddress(EXTENDED_BYTES, 'read'));
  checkAlignment(context, linear, EXTENDED_ALIGNMENT);
  const host = place(context, linear, EXTENDED_BYTES, 'read', segmentAccess(context));
  return context.code.let(extended(I32.load16U(host, 8), I64.load(host)));
}
