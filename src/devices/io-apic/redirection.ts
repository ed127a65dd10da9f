/** One entry of the I/O APIC's redirection table, and its pin (Intel 82093AA data sheet, 3.2.4). */
import { DeliveryMode, type InterruptBus } from '../interrupt/interrupt-message.js';
import { boolean, integer, record, type Shaped } from '../state-schema.js';

const REMOTE_IRR = 1 << 14;
const LEVEL_TRIGGERED = 1 << 15;
const MASKED = 1 << 16;
const LOGICAL = 1 << 11;
/** Delivery status is read-only, and always idle as delivery is immediate. */
const LOW_WRITABLE = 0x1afff;
const HIGH_WRITABLE = 0xff000000;

export const redirectionShape = record({
  low: integer(0, 0x1ffff),
  high: integer(0, 0xffffffff),
  asserted: boolean,
});

export class Redirection {
  #low = MASKED;
  #high = 0;
  /** The pin's level. */
  #asserted = false;

  constructor(readonly bus: InterruptBus) {}

  /** The pin keeps its level, as it belongs to the devices. */
  reset(): void {
    this.#low = MASKED;
    this.#high = 0;
  }

  get low(): number {
    return this.#low;
  }

  set low(value: number) {
    const remoteIrr = value & LEVEL_TRIGGERED ? this.#low & REMOTE_IRR : 0;
    this.#low = (value & LOW_WRITABLE) | remoteIrr;
    this.#deliverLevel();
  }

  get high(): number {
    return this.#high;
  }

  set high(value: number) {
    this.#high = (value & HIGH_WRITABLE) >>> 0;
    this.#deliverLevel();
  }

  get raisesNmi(): boolean {
    return (this.#low & MASKED) === 0 && ((this.#low >> 8) & 7) === DeliveryMode.nmi;
  }

  /** An edge that comes while the entry is masked is lost. */
  setLine(asserted: boolean): void {
    if (asserted === this.#asserted) return;
    this.#asserted = asserted;
    if (!asserted) return;
    if (this.#low & LEVEL_TRIGGERED) this.#deliverLevel();
    else if (!(this.#low & MASKED)) this.#send();
  }

  /** A processor has ended the interrupt of this vector: a level that lasts is one again. */
  endOfInterrupt(vector: number): void {
    if ((this.#low & 0xff) !== vector) return;
    this.#low &= ~REMOTE_IRR;
    this.#deliverLevel();
  }

  save(): Shaped<typeof redirectionShape> {
    return { low: this.#low, high: this.#high, asserted: this.#asserted };
  }

  restore(saved: Shaped<typeof redirectionShape>): void {
    this.#low = saved.low & (LOW_WRITABLE | (saved.low & LEVEL_TRIGGERED ? REMOTE_IRR : 0));
    this.#high = (saved.high & HIGH_WRITABLE) >>> 0;
    this.#asserted = saved.asserted;
  }

  #deliverLevel(): void {
    const ready = (this.#low & (LEVEL_TRIGGERED | MASKED | REMOTE_IRR)) === LEVEL_TRIGGERED;
    if (ready && this.#asserted && this.#send()) this.#low |= REMOTE_IRR;
  }

  /** External interrupts need the 8259s on this pin, which are on LINT0 instead. */
  #send(): boolean {
    const deliveryMode = (this.#low >> 8) & 7;
    if (deliveryMode === DeliveryMode.external) return false;
    return this.bus.send({
      vector: this.#low & 0xff,
      deliveryMode,
      levelTriggered: (this.#low & LEVEL_TRIGGERED) !== 0,
      logical: (this.#low & LOGICAL) !== 0,
      destination: this.#high >>> 24,
    });
  }
}
