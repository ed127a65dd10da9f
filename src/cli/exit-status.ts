/**
 * The exit statuses of `univisor`, in one table. A guest's own status passes through; ours are even, because a guest's
 * exit ports can only give odd ones (`(value << 1) | 1`) and a power-off is 0.
 */
import type { RunResult } from '../hypervisor/run-result.js';

export const ExitStatus = {
  ok: 0,
  reset: 116,
  deadHalt: 118,
  instructionLimit: 120,
  shutdown: 122,
  /** As coreutils' timeout has it. */
  timeout: 124,
  failure: 126,
  /** 128 + SIGINT, as for a program that Ctrl-C ended. */
  quit: 130,
  /** 128 + SIGPIPE. */
  brokenPipe: 141,
} as const;

const MEANINGS: readonly (readonly [status: string | number, meaning: string])[] = [
  ['0-255', "the guest's: 0 after power-off, (value << 1) | 1 from an exit port"],
  [ExitStatus.reset, 'the guest asked for a reset of the machine'],
  [ExitStatus.deadHalt, 'the guest halted and nothing is left that could wake it'],
  [ExitStatus.instructionLimit, '--max-instructions was reached'],
  [ExitStatus.shutdown, 'the processor shut down (triple fault)'],
  [ExitStatus.timeout, '--timeout was reached'],
  [ExitStatus.failure, 'univisor failed: bad usage, unusable image or file, lost output'],
  [ExitStatus.quit, 'Ctrl-A X'],
];

export const EXIT_STATUS_HELP = [
  'Exit status:',
  ...MEANINGS.map(([status, meaning]) => `  ${String(status).padEnd(6)} ${meaning}`),
].join('\n');

/** The status for a run that ended so; `aborted` is the caller's to explain. */
export function exitStatusOf(result: RunResult): number {
  switch (result.reason) {
    case 'exit':
      return result.status;
    case 'shutdown':
      return ExitStatus.shutdown;
    case 'reset':
      return ExitStatus.reset;
    case 'dead-halt':
      return ExitStatus.deadHalt;
    case 'instruction-limit':
      return ExitStatus.instructionLimit;
    case 'timeout':
      return ExitStatus.timeout;
    case 'aborted':
      return ExitStatus.quit;
  }
}
