/**
 * Command lines as bytes for the guest: UTF-8 with a NUL. Leaves out quoting, which is the guest's affair.
 */

import { BootError } from './errors.js';

/** Bytes with the NUL. Linux takes 2048 and Solo5 8192; this only keeps the tables below 640 KiB. */
export const COMMAND_LINE_LIMIT = 65536;

/** @param what for the message, such as `the command line` @throws BootError when too long or with a NUL in it */
export function zeroTerminated(text: string, what: string): Uint8Array {
  if (text.includes('\0')) {
    throw new BootError(
      'bad-command-line',
      `${what} holds a NUL at character ${text.indexOf('\0')}: remove it`,
    );
  }
  const bytes = new TextEncoder().encode(`${text}\0`);
  if (bytes.length > COMMAND_LINE_LIMIT) {
    throw new BootError(
      'command-line-too-long',
      `${what} takes ${bytes.length} bytes with its NUL, the limit is ${COMMAND_LINE_LIMIT}: ` +
        'shorten it, or pass the data as a module (--initrd)',
    );
  }
  return bytes;
}
