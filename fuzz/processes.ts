/**
 * Work spread over processes, so that whatever happens to one of them, a crash or a hang, is seen and told with what
 * it last reported.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { FoundError } from './command.js';

type Message<T, P, R> = { readonly share: T } | { readonly progress: P } | { readonly result: R };

/** Does one share, in the process that `spread` made for it. */
export function serveShare<T, P, R>(work: (share: T, progress: (state: P) => void) => R | Promise<R>): void {
  const send = (message: Message<T, P, R>): void => void process.send?.(message);
  process.once('message', async (message: { readonly share: T }) => {
    const result = await work(message.share, (progress) => send({ progress }));
    process.send?.({ result }, () => process.disconnect());
  });
}

export interface Spreading<T, P> {
  /** Of the module that each process runs, and that calls `serveShare`. */
  readonly url: string;
  readonly shares: readonly T[];
  /** Milliseconds after which a process that reports nothing counts as hung. */
  readonly silence: number;
  /** Told what a share, by its number, reports. */
  readonly onProgress?: (share: number, state: P) => void;
}

/**
 * Does each share in a process of its own.
 * @throws FoundError if one fails or hangs, with what it last reported; the others are ended
 */
export async function spread<T extends object, P, R>(spreading: Spreading<T, P>): Promise<R[]> {
  const children: ChildProcess[] = [];
  try {
    return await Promise.all(
      spreading.shares.map((_, number) => doShare<T, P, R>(spreading, number, children)),
    );
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
}

function doShare<T extends object, P, R>(
  { url, shares, silence, onProgress }: Spreading<T, P>,
  number: number,
  children: ChildProcess[],
): Promise<R> {
  return new Promise<R>((resolve, reject) => {
    const child = fork(fileURLToPath(url));
    children.push(child);
    let last: P | 'nothing yet' = 'nothing yet';
    let result: R | undefined;
    const fail = (what: string): void => reject(new FoundError(`${what} after ${JSON.stringify(last)}`));
    const hung = (): void => fail(`no sign of life for ${silence / 1000} s`);
    let timer = setTimeout(hung, silence);
    child.on('message', (message: Message<T, P, R>) => {
      clearTimeout(timer);
      timer = setTimeout(hung, silence);
      if ('result' in message) result = message.result;
      else if ('progress' in message) {
        last = message.progress;
        onProgress?.(number, last);
      }
    });
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      if (result !== undefined) resolve(result);
      else fail(`a process ended with ${signal ?? code}`);
    });
    child.send({ share: shares[number] as T });
  });
}

/**
 * Generates the interpreter from the sources as they stand, in a process of its own. To be awaited before anything is
 * loaded that imports what is generated. @throws Error if it fails
 */
export function generateFirst(): Promise<void> {
  const path = fileURLToPath(new URL('../scripts/generate-interpreter.ts', import.meta.url));
  return new Promise((resolve, reject) => {
    fork(path, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }).on('exit', (code, signal) =>
      code === 0 ? resolve() : reject(new Error(`${path} ended with ${signal ?? code}`)),
    );
  });
}
