/**
 * The entropy device: every buffer that the driver gives comes back full of random bytes (virtio 1.2, 5.4).
 *
 * Leaves out where they come from. A notification fills at most `MOST_BYTES`, so that a guest that asks for gigabytes
 * cannot hold up its host; a longer buffer comes back in part, which the specification allows.
 */
import type { EntropySource } from '../../backends.js';
import type { AccessWidth, DeviceState } from '../../device.js';
import { parseState, record } from '../../state-schema.js';
import type { VirtioClass, VirtioLink } from '../device-class.js';
import { lengthOf, scatter } from '../queue/chain.js';

const ENTROPY_DEVICE = 4;
const REQUESTS = 0;
const QUEUE_SIZE = 64;
/** A notification's worth. */
const MOST_BYTES = 64 << 10;

const stateShape = record({});

export class Entropy implements VirtioClass {
  readonly deviceType = ENTROPY_DEVICE;
  readonly queueSizes = [QUEUE_SIZE];
  readonly features = 0n;
  readonly #source: EntropySource;
  #link: VirtioLink | undefined;

  constructor(source: EntropySource) {
    this.#source = source;
  }

  readConfig(): number {
    return 0;
  }

  writeConfig(_offset: number, _width: AccessWidth, _value: number): void {}

  start(link: VirtioLink): void {
    this.#link = link;
    this.notified();
  }

  notified(): void {
    const link = this.#link;
    const queue = link?.queue(REQUESTS);
    if (!link || !queue) return;
    let left = MOST_BYTES;
    for (let chain = queue.take(); chain; chain = queue.take()) {
      const length = Math.min(lengthOf(chain.writable), left);
      // Once nothing is left a byte each must do: a driver may take none for a broken device.
      const bytes = this.#source.bytes(Math.max(length, Math.min(1, lengthOf(chain.writable))));
      queue.give(chain, scatter(link.memory, chain.writable, 0, bytes));
      left -= length;
    }
    link.gave(REQUESTS);
  }

  reset(): void {
    this.#link = undefined;
  }

  save(): DeviceState {
    return {};
  }

  restore(state: DeviceState): void {
    parseState(stateShape, state, 'entropy');
  }
}
