/**
 * The opcode maps as the decoder looks them up. A table's text is split into lines when its map is first used, and
 * a line is parsed when its opcode is, so that a start pays only for the instructions it meets.
 * Among an opcode's candidates the choice is a masked compare with a key of everything that tells encodings apart.
 * Lines come from the tables in opcodes/ and from definitions that bring their own (defined.generated.ts).
 */
import { definedEncodings } from './defined.generated.js';
import type { OpcodeEntry } from './opcode-entry.js';
import { ONE_BYTE } from './opcodes/one-byte.js';
import { MAP_0F3A as TEXT_0F3A, MAP_0F38 as TEXT_0F38 } from './opcodes/three-byte.js';
import { TWO_BYTE } from './opcodes/two-byte.js';
import { VEX_0F, VEX_0F3A, VEX_0F38 } from './opcodes/vex.js';
import { X87 } from './opcodes/x87.js';
import { mapOf, parseLine } from './table-parser.js';

// The key: what a prefix, ModRM or the code size may decide. Operand and address size: 0 is 16 bits, 1 is 32, 2 is 64.
export const KEY_REGISTER = 1;
export const KEY_RM_SHIFT = 1;
export const KEY_CODE64 = 16;
export const KEY_W = 32;
export const KEY_L = 64;
export const KEY_B = 128;
export const KEY_OPERAND_SIZE_SHIFT = 8;
export const KEY_ADDRESS_SIZE_SHIFT = 10;

// What follows ModRM, and how it is extended.
export const IMMEDIATE_NONE = 0;
export const IMMEDIATE_BYTE = 1;
export const IMMEDIATE_SIGNED_BYTE = 2;
export const IMMEDIATE_WORD = 3;
export const IMMEDIATE_Z = 4;
export const IMMEDIATE_V = 5;
export const IMMEDIATE_FAR = 6;
export const IMMEDIATE_OFFSET = 7;
export const IMMEDIATE_ENTER = 8;

const IMMEDIATES: Readonly<Record<string, number>> = {
  Ib: IMMEDIATE_BYTE,
  Lx: IMMEDIATE_BYTE,
  Ibs: IMMEDIATE_SIGNED_BYTE,
  Jb: IMMEDIATE_SIGNED_BYTE,
  Iw: IMMEDIATE_WORD,
  Iz: IMMEDIATE_Z,
  Jz: IMMEDIATE_Z,
  Iv: IMMEDIATE_V,
  Ap: IMMEDIATE_FAR,
  Ob: IMMEDIATE_OFFSET,
  Ov: IMMEDIATE_OFFSET,
  I2b: IMMEDIATE_ENTER,
};

// What remains to be checked when all is read.
export const CHECK_SEGMENT = 1;
export const CHECK_SEGMENT_WRITE = 2;
export const CHECK_CONTROL = 4;
export const CHECK_DEBUG = 8;
export const CHECK_NO_VVVV = 16;

export const SIZE_NORMAL = 0;
export const SIZE_DEFAULT64 = 1;
export const SIZE_FORCE64 = 2;
/** 66 chose the encoding, so it does not choose the size. */
export const SIZE_NO_PREFIX = 3;

/** An entry with what the decoder needs of it in numbers. */
export interface Candidate {
  readonly entry: OpcodeEntry;
  readonly mask: number;
  readonly value: number;
  /** A bit for each of: no prefix, 66, F3, F2. */
  readonly prefixes: number;
  readonly sizeRule: number;
  readonly immediate: number;
  readonly checks: number;
  /** Which bits of reg and rm count: 15 or, where REX and VEX do not extend them, 7. */
  readonly regMask: number;
  readonly rmMask: number;
  readonly ignoresMod: boolean;
  readonly vectorIndex: boolean;
  readonly lockable: boolean;
}

export interface Slot {
  readonly hasModRM: boolean;
  /** By ModRM.reg, 0 where there is no ModRM; undefined where OpcodeMapTable.candidates has not been asked yet. */
  readonly candidates: (readonly Candidate[] | undefined)[];
  readonly map: OpcodeMapTable;
  readonly numbers: readonly number[];
}

const SIZE_INDEX = { 16: 0, 32: 1, 64: 2 } as const;
const PREFIX_SETS = { any: 15, none: 1, notF2F3: 3, '66': 2, F3: 4, F2: 8 } as const;
const SIZE_RULES = { normal: SIZE_NORMAL, default64: SIZE_DEFAULT64, force64: SIZE_FORCE64 } as const;

function immediateOf(entry: OpcodeEntry): number {
  let kind = IMMEDIATE_NONE;
  for (const operand of entry.operands) kind = IMMEDIATES[operand.code] ?? kind;
  return kind;
}

function checksOf(entry: OpcodeEntry): number {
  let checks = entry.vex ? CHECK_NO_VVVV : 0;
  for (const operand of entry.operands) {
    if (operand.source === 'vvvv') checks &= ~CHECK_NO_VVVV;
    if (operand.source !== 'reg') continue;
    if (operand.registers === 'control') checks |= CHECK_CONTROL;
    if (operand.registers === 'debug') checks |= CHECK_DEBUG;
    if (operand.registers === 'segment') {
      checks |= operand === entry.operands[0] ? CHECK_SEGMENT | CHECK_SEGMENT_WRITE : CHECK_SEGMENT;
    }
  }
  return checks;
}

function extensible(entry: OpcodeEntry, source: 'reg' | 'rm'): number {
  for (const operand of entry.operands) {
    if (operand.source !== source && !(source === 'rm' && operand.source === 'opcode')) continue;
    return operand.registers === 'mmx' || operand.registers === 'segment' || operand.registers === 'x87'
      ? 7
      : 15;
  }
  return 7;
}

function candidate(entry: OpcodeEntry): Candidate {
  let mask = 0;
  let value = 0;
  const require = (bits: number, wanted: number): void => {
    mask |= bits;
    value |= wanted;
  };
  if (!entry.ignoresMod && (entry.form === 'register' || entry.form === 'memory')) {
    require(KEY_REGISTER, entry.form === 'register' ? KEY_REGISTER : 0);
  }
  if (entry.rmExtension >= 0) require(7 << KEY_RM_SHIFT, entry.rmExtension << KEY_RM_SHIFT);
  if (entry.mode !== 'any') require(KEY_CODE64, entry.mode === 'only64' ? KEY_CODE64 : 0);
  if (entry.w >= 0) require(KEY_W, entry.w === 1 ? KEY_W : 0);
  if (entry.l >= 0) require(KEY_L, entry.l === 1 ? KEY_L : 0);
  if (entry.b >= 0) require(KEY_B, entry.b === 1 ? KEY_B : 0);
  if (entry.onlyOperandSize !== 0) {
    require(3 << KEY_OPERAND_SIZE_SHIFT, SIZE_INDEX[entry.onlyOperandSize] << KEY_OPERAND_SIZE_SHIFT);
  }
  if (entry.onlyAddressSize !== 0) {
    require(3 << KEY_ADDRESS_SIZE_SHIFT, SIZE_INDEX[entry.onlyAddressSize] << KEY_ADDRESS_SIZE_SHIFT);
  }
  return {
    entry,
    mask,
    value,
    prefixes: PREFIX_SETS[entry.mandatoryPrefix],
    sizeRule:
      entry.mandatoryPrefix === '66' || entry.vex ? SIZE_NO_PREFIX : SIZE_RULES[entry.operandSizeRule],
    immediate: immediateOf(entry),
    checks: checksOf(entry),
    regMask: extensible(entry, 'reg'),
    rmMask: extensible(entry, 'rm'),
    ignoresMod: entry.ignoresMod,
    vectorIndex: entry.vectorIndex !== 0,
    lockable: entry.lockable,
  };
}

/** ModRM is there when the opcode's first line needs it; all lines of an opcode agree. */
function needsModRM(entry: OpcodeEntry): boolean {
  return (
    entry.form !== 'none' ||
    entry.extension >= 0 ||
    entry.operands.some((operand) => operand.source === 'reg')
  );
}

const DOT = 46;
const PLUS = 43;
const SLASH = 47;
const DIGIT_0 = 48;

interface DefinedLine {
  readonly line: string;
  readonly id: number;
}

/** A definition's mnemonic, and what its opcode means already. */
export interface Conflict {
  readonly defined: string;
  readonly taken: string;
  readonly opcode: number;
  readonly map: string;
}

/** Whether some bytes are an encoding of both. What older processors take for a NOP may get a meaning. */
function overlap(a: Candidate, b: Candidate): boolean {
  if (a.entry.mnemonic === 'NOP' || b.entry.mnemonic === 'NOP') return false;
  return (a.mask & b.mask & (a.value ^ b.value)) === 0 && (a.prefixes & b.prefixes) !== 0;
}

export class OpcodeMapTable {
  readonly #slots: (Slot | null | undefined)[] = new Array<Slot | null | undefined>(256).fill(undefined);
  #candidates: (Candidate | undefined)[] = [];
  #lines: readonly string[] | undefined;
  /** The table's own lines come first; these have the ids beside them. */
  #defined: readonly DefinedLine[] = [];

  constructor(
    readonly name: string,
    readonly text: string,
    readonly firstId: number,
    readonly count: number,
  ) {}

  get oneByteMap(): boolean {
    return this.name === '' || this.name === 'x87';
  }

  /** Takes lines besides its own, which count before them, and forgets what was looked up. */
  setDefined(lines: readonly DefinedLine[]): void {
    this.#defined = lines;
    this.#lines = undefined;
    this.#candidates = [];
    this.#slots.fill(undefined);
  }

  /** What is known of an opcode, null when it is invalid. */
  slot(opcode: number): Slot | null {
    const slot = this.#slots[opcode];
    return slot === undefined ? this.#build(opcode) : slot;
  }

  entries(): OpcodeEntry[] {
    return this.#split().map((_, number) => this.#candidate(number).entry);
  }

  #split(): readonly string[] {
    if (this.#lines === undefined) {
      const lines = this.text.slice(1, -1).split('\n');
      if (lines.length !== this.count) {
        throw new Error(`opcode table: ${lines.length} lines, not ${this.count}`);
      }
      this.#lines = [...lines, ...this.#defined.map(({ line }) => line)];
    }
    return this.#lines;
  }

  /** Where a line's opcode stands. */
  #at(line: string): number {
    if (this.oneByteMap) return line.charCodeAt(2) === DOT ? 3 : 0;
    return line.indexOf(' ') + 1;
  }

  #opcode(number: number): number {
    const line = this.#split()[number]!;
    const at = this.#at(line);
    return Number.parseInt(line.substring(at, at + 2), 16);
  }

  /** The numbers of an opcode's lines, found by halving since the table's lines stand in the order of their opcodes. */
  #numbers(opcode: number): number[] {
    const lines = this.#split();
    const defined = this.#defined.flatMap((_, n) => {
      const line = lines[this.count + n]!;
      const first = this.#opcode(this.count + n);
      const eight = line.charCodeAt(this.#at(line) + 2) === PLUS;
      return opcode === first || (eight && opcode > first && opcode - first < 8) ? [this.count + n] : [];
    });
    let from = 0;
    let to = this.count;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.#opcode(middle) <= opcode) from = middle + 1;
      else to = middle;
    }
    const numbers: number[] = [];
    if (from === 0) return defined;
    const found = this.#opcode(from - 1);
    for (let number = from - 1; number >= 0 && this.#opcode(number) === found; number--) {
      const line = lines[number]!;
      const eight = line.charCodeAt(this.#at(line) + 2) === PLUS;
      if (found === opcode || (eight && opcode - found < 8)) numbers.push(number);
    }
    return [...defined, ...numbers.reverse()];
  }

  /** Pairs of lines, the first brought along by a definition, that some bytes could be either of. */
  conflicts(): Conflict[] {
    const found: Conflict[] = [];
    for (let opcode = 0; opcode < 256; opcode++) {
      const slot = this.#defined.length === 0 ? null : this.slot(opcode);
      for (let reg = 0; slot && reg < (slot.hasModRM ? 8 : 1); reg++) {
        const candidates = this.candidates(slot, reg);
        const own = candidates.filter(({ entry }) => entry.id >= TABLE_LINES);
        for (const each of own) {
          const rival = candidates.find((other) => other.entry.id !== each.entry.id && overlap(each, other));
          if (rival)
            found.push({ defined: each.entry.mnemonic, taken: rival.entry.mnemonic, opcode, map: this.name });
        }
      }
    }
    return found;
  }

  #id(number: number): number {
    return this.#defined[number - this.count]?.id ?? this.firstId + number;
  }

  #candidate(number: number): Candidate {
    let found = this.#candidates[number];
    if (found === undefined) {
      found = candidate(parseLine(this.#split()[number]!, this.#id(number), this.oneByteMap));
      this.#candidates[number] = found;
    }
    return found;
  }

  #build(opcode: number): Slot | null {
    const numbers = this.#numbers(opcode);
    let slot: Slot | null = null;
    if (numbers.length > 0) {
      const hasModRM = needsModRM(this.#candidate(numbers[0]!).entry);
      const candidates = new Array<readonly Candidate[] | undefined>(8).fill(undefined);
      slot = { hasModRM, candidates, map: this, numbers };
    }
    this.#slots[opcode] = slot;
    return slot;
  }

  /** The candidates of a slot for one value of ModRM.reg; parses only their lines. */
  candidates(slot: Slot, reg: number): readonly Candidate[] {
    const lines = this.#split();
    const found: Candidate[] = [];
    for (const number of slot.numbers) {
      const line = lines[number]!;
      const at = this.#at(line) + 2;
      const extension = line.charCodeAt(at) === SLASH ? line.charCodeAt(at + 1) - DIGIT_0 : reg;
      if (extension === reg) found.push(this.#candidate(number));
    }
    slot.candidates[reg] = found;
    return found;
  }
}

// Each table's first id is fixed by the lines before it, so that ids do not depend on what was used first.
const COUNTS = [289, 144, 476, 83, 28, 203, 158, 42] as const;

function table(name: string, text: string, number: number): OpcodeMapTable {
  let firstId = 0;
  for (let each = 0; each < number; each++) firstId += COUNTS[each]!;
  return new OpcodeMapTable(name, text, firstId, COUNTS[number]!);
}

export const MAP_ONE_BYTE = table('', ONE_BYTE, 0);
/** D8–DF of the one-byte map. */
export const MAP_X87 = table('x87', X87, 1);
export const MAP_0F = table('0F', TWO_BYTE, 2);
export const MAP_0F38 = table('0F38', TEXT_0F38, 3);
export const MAP_0F3A = table('0F3A', TEXT_0F3A, 4);
/** By VEX.mmmmm; 0 and the rest are invalid. */
export const MAP_VEX = [
  undefined,
  table('VEX.0F', VEX_0F, 5),
  table('VEX.0F38', VEX_0F38, 6),
  table('VEX.0F3A', VEX_0F3A, 7),
] as const;

const MAPS: readonly OpcodeMapTable[] = [
  MAP_ONE_BYTE,
  MAP_X87,
  MAP_0F,
  MAP_0F38,
  MAP_0F3A,
  ...MAP_VEX.slice(1).flatMap((map) => map ?? []),
];

const TABLE_LINES = COUNTS.reduce((sum, count) => sum + count, 0);
let lines: readonly DefinedLine[] = [];

/** Encodings that definitions bring along, in place of those before. For the generator, before it asks for any. */
export function useDefinedEncodings(encodings: readonly string[]): void {
  lines = encodings.map((line, n) => ({ line, id: TABLE_LINES + n }));
  for (const map of MAPS) map.setDefined(lines.filter(({ line }) => mapOf(line) === map.name));
}
useDefinedEncodings(definedEncodings);

/** Of the definitions' encodings in use, those at opcodes that mean something else. */
export function definedConflicts(): readonly Conflict[] {
  return MAPS.flatMap((map) => map.conflicts());
}

/** Every entry, at its id. Parses all the tables. */
export function allOpcodes(): readonly OpcodeEntry[] {
  return MAPS.flatMap((map) => map.entries()).sort((a, b) => a.id - b.id);
}
