/**
 * What the fuzzers' command lines share: options, and work spread over processes, so that whatever happens to one of
 * them, a crash or a hang, is seen and told with what it last reported.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface FuzzOptions {
  readonly cases: number;
  readonly seed: number;
  readonly workers: number;
  /** Further options, by name. */
  readonly more: ReadonlyMap<string, number>;
}

/** `--cases N --seed S --workers W`, and others that are allowed. @throws Error for what is none of them */
export function fuzzOptions(
  args: readonly string[],
  defaults: { readonly cases: number },
  allowed: readonly string[] = [],
): FuzzOptions {
  const known = ['cases', 'seed', 'workers', ...allowed].map((name) => `--${name}`);
  const found = new Map<string, number>();
  for (let n = 0; n < args.length; n += 2) {
    const name = args[n] as string;
    const value = Number(args[n + 1]?.replaceAll('_', ''));
    if (!known.includes(name)) throw new Error(`${name} is none of ${known.join(', ')}`);
    if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${name} wants a whole number`);
    found.set(name.slice(2), value);
  }
  return {
    cases: found.get('cases') ?? defaults.cases,
    seed: found.get('seed') ?? 1,
    workers: Math.max(1, found.get('workers') ?? 1),
    more: found,
  };
}

type Message<T, R> = { readonly share: T } | { readonly progress: unknown } | { readonly result: R };

/** Whether this process is one that `spread` made. */
export const isShare = process.send !== undefined && process.argv[2] === 'share';

/** Does one share, in the process that `spread` made for it. */
export function serveShare<T, R>(
  work: (share: T, progress: (state: unknown) => void) => R | Promise<R>,
): void {
  const send = (message: Message<T, R>): void => void process.send?.(message);
  process.once('message', async (message: { readonly share: T }) => {
    const result = await work(message.share, (progress) => send({ progress }));
    process.send?.({ result }, () => process.disconnect());
  });
}

/**
 * Does each share in a process of its own, which runs the module at `url` and there calls `serveShare`.
 * @param silence milliseconds after which a process that reports nothing counts as hung
 * @throws Error if one fails or hangs, with what it last reported
 */
export async function spread<T extends object, R>(
  url: string,
  shares: readonly T[],
  silence: number,
): Promise<R[]> {
  return Promise.all(shares.map((share) => doShare<T, R>(url, share, silence)));
}

function doShare<T extends object, R>(url: string, share: T, silence: number): Promise<R> {
  return new Promise<R>((resolve, reject) => {
    const child = fork(fileURLToPath(url), ['share']);
    let last: unknown = 'nothing yet';
    let result: R | undefined;
    const hung = (): void => {
      child.kill('SIGKILL');
      reject(new Error(`no sign of life for ${silence / 1000} s after ${JSON.stringify(last)}`));
    };
    let timer = setTimeout(hung, silence);
    child.on('message', (message: Message<T, R>) => {
      clearTimeout(timer);
      timer = setTimeout(hung, silence);
      if ('result' in message) result = message.result;
      else if ('progress' in message) last = message.progress;
    });
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      if (result !== undefined) resolve(result);
      else reject(new Error(`ended with ${signal ?? code} after ${JSON.stringify(last)}`));
    });
    child.send({ share });
  });
}
