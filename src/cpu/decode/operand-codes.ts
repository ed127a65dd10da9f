/**
 * The operand codes of the opcode tables: a capital for where the operand comes from, then its width. They
 * follow the manual's appendix A; ours besides are Z, R/M pairs such as Ry/Mw, and the widths below.
 * Leaves out what an instruction does with its operands. Intel SDM volume 2, appendix A.2.
 *
 * E G   general register or memory by rm; general register by reg      C D S  control, debug, segment register by reg
 * Q P   MMX register or memory by rm; MMX register by reg              W V    XMM or YMM likewise
 * R N U register by rm only: general, MMX, XMM                         M      memory only
 * B H   general, XMM register by VEX.vvvv                              L      XMM register by the immediate's top bits
 * Z     general register by the opcode's low three bits                O      memory at an offset in the instruction
 * X Y   memory at segment:rSI and ES:rDI                               A J    far pointer; relative branch
 * STi   x87 register by rm                                             other names: that very register, or the number 1
 *
 * Immediates: Ib and Iw are zero-extended to 64 bits, Ibs and Iz sign-extended, Iv is as wide as the operand size
 * and sign-extended; Jb and Jz are signed displacements.
 */
import type { OperandSource, OperandSpec, RegisterKind, Width } from './opcode-entry.js';

const WIDTHS: Readonly<Record<string, Width>> = {
  '': 0,
  b: 8,
  w: 16,
  d: 32,
  q: 64,
  t: 80,
  dq: 128,
  qq: 256,
  v: 'v',
  z: 'z',
  y: 'y',
  n: 'n',
  p: 'p',
  s: 's',
  a: 'a',
  x: 'x',
  h: 'half',
  f: 'quarter',
  e: 'eighth',
  ss: 32,
  sd: 64,
  fx: 4096,
  env: 'environment',
  save: 'state',
};

const LETTERS: Readonly<Record<string, readonly [OperandSource, RegisterKind]>> = {
  E: ['rm', 'general'],
  R: ['rm', 'general'],
  M: ['rm', 'none'],
  Q: ['rm', 'mmx'],
  N: ['rm', 'mmx'],
  W: ['rm', 'xmm'],
  U: ['rm', 'xmm'],
  G: ['reg', 'general'],
  S: ['reg', 'segment'],
  C: ['reg', 'control'],
  D: ['reg', 'debug'],
  P: ['reg', 'mmx'],
  V: ['reg', 'xmm'],
  Z: ['opcode', 'general'],
  B: ['vvvv', 'general'],
  H: ['vvvv', 'xmm'],
  L: ['is4', 'xmm'],
  O: ['moffs', 'none'],
  X: ['stringSource', 'none'],
  Y: ['stringDestination', 'none'],
  A: ['far', 'none'],
};

function spec(
  code: string,
  source: OperandSource,
  registers: RegisterKind,
  width: Width,
  memoryWidth: Width = width,
  fixed = 0,
): OperandSpec {
  return { code, source, registers, width, memoryWidth, fixed };
}

function fixed(code: string, registers: RegisterKind, width: Width, number: number): OperandSpec {
  return spec(code, 'fixed', registers, width, 0, number);
}

const parsed = new Map<string, OperandSpec>(
  [
    fixed('AL', 'general', 8, 0),
    fixed('CL', 'general', 8, 1),
    fixed('AX', 'general', 16, 0),
    fixed('DX', 'general', 16, 2),
    fixed('rAX', 'general', 'v', 0),
    fixed('zAX', 'general', 'z', 0),
    fixed('ES', 'segment', 16, 0),
    fixed('CS', 'segment', 16, 1),
    fixed('SS', 'segment', 16, 2),
    fixed('DS', 'segment', 16, 3),
    fixed('FS', 'segment', 16, 4),
    fixed('GS', 'segment', 16, 5),
    fixed('ST0', 'x87', 80, 0),
    fixed('XMM0', 'xmm', 128, 0),
    spec('STi', 'rm', 'x87', 80, 0),
    spec('1', 'constant', 'none', 8, 0, 1),
    spec('Ib', 'immediate', 'none', 8),
    spec('Iw', 'immediate', 'none', 16),
    spec('Ibs', 'immediate', 'none', 'v', 8),
    spec('Iz', 'immediate', 'none', 'v', 'z'),
    spec('Iv', 'immediate', 'none', 'v', 'v'),
    spec('I2b', 'immediate2', 'none', 8),
    spec('Jb', 'relative', 'none', 'v', 8),
    spec('Jz', 'relative', 'none', 'v', 'z'),
  ].map((operand) => [operand.code, operand]),
);

/** An xmm register is 128 or 256 bits wide however little of it an instruction uses. */
function registerWidth(registers: RegisterKind, width: Width): Width {
  if (registers === 'xmm') return width === 'x' || width === 256 ? width : 128;
  if (registers === 'mmx') return 64;
  if (registers === 'segment') return 16;
  return registers === 'none' ? 0 : width;
}

function widthOf(code: string): Width {
  const width = WIDTHS[code.slice(1)];
  if (width === undefined) throw new Error(`unknown width in operand code ${code}`);
  return width;
}

function parse(code: string): OperandSpec {
  const slash = code.indexOf('/');
  const first = slash < 0 ? code : code.slice(0, slash);
  const letter = LETTERS[first.charAt(0)];
  if (letter === undefined) throw new Error(`unknown operand code ${code}`);
  const [source, registers] = letter;
  const width = widthOf(first);
  const memoryWidth = slash < 0 ? width : widthOf(code.slice(slash + 1));
  return spec(code, source, registers, registerWidth(registers, width), memoryWidth);
}

/** The operand that a code means; the same object for the same code. */
export function operandSpec(code: string): OperandSpec {
  let operand = parsed.get(code);
  if (operand === undefined) {
    operand = parse(code);
    parsed.set(code, operand);
  }
  return operand;
}

/** What ModRM.mod may say for an operand from rm. */
export function operandForm(operand: OperandSpec): 'register' | 'memory' | 'both' {
  if (operand.registers === 'none') return 'memory';
  if (operand.code.includes('/')) return 'both';
  return 'RNUS'.includes(operand.code.charAt(0)) ? 'register' : 'both';
}
