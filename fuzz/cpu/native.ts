/**
 * The native harness as an object: compiled by gcc into a temporary folder, started as a child process, asked to run
 * rounds. The arenas are its memory, which this process reads and writes as a file.
 * Leaves out what is in the arenas (round.ts).
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { LackError } from '../command.js';
import { ARENA_SIZE, layoutHeader } from './layout.js';
import type { Trampoline } from './trampoline.js';

const SOURCE = fileURLToPath(new URL('native/harness.c', import.meta.url));
/** A round is over in well under a second. */
const PATIENCE = 60_000;

export class NativeError extends LackError {
  override readonly name = 'NativeError';

  constructor(
    readonly code: 'not-x86-64' | 'no-compiler' | 'not-compiled' | 'ended' | 'silent',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** EAX, EBX, ECX, EDX by leaf, such as `7.0` or `d.1`. */
export type HostCpuid = ReadonlyMap<string, readonly number[]>;

function compile(folder: string): string {
  if (process.arch !== 'x64' || process.platform !== 'linux') {
    const here = `${process.platform} on ${process.arch}`;
    throw new NativeError(
      'not-x86-64',
      `cases are compared with the processor itself: want Linux on x64, not ${here}`,
    );
  }
  writeFileSync(join(folder, 'layout.h'), layoutHeader());
  const program = join(folder, 'harness');
  // No stack protector: it reads FS, which the cases change.
  const flags = ['-O2', '-Wall', '-Wextra', '-mfsgsbase', '-fno-stack-protector', '-I', folder];
  try {
    execFileSync('gcc', [...flags, '-o', program, SOURCE], { encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    if (code === 'ENOENT') {
      throw new NativeError('no-compiler', 'gcc is missing: it builds the native half', { cause: error });
    }
    throw new NativeError('not-compiled', `gcc refuses the native half:\n${stderr ?? ''}`, { cause: error });
  }
  return program;
}

export class Native {
  /** The processor's name and signature (family, model, stepping). */
  model = '';
  readonly cpuid = new Map<string, readonly number[]>();
  /** Of the processor that the harness keeps to: what programs see as its number and node. */
  processorNumber = 0;
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  #complaint = '';
  /** Lines that nobody has asked for yet. */
  readonly #waiting: string[] = [];
  #memory = -1;
  #ended: string | undefined;
  #answer: ((line: string) => void) | undefined;
  #refuse: ((error: Error) => void) | undefined;

  /** Compiles and starts the harness. */
  static async start(trampoline: Trampoline): Promise<Native> {
    const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
    try {
      const native = new Native(folder, compile(folder), trampoline);
      await native.#introduction();
      return native;
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  private constructor(folder: string, program: string, trampoline: Trampoline) {
    this.#folder = folder;
    const code = join(folder, 'trampoline');
    writeFileSync(code, trampoline.bytes);
    this.#child = spawn(program, [code, String(trampoline.finish)], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stderr!.on('data', (data: Buffer) => {
      this.#complaint += data.toString();
    });
    this.#child.stdin!.on('error', () => {});
    this.#child.on('close', (status, signal) => {
      this.#ended = `the native harness ended (${signal ?? status}): ${this.#complaint.trim()}`;
      this.#refuse?.(new NativeError('ended', this.#ended));
    });
    this.#lines = createInterface(this.#child.stdout!);
    this.#lines.on('line', (line) => {
      if (this.#answer) this.#answer(line);
      else this.#waiting.push(line);
    });
  }

  async #introduction(): Promise<void> {
    for (;;) {
      const [kind, ...words] = (await this.#line()).split(' ');
      if (kind === 'model') this.model = words.join(' ').replace(/\s+/g, ' ');
      if (kind === 'number') this.processorNumber = Number(words[0]);
      if (kind === 'cpuid')
        this.cpuid.set(
          words[0]!,
          words.slice(1).map((word) => Number.parseInt(word, 16)),
        );
      if (kind !== 'memory') continue;
      this.model += `, signature ${this.cpuid.get('1.0')?.[0]?.toString(16)}`;
      this.#memory = openSync(`/proc/${words[0]}/fd/${words[1]}`, 'r+');
      return;
    }
  }

  #line(): Promise<string> {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) return Promise.resolve(waiting);
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(new NativeError('ended', this.#ended));
      const timer = setTimeout(() => {
        reject(new NativeError('silent', `the native harness said nothing for ${PATIENCE / 1000} s`));
      }, PATIENCE);
      this.#answer = (line) => {
        clearTimeout(timer);
        this.#answer = undefined;
        resolve(line);
      };
      this.#refuse = (error) => {
        clearTimeout(timer);
        reject(error);
      };
    });
  }

  /** @param make whether the inputs are to be made; else they are in the arena */
  async run(arena: 0 | 1, count: number, make: boolean): Promise<void> {
    const answer = this.#line();
    this.#child.stdin!.write(`run ${arena} ${count} ${make ? 1 : 0}\n`);
    await answer;
  }

  read(arena: 0 | 1, offset: number, into: Uint8Array): void {
    if (into.length) readSync(this.#memory, into, 0, into.length, arena * ARENA_SIZE + offset);
  }
  write(arena: 0 | 1, offset: number, bytes: Uint8Array): void {
    if (bytes.length) writeSync(this.#memory, bytes, 0, bytes.length, arena * ARENA_SIZE + offset);
  }

  async close(): Promise<void> {
    if (this.#memory >= 0) closeSync(this.#memory);
    this.#lines.close();
    if (!this.#ended) {
      const closed = once(this.#child, 'close');
      this.#child.kill();
      await closed;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
