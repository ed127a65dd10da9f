/**
 * A console of the process's own streams: the guest's first serial port as a user sees it. Input waits in a bounded
 * queue; on a terminal, Ctrl-A commands are taken out of it. Leaves out what the commands do.
 */
import type { Console, ConsoleReceiver } from '../devices/backends.js';
import { type Command, EscapeKeys } from './escape-keys.js';
import type { Input } from './input.js';
import type { Output } from './output.js';

/** Bytes that wait for the guest before the source is paused. */
const INPUT_CAPACITY = 65_536;

export interface TerminalConsoleOptions {
  readonly input: Input;
  readonly output: Output;
  /** Given for a terminal only: takes the user's commands. */
  readonly onCommand?: (command: Command) => void;
}

export class TerminalConsole implements Console {
  readonly #input: Input;
  readonly #output: Output;
  readonly #onCommand: ((command: Command) => void) | undefined;
  readonly #keys = new EscapeKeys();
  #queue: Uint8Array[] = [];
  #queued = 0;
  #receiver: ConsoleReceiver | undefined;
  #started = false;
  #offering = false;
  onClosed: (() => void) | undefined;

  constructor({ input, output, onCommand }: TerminalConsoleOptions) {
    this.#input = input;
    this.#output = output;
    this.#onCommand = onCommand;
  }

  write(bytes: Uint8Array): void {
    this.#output.write(bytes);
  }

  connect(receiver: ConsoleReceiver): void {
    this.#receiver = receiver;
    if (this.#started) {
      this.ready();
      return;
    }
    this.#started = true;
    this.#input.start(
      (bytes) => this.#arrive(bytes),
      () => this.onClosed?.(),
    );
  }

  ready(): void {
    if (this.#offering) return;
    this.#offering = true;
    // The receiver may call back while it is being offered bytes; one loop at a time keeps their order.
    while (this.#receiver) {
      if (this.#queued === 0) this.#input.pull();
      const first = this.#queue[0];
      if (first === undefined) break;
      const taken = this.#receiver(first);
      this.#queued -= taken;
      if (taken < first.length) {
        this.#queue[0] = first.subarray(taken);
        break;
      }
      this.#queue.shift();
    }
    this.#offering = false;
    if (this.#queued < INPUT_CAPACITY) this.#input.resume();
  }

  drained(): Promise<void> | undefined {
    return this.#output.drained();
  }

  get closed(): boolean {
    return this.#input.ended;
  }

  /** The guest has taken all input, and there will be no more. */
  get inputUsedUp(): boolean {
    return this.#input.exhausted && this.#queued === 0;
  }

  /** Gives the terminal back and waits until the output is written. */
  async finish(): Promise<void> {
    this.#input.close();
    await this.#output.finish();
  }

  #arrive(typed: Uint8Array): void {
    const bytes = this.#onCommand ? this.#takeCommands(typed, this.#onCommand) : typed;
    if (bytes.length === 0) return;
    this.#queue.push(bytes);
    this.#queued += bytes.length;
    if (this.#queued >= INPUT_CAPACITY) this.#input.pause();
    this.ready();
  }

  #takeCommands(typed: Uint8Array, act: (command: Command) => void): Uint8Array {
    const { forGuest, commands } = this.#keys.feed(typed);
    for (const command of commands) act(command);
    return forGuest;
  }
}

/** A console without input, such as the debug console. */
export class OutputConsole implements Console {
  readonly closed = true;
  onClosed: (() => void) | undefined;

  constructor(readonly output: Output) {}

  write(bytes: Uint8Array): void {
    this.output.write(bytes);
  }

  connect(): void {}

  ready(): void {}

  drained(): Promise<void> | undefined {
    return this.output.drained();
  }
}
