/** Starts the real command, as built into dist/bin, and makes small images for it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import { buildElf, join, multibootHeader, type SectionSpec, SHT_PROGBITS } from '../image/builders.js';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const UNIVISOR = joinPath(ROOT, 'dist/bin/univisor.js');

export interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunCliOptions {
  /** Written to a pipe, then closed; a number is a file descriptor; nothing at all unless given. */
  readonly stdin?: string | number;
  readonly env?: NodeJS.ProcessEnv;
  /** A file descriptor, which is closed afterwards; a pipe unless given. */
  readonly stdout?: number;
}

export function runCli(args: readonly string[], options: RunCliOptions = {}): Promise<Finished> {
  const { stdin, stdout = 'pipe' } = options;
  const child = spawn(process.execPath, [UNIVISOR, ...args], {
    cwd: ROOT,
    env: { ...process.env, ...options.env },
    stdio: [typeof stdin === 'string' ? 'pipe' : (stdin ?? 'ignore'), stdout, 'pipe'],
  });
  if (typeof stdout === 'number') closeSync(stdout);
  if (typeof stdin === 'string') child.stdin?.end(stdin);
  return finished(child);
}

export function finished(child: ChildProcess): Promise<Finished> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}

/** A folder for a test file's images, which is gone when its tests are. To be called outside of tests. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(joinPath(tmpdir(), 'univisor-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function writeFileIn(folder: string, name: string, contents: Uint8Array | string): string {
  const path = joinPath(folder, name);
  writeFileSync(path, contents);
  return path;
}

/** Where `codeImage` puts its code, which is also the entry. */
export const CODE_ADDRESS = 0x100020;

/** A multiboot ELF32 that runs this 32-bit code; the section makes it visible to disasm. */
export function codeImage(code: readonly number[], sections: SectionSpec[] = []): Uint8Array {
  const header = multibootHeader(0);
  const bytes = join(header, new Uint8Array(0x20 - header.length), Uint8Array.from(code));
  const text: SectionSpec = {
    name: '.text',
    type: SHT_PROGBITS,
    flags: 6,
    address: BigInt(CODE_ADDRESS),
    bytes: Uint8Array.from(code),
  };
  return buildElf({
    bits: 32,
    entry: BigInt(CODE_ADDRESS),
    segments: [{ bytes }],
    sections: [text, ...sections],
  });
}

/** MOV DX, 3F8h; then MOV AL, OUT DX, AL for each character. */
export function printOnSerial(text: string): number[] {
  return [0x66, 0xba, 0xf8, 0x03, ...[...text].flatMap((c) => [0xb0, c.charCodeAt(0), 0xee])];
}

/** MOV AL, value; OUT F4h, AL; HLT. */
export function leaveWith(value: number): number[] {
  return [0xb0, value, 0xe6, 0xf4, 0xf4];
}
