/** A console that nobody is at: swallows output, never has input. */
import type { Console } from './backends.js';

export class NullConsole implements Console {
  readonly closed = true;
  onClosed: (() => void) | undefined;

  write(): void {}

  connect(): void {}

  ready(): void {}

  drained(): undefined {
    return undefined;
  }
}
