/** Our own command, as built in dist/. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BenchError, type ChildTimes, timeChild } from '../child.js';
import { type GuestRun, imageOf, type Peer, root, versionOf } from './peer.js';

export const COMMAND = join(root, 'dist/bin/univisor.js');

export const univisor: Peer = {
  name: 'univisor',
  missing: existsSync(COMMAND) ? undefined : 'not built: npm run build',
  version: () => `univisor ${versionOf(process.execPath, [COMMAND, '--version'], /[\d.]+/)}`,
  run: ({ guest, commandLine, until, timeout }: GuestRun): Promise<ChildTimes> =>
    timeChild({
      command: process.execPath,
      args: [COMMAND, 'run', imageOf(guest), '--append', commandLine],
      until,
      timeout,
    }),
};

/** Instructions that a guest takes from its start to its end; the same in every run. */
export function countInstructions(guest: string, commandLine: string, timeout: number): number {
  const args = [COMMAND, 'run', imageOf(guest), '--append', commandLine, '--json'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    timeout,
    killSignal: 'SIGKILL',
  });
  if (status !== 0) throw new BenchError('failed', `univisor ended with ${status}: ${stderr}`);
  const report: unknown = JSON.parse(stdout);
  if (typeof report === 'object' && report !== null && 'instructions' in report) {
    return Number(report.instructions);
  }
  throw new BenchError('failed', `no instruction count in ${stdout}`);
}
