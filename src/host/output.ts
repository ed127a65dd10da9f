/**
 * Where a guest's output goes: a stream of Node's, with back pressure and with an end that is not a crash when the
 * reader has gone. Leaves out input.
 */
import { createWriteStream, openSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { explain, systemCode } from './image-file.js';

export interface Output {
  /** The bytes are copied when they must wait. */
  write(bytes: Uint8Array): void;
  /** undefined while there is room, else a promise that settles when there is again, or never will be. */
  drained(): Promise<void> | undefined;
  /** Resolves when everything is written or nothing more can be. */
  finish(): Promise<void>;
}

/** Writes to a stream that this object neither opened nor closes, such as stdout. */
export class StreamOutput implements Output {
  readonly #stream: Writable;
  #full: Promise<void> | undefined;
  #release: (() => void) | undefined;
  #failed = false;
  /** Called once when the reader has gone (EPIPE) or the stream failed; later output is dropped. */
  onFailed: ((error: Error) => void) | undefined;

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on('drain', () => this.#resume());
    stream.on('error', (error) => this.#fail(error));
  }

  write(bytes: Uint8Array): void {
    if (this.#failed) return;
    if (this.#stream.write(bytes.slice())) return;
    this.#full ??= new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  drained(): Promise<void> | undefined {
    return this.#full;
  }

  async finish(): Promise<void> {
    if (this.#failed || this.#stream.writableLength === 0) return;
    await new Promise<void>((resolve) => {
      this.#stream.once('error', () => resolve());
      this.#stream.write('', () => resolve());
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

/** @throws ImageFileError when it cannot be opened */
export function openFileOutput(path: string): StreamOutput {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'w');
  } catch (cause) {
    throw explain(path, cause);
  }
  return new StreamOutput(createWriteStream('', { fd: descriptor }));
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
