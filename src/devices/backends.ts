/**
 * What a device gets from outside: time, a console, an interrupt line, the power switch, random bytes, a disk.
 *
 * Leaves out the implementations: src/host has those that use Node, src/hypervisor the clocks and the wiring.
 */

/** Time as the guest lives it. */
export interface Clock {
  /** Nanoseconds since reset, which never go back. There is no last one: a guest may sleep for centuries. */
  now(): bigint;
  /**
   * Runs `action` once, when `now()` has reached `deadline` (nanoseconds).
   * It never runs inside `schedule`, even when the deadline is past, and equal deadlines run in the order scheduled.
   */
  schedule(deadline: bigint, action: () => void): Timer;
}

export interface Timer {
  /** Idempotent; does nothing once the action has run. */
  cancel(): void;
}

export interface WallClock {
  /** Milliseconds since the Unix epoch, UTC, at `Clock.now()`; exact for 285,000 years. */
  wallTime(): number;
}

/**
 * A byte stream in both directions, such as a terminal.
 *
 * Host to guest nothing is lost: the device takes what fits its bounded queue, the backend keeps the rest,
 * bounds its own queue and stops reading its source when that is full.
 * Guest to host nothing is lost either: `write` always takes everything, and the run loop stops between
 * slices while `drained()` is a promise, so that at most one slice's output is ever queued.
 */
export interface Console {
  /** Guest to host. The bytes are only valid during the call: copy what is kept. */
  write(bytes: Uint8Array): void;
  /** The device's receiver; at most one, a later one replaces it. Bytes already waiting are offered at once. */
  connect(receiver: ConsoleReceiver): void;
  /** The device has room again after its receiver refused bytes: offer the rest. May call the receiver. */
  ready(): void;
  /** undefined while there is room for output, else a promise that settles when there is again. */
  drained(): Promise<void> | undefined;
  /** No more input will ever come: a guest that only waits for some can be given up. */
  readonly closed: boolean;
  /** Set by the machine, called by the backend when `closed` becomes true. */
  onClosed: (() => void) | undefined;
}

/** Takes bytes from the front and answers how many, 0 to `bytes.length`. They are only valid during the call. */
export type ConsoleReceiver = (bytes: Uint8Array) => number;

/** One input of an interrupt controller. */
export interface InterruptLine {
  /** The level of the line. Setting it to what it is does nothing. */
  set(asserted: boolean): void;
}

/** How a guest ends its own run. The machine acts on it at the end of the instruction. */
export interface PowerControl {
  /** The guest asked to stop with this exit status, 0–255. */
  exit(status: number): void;
  /** The guest turned the power off: status 0. */
  powerOff(): void;
  /** The guest asked for a reset of the whole machine. */
  reset(): void;
  /**
   * The guest sleeps in S3: the processor stops and loses its state, memory stays, until the real-time clock's alarm if
   * `alarmWakes`. Ignored by a machine without firmware that could go on afterwards.
   */
  suspend(alarmWakes: boolean): void;
}

/** An endless run of random bytes, the same for the same seed: whoever reads it remembers how far. */
export interface EntropySource {
  /** @param from the first byte's place, below 2^53 @param count below 2^20 */
  bytes(from: number, count: number): Uint8Array;
}

/** Bytes of which a disk's size, and every position and length, are multiples. */
export const SECTOR = 512;

/**
 * A disk. Every call is done when it returns, and throws BlockError if it could not be done. Positions and lengths are in
 * bytes, multiples of a sector, and inside the disk: that is for the device to see to.
 */
export interface BlockBackend {
  /** Bytes; never changes. */
  readonly size: number;
  /** Nobody may call what changes it. */
  readonly readOnly: boolean;
  /** Fills all of `into`. */
  read(position: number, into: Uint8Array): void;
  /** The bytes are only valid during the call. */
  write(position: number, bytes: Uint8Array): void;
  /** What was written before is where it outlives its host. Once that failed, it and every write fail ever after. */
  flush(): void;
  /** Nobody needs these bytes any more: they may stay as they are or become zeros. */
  discard(position: number, length: number): void;
  zero(position: number, length: number): void;
}

export type BlockErrorCode =
  /** The host's disk is full, or what may be kept in memory is. */
  | 'no-space'
  /** The file became shorter than it was. */
  | 'truncated'
  /** Whatever else the host said; see `cause`. */
  | 'failed';

/** A disk could not do what was asked. The guest finds an I/O error. */
export class BlockError extends Error {
  constructor(
    readonly code: BlockErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'BlockError';
  }
}
