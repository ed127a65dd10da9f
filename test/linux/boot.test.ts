/**
 * A kernel that nobody here built, Debian's for clouds, with Debian's busybox: from the 64-bit entry to a shell and to
 * power-off, in either tier alike. Runs where UNIVISOR_LINUX names the kernel's file and UNIVISOR_BUSYBOX a static busybox
 * (see .ci/run), and nowhere else.
 */
import { readFileSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import { MemoryConsole } from '../../src/devices/memory-console.js';
import { Machine } from '../../src/hypervisor/machine.js';
import type { TierName } from '../../src/hypervisor/machine-config.js';
import type { RunResult } from '../../src/hypervisor/run-result.js';
import { initramfs } from '../support/initramfs.js';

const SCRIPT = `#!/bin/busybox sh
/bin/busybox mount -t proc none /proc
/bin/busybox mount -t sysfs none /sys
/bin/busybox mount -t devtmpfs none /dev
echo "model: $(/bin/busybox grep -m1 'model name' /proc/cpuinfo)"
echo "memory: $(/bin/busybox grep MemTotal /proc/meminfo)"
echo "sum: $(/bin/busybox dd if=/dev/zero bs=1k count=64 2>/dev/null | /bin/busybox sha256sum)"
/bin/busybox sleep 1
echo "slept"
/bin/busybox poweroff -f
`;
const FOLDERS = ['bin', 'dev', 'proc', 'sys'];
/** More than twice what a boot takes. */
const LIMIT = 5e9;
const TIME = 200_000;

interface Boot {
  readonly output: string;
  readonly result: RunResult;
  readonly instructions: number;
  readonly hash: string;
  readonly inRegions: number;
}

const boots = new Map<TierName, Boot>();

async function start(tier: TierName): Promise<Boot> {
  const console = new MemoryConsole();
  const ramdisk = initramfs([
    ...FOLDERS.map((path) => ({ path })),
    { path: 'bin/busybox', bytes: readFileSync(fileNamed('UNIVISOR_BUSYBOX')) },
    { path: 'init', bytes: Buffer.from(SCRIPT) },
  ]);
  const machine = await Machine.create({
    image: readFileSync(fileNamed('UNIVISOR_LINUX')),
    modules: [{ bytes: ramdisk, commandLine: 'initramfs' }],
    commandLine: 'console=ttyS0 panic=-1 quiet',
    memory: 256 << 20,
    firmware: 'pc',
    tier,
    console,
  });
  const result = await machine.run({ maxInstructions: LIMIT });
  return {
    output: console.text,
    result,
    instructions: machine.instructions,
    hash: await machine.memoryHash(),
    inRegions: machine.regionStatistics?.instructions ?? 0,
  };
}

function fileNamed(variable: string): string {
  const path = process.env[variable];
  if (path === undefined) throw new Error(`${variable} names no file`);
  return path;
}

beforeAll(async () => {
  for (const tier of ['interpreter', 'auto'] as const) boots.set(tier, await start(tier));
}, 2 * TIME);

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
