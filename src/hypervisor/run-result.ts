/** How a run ended, as values; the command line and programs turn them into words and exit statuses. */
import type { MachineReport } from './report.js';

export type RunResult = { readonly instructions: number } & (
  | /** The guest left through an exit port or turned the power off (status 0). */ {
      readonly reason: 'exit';
      readonly status: number;
    }
  /** A triple fault: the processor shut down. */
  | { readonly reason: 'shutdown'; readonly report: MachineReport }
  /** The guest asked for a reset of the machine. */
  | { readonly reason: 'reset' }
  /** HLT with interrupts off, or with nothing left that could interrupt: the guest can never go on. */
  | { readonly reason: 'dead-halt'; readonly report: MachineReport }
  | { readonly reason: 'instruction-limit' }
  | { readonly reason: 'timeout' }
  /** The caller's signal. */
  | { readonly reason: 'aborted' }
);

export interface RunOptions {
  /** Stop after so many instructions in this run. */
  readonly maxInstructions?: number;
  /** Stop after so much real time, milliseconds. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}
