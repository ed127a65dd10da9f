/**
 * The mnemonic as GNU objdump prints it: other names of conditions, sizes in the name, AT&T's suffixes.
 * Leaves out prefixes and operands. GNU as manual, "AT&T Syntax versus Intel Syntax" and "i386-Mnemonics".
 */
import type { DecodedInstruction } from './instruction.js';
import { operandIsMemory, operandWidth } from './instruction.js';

export type Syntax = 'intel' | 'att';

const CONDITIONS: Readonly<Record<string, string>> = {
  nb: 'ae',
  z: 'e',
  nz: 'ne',
  nbe: 'a',
  nl: 'ge',
  nle: 'g',
};

const RENAMED: Readonly<Record<string, string>> = {
  CALLF: 'call',
  JMPF: 'jmp',
  WAIT: 'fwait',
};

const ATT_NAMES: Readonly<Record<string, string>> = {
  CALLF: 'lcall',
  JMPF: 'ljmp',
  RETF: 'lret',
  CBW: 'cbtw',
  CWDE: 'cwtl',
  CDQE: 'cltq',
  CWD: 'cwtd',
  CDQ: 'cltd',
  CQO: 'cqto',
};

const SUFFIXES: Readonly<Record<number, string>> = { 8: 'b', 16: 'w', 32: 'l', 64: 'q' };
/** x87 loads and stores: by memory width, for floating point and for integers. */
const FLOAT_SUFFIXES: Readonly<Record<number, string>> = { 32: 's', 64: 'l', 80: 't' };
const INTEGER_SUFFIXES: Readonly<Record<number, string>> = { 16: 's', 32: 'l', 64: 'll' };

/** Operand sizes that show in the name because no operand shows them: [16, 32, 64 bits]. */
const SIZED: Readonly<Record<string, readonly [string, string, string]>> = {
  PUSHA: ['pushaw', 'pusha', 'pusha'],
  POPA: ['popaw', 'popa', 'popa'],
  PUSHF: ['pushfw', 'pushf', 'pushf'],
  POPF: ['popfw', 'popf', 'popf'],
  IRET: ['iretw', 'iret', 'iretq'],
  LEAVE: ['leavew', 'leave', 'leave'],
};

/** In 16-bit code the default size is the word, so the other one shows. */
const SIZED_16: Readonly<Record<string, readonly [string, string]>> = {
  PUSHA: ['pusha', 'pushal'],
  POPA: ['popa', 'popal'],
  PUSHF: ['pushf', 'pushfl'],
  POPF: ['popf', 'popfl'],
  IRET: ['iret', 'iretl'],
  LEAVE: ['leave', 'leavel'],
};

/** Integer instructions whose memory operand has no suffix in AT&T syntax. */
const NO_SUFFIX =
  /^(?:set|prefetch|cl|cmpxchg(?:8|16)b|inv|ldmxcsr|stmxcsr|vldmxcsr|vstmxcsr|sldt|str|lldt|ltr|ver|smsw|lmsw|vm(?:ptr|clear|xon)|rstorssp)/;

function conditionName(mnemonic: string): string {
  const name = mnemonic.toLowerCase();
  const match = /^(j|set|cmov)(nbe|nle|nb|nz|nl|z)$/.exec(name);
  return match === null ? name : match[1]! + CONDITIONS[match[2]!]!;
}

/** Whether the instruction shows its size through a register among the operands. */
function namesRegister(instruction: DecodedInstruction): boolean {
  return instruction.entry.operands.some(
    (operand) =>
      operand.registers !== 'none' &&
      operand.registers !== 'x87' &&
      operand.code !== 'CL' &&
      operand.code !== 'DX' &&
      !operandIsMemory(instruction, operand),
  );
}

function memoryWidth(instruction: DecodedInstruction): number {
  for (const operand of instruction.entry.operands) {
    if (operandIsMemory(instruction, operand)) return operandWidth(instruction, operand);
  }
  return 0;
}

function isX87(instruction: DecodedInstruction): boolean {
  const { map, vex, opcode } = instruction.entry;
  return map === '' && !vex && opcode >= 0xd8 && opcode <= 0xdf;
}

function x87Suffix(instruction: DecodedInstruction, name: string): string {
  if (!instruction.isMemory || /^f(?:n?st(?:env|cw|sw)|ldenv|ldcw|rstor|nsave|bld|bstp)$/.test(name))
    return '';
  const width = memoryWidth(instruction);
  return (name.startsWith('fi') ? INTEGER_SUFFIXES[width] : FLOAT_SUFFIXES[width]) ?? '';
}

/** movzbl and its kind: the widths of source and destination. */
function extensionSuffix(instruction: DecodedInstruction): string {
  const [destination, source] = instruction.entry.operands;
  const from = SUFFIXES[operandWidth(instruction, source!)] ?? '';
  return from + (SUFFIXES[operandWidth(instruction, destination!)] ?? '');
}

/** The suffix for an operand size that is not the code's own, where nothing else shows it. */
function unusual({ codeSize, operandSize }: DecodedInstruction, syntax: Syntax): string {
  if (operandSize === codeSize) return '';
  return operandSize === 16 ? 'w' : syntax === 'intel' ? 'd' : 'l';
}

/** Names that always carry the size of an operand that has no suffix of its own. */
function extraSuffix(instruction: DecodedInstruction, syntax: Syntax): string {
  const { entry, operandSize } = instruction;
  switch (entry.mnemonic) {
    case 'SYSRET':
    case 'SYSEXIT':
      if (instruction.codeSize !== 64) return '';
      return operandSize === 64 ? 'q' : syntax === 'intel' ? 'd' : 'l';
    case 'RDSSP':
    case 'INCSSP':
    case 'WRSS':
    case 'WRUSS':
      return instruction.codeSize === 64 && (instruction.rex & 8) !== 0 ? 'q' : 'd';
    case 'PUSH':
    case 'POP': {
      const kind = entry.operands[0];
      return kind?.registers === 'segment' || kind?.source === 'immediate'
        ? unusual(instruction, syntax)
        : '';
    }
    case 'LGDT':
    case 'LIDT':
    case 'SGDT':
    case 'SIDT':
      if (instruction.codeSize === 64) return '';
      return operandSize === 16 ? 'w' : syntax === 'intel' ? 'd' : 'l';
    default:
      return '';
  }
}

function attSuffix(instruction: DecodedInstruction, name: string): string {
  const { entry } = instruction;
  if (isX87(instruction)) return x87Suffix(instruction, name);
  if (
    !instruction.isMemory &&
    entry.mnemonic !== 'INS' &&
    entry.mnemonic !== 'OUTS' &&
    !isMove(entry.mnemonic)
  ) {
    return '';
  }
  const width = SUFFIXES[memoryWidth(instruction)] ?? '';
  switch (entry.mnemonic) {
    case 'CRC32':
      return width;
    case 'CVTSI2SS':
    case 'CVTSI2SD':
    case 'VCVTSI2SS':
    case 'VCVTSI2SD':
      return instruction.codeSize === 64 ? width : '';
    case 'VCVTPD2DQ':
    case 'VCVTTPD2DQ':
    case 'VCVTPD2PS':
      return instruction.vectorLength === 256 ? 'y' : 'x';
    case 'CALL':
    case 'JMP':
    case 'PUSH':
    case 'POP':
      // Only a size that is not the code's own shows.
      return instruction.operandSize === instruction.codeSize ? '' : width;
    case 'NOP':
      return width;
    case 'CALLF':
    case 'JMPF':
      return instruction.operandSize === 16 && instruction.codeSize !== 16 ? 'w' : '';
    default:
      return NO_SUFFIX.test(name) || (!entry.repeatable && namesRegister(instruction)) ? '' : width;
  }
}

/** The string instructions without a register operand, whose name alone tells the size. */
function isMove(mnemonic: string): boolean {
  return mnemonic === 'MOVS' || mnemonic === 'CMPS';
}

/** x87: GNU's AT&T syntax exchanges FSUB with FSUBR, FDIV with FDIVR, where the destination is not ST(0). */
function exchanged(instruction: DecodedInstruction, name: string): string {
  if (!isX87(instruction) || instruction.isMemory || instruction.entry.operands[0]?.code !== 'STi')
    return name;
  const match = /^f(sub|div)(r?)(p?)$/.exec(name);
  return match === null ? name : `f${match[1]}${match[2] === '' ? 'r' : ''}${match[3]}`;
}

function sized(instruction: DecodedInstruction): string | undefined {
  const { mnemonic } = instruction.entry;
  if (instruction.codeSize === 16) {
    const names = SIZED_16[mnemonic];
    return names?.[instruction.operandSize === 16 ? 0 : 1];
  }
  return SIZED[mnemonic]?.[instruction.operandSize === 16 ? 0 : instruction.operandSize === 32 ? 1 : 2];
}

/** MOV with 64 bits of immediate or of address. */
function isAbsoluteMove(instruction: DecodedInstruction): boolean {
  if (instruction.entry.mnemonic !== 'MOV') return false;
  return instruction.entry.operands.some(
    (operand) =>
      (operand.source === 'moffs' && instruction.addressSize === 64) ||
      (operand.code === 'Iv' && instruction.operandSize === 64),
  );
}

/** The mnemonic in objdump's spelling. */
export function mnemonicText(instruction: DecodedInstruction, syntax: Syntax): string {
  const { mnemonic } = instruction.entry;
  const size = sized(instruction);
  if (size !== undefined) return size;
  if (/^(?:FX(?:SAVE|RSTOR)|XSAVE|XRSTOR|XSAVEC|XSAVES|XRSTORS|XSAVEOPT)$/.test(mnemonic)) {
    return mnemonic.toLowerCase() + ((instruction.rex & 8) !== 0 ? '64' : '');
  }
  if (isAbsoluteMove(instruction)) return 'movabs';
  const extra = extraSuffix(instruction, syntax);
  if (syntax === 'intel') return (RENAMED[mnemonic] ?? conditionName(mnemonic)) + extra;
  if (mnemonic === 'MOVZX' || mnemonic === 'MOVSX') {
    return (mnemonic === 'MOVZX' ? 'movz' : 'movs') + extensionSuffix(instruction);
  }
  if (mnemonic === 'MOVSXD') return (instruction.rex & 8) !== 0 ? 'movslq' : 'movsxd';
  const name = exchanged(instruction, ATT_NAMES[mnemonic] ?? RENAMED[mnemonic] ?? conditionName(mnemonic));
  return name + (extra === '' ? attSuffix(instruction, name) : extra);
}
