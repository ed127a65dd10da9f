/**
 * Machine code from an opcode table's entry and a choice of operands: prefixes, REX or VEX, opcode, ModRM and SIB,
 * displacement, immediates. What the choice makes of an instruction is asked of the decoder, which another test holds to a
 * second opinion; an encoding that it takes for something else is not used.
 * SDM volume 2, chapter 2.
 */
import { DECODE_OK, decode } from '../../src/cpu/decode/decoder.js';
import { type CodeSize, DecodedInstruction } from '../../src/cpu/decode/instruction.js';
import type { OpcodeEntry } from '../../src/cpu/decode/opcode-entry.js';

export interface MemoryChoice {
  /** 0–15, −1 none, −2 RIP. */
  readonly base: number;
  /** 0–15, −1 none. */
  readonly index: number;
  readonly shift: 0 | 1 | 2 | 3;
  readonly displacement: number;
  readonly displacementSize: 0 | 1 | 4;
}

export interface Choice {
  readonly codeSize: 32 | 64;
  /** Legacy prefixes in order, but for the mandatory one and REX. */
  readonly prefixes: readonly number[];
  readonly wide: boolean;
  readonly longVector: boolean;
  /** A REX byte even where nothing asks for it. */
  readonly rex: boolean;
  readonly reg: number;
  readonly rm: number;
  readonly memory: MemoryChoice | undefined;
  readonly vvvv: number;
  /** Enough of them for any instruction. */
  readonly immediate: readonly number[];
}

export interface Encoded {
  readonly bytes: readonly number[];
  readonly instruction: DecodedInstruction;
  /** Where the four bytes of the displacement are. */
  readonly displacementAt: number;
}

const MANDATORY: Readonly<Record<string, number>> = { '66': 0x66, F3: 0xf3, F2: 0xf2 };
const ESCAPES: Readonly<Record<string, readonly number[]>> = {
  '': [],
  '0F': [0x0f],
  '0F38': [0x0f, 0x38],
  '0F3A': [0x0f, 0x3a],
};
const VEX_MAPS: Readonly<Record<string, number>> = { '0F': 1, '0F38': 2, '0F3A': 3 };
const VEX_PREFIXES: Readonly<Record<string, number>> = { '66': 1, F3: 2, F2: 3 };

function hasModRM(entry: OpcodeEntry): boolean {
  return (
    entry.form !== 'none' ||
    entry.extension >= 0 ||
    entry.operands.some((operand) => operand.source === 'reg' || operand.source === 'rm')
  );
}

/** ModRM, SIB and displacement. */
function operandBytes(entry: OpcodeEntry, choice: Choice): { bytes: number[]; displacementAt: number } {
  const reg = (entry.extension >= 0 ? entry.extension : choice.reg & 7) << 3;
  const { memory } = choice;
  if (!memory) {
    const rm = entry.rmExtension >= 0 ? entry.rmExtension : choice.rm & 7;
    return { bytes: [0xc0 | reg | rm], displacementAt: -1 };
  }
  const { base, index, shift, displacement } = memory;
  let size: number = memory.displacementSize;
  if (base < 0) size = 4;
  else if (size === 0 && (base & 7) === 5) size = 1;
  const mod = base < 0 || size === 0 ? 0 : size === 1 ? 0x40 : 0x80;
  const bytes: number[] = [];
  if (base === -2) bytes.push(reg | 5);
  else if (index < 0 && base >= 0 && (base & 7) !== 4) bytes.push(mod | reg | (base & 7));
  else if (index < 0 && base < 0 && choice.codeSize === 32) bytes.push(reg | 5);
  else {
    const sib = (shift << 6) | ((index < 0 ? 4 : index & 7) << 3) | (base < 0 ? 5 : base & 7);
    bytes.push(mod | reg | 4, sib);
  }
  const displacementAt = bytes.length;
  for (let n = 0; n < size; n++) bytes.push((displacement >> (8 * n)) & 255);
  return { bytes, displacementAt };
}

/** The bytes of a choice, or undefined where the decoder sees another instruction in them. */
export function encode(entry: OpcodeEntry, choice: Choice): Encoded | undefined {
  const { memory } = choice;
  const r = choice.reg > 7 ? 4 : 0;
  const x = memory && memory.index > 7 ? 2 : 0;
  const b = (memory ? memory.base > 7 : choice.rm > 7) ? 1 : 0;
  const bytes = [...choice.prefixes];
  const modRM = hasModRM(entry) ? operandBytes(entry, choice) : { bytes: [], displacementAt: -1 };
  const opcode = entry.lowThreeBits ? entry.opcode | (choice.rm & 7) : entry.opcode;
  if (entry.vex) {
    const wide = entry.w >= 0 ? entry.w === 1 : choice.wide;
    const long = entry.l >= 0 ? entry.l === 1 : choice.longVector;
    const last = ((~choice.vvvv & 15) << 3) | (long ? 4 : 0) | (VEX_PREFIXES[entry.mandatoryPrefix] ?? 0);
    const first = (r ? 0 : 0x80) | (x ? 0 : 0x40) | (b ? 0 : 0x20);
    if (entry.map === '0F' && !wide && !x && !b && !choice.rex) bytes.push(0xc5, (first & 0x80) | last);
    else bytes.push(0xc4, first | (VEX_MAPS[entry.map] as number), (wide ? 0x80 : 0) | last);
  } else {
    const mandatory = MANDATORY[entry.mandatoryPrefix];
    if (mandatory !== undefined) bytes.push(mandatory);
    const rex = (choice.wide ? 8 : 0) | r | x | b;
    if (choice.codeSize === 64 && (rex || choice.rex)) bytes.push(0x40 | rex);
    bytes.push(...(ESCAPES[entry.map] as readonly number[]));
  }
  bytes.push(opcode);
  const displacementAt = modRM.displacementAt < 0 ? -1 : bytes.length + modRM.displacementAt;
  bytes.push(...modRM.bytes);
  const instruction = new DecodedInstruction();
  const whole = Uint8Array.from([...bytes, ...choice.immediate]);
  if (decode(whole, 0, whole.length, choice.codeSize as CodeSize, instruction) !== DECODE_OK)
    return undefined;
  if (instruction.entry.id !== entry.id || instruction.length < bytes.length) return undefined;
  return { bytes: [...whole.subarray(0, instruction.length)], instruction, displacementAt };
}
