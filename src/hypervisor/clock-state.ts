/** A clock's time as plain data, to be saved with a machine; when it comes back it is input, and checked. */

export interface ClockState {
  /** Time since reset: whole seconds and the nanoseconds of the next. */
  readonly seconds: number;
  readonly nanoseconds: number;
  /** Wall time at reset, milliseconds since the Unix epoch. */
  readonly epoch: number;
}

/** A saved time that cannot be restored. */
export class ClockError extends Error {
  readonly code = 'CLOCK_STATE';

  constructor(message: string) {
    super(message);
    this.name = 'ClockError';
  }
}

export const MILLISECOND = 1_000_000n;
const SECOND = 1_000_000_000n;

/** The end of the year 9999, milliseconds since 1970: as far as an RTC can tell. */
const LAST_EPOCH = 253_402_300_799_999;

/** @param now nanoseconds since reset */
export function clockState(now: bigint, epoch: number): ClockState {
  return { seconds: Number(now / SECOND), nanoseconds: Number(now % SECOND), epoch };
}

/** Nanoseconds since reset. Throws ClockError. */
export function savedTime({ seconds, nanoseconds, epoch }: ClockState): bigint {
  if (!Number.isSafeInteger(seconds) || seconds < 0) {
    throw new ClockError(`saved time ${seconds} is not seconds`);
  }
  if (!Number.isInteger(nanoseconds) || nanoseconds < 0 || nanoseconds >= Number(SECOND)) {
    throw new ClockError(`saved time ${nanoseconds} is not nanoseconds of a second`);
  }
  if (!Number.isInteger(epoch) || epoch < 0 || epoch > LAST_EPOCH) {
    throw new ClockError(`saved epoch ${epoch} is not milliseconds since 1970`);
  }
  return BigInt(seconds) * SECOND + BigInt(nanoseconds);
}
