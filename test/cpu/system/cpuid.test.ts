/** CPUID: what is promised exists, and the words are where they belong. */
import { describe, expect, it } from 'vitest';
import { allOpcodes } from '../../../src/cpu/decode/decoder.js';
import { definitionOf } from '../../../src/cpu/semantics/context.js';
import '../../../src/cpu/semantics/all.js';
import { cpuidLeaf, knownFeatures } from '../../../src/cpu/system/cpuid.js';
import { TSC_KILOHERTZ } from '../../../src/cpu/system/features.js';
import { SystemWorld } from '../../support/system-world.js';

function text(...words: readonly number[]): string {
  return words
    .map((word) => String.fromCharCode(word & 255, (word >> 8) & 255, (word >> 16) & 255, word >>> 24))
    .join('');
}

describe('CPUID', () => {
  it('promises a feature only if all its instructions have a meaning', () => {
    const missing = allOpcodes()
      .filter((entry) => knownFeatures.has(entry.feature))
      .filter((entry) => !definitionOf(entry.mnemonic))
      .map((entry) => `${entry.feature}: ${entry.mnemonic}`);
    expect([...new Set(missing)]).toEqual([]);
  });

  it('names vendor, brand and hypervisor', () => {
    const [last, b, c, d] = cpuidLeaf(0, 0);
    expect(text(b, d, c)).toBe('UnivisorVCPU');
    expect(last).toBeGreaterThanOrEqual(7);
    const brand = [2, 3, 4].flatMap((n) => [...cpuidLeaf(0x80000000 + n, 0)]);
    expect(text(...brand)).toMatch(/^univisor virtual CPU\0+$/);
    const [lastHypervisor, ...signature] = cpuidLeaf(0x40000000, 0);
    expect(text(...signature)).toBe('univisor\0\0\0\0');
    expect(lastHypervisor).toBe(0x40000010);
    expect(cpuidLeaf(1, 0)[2] >>> 31).toBe(1);
  });

  it('tells the frequency of the time-stamp counter', () => {
    expect(cpuidLeaf(0x40000010, 0)[0]).toBe(TSC_KILOHERTZ);
    const [denominator, numerator, crystal] = cpuidLeaf(0x15, 0);
    expect((crystal * numerator) / denominator).toBe(TSC_KILOHERTZ * 1000);
  });

  it('answers 0 for what is not there', () => {
    expect(cpuidLeaf(0xd, 3)).toEqual([0, 0, 0, 0]);
    expect(cpuidLeaf(7, 1)).toEqual([0, 0, 0, 0]);
    expect(cpuidLeaf(0xffffffff, 0)).toEqual([0, 0, 0, 0]);
  });

  it('clears the upper halves of the four registers', async () => {
    const world = await SystemWorld.create('long');
    const all = -1n;
    const outcome = world.run({
      code: '0f a2',
      ring: 3,
      registers: { 0: all << 32n, 1: all, 2: all, 3: all },
    });
    expect(outcome.done).toBe(true);
    expect(outcome.registers.slice(0, 4)).toEqual(
      [cpuidLeaf(0, 0)[0], cpuidLeaf(0, 0)[2], cpuidLeaf(0, 0)[3], cpuidLeaf(0, 0)[1]].map(BigInt),
    );
  });
});
