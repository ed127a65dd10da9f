/** A disk in memory, which is gone with its host. Leaves out growing. */
import { type BlockBackend, SECTOR } from '../backends.js';

export class MemoryBlock implements BlockBackend {
  readonly size: number;
  readonly readOnly: boolean;
  readonly bytes: Uint8Array;

  /** @param bytes its contents, not copied. Throws RangeError unless they are whole sectors */
  constructor(bytes: Uint8Array, readOnly = false) {
    if (bytes.length % SECTOR !== 0) throw new RangeError(`${bytes.length} bytes are no whole sectors`);
    this.bytes = bytes;
    this.size = bytes.length;
    this.readOnly = readOnly;
  }

  read(position: number, into: Uint8Array): void {
    into.set(this.bytes.subarray(position, position + into.length));
  }

  write(position: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, position);
  }

  flush(): void {}

  discard(): void {}

  zero(position: number, length: number): void {
    this.bytes.fill(0, position, position + length);
  }
}
