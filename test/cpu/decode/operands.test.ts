/**
 * Operands, against iced-x86, on random instructions: mnemonic, kinds, registers, the parts of a memory operand and
 * its size, immediates and branch targets. Where iced counts an operand that our tables leave implied, or the other
 * way round, is listed below. UNIVISOR_DECODE_CASES multiplies the number of cases.
 */
import * as iced from 'iced-x86';
import { describe, expect, test } from 'vitest';
import {
  BASE_NONE,
  BASE_RIP,
  type CodeSize,
  type DecodedInstruction,
  INDEX_NONE,
  isHighByte,
  operandIsMemory,
  operandRegister,
  operandWidth,
} from '../../../src/cpu/decode/instruction.js';
import type { OperandSpec } from '../../../src/cpu/decode/opcode-entry.js';
import { generalName, registerName } from '../../../src/cpu/decode/registers.js';
import { Comparison, randomNumbers } from './reference.js';

const wanted = process.env.UNIVISOR_DECODE_CASES ?? '1';
const factor = wanted === 'all' ? 50 : Number(wanted);

/** Their register's name in our spelling. */
function theirRegister(register: iced.Register): string {
  const name = iced.Register[register]!.toLowerCase();
  return name.replace(/^(r\d+)l$/, '$1b').replace(/^st(\d)$/, 'st($1)');
}

function bits(value: bigint, width: number): string {
  return `0x${BigInt.asUintN(width, value).toString(16)}`;
}

function ourImmediate(ours: DecodedInstruction): bigint {
  return (BigInt(ours.immediateHigh) << 32n) | BigInt(ours.immediateLow >>> 0);
}

function ourRegister(ours: DecodedInstruction, spec: OperandSpec): string {
  const number = operandRegister(ours, spec);
  const width = operandWidth(ours, spec);
  return registerName(spec.registers, number, width, isHighByte(ours, number));
}

const SEGMENTS = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'];

function ourMemory(ours: DecodedInstruction, spec: OperandSpec): string {
  const parts = [SEGMENTS[ours.segment]!];
  let displacement = BigInt(ours.displacement);
  if (ours.base === BASE_RIP) {
    parts.push(ours.addressSize === 64 ? 'rip' : 'eip');
    displacement += BigInt(ours.length);
  } else if (ours.base !== BASE_NONE) parts.push(generalName(ours.base, ours.addressSize));
  if (ours.index !== INDEX_NONE) {
    const vector = ours.entry.vectorIndex;
    const index =
      vector === 0
        ? generalName(ours.index, ours.addressSize)
        : (vector === 'x' && ours.vectorLength === 256 ? 'ymm' : 'xmm') + ours.index;
    parts.push(`${index}*${1 << ours.scaleShift}`);
  }
  parts.push(bits(displacement, ours.addressSize));
  return `${parts.join(' ')} size ${operandWidth(ours, spec)}`;
}

function ourOperand(ours: DecodedInstruction, spec: OperandSpec): string {
  const width = operandWidth(ours, spec);
  switch (spec.source) {
    case 'immediate':
      return bits(ourImmediate(ours), width);
    case 'immediate2':
      return bits(BigInt(ours.immediate2), width);
    case 'constant':
      return bits(BigInt(spec.fixed), 8);
    case 'relative':
      return `to ${bits(ourImmediate(ours) + BigInt(ours.length), ours.operandSize)}`;
    case 'far':
      return `far ${ours.immediate2.toString(16)}:${bits(ourImmediate(ours), 32)}`;
    case 'moffs':
      return `${SEGMENTS[ours.segment]!} ${bits(ourImmediate(ours), ours.addressSize)} size ${width}`;
    case 'stringSource':
      return `${SEGMENTS[ours.segment]!} ${generalName(6, ours.addressSize)} size ${width}`;
    case 'stringDestination':
      return `es ${generalName(7, ours.addressSize)} size ${width}`;
    default:
      return operandIsMemory(ours, spec) ? ourMemory(ours, spec) : ourRegister(ours, spec);
  }
}

/** Memory whose size iced leaves open or counts otherwise; ours is 0 or the number given. */
function theirSize(theirs: iced.Instruction, ours: DecodedInstruction): number {
  const size = iced.MemorySizeExt.size(theirs.memorySize) * 8;
  switch (ours.entry.mnemonic) {
    // SDM: the operand of these is an address, its size depends on what CPUID reports, or is a descriptor table's.
    case 'LEA':
    case 'INVLPG':
    case 'XSAVE':
    case 'XRSTOR':
    case 'XSAVEC':
    case 'XSAVES':
    case 'XRSTORS':
    case 'XSAVEOPT':
      return 0;
    default:
      return size;
  }
}

/** iced reports overrides that 64-bit code ignores (SDM volume 1, 3.4.4); we report the default then. */
function theirSegment(theirs: iced.Instruction, ours: DecodedInstruction): string {
  const name = theirRegister(theirs.memorySegment);
  const ignored = ours.codeSize === 64 && name !== 'fs' && name !== 'gs';
  if (!ignored) return name;
  return ours.isMemory && (ours.base === 4 || ours.base === 5) ? 'ss' : 'ds';
}

function theirMemory(theirs: iced.Instruction, ours: DecodedInstruction): string {
  const parts = [theirSegment(theirs, ours)];
  if (theirs.memoryBase !== iced.Register.None) parts.push(theirRegister(theirs.memoryBase));
  if (theirs.memoryIndex !== iced.Register.None) {
    parts.push(`${theirRegister(theirs.memoryIndex)}*${theirs.memoryIndexScale}`);
  }
  parts.push(bits(theirs.memoryDisplacement, ours.addressSize));
  return `${parts.join(' ')} size ${theirSize(theirs, ours)}`;
}

const { OpKind } = iced;

function theirOperand(theirs: iced.Instruction, number: number, ours: DecodedInstruction): string {
  const kind = theirs.opKind(number);
  const size = iced.MemorySizeExt.size(theirs.memorySize) * 8;
  switch (kind) {
    case OpKind.Register:
      return theirRegister(theirs.opRegister(number));
    case OpKind.Memory:
      // An absolute address without base or index is moffs where our table says so.
      if (ours.entry.operands.some((operand) => operand.source === 'moffs')) {
        return `${theirSegment(theirs, ours)} ${bits(theirs.memoryDisplacement, ours.addressSize)} size ${size}`;
      }
      return theirMemory(theirs, ours);
    case OpKind.NearBranch16:
    case OpKind.NearBranch32:
    case OpKind.NearBranch64:
      return `to ${bits(theirs.nearBranchTarget, ours.operandSize)}`;
    case OpKind.FarBranch16:
    case OpKind.FarBranch32: {
      const offset = kind === OpKind.FarBranch16 ? theirs.farBranch16 : theirs.farBranch32;
      return `far ${theirs.farBranchSelector.toString(16)}:${bits(BigInt(offset), 32)}`;
    }
    case OpKind.MemorySegSI:
    case OpKind.MemorySegESI:
    case OpKind.MemorySegRSI:
      return `${theirSegment(theirs, ours)} ${generalName(6, ours.addressSize)} size ${size}`;
    case OpKind.MemoryESDI:
    case OpKind.MemoryESEDI:
    case OpKind.MemoryESRDI:
      return `es ${generalName(7, ours.addressSize)} size ${size}`;
    case OpKind.Immediate8:
    case OpKind.Immediate8_2nd:
      return bits(theirs.immediate(number), 8);
    case OpKind.Immediate16:
    case OpKind.Immediate8to16:
      return bits(theirs.immediate(number), 16);
    case OpKind.Immediate32:
    case OpKind.Immediate8to32:
      return bits(theirs.immediate(number), 32);
    case OpKind.Immediate64:
    case OpKind.Immediate8to64:
    case OpKind.Immediate32to64:
      return bits(theirs.immediate(number), 64);
    default:
      return `kind ${OpKind[kind]}`;
  }
}

/**
 * Only the mnemonics of these are compared: one side leaves the operands implied; or, for ARPL to LMSW, they have 16
 * bits whatever the operand size (SDM volume 2: r/m16), where iced writes wider registers.
 */
const IMPLIED = new Set([
  'ARPL',
  'LLDT',
  'LTR',
  'VERR',
  'VERW',
  'LMSW',
  'XLAT',
  'MASKMOVQ',
  'MASKMOVDQU',
  'VMASKMOVDQU',
  'VMRUN',
  'VMLOAD',
  'VMSAVE',
  'INVLPGA',
  'SKINIT',
]);

/** Our mnemonic in the spelling of iced, which prefers other names for conditions and sizes. */
const CONDITIONS: Readonly<Record<string, string>> = {
  NB: 'AE',
  Z: 'E',
  NZ: 'NE',
  NBE: 'A',
  NL: 'GE',
  NLE: 'G',
};
const RENAMED: Readonly<Record<string, string>> = {
  CALLF: 'CALL',
  JMPF: 'JMP',
  XLAT: 'XLATB',
};
const SIZED = new Set('PUSHA POPA PUSHF POPF IRET SYSRET SYSEXIT RDSSP INCSSP WRSS WRUSS'.split(' '));

const HINT = /^(RESERVEDNOP|CLDEMOTE|PREFETCHWT1|PREFETCHIT[01]|PREFETCHW?|PREFETCHRESERVED)/;

function plainOurs(ours: DecodedInstruction): string {
  const { mnemonic } = ours.entry;
  const condition = /^(J|SET|CMOV)(NBE|NLE|NB|NZ|NL|Z)$/.exec(mnemonic);
  if (condition !== null) return condition[1]! + CONDITIONS[condition[2]!]!;
  return RENAMED[mnemonic] ?? mnemonic;
}

function plainTheirs(theirs: iced.Instruction, ours: DecodedInstruction): string {
  let name = iced.Mnemonic[theirs.mnemonic]!.toUpperCase();
  if (ours.entry.repeatable || SIZED.has(ours.entry.mnemonic)) name = name.replace(/[BWDQ]$/, '');
  if (SIZED.has(ours.entry.mnemonic) && !SIZED.has(name))
    name = iced.Mnemonic[theirs.mnemonic]!.toUpperCase();
  // The same operation under a second name: SDM gives SHL for SAL; 64 tells only that REX.W is there.
  name = name.replace(/^SAL$/, 'SHL').replace(/^(FX|X)(SAVE|RSTOR)(C|S|OPT)?64$/, '$1$2$3');
  name = name.replace(/^GETSECQ$/, 'GETSEC').replace(/^(V?PCMPESTR[IM])64$/, '$1');
  // What 0F 0D and 0F 18-1F do besides is a hint, NOP in our table; 0F 0D /3 is not in the SDM.
  if (ours.entry.mnemonic === 'NOP' && HINT.test(name)) name = 'NOP';
  // x87 aliases that the SDM does not name, under what they do.
  return name.replace(/^FSTPNCE$/, 'FSTP');
}

function compare(theirs: iced.Instruction, ours: DecodedInstruction): readonly [string, string] {
  const ourName = plainOurs(ours);
  const theirName = plainTheirs(theirs, ours);
  if (ourName === 'NOP' || IMPLIED.has(ours.entry.mnemonic)) return [theirName, ourName];
  const ourTexts = ours.entry.operands
    .filter((operand) => operand.code !== 'XMM0')
    .map((operand) => ourOperand(ours, operand));
  const theirTexts: string[] = [];
  for (let number = 0; number < theirs.opCount; number++) {
    theirTexts.push(theirOperand(theirs, number, ours));
  }
  return [`${theirName} ${theirTexts.join(', ')}`, `${ourName} ${ourTexts.join(', ')}`];
}

/** A random instruction with sensible prefixes, so that most are valid. */
function randomCase(random: () => number, size: CodeSize): number[] {
  const bytes: number[] = [];
  const pick = (values: readonly number[]): number => values[random() % values.length]!;
  if (random() % 4 === 0) bytes.push(pick([0x66, 0x67, 0xf2, 0xf3, 0x64, 0x65, 0x2e, 0x36]));
  if (random() % 4 === 0) bytes.push(pick([0x66, 0xf2, 0xf3]));
  const kind = random() % 8;
  if (kind < 2) {
    bytes.length = 0;
    if (random() % 8 === 0) bytes.push(0x67);
    const second = random() & 255;
    if (kind === 0) bytes.push(0xc5, size === 64 ? second : second | 0xc0);
    else {
      const vvvv = random() % 3 === 0 ? random() & 255 : (random() & 0x87) | 0x78;
      bytes.push(0xc4, (size === 64 ? second & 0xe0 : 0xe0) | (1 + (random() % 3)), vvvv);
    }
    bytes.push(random() & 255);
  } else {
    if (size === 64 && random() % 2 === 0) bytes.push(0x40 | (random() & 15));
    if (kind > 3) bytes.push(0x0f);
    if (kind === 7) bytes.push(pick([0x38, 0x3a]));
    bytes.push(random() & 255);
  }
  while (bytes.length < 20) bytes.push(random() & 255);
  return bytes;
}

describe.each([16, 32, 64] as const)('%i-bit code', (size) => {
  test('has the operands iced-x86 finds', { timeout: 600_000 }, () => {
    const comparison = new Comparison(size, compare);
    const random = randomNumbers(0x1000 + size);

    for (let number = 0; number < 60_000 * factor; number++) comparison.add(randomCase(random, size), 0);
    comparison.flush();

    expect(comparison.disagreements).toEqual([]);
    expect(comparison.valid).toBeGreaterThan(comparison.count / 3);
  });
});
