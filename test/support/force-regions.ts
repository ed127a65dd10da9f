/**
 * Set up before each test file where `UNIVISOR_FORCE_REGIONS` is set: every processor that a test runs makes regions of
 * whatever it runs, at once (fuzz/forced-regions.ts), and in the end some instructions must have run in them.
 */
import { relative } from 'node:path';
import { afterAll, expect } from 'vitest';
import { ForcedTier } from '../../fuzz/forced-regions.js';
import { Cpu } from '../../src/cpu/cpu.js';

/** Files in test/cpu that run no 64-bit code, or only such instructions of it as are left to the interpreter. */
const WITHOUT = new Set(
  `bug-list/09-segment-checks bug-list/11-interrupt-descriptors bug-list/index hostile-invariants mmu/window-bounds mmu/window-range
  semantics/definition-errors semantics/random semantics/reference state system/code-limit system/compatibility-mode system/cpuid system/far-transfer
  system/instruction-pointer system/legacy-paging system/process-context system/system-call system/task-switch
  system/virtual-8086 system/wrap-at-4-gib tiers/generated`
    .split(/\s+/)
    .map((name) => `test/cpu/${name}.test.ts`),
);

let inRegions = 0;
const run = Cpu.prototype.run;

Cpu.prototype.run = function (limit) {
  if (!this.regionStatistics) this.useRegions((host) => new ForcedTier(host));
  const before = this.regionStatistics?.instructions ?? 0;
  const exit = run.call(this, limit);
  inRegions += (this.regionStatistics?.instructions ?? 0) - before;
  return exit;
};

afterAll(() => {
  const file = relative('.', expect.getState().testPath ?? '').replaceAll('\\', '/');
  expect({ file, hasRegions: inRegions > 0 }).toEqual({ file, hasRegions: !WITHOUT.has(file) });
});
