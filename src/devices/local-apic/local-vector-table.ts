/**
 * The local vector table: what becomes of the timer's, LINT0's, LINT1's and the APIC's own interrupts
 * (SDM vol. 3, 11.5.1 "Local Vector Table").
 */
import { integer, list } from '../state-schema.js';
import { LVT_COUNT, LVT_WRITABLE, Register } from './registers.js';

/** The entries of LINT0 and LINT1 alone have it; read-only. */
const REMOTE_IRR = 1 << 14;
const LEVEL_TRIGGERED = 1 << 15;
const MASKED = 1 << 16;

export const vectorTableShape = list(integer(0, 0x7ffff), LVT_COUNT, LVT_COUNT);

export class LocalVectorTable {
  readonly #entries = new Uint32Array(LVT_COUNT).fill(MASKED);

  reset(): void {
    this.#entries.fill(MASKED);
  }

  has(register: number): boolean {
    return register >= Register.timer && register < Register.timer + LVT_COUNT;
  }

  read(register: number): number {
    return this.#entries[register - Register.timer] ?? 0;
  }

  /** @param enabled whether entries may be unmasked: not while software has disabled the APIC */
  write(register: number, value: number, enabled: boolean): void {
    const writable = LVT_WRITABLE[register - Register.timer] ?? 0;
    const kept = this.read(register) & REMOTE_IRR & (value & LEVEL_TRIGGERED ? -1 : 0);
    this.#entries[register - Register.timer] = (value & writable) | kept | (enabled ? 0 : MASKED);
  }

  maskAll(): void {
    for (const [n, entry] of this.#entries.entries()) this.#entries[n] = entry | MASKED;
  }

  isMasked(register: number): boolean {
    return (this.read(register) & MASKED) !== 0;
  }

  vector(register: number): number {
    return this.read(register) & 0xff;
  }

  deliveryMode(register: number): number {
    return (this.read(register) >> 8) & 7;
  }

  isLevelTriggered(register: number): boolean {
    return (this.read(register) & LEVEL_TRIGGERED) !== 0;
  }

  /** A level-triggered interrupt of LINT0 was accepted and not yet ended. */
  isAwaitingEnd(register: number): boolean {
    return (this.read(register) & REMOTE_IRR) !== 0;
  }

  setAwaitingEnd(register: number, awaiting: boolean): void {
    const entry = this.read(register);
    this.#entries[register - Register.timer] = awaiting ? entry | REMOTE_IRR : entry & ~REMOTE_IRR;
  }

  /** The timer's mode: 0 one-shot, 1 periodic, 2 TSC deadline, 3 reserved. */
  get timerMode(): number {
    return (this.read(Register.timer) >> 17) & 3;
  }

  save(): number[] {
    return [...this.#entries];
  }

  restore(entries: readonly number[]): void {
    for (const [n, entry] of entries.entries())
      this.#entries[n] = entry & ((LVT_WRITABLE[n] ?? 0) | REMOTE_IRR);
  }
}
