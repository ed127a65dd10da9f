/**
 * A disk that keeps what is written in memory, in clusters, and reads all else from another, which it never writes: a
 * guest may do as it likes, and the other is as it was. What is kept is bounded; beyond that, writing fails.
 */
import { type BlockBackend, BlockError } from '../backends.js';

const CLUSTER = 64 << 10;
/** Bytes kept unless told otherwise. */
const MOST_KEPT = 2 ** 30;

export class OverlayBlock implements BlockBackend {
  readonly size: number;
  readonly readOnly = false;
  readonly #base: BlockBackend;
  readonly #mostClusters: number;
  readonly #clusters = new Map<number, Uint8Array>();

  /** @param mostKept bytes, at least one cluster's */
  constructor(base: BlockBackend, mostKept = MOST_KEPT) {
    this.#base = base;
    this.size = base.size;
    this.#mostClusters = Math.floor(mostKept / CLUSTER);
  }

  read(position: number, into: Uint8Array): void {
    for (const { cluster, from, at, length } of parts(position, into.length)) {
      const kept = this.#clusters.get(cluster);
      const piece = into.subarray(at, at + length);
      if (kept) piece.set(kept.subarray(from, from + length));
      else this.#base.read(cluster * CLUSTER + from, piece);
    }
  }

  write(position: number, bytes: Uint8Array): void {
    for (const { cluster, from, at, length } of parts(position, bytes.length))
      this.#own(cluster).set(bytes.subarray(at, at + length), from);
  }

  flush(): void {}

  discard(): void {}

  zero(position: number, length: number): void {
    for (const part of parts(position, length))
      this.#own(part.cluster).fill(0, part.from, part.from + part.length);
  }

  /** A cluster to write, with what the other disk has in it. */
  #own(cluster: number): Uint8Array {
    const kept = this.#clusters.get(cluster);
    if (kept) return kept;
    if (this.#clusters.size >= this.#mostClusters)
      throw new BlockError('no-space', `more than ${this.#mostClusters * CLUSTER} bytes of changes`);
    const start = cluster * CLUSTER;
    const bytes = new Uint8Array(Math.min(CLUSTER, this.size - start));
    this.#base.read(start, bytes);
    this.#clusters.set(cluster, bytes);
    return bytes;
  }
}

interface Part {
  readonly cluster: number;
  /** Offset in the cluster. */
  readonly from: number;
  /** Offset in the whole. */
  readonly at: number;
  readonly length: number;
}

function* parts(position: number, length: number): Generator<Part> {
  for (let at = 0; at < length; ) {
    const from = (position + at) % CLUSTER;
    const part = { cluster: Math.floor((position + at) / CLUSTER), from, at };
    const taken = Math.min(CLUSTER - from, length - at);
    yield { ...part, length: taken };
    at += taken;
  }
}
