/**
 * Where a guest's output goes: a stream of Node's, with back pressure and with an end that is not a crash when the
 * reader has gone. Leaves out input.
 */
import { createWriteStream, openSync, writeSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { explain, ImageFileError } from './image-file.js';
import { systemCode, systemErrorText } from './system-error.js';

export interface Output {
  /** The bytes are copied when they must wait. */
  write(bytes: Uint8Array): void;
  /** undefined while there is room, else a promise that settles when there is again, or never will be. */
  drained(): Promise<void> | undefined;
  /** Resolves when everything is written or nothing more can be. */
  finish(): Promise<void>;
}

/** Bytes that a pipe surely takes at once when nothing was written to it before. */
const FIRST_WRITE = 4096;

/** Writes to a stream that this object neither opened nor closes, such as stdout. */
export class StreamOutput implements Output {
  readonly #open: () => Writable;
  /** Where the first bytes may go past the stream. */
  #direct: number | undefined;
  #stream: Writable | undefined;
  #full: Promise<void> | undefined;
  #release: (() => void) | undefined;
  #failed = false;
  /** Called once when the reader has gone (EPIPE) or the stream failed; later output is dropped. */
  onFailed: ((error: Error) => void) | undefined;

  /**
   * @param stream or what makes it, when it is first needed
   * @param descriptor of the same file, when the first bytes may be written to it at once: making a stream for stdout
   * takes some milliseconds, and a user waits for the first byte
   */
  constructor(stream: Writable | (() => Writable), descriptor?: number) {
    this.#open = typeof stream === 'function' ? stream : () => stream;
    this.#direct = descriptor;
  }

  write(bytes: Uint8Array): void {
    if (this.#failed) return;
    const rest = this.#writeDirectly(bytes);
    if (rest.length === 0 || this.#made.write(rest.slice())) return;
    this.#full ??= new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  /** Writes the first bytes of all past the stream; the bytes that are left for it. */
  #writeDirectly(bytes: Uint8Array): Uint8Array {
    const descriptor = this.#direct;
    if (descriptor === undefined) return bytes;
    this.#direct = undefined;
    try {
      return bytes.subarray(writeSync(descriptor, bytes, 0, Math.min(bytes.length, FIRST_WRITE)));
    } catch {
      // The stream meets the same error, and waits where it is only that there is no room.
      return bytes;
    }
  }

  get #made(): Writable {
    if (this.#stream === undefined) {
      this.#stream = this.#open();
      this.#stream.on('drain', () => this.#resume());
      this.#stream.on('error', (error) => this.#fail(error));
    }
    return this.#stream;
  }

  drained(): Promise<void> | undefined {
    return this.#full;
  }

  async finish(): Promise<void> {
    const stream = this.#stream;
    // A stream tells of its errors a little later, when nothing may wait any more.
    if (this.#failed || stream === undefined || (stream.writableLength === 0 && !stream.errored)) return;
    await new Promise<void>((resolve) => {
      stream.once('error', () => resolve());
      stream.write('', (error) => {
        if (error) this.#fail(stream.errored ?? error);
        resolve();
      });
    });
  }

  #resume(): void {
    this.#release?.();
    this.#full = undefined;
    this.#release = undefined;
  }

  #fail(error: Error): void {
    this.#resume();
    if (this.#failed) return;
    this.#failed = true;
    this.onFailed?.(error);
  }
}

export function stdoutOutput(): StreamOutput {
  return new StreamOutput(() => process.stdout, 1);
}

/** @throws ImageFileError when it cannot be opened */
export function openFileOutput(path: string): StreamOutput {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'w');
  } catch (cause) {
    if (systemCode(cause) !== 'ENOENT' || path === '') throw explain(path, cause);
    throw new ImageFileError('missing', path, 'the folder for it does not exist', { cause });
  }
  return new StreamOutput(createWriteStream('', { fd: descriptor }));
}

/** What could not be written, by the name that the user knows; `cause` is what the stream said. */
export class OutputError extends Error {
  override readonly name = 'OutputError';

  constructor(what: string, cause: Error) {
    super(`${what} could not be written: ${systemErrorText(cause)}`, { cause });
  }
}

/** Whether a stream failed only because nobody reads it any more. */
export function readerHasGone(error: Error): boolean {
  const code = systemCode(error);
  return code === 'EPIPE' || code === 'ECONNRESET' || code === 'EIO';
}

/** Keeps the output, up to a limit. */
export class CollectedOutput implements Output {
  readonly #pieces: Uint8Array[] = [];
  #length = 0;
  /** Bytes that came after the limit and were not kept. */
  dropped = 0;

  /** @param limit bytes */
  constructor(readonly limit: number) {}

  write(bytes: Uint8Array): void {
    const kept = bytes.slice(0, this.limit - this.#length);
    this.#pieces.push(kept);
    this.#length += kept.length;
    this.dropped += bytes.length - kept.length;
  }

  drained(): undefined {
    return undefined;
  }

  async finish(): Promise<void> {}

  get bytes(): Uint8Array {
    const whole = new Uint8Array(this.#length);
    let offset = 0;
    for (const piece of this.#pieces) {
      whole.set(piece, offset);
      offset += piece.length;
    }
    return whole;
  }
}
