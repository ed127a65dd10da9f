/** Writes to stdout piece by piece, waiting for a slow reader and ending quietly when it has gone. */
import { OutputError, readerHasGone, stdoutOutput } from '../host/output.js';
import { ExitStatus } from './exit-status.js';

export class Printer {
  readonly #output = stdoutOutput();
  #failure: Error | undefined;

  constructor() {
    this.#output.onFailed = (error) => {
      this.#failure = error;
    };
  }

  /** @returns false when nobody reads any more */
  async print(text: string): Promise<boolean> {
    this.#output.write(new TextEncoder().encode(text));
    await this.#output.drained();
    return this.#failure === undefined;
  }

  /** @returns the exit status: ok, or that of a reader who has gone; @throws OutputError */
  async finish(): Promise<number> {
    await this.#output.finish();
    if (this.#failure === undefined) return ExitStatus.ok;
    if (readerHasGone(this.#failure)) return ExitStatus.brokenPipe;
    throw new OutputError('stdout', this.#failure);
  }
}

export async function printText(text: string): Promise<number> {
  const printer = new Printer();
  await printer.print(text);
  return printer.finish();
}

export function printJson(value: unknown): Promise<number> {
  return printText(`${JSON.stringify(value, undefined, 2)}\n`);
}
