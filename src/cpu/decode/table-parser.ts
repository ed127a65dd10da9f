/**
 * Reads one line of the opcode tables into an OpcodeEntry. A line is
 *
 *   [[VEX.]prefix.]map opcode[+][/reg[/rm]] MNEMONIC [operands] [attributes] [feature]
 *
 * - prefix: NP none of 66, F3, F2 may be present; NF neither F3 nor F2; 66, F3, F2; absent: they choose nothing.
 * - map: 0F, 0F38, 0F3A, then .W0 .W1 .L0 .L1 where VEX asks for them; the one-byte map is not written.
 * - opcode: +: the low three bits name a register; /reg: that ModRM.reg; /reg/rm: that rm too.
 * - operands: codes of operand-codes.ts with commas, or - for none.
 * - attributes: lock may be locked; rep may be repeated; i64 not in 64-bit code; o64 only there; d64, f64 operand
 *   size 64 by default or always there; os16 os32 os64 as16 as32 as64 only that size; W0 W1 B0 that REX bit;
 *   reg, mem that ModRM form; anymod register form whatever mod; vsib-x vsib-dq width of a gather's vector index.
 * - [feature]: CPUID name; [A,B]: B where VEX.L = 1.
 *
 * Of several lines for one opcode the first that fits counts. Intel SDM volume 2, appendix A.
 */
import { DefinitionError } from './definition-error.js';
import {
  type MandatoryPrefix,
  type OpcodeEntry,
  type OpcodeMap,
  type OperandSpec,
  PLAIN_ENTRY,
  type Width,
} from './opcode-entry.js';
import { operandForm, operandSpec } from './operand-codes.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const PREFIXES: Readonly<Record<string, MandatoryPrefix>> = {
  NP: 'none',
  NF: 'notF2F3',
  '66': '66',
  F3: 'F3',
  F2: 'F2',
};

function attribute(entry: Mutable<OpcodeEntry>, word: string): void {
  switch (word) {
    case 'lock':
      entry.lockable = true;
      return;
    case 'rep':
      entry.repeatable = true;
      return;
    case 'i64':
      entry.mode = 'not64';
      return;
    case 'o64':
      entry.mode = 'only64';
      return;
    case 'd64':
      entry.operandSizeRule = 'default64';
      return;
    case 'f64':
      entry.operandSizeRule = 'force64';
      return;
    case 'os16':
    case 'os32':
    case 'os64':
      entry.onlyOperandSize = Number(word.slice(2)) as 16 | 32 | 64;
      return;
    case 'as16':
    case 'as32':
    case 'as64':
      entry.onlyAddressSize = Number(word.slice(2)) as 16 | 32 | 64;
      return;
    case 'W0':
    case 'W1':
      entry.w = Number(word.slice(1)) as 0 | 1;
      return;
    case 'L0':
    case 'L1':
      entry.l = Number(word.slice(1)) as 0 | 1;
      return;
    case 'B0':
      entry.b = 0;
      return;
    case 'reg':
      entry.form = 'register';
      return;
    case 'mem':
      entry.form = 'memory';
      return;
    case 'anymod':
      entry.ignoresMod = true;
      return;
    case 'vsib-x':
      entry.vectorIndex = 'x';
      return;
    case 'vsib-dq':
      entry.vectorIndex = 128 satisfies Width;
      return;
    default:
      if (!word.startsWith('[')) throw new DefinitionError(`unknown attribute ${word} of ${entry.mnemonic}`);
      [entry.feature = '', entry.feature256 = entry.feature] = word.slice(1, -1).split(',');
  }
}

/** The map and the prefixes, such as VEX.66.0F38.W0; the one-byte map has at most a prefix. */
function head(entry: Mutable<OpcodeEntry>, word: string): void {
  for (const part of word.split('.')) {
    if (part === 'VEX') entry.vex = true;
    else if (part in PREFIXES) entry.mandatoryPrefix = PREFIXES[part]!;
    else if (part.startsWith('0F')) entry.map = part as OpcodeMap;
    else attribute(entry, part);
  }
}

function modRMForm(operands: readonly OperandSpec[]): OpcodeEntry['form'] {
  for (const operand of operands) if (operand.source === 'rm') return operandForm(operand);
  return 'none';
}

/** The map that a line belongs to: its name, empty for the one-byte map, with VEX. in front of VEX's. */
export function mapOf(line: string): string {
  const word = line.split(' ', 1)[0] ?? '';
  const map = word.split('.').find((part) => part.startsWith('0F')) ?? '';
  return word.startsWith('VEX.') ? `VEX.${map}` : map;
}

export function parseLine(line: string, id: number, oneByteMap: boolean): OpcodeEntry {
  const words = line.split(' ');
  const entry: Mutable<OpcodeEntry> = { ...PLAIN_ENTRY, id };
  let next = 0;
  let code = words[next++]!;
  if (!oneByteMap) {
    head(entry, code);
    code = words[next++]!;
  } else if (code.charAt(2) === '.') {
    head(entry, code.slice(0, 2));
    code = code.slice(3);
  }
  entry.opcode = Number.parseInt(code.slice(0, 2), 16);
  entry.lowThreeBits = code.charAt(2) === '+';
  if (code.charAt(2) === '/') entry.extension = Number(code.charAt(3));
  if (code.charAt(4) === '/') entry.rmExtension = Number(code.charAt(5));
  entry.mnemonic = words[next++]!;
  const operands = words[next++] ?? '-';
  if (operands !== '-') entry.operands = operands.split(',').map(operandSpec);
  entry.form = modRMForm(entry.operands);
  for (; next < words.length; next++) attribute(entry, words[next]!);
  return entry;
}
