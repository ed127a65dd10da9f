/** Failed system calls in words, without the codes and calls that Node puts around them. */
import { getSystemErrorMap } from 'node:util';

/** `ENOENT` and its like, when a system call failed. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** What went wrong, such as `no space left on device`; the message of any other error. */
export function systemErrorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const number = 'errno' in error && typeof error.errno === 'number' ? error.errno : undefined;
  const known = number === undefined ? undefined : getSystemErrorMap().get(number);
  return known?.[1] ?? error.message;
}
