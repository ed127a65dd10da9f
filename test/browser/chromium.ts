/** A headless Chromium with a fresh profile, ended by its process group. */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The path, or undefined if there is none on the PATH. */
export function findChromium(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.map((folder) => join(folder, 'chromium')).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export class Chromium {
  readonly #profile = mkdtempSync(join(tmpdir(), 'univisor-chromium-'));
  readonly #process: ChildProcess;
  #errors = '';
  /** Never resolves; rejects if the browser ends before it is asked to. */
  readonly ended: Promise<never>;

  constructor(path: string, address: string) {
    this.#process = spawn(path, [...FLAGS, `--user-data-dir=${this.#profile}`, address], {
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#process.stderr?.on('data', (bytes: Buffer) => {
      this.#errors = `${this.#errors}${bytes}`.slice(-4000);
    });
    this.ended = new Promise((_, reject) => {
      this.#process.once('error', reject);
      this.#process.once('exit', (code) => {
        reject(new Error(`Chromium ended with ${code}: ${this.#errors}`));
      });
    });
    this.ended.catch(() => {});
  }

  async close(): Promise<void> {
    const { pid, exitCode, signalCode } = this.#process;
    if (pid !== undefined && exitCode === null && signalCode === null) {
      const gone = new Promise((resolve) => this.#process.once('exit', resolve));
      // Its helpers too: they are of its group.
      process.kill(-pid, 'SIGKILL');
      await gone;
    }
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}
