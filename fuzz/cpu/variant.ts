/**
 * A variant: code with what its inputs must be like. Many input states are made of one variant.
 * Pure data; made by generator.ts and block.ts, laid out in an arena by round.ts.
 */
import type { OpcodeEntry } from '../../src/cpu/decode/opcode-entry.js';
import type { ValuesKind, VectorsKind } from './layout.js';

export type Tier = 'fast' | 'fault' | 'legacy' | 'block';
export const TIERS: readonly Tier[] = ['fast', 'fault', 'legacy', 'block'];

/** See layout.ts `Fixup`. */
export interface FixupSpec {
  readonly operation: number;
  readonly register?: number;
  readonly a?: number;
  readonly b?: number;
  readonly c?: number;
  readonly value?: bigint;
  /** The value counts from the code's first byte. */
  readonly fromCode?: boolean;
}

/** Four bytes of code that depend on where the code is. */
export interface Patch {
  readonly at: number;
  /** The distance of `value` from the code's byte `from`; or, from the code's first byte, the address of byte `value`. */
  readonly kind: 'relative' | 'address';
  readonly value: number;
  readonly from: number;
}

/** Memory that is part of inputs and outputs. */
export interface Area {
  readonly address: number;
  /** A multiple of 16. */
  readonly size: number;
  /** Where the operand begins, from `address`. */
  readonly operand: number;
}

/** How far a result may be off, where the manual leaves that open. */
export type Tolerance = 'none' | 'approximation' | 'transcendental';

export interface Variant {
  readonly tier: Tier;
  /** What is tested; in a block, all of them. */
  readonly entries: readonly OpcodeEntry[];
  readonly codeSize: 32 | 64;
  readonly code: readonly number[];
  readonly patches: readonly Patch[];
  readonly area: Area | undefined;
  readonly vectors: VectorsKind;
  readonly values: ValuesKind;
  readonly unmasked: boolean;
  readonly flagsVaried: number;
  readonly flagsSet: number;
  readonly fixups: readonly FixupSpec[];
  /** RFLAGS bits that the manual leaves undefined. */
  readonly undefinedFlags: number;
  readonly tolerance: Tolerance;
}
