/**
 * A digest of guest RAM that costs what the guest uses: SHA-256 over the SHA-256 of every MiB that is not all zero, each
 * after its number as 32 bits. RAM of the same size and contents has the same digest.
 */
import { type GuestMemory, VIDEO_WINDOW_END, VIDEO_WINDOW_START } from '../memory/guest-memory.js';

const CHUNK = 1 << 20;
const DIGEST = 32;

export async function hashMemory(memory: GuestMemory): Promise<string> {
  const digests: Uint8Array[] = [];
  for (let start = 0; start < memory.size; start += CHUNK) {
    const chunk = chunkAt(memory, start);
    if (isZero(chunk)) continue;
    const entry = new Uint8Array(4 + DIGEST);
    new DataView(entry.buffer).setUint32(0, start / CHUNK);
    entry.set(await sha256(chunk), 4);
    digests.push(entry);
  }
  const all = new Uint8Array(digests.length * (4 + DIGEST));
  digests.forEach((entry, n) => {
    all.set(entry, n * entry.length);
  });
  return Array.from(await sha256(all), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A copy, the video window as zeros: it is not RAM. */
function chunkAt(memory: GuestMemory, start: number): Uint8Array<ArrayBuffer> {
  const chunk = new Uint8Array(Math.min(CHUNK, memory.size - start));
  const copy = (from: number, to: number): void => {
    const bytes = from < to ? memory.bytes(from, to - from) : undefined;
    if (bytes) chunk.set(bytes, from - start);
  };
  const end = start + chunk.length;
  if (start > 0) copy(start, end);
  else {
    copy(0, Math.min(end, VIDEO_WINDOW_START));
    copy(VIDEO_WINDOW_END, end);
  }
  return chunk;
}

function isZero(chunk: Uint8Array<ArrayBuffer>): boolean {
  const words = new Int32Array(chunk.buffer);
  for (let n = 0; n < words.length; n++) if (words[n] !== 0) return false;
  return true;
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
}
