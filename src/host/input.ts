/**
 * Where a guest's input comes from, by what stdin is: a file or /dev/null is read when the guest wants it, so that
 * every run is the same; a pipe is streamed; a terminal is streamed in raw mode. Leaves out what keys mean.
 */
import { fstatSync, readSync, type Stats, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { ReadStream } from 'node:tty';
import { enterRawMode } from './raw-mode.js';

export interface Input {
  /** No byte will ever come of itself any more. */
  readonly ended: boolean;
  /** All that there was has been handed over, and there will be no more. */
  readonly exhausted: boolean;
  /** Begins to read. Bytes are handed to `receive`, and the end told by `end`. */
  start(receive: (bytes: Uint8Array) => void, end: () => void): void;
  /** The receiver's queue has run empty: sources that are asked read on. */
  pull(): void;
  /** Stop and go on, for sources that come of themselves. */
  pause(): void;
  resume(): void;
  /** Ends reading and gives the terminal back. */
  close(): void;
}

const CHUNK = 65_536;

/** Reads synchronously when asked, so what the guest gets does not depend on time. */
class FileInput implements Input {
  /** Bytes come only when asked for, so nobody need wait for any. */
  readonly ended = true;
  exhausted = false;
  #receive: ((bytes: Uint8Array) => void) | undefined;

  constructor(readonly descriptor: number) {}

  start(receive: (bytes: Uint8Array) => void): void {
    this.#receive = receive;
    this.pull();
  }

  pull(): void {
    if (this.exhausted || !this.#receive) return;
    const bytes = new Uint8Array(CHUNK);
    const length = this.#read(bytes);
    if (length === 0) this.exhausted = true;
    else this.#receive(bytes.subarray(0, length));
  }

  pause(): void {}
  resume(): void {}
  close(): void {
    this.#receive = undefined;
  }

  /** A file that cannot be read is at its end. */
  #read(bytes: Uint8Array): number {
    try {
      return readSync(this.descriptor, bytes, 0, bytes.length, null);
    } catch {
      return 0;
    }
  }
}

/** Follows a stream that comes of itself. It is not touched before the event loop's first turn. */
export class StreamInput implements Input {
  readonly #open: () => Readable;
  #stream: Readable | undefined;
  #wantsPause = false;
  #closed = false;
  ended = false;

  constructor(open: () => Readable) {
    this.#open = open;
  }

  start(receive: (bytes: Uint8Array) => void, end: () => void): void {
    setImmediate(() => {
      if (this.#closed) return;
      const stream = this.#open();
      const finish = (): void => {
        if (this.ended) return;
        this.ended = true;
        end();
      };
      this.#stream = stream;
      stream.on('data', (chunk: Buffer) => receive(chunk));
      stream.on('end', finish);
      stream.on('close', finish);
      // What cannot be read has ended.
      stream.on('error', finish);
      if (this.#wantsPause) stream.pause();
    });
  }

  get exhausted(): boolean {
    return this.ended;
  }

  pull(): void {}

  pause(): void {
    this.#wantsPause = true;
    this.#stream?.pause();
  }

  resume(): void {
    this.#wantsPause = false;
    this.#stream?.resume();
  }

  close(): void {
    this.#closed = true;
    this.#stream?.destroy();
  }
}

/** A terminal in raw mode, from the moment of `start`. */
class TerminalInput extends StreamInput {
  readonly #terminal: ReadStream;
  #leaveRawMode: (() => void) | undefined;

  constructor(terminal: ReadStream) {
    super(() => terminal);
    this.#terminal = terminal;
  }

  override start(receive: (bytes: Uint8Array) => void, end: () => void): void {
    this.#leaveRawMode = enterRawMode(this.#terminal);
    super.start(receive, end);
  }

  override close(): void {
    this.#leaveRawMode?.();
    super.close();
  }
}

/** What stdin is. A stream is made of it only when it must be, as loading those takes some milliseconds. */
export function stdinInput(): { readonly input: Input; readonly isTerminal: boolean } {
  if (readsAtOnce(0)) return { input: new FileInput(0), isTerminal: false };
  if (isCharacterDevice(0) && process.stdin.isTTY) {
    return { input: new TerminalInput(process.stdin), isTerminal: true };
  }
  return { input: new StreamInput(() => process.stdin), isTerminal: false };
}

/** Whether a read never waits: a regular file, or the null device. */
function readsAtOnce(descriptor: number): boolean {
  const stat = statOf(descriptor);
  return stat !== undefined && (stat.isFile() || (stat.isCharacterDevice() && isNullDevice(stat)));
}

function isNullDevice({ rdev }: Stats): boolean {
  return statSync('/dev/null', { throwIfNoEntry: false })?.rdev === rdev;
}

function isCharacterDevice(descriptor: number): boolean {
  return statOf(descriptor)?.isCharacterDevice() ?? false;
}

/** undefined when there is no such descriptor. */
function statOf(descriptor: number): Stats | undefined {
  try {
    return fstatSync(descriptor);
  } catch {
    return undefined;
  }
}
