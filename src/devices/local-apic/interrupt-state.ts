/**
 * Which interrupts a local APIC has accepted, which are being served, and what may interrupt that: IRR, ISR, TMR and
 * the priorities (SDM vol. 3, 11.8 "Handling Interrupts").
 */
import { byte, record, type Shaped } from '../state-schema.js';
import { VectorSet, vectorSetShape } from './vector-set.js';

export const interruptStateShape = record({
  taskPriority: byte,
  requested: vectorSetShape,
  inService: vectorSetShape,
  levelTriggered: vectorSetShape,
});

export class InterruptState {
  readonly requested = new VectorSet();
  readonly inService = new VectorSet();
  readonly levelTriggered = new VectorSet();
  taskPriority = 0;

  reset(): void {
    this.requested.clear();
    this.inService.clear();
    this.levelTriggered.clear();
    this.taskPriority = 0;
  }

  /** PPR: the class that a request must exceed. */
  get processorPriority(): number {
    const served = Math.max(this.inService.highest, 0);
    return this.taskPriority >> 4 >= served >> 4 ? this.taskPriority : served & 0xf0;
  }

  /** The request to be delivered now, −1 if there is none. */
  get deliverable(): number {
    const vector = this.requested.highest;
    return vector >> 4 > this.processorPriority >> 4 ? vector : -1;
  }

  accept(vector: number, levelTriggered: boolean): void {
    this.requested.set(vector, true);
    this.levelTriggered.set(vector, levelTriggered);
  }

  /** The processor takes `vector`. */
  begin(vector: number): void {
    this.requested.set(vector, false);
    this.inService.set(vector, true);
  }

  /** EOI: the vector that was served last, −1 if none was. */
  end(): number {
    const vector = this.inService.highest;
    if (vector >= 0) this.inService.set(vector, false);
    return vector;
  }

  /** Register `n` of ISR (0–7), TMR (8–15) or IRR (16–23); 0 beyond. */
  word(n: number): number {
    const set = [this.inService, this.levelTriggered, this.requested][n >> 3];
    return set?.word(n & 7) ?? 0;
  }

  save(): Shaped<typeof interruptStateShape> {
    return {
      taskPriority: this.taskPriority,
      requested: this.requested.save(),
      inService: this.inService.save(),
      levelTriggered: this.levelTriggered.save(),
    };
  }

  restore(saved: Shaped<typeof interruptStateShape>): void {
    this.taskPriority = saved.taskPriority;
    this.requested.restore(saved.requested);
    this.inService.restore(saved.inService);
    this.levelTriggered.restore(saved.levelTriggered);
  }
}
