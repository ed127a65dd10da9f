/** Counts cases by family and instruction, and writes the table that a run ends with. */

import type { OpcodeEntry } from '../../src/cpu/decode/opcode-entry.js';
import { BLOCKS, familyOf } from './families.js';
import { SHARE } from './plan.js';
import type { Round } from './round.js';
import { TIERS, type Tier } from './variant.js';

export class Tally {
  cases = 0;
  readonly families = new Map<string, number>();
  readonly tiers = new Map<Tier, number>();
  /** By mnemonic; blocks count for none of theirs. */
  readonly instructions = new Map<string, number>();

  add(round: Round): void {
    this.cases += round.cases;
    for (const { variant, count } of round.placed) {
      const block = variant.tier === 'block';
      const family = block ? BLOCKS : familyOf(variant.entries[0]!);
      this.families.set(family, (this.families.get(family) ?? 0) + count);
      this.tiers.set(variant.tier, (this.tiers.get(variant.tier) ?? 0) + count);
      if (block) continue;
      const { mnemonic } = variant.entries[0]!;
      this.instructions.set(mnemonic, (this.instructions.get(mnemonic) ?? 0) + count);
    }
  }

  /** Instructions with less than their share, with what they got. */
  lacking(entries: readonly OpcodeEntry[]): string[] {
    const mnemonics = new Set(entries.map(({ mnemonic }) => mnemonic));
    return [...mnemonics]
      .filter((mnemonic) => (this.instructions.get(mnemonic) ?? 0) < SHARE)
      .map((mnemonic) => `${mnemonic} ${this.instructions.get(mnemonic) ?? 0}`);
  }

  /** @param seconds that the run took */
  table(entries: readonly OpcodeEntry[], seconds: number): string {
    const number = (value: number): string => Math.round(value).toLocaleString('en');
    const rows = [['family', 'instructions', 'cases', 'cases/s', 'fewest of one']];
    const families = [...this.families].sort(([a], [b]) => a.localeCompare(b));
    for (const [family, cases] of families) {
      const mnemonics = [
        ...new Set(entries.filter((entry) => familyOf(entry) === family).map(({ mnemonic }) => mnemonic)),
      ];
      const fewest = Math.min(...mnemonics.map((mnemonic) => this.instructions.get(mnemonic) ?? 0));
      rows.push([
        family,
        family === BLOCKS ? '' : number(mnemonics.length),
        number(cases),
        number(cases / seconds),
        family === BLOCKS ? '' : number(fewest),
      ]);
    }
    const all = number(this.instructions.size);
    rows.push(['all', all, number(this.cases), number(this.cases / seconds), '']);
    const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
    const lines = rows.map((row) =>
      row.map((cell, n) => (n === 0 ? cell.padEnd(widths[n]!) : cell.padStart(widths[n]!))).join('  '),
    );
    const tiers = TIERS.filter((tier) => this.tiers.has(tier)).map(
      (tier) => `${tier} ${number(this.tiers.get(tier)!)}`,
    );
    return `${lines.join('\n')}\nby tier: ${tiers.join(', ')}`;
  }
}
