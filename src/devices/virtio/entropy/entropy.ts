/**
 * The entropy device: every buffer that the driver gives comes back full of random bytes (virtio 1.2, 5.4).
 *
 * Leaves out where they come from. A buffer gets at most `MOST_BYTES`, so that a guest that asks for gigabytes cannot
 * hold up its host; the specification allows that.
 */
import type { EntropySource } from '../../backends.js';
import type { AccessWidth, DeviceState } from '../../device.js';
import { integer, parseState, record } from '../../state-schema.js';
import type { VirtioClass, VirtioLink } from '../device-class.js';
import { lengthOf, scatter } from '../queue/chain.js';

const ENTROPY_DEVICE = 4;
const REQUESTS = 0;
const QUEUE_SIZE = 64;
const MOST_BYTES = 4 << 10;
/** What a random byte costs, as bytes copied. */
const COST = 32;
/** Begins again after so many bytes, which nobody lives to see. */
const LAP = 2 ** 52;

const stateShape = record({ position: integer(0, LAP - 1) });

export class Entropy implements VirtioClass {
  readonly deviceType = ENTROPY_DEVICE;
  readonly queueSizes = [QUEUE_SIZE];
  readonly features = 0n;
  readonly #source: EntropySource;
  #link: VirtioLink | undefined;
  /** Bytes of the source that are used up, also by what a driver got that came before. */
  #position = 0;

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
      const bytes = this.#source.bytes(this.#position, Math.min(lengthOf(writable), MOST_BYTES));
      link.spend(bytes.length * COST);
      this.#position = (this.#position + bytes.length) % LAP;
      return scatter(link.memory, writable, 0, bytes);
    });
  }

  reset(): void {
    this.#link = undefined;
  }

  save(): DeviceState {
    return { position: this.#position };
  }

  restore(state: DeviceState): void {
    this.#position = parseState(stateShape, state, 'entropy').position;
    this.#link = undefined;
  }
}
