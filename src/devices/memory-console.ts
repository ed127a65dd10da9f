/**
 * A console inside the process: collects what the guest prints and hands it what the host sends.
 *
 * It is what tests and programs that use the library connect; a terminal or a socket has its own backend.
 * Its input queue is bounded: `send` takes what fits. Its output is kept whole, so it never asks the guest to wait.
 */
import type { Console, ConsoleReceiver } from './backends.js';

const DEFAULT_INPUT_CAPACITY = 65_536;

export class MemoryConsole implements Console {
  #output: Uint8Array[] = [];
  #waiting: Uint8Array = new Uint8Array(0);
  #receiver: ConsoleReceiver | undefined;
  /** Told of each piece of output as it comes; the bytes are the listener's own. */
  onOutput: ((bytes: Uint8Array) => void) | undefined;
  onClosed: (() => void) | undefined;
  #closed = false;

  /** @param inputCapacity bytes that may wait for the guest */
  constructor(readonly inputCapacity = DEFAULT_INPUT_CAPACITY) {}

  write(bytes: Uint8Array): void {
    const copy = bytes.slice();
    this.#output.push(copy);
    this.onOutput?.(copy.slice());
  }

  connect(receiver: ConsoleReceiver): void {
    this.#receiver = receiver;
    this.ready();
  }

  ready(): void {
    if (!this.#receiver || this.#waiting.length === 0) return;
    const offered = this.#waiting;
    // The receiver may call back; what it is being offered must not be offered twice.
    this.#waiting = new Uint8Array(0);
    const taken = this.#receiver(offered);
    this.#waiting = joined(offered.subarray(taken), this.#waiting);
  }

  drained(): undefined {
    return undefined;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Says that no more input will be sent. */
  close(): void {
    this.#closed = true;
    this.onClosed?.();
  }

  /** Host to guest: answers how many bytes were taken, from the front. */
  send(input: Uint8Array | string): number {
    const bytes = typeof input === 'string' ? new TextEncoder().encode(input) : input;
    const taken = Math.min(bytes.length, Math.max(0, this.inputCapacity - this.#waiting.length));
    this.#waiting = joined(this.#waiting, bytes.subarray(0, taken));
    this.ready();
    return taken;
  }

  /** Bytes sent that the guest has not taken yet. */
  get pendingInput(): number {
    return this.#waiting.length;
  }

  /** Everything printed so far. */
  get output(): Uint8Array {
    const whole = joined(...this.#output);
    this.#output = [whole];
    return whole.slice();
  }

  /** Everything printed so far, as UTF-8. */
  get text(): string {
    return new TextDecoder().decode(this.output);
  }
}

function joined(...pieces: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.length;
  }
  return whole;
}
