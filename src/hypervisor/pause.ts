/** Ways to let the host's event loop run, in Node and in a browser alike. */

declare const setImmediate: ((action: () => void) => unknown) | undefined;

/** Resolves after the event loop has turned once; some microseconds. */
export function nextTurn(): Promise<void> {
  if (typeof setImmediate === 'function') return new Promise((resolve) => setImmediate(resolve));
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}

/** A signal that can be waited for and raised any number of times; raising it while nobody waits is remembered. */
export class Wake {
  #raised = false;
  #resolve: (() => void) | undefined;

  raise(): void {
    this.#raised = true;
    this.#resolve?.();
  }

  /** Resolves when raised, or after so many milliseconds; Infinity waits for ever. */
  async wait(milliseconds: number): Promise<void> {
    if (!this.#raised) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      await new Promise<void>((resolve) => {
        this.#resolve = resolve;
        if (Number.isFinite(milliseconds)) timer = setTimeout(resolve, Math.min(milliseconds, 2 ** 31 - 1));
      });
      clearTimeout(timer);
      this.#resolve = undefined;
    }
    this.#raised = false;
  }
}
