/**
 * How many instructions may begin, and how many have: the count that interrupts, timers and every repeated run go by.
 * WebAssembly takes each from `state.budget`; what is deferred in the midst of a grant is taken out of it uncounted.
 */
import * as state from './state.js';
import type { StateView } from './state-view.js';

export class RunBudget {
  readonly #view: StateView;
  #retired = 0;
  #end = 0;
  #running = false;

  constructor(view: StateView) {
    this.#view = view;
  }

  /** Instructions begun and exceptions taken since reset; exact also while a device is being asked. */
  get retired(): number {
    return this.#running ? this.#retired + this.#used() : this.#retired;
  }

  set retired(count: number) {
    this.#retired = count;
    this.#sync();
  }

  /** The count of retired instructions at which the present run ends. */
  get end(): number {
    return this.#end;
  }

  /** Begins a run. @param limit instructions */
  begin(limit: number): void {
    this.#end = this.#retired + limit;
  }

  /** Lets `run` begin so many instructions, and counts those that it does. */
  grant(budget: number, run: () => void): void {
    const view = this.#view;
    view.set32(state.budget, budget);
    view.set32(state.deferred, 0);
    view.set32(state.granted, budget);
    this.#sync();
    this.#running = true;
    try {
      run();
    } finally {
      this.#running = false;
      this.#retired += this.#used();
    }
  }

  /** Lets the present run begin at most so many more instructions; one in progress is finished. */
  limit(limit: number): void {
    if (!this.#running) return;
    const left = this.#view.get32(state.budget) | 0;
    this.#end = Math.min(this.#end, this.retired + limit);
    if (left > limit) this.#defer(left - limit);
  }

  /** Ends the present grant at the next instruction boundary. */
  endGrant(): void {
    if (!this.#running) return;
    const left = this.#view.get32(state.budget) | 0;
    if (left > 0) this.#defer(left);
  }

  #used(): number {
    const view = this.#view;
    return view.get32(state.granted) - Math.max(0, view.get32(state.budget)) - view.get32(state.deferred);
  }

  #sync(): void {
    this.#view.set64(state.retired, BigInt(this.#retired));
  }

  /** Takes instructions out of the grant that runs: they are neither begun nor counted. */
  #defer(instructions: number): void {
    const view = this.#view;
    view.set32(state.deferred, view.get32(state.deferred) + instructions);
    view.set32(state.budget, view.get32(state.budget) - instructions);
  }
}
