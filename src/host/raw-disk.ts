/**
 * A disk in a file, byte by byte as the guest sees it. Nothing is kept back: a write is a write of the host's, and a flush
 * is an fsync. Leaves out formats that are not raw, growing, and holes: what is discarded stays.
 */
import { closeSync, fstatSync, fsyncSync, openSync, readSync, statSync, writeSync } from 'node:fs';
import { type BlockBackend, BlockError, SECTOR } from '../devices/backends.js';
import { checkKind, explain, ImageFileError } from './image-file.js';
import { systemCode, systemErrorText } from './system-error.js';

const ZEROS = new Uint8Array(64 << 10);

/** What a disk does with its file; the host's, unless a test has others. */
export interface FileCalls {
  read(descriptor: number, into: Uint8Array, offset: number, length: number, position: number): number;
  write(descriptor: number, bytes: Uint8Array, offset: number, length: number, position: number): number;
  sync(descriptor: number): void;
}

const HOST: FileCalls = { read: readSync, write: writeSync, sync: fsyncSync };

export class RawDisk implements BlockBackend {
  readonly size: number;
  readonly readOnly: boolean;
  readonly #descriptor: number;
  readonly #calls: FileCalls;
  /** What became of a flush that failed: nobody knows what is on the disk since. */
  #lost: BlockError | undefined;
  /** Called with the first error. */
  onFailed: ((error: BlockError) => void) | undefined;

  /** @throws ImageFileError if it cannot be opened, or is no whole sectors */
  constructor(path: string, readOnly: boolean, calls: FileCalls = HOST) {
    this.#calls = calls;
    this.readOnly = readOnly;
    try {
      // Before it is opened, which with a pipe would wait.
      checkKind(path, statSync(path));
      this.#descriptor = openSync(path, readOnly ? 'r' : 'r+');
    } catch (cause) {
      throw cause instanceof ImageFileError ? cause : explain(path, cause);
    }
    this.size = fstatSync(this.#descriptor).size;
    if (this.size > 0 && this.size % SECTOR === 0) return;
    closeSync(this.#descriptor);
    const why = `a raw disk has whole sectors of ${SECTOR} bytes, and this file has ${this.size} bytes`;
    throw new ImageFileError('bad-size', path, why);
  }

  read(position: number, into: Uint8Array): void {
    this.#attempt(() => {
      for (let done = 0; done < into.length; ) {
        const read = this.#calls.read(this.#descriptor, into, done, into.length - done, position + done);
        if (read === 0) throw new BlockError('truncated', 'the file became shorter');
        done += read;
      }
    });
  }

  write(position: number, bytes: Uint8Array): void {
    this.#change(() => {
      for (let done = 0; done < bytes.length; )
        done += this.#calls.write(this.#descriptor, bytes, done, bytes.length - done, position + done);
    });
  }

  flush(): void {
    this.#change(() => {
      try {
        this.#calls.sync(this.#descriptor);
      } catch (cause) {
        this.#lost = blockError(cause);
        throw this.#lost;
      }
    });
  }

  discard(): void {}

  zero(position: number, length: number): void {
    for (let done = 0; done < length; done += ZEROS.length)
      this.write(position + done, ZEROS.subarray(0, Math.min(ZEROS.length, length - done)));
  }

  /** Nothing may be done with it afterwards. */
  close(): void {
    closeSync(this.#descriptor);
  }

  #change(action: () => void): void {
    if (this.#lost) throw this.#lost;
    this.#attempt(action);
  }

  #attempt(action: () => void): void {
    try {
      action();
    } catch (cause) {
      const error = blockError(cause);
      const tell = this.onFailed;
      this.onFailed = undefined;
      tell?.(error);
      throw error;
    }
  }
}

function blockError(cause: unknown): BlockError {
  if (cause instanceof BlockError) return cause;
  const isFull = ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(systemCode(cause) ?? '');
  return new BlockError(isFull ? 'no-space' : 'failed', systemErrorText(cause), { cause });
}
