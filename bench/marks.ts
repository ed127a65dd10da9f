/**
 * What a run of the guest `loads` says by when its lines came: one before the work, one after each twentieth of it.
 * The guest's own clock would not do, since under virtual time it knows nothing of the host's.
 */
import { BenchError, type ChildTimes } from './child.js';

/** As in guests/loads/loads.c. */
const MARKS = 20;

export interface LoadTimes {
  /** Seconds from the first mark to the last, warm-up included. */
  readonly whole: number;
  /** Seconds that the whole takes at the pace of its last half. */
  readonly steady: number;
}

/** @throws BenchError unless the output begins with all marks */
export function loadTimes({ output, lines }: Pick<ChildTimes, 'output' | 'lines'>): LoadTimes {
  if (!output.startsWith('.\n'.repeat(MARKS + 1))) {
    throw new BenchError('failed', `marks are missing: ${output}`);
  }
  const at = (mark: number): number => (lines[mark] ?? Number.NaN) / 1000;
  return { whole: at(MARKS) - at(0), steady: 2 * (at(MARKS) - at(MARKS / 2)) };
}
