/** Child processes that are timed: from before the spawn to the first byte, to each line of output and to the end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The output that is waited for; the child is ended once it has come. Without it, the child ends by itself. */
  readonly until?: RegExp;
  /** Milliseconds; after them the child is ended and the measurement fails. */
  readonly timeout: number;
}

/** Times in milliseconds since just before the spawn. */
export interface ChildTimes {
  /** Undefined without output. */
  readonly firstByte: number | undefined;
  /** When `until` was there; without `until`, when the process had ended. */
  readonly end: number;
  readonly output: string;
  /** When each line of the output had come. */
  readonly lines: readonly number[];
  /** Most bytes of physical memory that the process had at once; undefined where Linux does not say. */
  readonly memory: number | undefined;
}

export class BenchError extends Error {
  constructor(
    readonly code: 'timeout' | 'failed' | 'different-output',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'BenchError';
  }
}

/** What watches a child's output, whichever way it comes. */
export class OutputWatch {
  readonly started = performance.now();
  output = '';
  private firstByte: number | undefined;
  private readonly lines: number[] = [];
  private memory: number | undefined;

  constructor(readonly until: RegExp | undefined) {}

  /** @returns whether what was waited for is there */
  add(bytes: Buffer, child: ChildProcess): boolean {
    const now = this.elapsed();
    const text = bytes.toString('latin1');
    this.firstByte ??= now;
    this.output += text;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.lines.push(now);
    this.memory = peakMemory(child.pid) ?? this.memory;
    return this.until?.test(this.output) ?? false;
  }

  elapsed(): number {
    return performance.now() - this.started;
  }

  times(end: number): ChildTimes {
    const { firstByte, output, lines, memory } = this;
    return { firstByte, end, output, lines, memory };
  }
}

/** proc(5): VmHWM, the peak of the resident set in KiB. A process that has ended has none. */
function peakMemory(pid: number | undefined): number | undefined {
  try {
    const kibibytes = /VmHWM:\s*(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
  } catch {
    return undefined;
  }
}

export async function timeChild(options: ChildOptions): Promise<ChildTimes> {
  const watch = new OutputWatch(options.until);
  const child = spawn(options.command, options.args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (bytes: Buffer) => {
    errors += bytes.toString();
  });
  const marked = new Promise<number>((resolve) => {
    child.stdout.on('data', (bytes: Buffer) => {
      if (watch.add(bytes, child)) resolve(watch.elapsed());
    });
  });
  const ended = endOf(child, watch.started);
  try {
    const end = await within(options, Promise.race([marked, ended]));
    if (options.until && !options.until.test(watch.output)) {
      throw new BenchError('failed', `${options.command} ended early: ${watch.output}${errors}`);
    }
    return watch.times(end);
  } finally {
    await endChild(child);
  }
}

/** Resolves at the process's end, not at that of its pipes. */
function endOf(child: ChildProcess, started: number): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => reject(new BenchError('failed', cause.message, { cause })));
    child.once('exit', () => {
      const end = performance.now() - started;
      // What was written last may still be in the pipe.
      child.once('close', () => resolve(end));
    });
  });
}

/** @throws BenchError when the promise takes longer than the timeout */
export async function within<T>(
  { command, timeout }: Pick<ChildOptions, 'command' | 'timeout'>,
  promise: Promise<T>,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new BenchError('timeout', `${command}: nothing after ${timeout / 1000} s`);
    timer = setTimeout(() => reject(error), timeout);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** By SIGKILL: Bochs catches the gentler ones and goes on. */
export async function endChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}
