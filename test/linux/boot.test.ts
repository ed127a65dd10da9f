/**
 * A kernel that nobody here built (kernel.ts): from the 64-bit entry to a shell and to power-off, in either tier alike.
 * Runs where there is one, and nowhere else.
 */
import { beforeAll, expect, it } from 'vitest';
import type { TierName } from '../../src/hypervisor/machine-config.js';
import { type Boot, LINUX_TIME, runLinux } from './kernel.js';

const SCRIPT = `
echo "model: $(grep -m1 'model name' /proc/cpuinfo)"
echo "memory: $(grep MemTotal /proc/meminfo)"
echo "sum: $(dd if=/dev/zero bs=1k count=64 2>/dev/null | sha256sum)"
sleep 1
echo "slept"`;

const boots = new Map<TierName, Boot>();

beforeAll(async () => {
  for (const tier of ['interpreter', 'auto'] as const) boots.set(tier, await runLinux(SCRIPT, [], { tier }));
}, 2 * LINUX_TIME);

it.each(['interpreter', 'auto'] as const)('comes to its shell and powers off (%s)', (tier) => {
  const { output, result } = boots.get(tier) as Boot;
  expect(output).toMatch(/model: model name\s*: univisor virtual CPU/);
  expect(output).toMatch(/memory: MemTotal: +2\d{5} kB/);
  // Of 65,536 zeros, by coreutils.
  expect(output).toContain('sum: de2f256064a0af797747c2b97505dc0b9f3df0de4f489eac731c23ae9ca9cc31');
  expect(output).toContain('slept');
  expect(result).toMatchObject({ reason: 'exit', status: 0 });
});

it('is the same to the last bit in either tier', () => {
  const [interpreter, auto] = [boots.get('interpreter'), boots.get('auto')] as [Boot, Boot];
  expect(auto.inRegions).toBeGreaterThan(auto.instructions / 2);
  expect(interpreter.inRegions).toBe(0);
  expect([auto.instructions, auto.output]).toEqual([interpreter.instructions, interpreter.output]);
  expect(auto.hash).toBe(interpreter.hash);
});
