/** Any error as the one or two lines that the user sees; a stack only for what should not happen, and when asked. */

import { BootError } from '../boot/errors.js';
import { ImageFileError } from '../host/image-file.js';
import { OutputError } from '../host/output.js';
import { MachineError } from '../hypervisor/machine-config.js';
import { ImageError } from '../image/errors.js';
import { UsageError } from './usage-error.js';

/** An error that concerns one file, which the message then names. */
export class FileFailure extends Error {
  override readonly name = 'FileFailure';

  constructor(
    readonly path: string,
    override readonly cause: Error,
  ) {
    super(`${path}: ${cause.message}`, { cause });
  }
}

/** Runs an action on a file; what it refuses names the file. */
export async function concerning<T>(path: string, action: () => T | Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const known =
      error instanceof ImageError || error instanceof BootError || error instanceof ImageFileError;
    throw known ? new FileFailure(path, error) : error;
  }
}

/** What `run --json` prints in the place of a run. */
export function failureJson(error: unknown, exitStatus: number): Record<string, unknown> {
  return { reason: 'failure', message: messageOf(error), exitStatus };
}

export function failureText(error: unknown, debug: boolean): string {
  const known =
    error instanceof UsageError ||
    error instanceof FileFailure ||
    error instanceof MachineError ||
    error instanceof ImageFileError ||
    error instanceof OutputError;
  const lines = [`univisor: ${known ? '' : 'internal error: '}${messageOf(error)}`];
  if (debug) lines.push(error instanceof Error ? stackOf(error) : '');
  else if (!known) lines.push('Set UNIVISOR_DEBUG=1 for the stack, and please report this.');
  return `${lines.join('\n')}\n`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : '';
  return `${error.stack ?? ''}${cause}`;
}
