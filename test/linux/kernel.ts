/**
 * A kernel that nobody here built, Debian's for clouds, with Debian's busybox: made to run a shell script and to power off.
 * UNIVISOR_LINUX names the kernel's file, as its package has it, and UNIVISOR_BUSYBOX a static busybox (see .ci/run).
 */
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { MemoryConsole } from '../../src/devices/memory-console.js';
import { Machine } from '../../src/hypervisor/machine.js';
import type { MachineConfig } from '../../src/hypervisor/machine-config.js';
import type { RunResult } from '../../src/hypervisor/run-result.js';
import { initramfs } from '../support/initramfs.js';

const FOLDERS = ['bin', 'dev', 'proc', 'sys', 'mnt', 'modules'];
/** More than twice what a boot takes. */
const LIMIT = 5e9;
export const LINUX_TIME = 200_000;

export interface Boot {
  readonly output: string;
  readonly result: RunResult;
  readonly instructions: number;
  readonly hash: string;
  readonly inRegions: number;
}

/**
 * Runs lines of a shell in which busybox' programs are at hand.
 * @param modules of the kernel's own, which are loaded first: below `kernel`, such as `drivers/virtio/virtio`
 */
export async function runLinux(
  script: string,
  modules: readonly string[],
  config: Omit<Partial<MachineConfig>, 'image' | 'modules' | 'console'>,
): Promise<Boot> {
  const console = new MemoryConsole();
  const ramdisk = initramfs([
    ...FOLDERS.map((path) => ({ path })),
    { path: 'bin/busybox', bytes: readFileSync(fileNamed('UNIVISOR_BUSYBOX')) },
    ...modules.map((module) => ({ path: inGuest(module), bytes: readFileSync(moduleFile(module)) })),
    { path: 'init', bytes: Buffer.from(init(script, modules)) },
  ]);
  const machine = await Machine.create({
    image: readFileSync(fileNamed('UNIVISOR_LINUX')),
    modules: [{ bytes: ramdisk, commandLine: 'initramfs' }],
    commandLine: 'console=ttyS0 panic=-1 quiet',
    memory: 256 << 20,
    firmware: 'pc',
    console,
    ...config,
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

function init(script: string, modules: readonly string[]): string {
  return `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
${modules.map((module) => `insmod /${inGuest(module)}`).join('\n')}
${script}
poweroff -f
`;
}

function inGuest(module: string): string {
  return `modules/${basename(module)}.ko`;
}

/** The package has `boot/vmlinuz-VERSION` and `lib/modules/VERSION` side by side. */
function moduleFile(module: string): string {
  const kernel = fileNamed('UNIVISOR_LINUX');
  const version = basename(kernel).replace('vmlinuz-', '');
  return join(dirname(kernel), '..', 'lib/modules', version, 'kernel', `${module}.ko`);
}

function fileNamed(variable: string): string {
  const path = process.env[variable];
  if (path === undefined) throw new Error(`${variable} names no file`);
  return path;
}
