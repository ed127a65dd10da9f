/** What an instruction may want of its variant: functions that special.ts gives to instructions by name. */
import type { DecodedInstruction } from '../../src/cpu/decode/instruction.js';
import type { Build } from './build.js';

/** Once the instruction is known. */
export type After = (build: Build, instruction: DecodedInstruction) => void;

export interface Rule {
  /** Registers that the memory operand's address must not be made of. */
  readonly reserve?: readonly number[];
  readonly before?: (build: Build) => void;
  readonly after?: After;
}

export const [RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI] = [0, 1, 2, 3, 4, 5, 6, 7] as const;

/** MOV r32, imm32. */
export function moveImmediate(register: number, value: number): number[] {
  const bytes = [value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24];
  return register > 7 ? [0x41, 0xb8 | (register & 7), ...bytes] : [0xb8 | register, ...bytes];
}

/** Clears registers whose values are this processor's alone. */
export const forget =
  (...registers: number[]): After =>
  (build) => {
    build.unsteppable = true;
    build.after.push(...registers.flatMap((register) => moveImmediate(register, 0)));
  };
