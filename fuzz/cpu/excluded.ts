/**
 * What is not compared with the processor, and why: whole instructions that a program cannot run without the host's
 * kernel taking part, and encodings whose result the manual leaves undefined.
 */
import type { DecodedInstruction } from '../../src/cpu/decode/instruction.js';
import type { OpcodeEntry } from '../../src/cpu/decode/opcode-entry.js';

/** Instructions, by the reason. */
export const EXCLUDED: Readonly<Record<string, readonly string[]>> = {
  'enters the host’s kernel': ['SYSCALL', 'SYSENTER'],
  'the host’s kernel answers in the processor’s place (UMIP)': ['SGDT', 'SIDT', 'SLDT', 'STR', 'SMSW'],
};

const reasons = new Map(
  Object.entries(EXCLUDED).flatMap(([reason, names]) => names.map((name) => [name, reason] as const)),
);

/** Outside 64-bit code it is an instruction of one maker's processors, as SYSCALL is, and ours has it. */
const LONG_ONLY = new Set(['SYSRET']);

/** Why an instruction is left out, if it is. */
export function exclusion(entry: OpcodeEntry): string | undefined {
  return reasons.get(entry.mnemonic);
}

/** Whether an encoding is to be left out although its instruction is not. */
export function excludedEncoding(instruction: DecodedInstruction): boolean {
  const { mnemonic } = instruction.entry;
  if (LONG_ONLY.has(mnemonic)) return instruction.codeSize !== 64;
  // Its 16-bit form is undefined.
  if (mnemonic === 'BSWAP') return instruction.operandSize === 16;
  // A system call of the host.
  if (mnemonic === 'INT') return instruction.immediateLow === 0x80;
  return false;
}
