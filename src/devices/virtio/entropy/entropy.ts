/**
 * The entropy device: every buffer that the driver gives comes back full of random bytes (virtio 1.2, 5.4).
 *
 * Leaves out where they come from. A buffer gets at most `MOST_BYTES`, so that a guest that asks for gigabytes cannot
 * hold up its host; the specification allows that.
 */
import type { EntropySource } from '../../backends.js';
import type { AccessWidth, DeviceState } from '../../device.js';
import { parseState, record } from '../../state-schema.js';
import type { VirtioClass, VirtioLink } from '../device-class.js';
import { lengthOf, scatter } from '../queue/chain.js';

const ENTROPY_DEVICE = 4;
const REQUESTS = 0;
const QUEUE_SIZE = 64;
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
  }

  notified(): void {
    const link = this.#link;
    link?.serve(REQUESTS, ({ writable }) => {
      const bytes = this.#source.bytes(Math.min(lengthOf(writable), MOST_BYTES));
      return scatter(link.memory, writable, 0, bytes);
    });
  }

  reset(): void {
    this.#link = undefined;
  }

  save(): DeviceState {
    return {};
  }

  restore(state: DeviceState): void {
    parseState(stateShape, state, 'entropy');
    this.#link = undefined;
  }
}
