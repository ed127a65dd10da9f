/**
 * Feeds mutated images to the loader: each boots, with memory exactly as its plan says, or is refused with an
 * error of ours and nothing written. Running them is another test's.
 */

import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { boot, imageEnd } from '../../src/boot/boot.js';
import { BootError } from '../../src/boot/errors.js';
import { describeImage } from '../../src/image/describe.js';
import { detectImage } from '../../src/image/detect.js';
import { ImageError } from '../../src/image/errors.js';
import { GuestMemory } from '../../src/memory/guest-memory.js';
import { buildElf, CODE, join, note, PT_NOTE, SHT_NOTE } from '../image/builders.js';
import { mutatedImage, randomFrom } from '../image/mutate.js';
import { MIB } from './guest.js';

const SEED = 20_240_229;
const IMAGES = 100_000;
const options = { commandLine: 'a b', modules: [{ bytes: CODE, commandLine: 'module' }] };

// Most images are refused, and a stack trace costs more than the refusal.
const { stackTraceLimit } = Error;
beforeAll(() => {
  Error.stackTraceLimit = 0;
});
afterAll(() => {
  Error.stackTraceLimit = stackTraceLimit;
});
afterEach(() => {
  vi.restoreAllMocks();
});

const ZEROS = new Uint8Array(0x1000);

function equal(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0;
}

it(`boots or refuses ${IMAGES} mutated images (seed ${SEED})`, () => {
  const random = randomFrom(SEED);
  const memory = GuestMemory.standalone(4 * MIB);
  const written: [address: number, length: number][] = [];
  const outcomes = new Map<string, number>();
  for (let index = 0; index < IMAGES; index++) {
    const image = mutatedImage(random);
    const where = `image ${index} of seed ${SEED}`;
    // Instead of a reset: whatever one image wrote is dirt that the next must clear.
    memory.observeWrites(undefined);
    for (const [address, length] of written) memory.fill(address, Math.min(length, 0x10000), 0xaa);
    written.length = 0;
    memory.observeWrites((address, length) => written.push([address, length]));
    let outcome: string;
    try {
      const { plan, elf } = detectImage(image);
      const registers = boot(plan, memory, options);
      outcome = plan.protocol;
      for (const { physicalAddress, bytes, memorySize } of plan.segments) {
        const loaded = memory.bytes(physicalAddress, bytes.length);
        if (!equal(loaded, bytes)) throw new Error(`${where}: a segment was not loaded`);
        const zeros = ZEROS.subarray(0, memorySize - bytes.length);
        const clear = memory.bytes(physicalAddress + bytes.length, zeros.length);
        if (!equal(clear, zeros)) throw new Error(`${where}: memory was not cleared`);
      }
      const rip = registers.mode === 'long64' ? registers.rip : registers.eip;
      if (!memory.contains(rip, 1) || rip >= imageEnd(plan)) throw new Error(`${where}: entry`);
      elf?.symbols.symbolize(rip);
      // A write a segment, a fill a segment, and what the protocol adds.
      if (written.length > 2 * plan.segments.length + 3)
        throw new Error(`${where}: ${written.length} writes`);
    } catch (error) {
      if (!(error instanceof ImageError || error instanceof BootError))
        throw new Error(where, { cause: error });
      if (written.length > 0) throw new Error(`${where}: refused after writing`);
      outcome = error.code;
    }
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  // The mutations must reach deep, or this proves nothing.
  const reached = [...outcomes.keys()].sort();
  expect(reached).toEqual(expect.arrayContaining(['multiboot', 'pvh', 'linux', 'segment-over-video-window']));
  expect(reached.length).toBeGreaterThanOrEqual(18);
  expect((outcomes.get('multiboot') ?? 0) + (outcomes.get('pvh') ?? 0)).toBeGreaterThan(IMAGES / 10);
});

it('describes mutated images without throwing', () => {
  const random = randomFrom(SEED + 1);
  for (let index = 0; index < 5000; index++) {
    const description = describeImage(mutatedImage(random));
    if (description.bootsBy === undefined && description.refusal === undefined)
      throw new Error(`image ${index}`);
    JSON.stringify(description);
  }
});

/** How many fields the action reads from files. */
function countReads(action: () => void): number {
  let reads = 0;
  for (const name of ['getUint8', 'getUint16', 'getUint32', 'getBigUint64'] as const) {
    const original = DataView.prototype[name] as (this: DataView, offset: number, little?: boolean) => never;
    vi.spyOn(DataView.prototype, name).mockImplementation(function (this: DataView, offset, little) {
      reads++;
      return original.call(this, offset, little);
    });
  }
  action();
  vi.restoreAllMocks();
  return reads;
}

const SMALL_NOTES = join(...Array.from({ length: 4000 }, () => note('A', 1, new Uint8Array(0))));

it.each([
  [
    'mutated images',
    () => {
      const random = randomFrom(SEED + 2);
      return Array.from({ length: 2000 }, () => mutatedImage(random));
    },
  ],
  [
    'many segments of the same notes',
    () => {
      const notes = { type: PT_NOTE, bytes: new Uint8Array(0) };
      const image = buildElf({
        segments: [{ type: PT_NOTE, bytes: SMALL_NOTES }, ...Array(1000).fill(notes)],
      });
      for (let index = 1; index <= 1000; index++) image.copyWithin(64 + index * 56, 64, 64 + 56);
      return [image];
    },
  ],
  [
    'many sections of notes',
    () => [
      buildElf({
        sections: Array(5000).fill({ name: '', type: SHT_NOTE, bytes: SMALL_NOTES.subarray(0, 64) }),
      }),
    ],
  ],
])('reads a number of fields bounded by the size of the file: %s', (_, images) => {
  for (const image of images()) {
    const reads = countReads(() => {
      try {
        detectImage(image).elf?.symbols.symbolize(0x100000);
      } catch (error) {
        if (!(error instanceof ImageError)) throw error;
      }
    });
    expect(reads).toBeLessThan(20_000 + 2 * image.length);
  }
});
