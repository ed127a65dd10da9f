/**
 * What the opcode tables say about one encoding: its mnemonic, operands and the conditions it is valid under.
 * Pure data; the text form is read by table-parser.ts. The meaning of an instruction is not here.
 * Intel SDM volume 2, 2.1–2.3 (instruction format) and appendix A (operand codes).
 */

/**
 * A width in bits, or a rule that gives one for a decoded instruction (see operandWidth):
 * v operand size; z operand size, at most 32; y 64 with REX.W/VEX.W in 64-bit code, else 32; p far pointer 16:v;
 * s descriptor-table operand (16 + 32 or 64); n 64 in 64-bit code, else 32; a pair of v (BOUND);
 * x vector length; half, quarter, eighth of x; environment, state: what FSTENV and FSAVE write.
 */
export type Width =
  | 0
  | 8
  | 16
  | 32
  | 48
  | 64
  | 80
  | 128
  | 256
  | 512
  | 4096
  | 'v'
  | 'z'
  | 'y'
  | 'p'
  | 's'
  | 'n'
  | 'a'
  | 'x'
  | 'half'
  | 'quarter'
  | 'eighth'
  | 'environment'
  | 'state';

export type OperandSource =
  /** ModRM.rm: a register when mod = 3, else memory. */
  | 'rm'
  /** ModRM.reg. */
  | 'reg'
  /** The low three bits of the opcode; found in DecodedInstruction.rm. */
  | 'opcode'
  | 'vvvv'
  /** The high four bits of the immediate byte; found in DecodedInstruction.immediateLow >> 4. */
  | 'is4'
  | 'fixed'
  | 'immediate'
  | 'immediate2'
  | 'constant'
  | 'relative'
  | 'moffs'
  | 'far'
  /** segment:rSI. */
  | 'stringSource'
  /** ES:rDI. */
  | 'stringDestination';

export type RegisterKind = 'general' | 'segment' | 'control' | 'debug' | 'mmx' | 'xmm' | 'x87' | 'none';

export interface OperandSpec {
  /** The operand code it was written as, such as 'Ev'. */
  readonly code: string;
  readonly source: OperandSource;
  /** Which registers it names; for source rm, when mod = 3. xmm stands for ymm where the width is 256. */
  readonly registers: RegisterKind;
  /** As a register; for an immediate, the width it is extended to. */
  readonly width: Width;
  /** As memory; for an immediate or relative, the encoded width. */
  readonly memoryWidth: Width;
  /** The register number of 'fixed', the value of 'constant', else 0. */
  readonly fixed: number;
}

export type MandatoryPrefix = 'any' | 'none' | 'notF2F3' | '66' | 'F3' | 'F2';
export type OpcodeMap = '' | '0F' | '0F38' | '0F3A';

export interface OpcodeEntry {
  /** Its place in `allOpcodes`; changes only when the tables or definitions do. */
  readonly id: number;
  /** In capitals. Conditions use the SDM's first name (JB, JNB, JZ …); strings have no size (MOVS); far is CALLF, JMPF, RETF. */
  readonly mnemonic: string;
  readonly operands: readonly OperandSpec[];
  /** What ModRM may say; none: there is no ModRM byte. */
  readonly form: 'none' | 'register' | 'memory' | 'both';
  readonly vex: boolean;
  readonly map: OpcodeMap;
  /** The opcode byte, the first of eight where lowThreeBits is set. */
  readonly opcode: number;
  readonly lowThreeBits: boolean;
  /** ModRM.reg where it extends the opcode, else −1. */
  readonly extension: number;
  /** ModRM.rm where it extends the opcode too, else −1. */
  readonly rmExtension: number;
  /** 'any': 66, F2 and F3 do not choose the encoding. 'none': none of them may be present. 'notF2F3': 66 may. */
  readonly mandatoryPrefix: MandatoryPrefix;
  /** Which code it exists in. */
  readonly mode: 'any' | 'not64' | 'only64';
  /** In 64-bit code: normal; default64: 64 unless 66; force64: always 64. */
  readonly operandSizeRule: 'normal' | 'default64' | 'force64';
  /** The only operand size or address size it has, or 0. */
  readonly onlyOperandSize: 0 | 16 | 32 | 64;
  readonly onlyAddressSize: 0 | 16 | 32 | 64;
  /** REX.W or VEX.W it requires, or −1. */
  readonly w: -1 | 0 | 1;
  /** VEX.L it requires, or −1. */
  readonly l: -1 | 0 | 1;
  /** REX.B it requires, or −1 (tells NOP from XCHG r8, rAX). */
  readonly b: -1 | 0 | 1;
  readonly lockable: boolean;
  /** REP, REPE or REPNE repeats it. */
  readonly repeatable: boolean;
  /** The register form is taken whatever ModRM.mod says (MOV to and from control and debug registers). */
  readonly ignoresMod: boolean;
  /** Width of the vector index register of a gather, else 0. */
  readonly vectorIndex: Width;
  /** The CPUID feature, '' for what every x86-64 processor has; feature256 where VEX.L = 1. */
  readonly feature: string;
  readonly feature256: string;
}

/** An entry that says nothing yet: no operands, no conditions. */
export const PLAIN_ENTRY: OpcodeEntry = {
  id: -1,
  mnemonic: '',
  operands: [],
  form: 'none',
  vex: false,
  map: '',
  opcode: 0,
  lowThreeBits: false,
  extension: -1,
  rmExtension: -1,
  mandatoryPrefix: 'any',
  mode: 'any',
  operandSizeRule: 'normal',
  onlyOperandSize: 0,
  onlyAddressSize: 0,
  w: -1,
  l: -1,
  b: -1,
  lockable: false,
  repeatable: false,
  ignoresMod: false,
  vectorIndex: 0,
  feature: '',
  feature256: '',
};
