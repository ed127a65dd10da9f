/** What a driver reads of a disk, and which features it has (virtio 1.2, 5.2.3 and 5.2.4). */
import type { AccessWidth } from '../../device.js';

export const BlockFeature = {
  sizeMax: 1n << 1n,
  segmentMax: 1n << 2n,
  readOnly: 1n << 5n,
  blockSize: 1n << 6n,
  flush: 1n << 9n,
  multiQueue: 1n << 12n,
  discard: 1n << 13n,
  writeZeroes: 1n << 14n,
} as const;

/** Parts of one request's data, and bytes of each: together what one request may be. */
export const MOST_SEGMENTS = 126;
export const MOST_SEGMENT_BYTES = 16 << 10;
/** Sectors that one discard or write of zeros may name, in one range. */
export const MOST_RANGE_SECTORS = 4096;

export interface DiskShape {
  readonly sectors: number;
  readonly sectorSize: number;
  readonly queues: number;
  readonly readOnly: boolean;
}

export function blockFeatures({ readOnly, queues }: DiskShape): bigint {
  const { sizeMax, segmentMax, blockSize, flush, discard, writeZeroes, multiQueue } = BlockFeature;
  const always = sizeMax | segmentMax | blockSize | flush;
  const changing = readOnly ? BlockFeature.readOnly : discard | writeZeroes;
  return always | changing | (queues > 1 ? multiQueue : 0n);
}

const SIZE = 60;

/** The configuration space; fields of features that it has not are 0. */
export class BlockConfig {
  readonly #view = new DataView(new ArrayBuffer(SIZE));

  constructor({ sectors, sectorSize, queues, readOnly }: DiskShape) {
    const view = this.#view;
    view.setBigUint64(0, BigInt(sectors), true);
    view.setUint32(8, MOST_SEGMENT_BYTES, true);
    view.setUint32(12, MOST_SEGMENTS, true);
    view.setUint32(20, sectorSize, true);
    view.setUint16(34, queues, true);
    if (readOnly) return;
    view.setUint32(36, MOST_RANGE_SECTORS, true);
    view.setUint32(40, 1, true);
    view.setUint32(44, 1, true);
    view.setUint32(48, MOST_RANGE_SECTORS, true);
    view.setUint32(52, 1, true);
  }

  read(offset: number, width: AccessWidth): number {
    let value = 0;
    for (let n = width - 1; n >= 0; n--)
      value = value * 256 + (offset + n < SIZE ? this.#view.getUint8(offset + n) : 0);
    return value;
  }
}
