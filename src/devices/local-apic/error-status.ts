/**
 * The error status register: what has gone wrong shows only after software has written the register, which also arms
 * the error interrupt again (SDM vol. 3, 11.5.3 "Error Handling").
 */
import { boolean, byte, record, type Shaped } from '../state-schema.js';

export const ErrorBit = {
  sendIllegalVector: 1 << 5,
  receivedIllegalVector: 1 << 6,
  illegalRegister: 1 << 7,
} as const;

export const errorStatusShape = record({ visible: byte, gathered: byte, armed: boolean });

export class ErrorStatus {
  visible = 0;
  #gathered = 0;
  #armed = true;

  reset(): void {
    this.visible = 0;
    this.#gathered = 0;
    this.#armed = true;
  }

  /** Answers whether the error interrupt is due. */
  add(bit: number): boolean {
    const due = this.#armed;
    this.#gathered |= bit;
    this.#armed = false;
    return due;
  }

  latch(): void {
    this.visible = this.#gathered;
    this.#gathered = 0;
    this.#armed = true;
  }

  save(): Shaped<typeof errorStatusShape> {
    return { visible: this.visible, gathered: this.#gathered, armed: this.#armed };
  }

  restore(saved: Shaped<typeof errorStatusShape>): void {
    this.visible = saved.visible;
    this.#gathered = saved.gathered;
    this.#armed = saved.armed;
  }
}
