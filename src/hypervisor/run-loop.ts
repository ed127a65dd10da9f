/**
 * Run, exit, handle, repeat. The CPU runs to the next timer or the end of a slice; between slices timers fire, output
 * is handed on and the host's event loop turns. Where the CPU stops in between is bounded by instructions and not by
 * time, so that under the virtual clock a guest runs the same every time.
 */
import type { Cpu } from '../cpu/cpu.js';
import type { Console } from '../devices/backends.js';
import type { Device } from '../devices/device.js';
import { handleHalt, idleUntil } from './exits/halt.js';
import { nextTurn, type Wake } from './pause.js';
import type { MachineReport } from './report.js';
import type { RunOptions, RunResult } from './run-result.js';
import type { MachineClock } from './virtual-clock.js';

/**
 * Instructions between two looks at timers and the time. The CPU's runs end here, at a timer or where the guest stops,
 * and nowhere else, so that even a guest that changes page tables without telling the TLB runs the same every time.
 */
const GLANCE = 50_000;
/** Milliseconds after which the event loop turns. Which run a slice ends after makes no difference to the guest. */
const SLICE = 15;

/** How a guest asked to end, as its devices said. */
export type PowerRequest = { readonly kind: 'exit'; readonly status: number } | { readonly kind: 'reset' };

/** The machine as the loop sees it. */
export interface Runnable {
  readonly cpu: Cpu;
  readonly clock: MachineClock;
  readonly devices: readonly Device[];
  readonly consoles: readonly Console[];
  readonly wake: Wake;
  /** A device's interrupt would come as an NMI. */
  nmiPossible(): boolean;
  /** In S3. */
  asleep(): boolean;
  /** Leaves S3 if something has come to wake the machine; answers whether it did. */
  tryToWake(): boolean;
  /** What was asked of the power switch since it was last asked. */
  takePowerRequest(): PowerRequest | undefined;
  report(): MachineReport;
  /** Told once that the guest has run for a whole slice: what costs time to prepare may pay now. */
  readonly worthwhile?: () => void;
}

/** A result without its instruction count. */
export type Ending = RunResult extends infer R
  ? R extends RunResult
    ? Omit<R, 'instructions'>
    : never
  : never;

export async function runLoop(machine: Runnable, options: RunOptions): Promise<RunResult> {
  const { cpu, clock } = machine;
  const start = cpu.retired;
  const limit = start + (options.maxInstructions ?? Number.POSITIVE_INFINITY);
  const deadline = performance.now() + (options.timeout ?? Number.POSITIVE_INFINITY);
  const abort = (): void => machine.wake.raise();
  options.signal?.addEventListener('abort', abort);
  try {
    for (let turns = 0; ; turns++) {
      const ending = await turn(machine, limit, deadline, options.signal);
      if (turns === 0) machine.worthwhile?.();
      if (ending) return { ...ending, instructions: cpu.retired - start } as RunResult;
    }
  } finally {
    options.signal?.removeEventListener('abort', abort);
    flush(machine);
    clock.runDue();
  }
}

/** One slice and what comes between it and the next. */
async function turn(
  machine: Runnable,
  limit: number,
  deadline: number,
  signal: AbortSignal | undefined,
): Promise<Ending | undefined> {
  if (signal?.aborted) return { reason: 'aborted' };
  if (performance.now() >= deadline) return { reason: 'timeout' };
  const ending = slice(machine, limit);
  flush(machine);
  if (ending === 'wait') {
    const sleep = machine.clock.skipToTimer();
    await machine.wake.wait(Math.min(sleep, deadline - performance.now()));
  } else if (ending) return ending;
  for (const console of machine.consoles) await console.drained();
  if (ending !== 'wait') await nextTurn();
  return undefined;
}

/** Runs to the end of a slice, or until there is nothing to do. */
function slice(machine: Runnable, limit: number): Ending | 'wait' | undefined {
  const { cpu, clock } = machine;
  const end = performance.now() + SLICE;
  while (cpu.retired < limit && performance.now() < end) {
    clock.runDue();
    if (machine.asleep()) {
      const outcome = idleUntil(machine, () => machine.tryToWake());
      if (outcome === 'dead') return { reason: 'dead-halt', report: machine.report() };
      if (outcome === 'wait') return 'wait';
    }
    const untilTimer = Math.max(1, clock.instructionsUntilTimer());
    const exit = cpu.run(Math.min(limit - cpu.retired, untilTimer, GLANCE));
    switch (exit.kind) {
      case 'limit':
        break;
      case 'shutdown':
        return { reason: 'shutdown', report: machine.report() };
      case 'stopped': {
        const ending = power(machine.takePowerRequest());
        if (ending) return ending;
        break;
      }
      case 'halt': {
        const outcome = handleHalt(machine);
        if (outcome === 'dead') return { reason: 'dead-halt', report: machine.report() };
        if (outcome === 'wait') return 'wait';
      }
    }
  }
  return cpu.retired >= limit ? { reason: 'instruction-limit' } : undefined;
}

function power(request: PowerRequest | undefined): Ending | undefined {
  if (request?.kind === 'exit') return { reason: 'exit', status: request.status };
  return request ? { reason: 'reset' } : undefined;
}

function flush(machine: Runnable): void {
  for (const device of machine.devices) device.flush?.();
}
