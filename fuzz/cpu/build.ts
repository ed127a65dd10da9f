/**
 * A variant in the making: what generator.ts knows of it and what the rules of special.ts add.
 */
import type { DecodedInstruction } from '../../src/cpu/decode/instruction.js';
import type { OpcodeEntry } from '../../src/cpu/decode/opcode-entry.js';
import type { Random } from '../random.js';
import { Fixup, FS_BASE, GS_BASE } from './layout.js';
import type { Distance } from './masks.js';
import { place, type Range } from './placement.js';
import type { FixupSpec, Patch, Tier } from './variant.js';

export class Build {
  /** Registers that addresses must not be made of. */
  readonly reserved = new Set<number>();
  readonly prefixes: number[] = [];
  readonly fixups: FixupSpec[] = [];
  readonly patches: Patch[] = [];
  readonly touched: Range[] = [];
  /** What follows the instruction. */
  readonly after: number[] = [];
  immediate: number[];
  /** The memory operand's linear address. */
  operand = 0n;
  /** Bytes of the memory operand. */
  operandBytes = 0;
  /** The memory operand's bytes in front of and behind it that may be touched too. */
  reachBefore = 0;
  reachAfter = 0;
  /** What the memory operand's address must be a multiple of, but in the fault tier. */
  alignment = 1;
  /** Of a shift or rotation. */
  distance: Distance = 'any';
  /** Gives up on this choice. */
  refused = false;
  /** The instruction's results are cleared by what follows it, so that a single step must not come between. */
  unsteppable = false;
  /** The memory operand is not accessed. */
  addressOnly = false;

  constructor(
    readonly entry: OpcodeEntry,
    readonly random: Random,
    readonly tier: Tier,
    readonly codeSize: 32 | 64,
    /** YMM registers are there to be compared. */
    readonly ymm: boolean,
  ) {
    this.immediate = Array.from({ length: 12 }, () =>
      random.oneIn(3) ? random.pick([0, 1, 0x7f, 0x80, 0xff]) : random.below(256),
    );
  }

  place(size: number, align = 1): bigint {
    return place(this.random, this.tier, this.codeSize, size, align);
  }

  touch(address: bigint, before: number, after: number): void {
    this.touched.push({ from: address - BigInt(before), to: address + BigInt(after) });
  }

  /** Makes a register hold an address, but for the segment's base. */
  point(register: number, address: bigint, segmentBase = 0): void {
    this.fixups.push({
      operation: Fixup.base,
      register,
      a: 255,
      value: BigInt.asUintN(64, address - BigInt(segmentBase)),
    });
  }

  /** Makes RSP point between `down` and `up` bytes that are used. */
  stack(down: number, up: number, alignment = 1): bigint {
    const size = down + up;
    const any = this.place(size, this.tier === 'fault' || this.random.oneIn(4) ? 1 : 16) + BigInt(down);
    const top = any & -BigInt(alignment);
    this.touch(top, down, up);
    this.point(4, top);
    return top;
  }

  /** Puts bytes of memory into all inputs. @param from the address that the area's offset is counted from */
  memory(operand: bigint, offset: number, bytes: number, value: bigint, fromCode = false): void {
    this.memoryFixups.push({
      address: operand + BigInt(offset),
      operation: Fixup.memorySet,
      c: bytes,
      value,
      fromCode,
    });
  }
  /** Fixups of memory by linear address, to be placed when the area is known. */
  readonly memoryFixups: (FixupSpec & { readonly address: bigint })[] = [];
}

/** Of a segment override's number; FS and GS alone have a base. */
export function segmentBase(instruction: DecodedInstruction): number {
  return instruction.segment === 4 ? FS_BASE : instruction.segment === 5 ? GS_BASE : 0;
}
