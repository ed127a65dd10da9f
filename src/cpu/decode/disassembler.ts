/**
 * DecodedInstruction → text, in the manner of GNU objdump (-M intel or AT&T). Built from the opcode tables, so it
 * knows every instruction the decoder knows. Leaves out the address and the bytes before the text.
 * GNU as manual, "80386 Dependent Features".
 */
import type { DecodedInstruction } from './instruction.js';
import { BASE_RIP, PREFIX_LOCK, PREFIX_REP, PREFIX_REPNE } from './instruction.js';
import { mnemonicText, type Syntax } from './mnemonic-text.js';
import type { OperandSpec } from './opcode-entry.js';
import { operandText, type Symbols, target } from './operand-text.js';
import { generalName, segmentName } from './registers.js';

export type { Symbols, Syntax };

/** Repeated while equal or while not equal; the others are merely repeated. */
const REPEATS_ON_EQUAL = new Set(['CMPS', 'SCAS']);
/** These keep the Intel order in AT&T syntax. */
const KEEPS_ORDER = new Set(['ENTER', 'BOUND']);
/** The SDM writes ST(0) out, objdump does not. */
const HIDES_TOP = new Set(['FXCH', 'FUCOM', 'FUCOMP', 'FCOM', 'FCOMP']);

const BX = 3;

const PREDICATES = ['eq', 'lt', 'le', 'unord', 'neq', 'nlt', 'nle', 'ord'] as const;
const AVX_PREDICATES = [
  'eq',
  'lt',
  'le',
  'unord',
  'neq',
  'nlt',
  'nle',
  'ord',
  'eq_uq',
  'nge',
  'ngt',
  'false',
  'neq_oq',
  'ge',
  'gt',
  'true',
  'eq_os',
  'lt_oq',
  'le_oq',
  'unord_s',
  'neq_us',
  'nlt_uq',
  'nle_uq',
  'ord_s',
  'eq_us',
  'nge_uq',
  'ngt_uq',
  'false_os',
  'neq_os',
  'ge_oq',
  'gt_oq',
  'true_us',
] as const;
const MULTIPLIED: Readonly<Record<number, string>> = { 0: 'lqlq', 1: 'hqlq', 16: 'lqhq', 17: 'hqhq' };

function prefixText(instruction: DecodedInstruction): string {
  const { entry, prefixes } = instruction;
  const lock = (prefixes & PREFIX_LOCK) !== 0 ? 'lock ' : '';
  if (entry.mandatoryPrefix !== 'any' || (prefixes & (PREFIX_REP | PREFIX_REPNE)) === 0) return lock;
  if ((prefixes & PREFIX_REPNE) !== 0) return `${lock}repnz `;
  return `${lock}${entry.repeatable && !REPEATS_ON_EQUAL.has(entry.mnemonic) ? 'rep' : 'repz'} `;
}

/** CMPPS with predicate 0 is cmpeqps, and so on: the name and whether the immediate went into it. */
function predicateName(instruction: DecodedInstruction, name: string): string | undefined {
  const { immediateLow } = instruction;
  const compare = /^(v?)cmp([ps][sd])$/.exec(name);
  if (compare !== null && instruction.entry.operands.at(-1)?.code === 'Ib') {
    const predicate = (compare[1] === '' ? PREDICATES : AVX_PREDICATES)[immediateLow];
    return predicate === undefined ? undefined : `${compare[1]}cmp${predicate}${compare[2]}`;
  }
  const multiply = /^(v?)pclmulqdq$/.exec(name);
  const halves = multiply === null ? undefined : MULTIPLIED[immediateLow];
  return halves === undefined ? undefined : `${multiply![1]}pclmul${halves}dq`;
}

/** The operands that the text shows. */
function shownOperands(instruction: DecodedInstruction, syntax: Syntax): readonly OperandSpec[] {
  const { mnemonic, operands } = instruction.entry;
  if (mnemonic === 'NOP') return operands.slice(0, 1);
  if (HIDES_TOP.has(mnemonic)) return operands.filter((operand) => operand.code !== 'ST0');
  if (syntax === 'att') return operands.filter((operand) => operand.source !== 'constant');
  return operands;
}

function indirect(instruction: DecodedInstruction): boolean {
  return (
    /^(?:CALL|JMP)F?$/.test(instruction.entry.mnemonic) && instruction.entry.operands[0]?.source === 'rm'
  );
}

/** What follows '#': where a RIP-relative operand points. */
function note(instruction: DecodedInstruction, address: bigint, symbols: Symbols | undefined): string {
  if (!instruction.isMemory || instruction.base !== BASE_RIP) return '';
  const points = target(instruction, address, BigInt(instruction.displacement), instruction.addressSize);
  const symbol = symbols?.(points);
  const text = symbol === undefined ? `0x${points.toString(16)}` : `${points.toString(16)} <${symbol}>`;
  return `        # ${text}`;
}

const PORTS = new Set(['IN', 'OUT', 'INS', 'OUTS']);

/** AT&T writes a port number in DX as if it were an address. */
function parenthesizePort(texts: string[]): void {
  for (let number = 0; number < texts.length; number++) {
    if (texts[number] === '%dx') texts[number] = '(%dx)';
  }
}

/** XLAT's table, which the opcode implies. */
function tableText(instruction: DecodedInstruction, syntax: Syntax): string {
  const segment = segmentName(instruction.segment);
  const base = generalName(BX, instruction.addressSize);
  return syntax === 'att' ? `%${segment}:(%${base})` : `BYTE PTR ${segment}:[${base}]`;
}

/**
 * The instruction's text.
 * @param address of its first byte, for branch targets and RIP-relative operands
 * @param symbols a name for an address, such as `main+0x10`
 */
export function disassemble(
  instruction: DecodedInstruction,
  address: bigint,
  syntax: Syntax,
  symbols?: Symbols,
): string {
  const { entry } = instruction;
  if (
    entry.opcode === 0x90 &&
    entry.mnemonic === 'NOP' &&
    instruction.operandSize === 16 &&
    instruction.codeSize !== 16
  ) {
    return syntax === 'intel' ? 'xchg   ax,ax' : 'xchg   %ax,%ax';
  }
  const name = mnemonicText(instruction, syntax);
  const short = predicateName(instruction, name);
  let operands = shownOperands(instruction, syntax);
  if (short !== undefined) operands = operands.slice(0, -1);
  const texts = operands.map((operand) => operandText(instruction, operand, address, syntax, symbols));
  if (instruction.entry.mnemonic === 'XLAT') texts.push(tableText(instruction, syntax));
  else if (syntax === 'att' && PORTS.has(instruction.entry.mnemonic)) parenthesizePort(texts);
  if (syntax === 'att' && !KEEPS_ORDER.has(instruction.entry.mnemonic)) texts.reverse();
  const star = syntax === 'att' && indirect(instruction) ? '*' : '';
  const head = prefixText(instruction) + (short ?? name);
  if (texts.length === 0) return head;
  return `${head.padEnd(6)} ${star}${texts.join(',')}${note(instruction, address, symbols)}`;
}
