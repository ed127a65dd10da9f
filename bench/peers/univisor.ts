/** Our own command, as built in dist/, under any Node and with any tier. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type ChildTimes, timeChild } from '../child.js';
import { type GuestRun, imageOf, type Peer, root, versionOf } from './peer.js';

const COMMAND = join(root, 'dist/bin/univisor.js');

export interface UnivisorOptions {
  /** Path of a Node; the one that runs the benchmark if left out. */
  readonly node?: string | undefined;
  /** For the command's --tier; its default if left out. */
  readonly tier?: string | undefined;
}

export function univisorPeer({ node, tier }: UnivisorOptions = {}): Peer {
  const command = node ?? process.execPath;
  const version = versionOf(command, ['--version'], /v[\d.]+/);
  const details = [...(tier ? [`--tier ${tier}`] : []), ...(node ? [`Node ${version}`] : [])];
  const tierArguments = tier ? ['--tier', tier] : [];
  return {
    name: ['univisor', ...details].join(', '),
    missing: existsSync(COMMAND) ? undefined : 'not built: npm run build',
    version: () => `univisor ${versionOf(command, [COMMAND, '--version'], /[\d.]+/)} on Node ${version}`,
    run: ({ guest, commandLine, until, timeout }: GuestRun): Promise<ChildTimes> =>
      timeChild({
        command,
        args: [COMMAND, 'run', ...tierArguments, imageOf(guest), '--append', commandLine],
        until,
        timeout,
      }),
  };
}

export const univisor = univisorPeer();
