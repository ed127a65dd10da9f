/**
 * The one table of what the manual leaves undefined, and so is not compared with silicon: flags by instruction. Between
 * our own tiers everything is compared. SDM volume 2, "Flags Affected" of each instruction.
 * What is not flags is in excluded.ts.
 */
import { Flag } from '../../src/cpu/state.js';

const { cf, pf, af, zf, sf, of } = Flag;

/** By how far a shift or rotation goes: its count, masked to 5 or 6 bits. */
export type Distance = 'zero' | 'one' | 'more' | 'wide' | 'any';

interface Row {
  readonly instructions: readonly string[];
  readonly flags: number;
  /** Only then; always if absent. */
  readonly when?: string;
  readonly distances?: readonly Distance[];
}

const UNDEFINED_FLAGS: readonly Row[] = [
  { instructions: ['SHL', 'SHR', 'SAR'], flags: af, when: 'by 1', distances: ['one'] },
  {
    instructions: ['SHL', 'SHR', 'SAR'],
    flags: of | af,
    when: 'by more',
    distances: ['more', 'wide', 'any'],
  },
  {
    instructions: ['SHL', 'SHR'],
    flags: cf,
    when: 'by the 8 or 16 bits of the operand or more',
    distances: ['wide', 'any'],
  },
  {
    instructions: ['ROL', 'ROR', 'RCL', 'RCR'],
    flags: of,
    when: 'by more than 1',
    distances: ['more', 'wide', 'any'],
  },
  { instructions: ['SHLD', 'SHRD'], flags: of | af, when: 'by more than 1', distances: ['more', 'any'] },
  { instructions: ['MUL', 'IMUL'], flags: sf | zf | af | pf },
  { instructions: ['DIV', 'IDIV'], flags: cf | of | sf | zf | af | pf },
  { instructions: ['BSF', 'BSR'], flags: cf | of | sf | af | pf },
  { instructions: ['BT', 'BTS', 'BTR', 'BTC'], flags: of | sf | af | pf },
  { instructions: ['AND', 'OR', 'XOR', 'TEST'], flags: af },
  { instructions: ['ANDN'], flags: af | pf },
  { instructions: ['LZCNT', 'TZCNT'], flags: of | sf | af | pf },
  { instructions: ['BLSI', 'BLSR', 'BLSMSK', 'BZHI'], flags: af | pf },
  { instructions: ['BEXTR'], flags: sf | af | pf },
];

const byInstruction = new Map<string, Row[]>();
for (const row of UNDEFINED_FLAGS) {
  for (const name of row.instructions) {
    const known = byInstruction.get(name);
    if (known) known.push(row);
    else byInstruction.set(name, [row]);
  }
}

/** @param distance of a shift or rotation, else 'any' */
export function undefinedFlags(mnemonic: string, distance: Distance): number {
  let flags = 0;
  for (const row of byInstruction.get(mnemonic) ?? []) {
    if (!row.distances || row.distances.includes(distance)) flags |= row.flags;
  }
  return flags;
}

const NAMES: readonly (readonly [number, string])[] = [
  [cf, 'CF'],
  [pf, 'PF'],
  [af, 'AF'],
  [zf, 'ZF'],
  [sf, 'SF'],
  [Flag.tf, 'TF'],
  [Flag.if, 'IF'],
  [Flag.df, 'DF'],
  [of, 'OF'],
  [Flag.nt, 'NT'],
  [Flag.rf, 'RF'],
  [Flag.ac, 'AC'],
  [Flag.id, 'ID'],
];

/** Such as `CF ZF`. */
export function flagNames(flags: number): string {
  return NAMES.filter(([bit]) => flags & bit)
    .map(([, name]) => name)
    .join(' ');
}

/** The table, to be printed. */
export function maskTable(): string {
  return UNDEFINED_FLAGS.map(
    ({ instructions, flags, when }) =>
      `  ${instructions.join(' ')}${when ? `, ${when}` : ''}: ${flagNames(flags)}`,
  ).join('\n');
}
