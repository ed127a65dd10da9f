/**
 * What is taken between two instructions: NMIs, interrupts and debug traps, and the shadows that hold them off for one
 * (SDM vol. 3 §6.9, §17.3.1). Leaves out exceptions, which WebAssembly delivers itself.
 */
import type { InterruptSource } from './bus.js';
import * as state from './state.js';
import { type Field64, Flag, Vector } from './state.js';
import type { StateView } from './state-view.js';
import { DR6_BS, DR6_HITS, DR7_GD } from './system/breakpoints.js';

/** Interrupts taken on one instruction boundary, where gates leave IF set; what waits then comes an instruction later. */
const MOST_INTERRUPTS = 256;

export interface BoundaryEventsOptions {
  readonly view: StateView;
  readonly interrupts: InterruptSource;
  /** Delivers what is in `state.pending`. */
  readonly deliver: () => void;
  /** Instructions begun so far, which number the boundaries. */
  readonly retired: () => number;
}

export class BoundaryEvents {
  readonly #options: BoundaryEventsOptions;

  constructor(options: BoundaryEventsOptions) {
    this.#options = options;
  }

  /** Whether an interrupt or NMI is there that the processor would take now. */
  get wakes(): boolean {
    return this.nmiDeliverable || (this.interruptible && this.#options.interrupts.pending());
  }

  /** Whether one is there that it would take if no shadow held it off, IF or not. */
  get waits(): boolean {
    return this.nmiDeliverable || this.#options.interrupts.pending();
  }

  /** Whether an interrupt would be taken now. */
  get interruptible(): boolean {
    return (this.#options.view.get32(state.systemFlags) & Flag.if) !== 0;
  }

  get nmiDeliverable(): boolean {
    const { view } = this.#options;
    return view.get32(state.nmiWaiting) !== 0 && view.get32(state.nmiBlocked) === 0;
  }

  /** Whether a shadow lies on the present instruction boundary. */
  isNow(shadow: Field64): boolean {
    const { view, retired } = this.#options;
    return Number(view.get64(shadow)) === retired();
  }

  /** Takes the NMI and the interrupts that are due; true if there were any. */
  takeInterrupts(): boolean {
    const { view, interrupts } = this.#options;
    let taken = false;
    if (this.nmiDeliverable) {
      taken = true;
      view.set32(state.nmiWaiting, 0);
      view.set32(state.nmiBlocked, 1);
      this.#deliver(state.PENDING | state.PENDING_EXTERNAL | Vector.nmi);
    }
    for (let n = 0; n < MOST_INTERRUPTS && this.interruptible && interrupts.pending(); n++) {
      taken = true;
      this.#deliver(state.PENDING | state.PENDING_EXTERNAL | interrupts.acknowledge());
      if (view.get32(state.exitReason) || view.get32(state.debugMet)) break;
    }
    view.set32(state.interruptWaiting, interrupts.pending() ? 1 : 0);
    return taken;
  }

  /**
   * The traps that the last instruction met, single-step among them (SDM vol. 3 §17.3.1): #DB, unless MOV SS holds them
   * off until after the next instruction. TF counts as it was when the instruction began.
   */
  takeDebugTraps(stepped: boolean): boolean {
    const { view } = this.#options;
    const shadowed = this.isNow(state.trapShadowAt);
    let traps = view.get32(state.debugDue) | view.get32(state.debugMet);
    if (stepped && !shadowed && !this.isNow(state.unsteppedAt)) traps |= DR6_BS;
    if (traps === 0) return false;
    view.set32(state.debugMet, 0);
    view.set32(state.debugDue, shadowed ? traps : 0);
    if (shadowed) return false;
    const kept = view.get64(state.dr, 6) & ~BigInt(DR6_HITS);
    view.set64(state.dr, kept | BigInt(traps), 6);
    view.set64(state.dr, view.get64(state.dr, 7) & ~BigInt(DR7_GD), 7);
    this.#deliver(state.PENDING | state.PENDING_TRAP | Vector.db);
    return true;
  }

  #deliver(event: number): void {
    this.#options.view.set32(state.pending, event | 0);
    this.#options.deliver();
  }
}
