/** `univisor run` with the example guests: what they print, what they are given, and where from. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { codeImage, leaveWith, ROOT, runCli, temporaryFolder, UNIVISOR, writeFileIn } from './support.js';

const HELLO = 'guests/hello/hello.elf';
const ECHO = 'guests/echo/echo.elf';
const folder = temporaryFolder();

async function withFile<T>(path: string, action: (descriptor: number) => Promise<T>): Promise<T> {
  const descriptor = openSync(path, 'r');
  try {
    return await action(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Prints what it reads, by polling, until a `!`: IN from LSR, TEST, JZ; IN from RBR, CMP, JE, OUT, JMP. */
const POLLING_ECHO = [
  ...[0x66, 0xba, 0xfd, 0x03, 0xec, 0xa8, 0x01, 0x74, 0xf7],
  ...[0x66, 0xba, 0xf8, 0x03, 0xec, 0x3c, 0x21, 0x74, 0x03, 0xee, 0xeb, 0xeb],
  ...leaveWith(2),
];
/** Several times what the queue between stdin and the guest holds. */
const LONG = Array.from({ length: 8_000 }, (_, n) => `line ${n}\n`).join('');

test('hello prints its transcript and powers off', async () => {
  const { status, stdout, stderr } = await runCli(['run', HELLO]);

  expect(stdout).toBe(readFileSync(`${ROOT}guests/hello/transcript.txt`, 'utf8'));
  expect(stderr).toBe('');
  expect(status).toBe(0);
});

test('the command line is --append and then the arguments after --', async () => {
  const { stdout } = await runCli(['run', HELLO, '--append', 'a=1 b', '--', '--verbose', 'c']);

  expect(stdout).toContain('Command line: hello.elf a=1 b --verbose c\n');
});

test('modules come from --initrd, several with commas', async () => {
  const one = writeFileIn(folder, 'one', 'first');
  const two = writeFileIn(folder, 'two,2', 'second');

  const { stdout } = await runCli(['run', HELLO, '--initrd', `${one} x y,${two.replaceAll(',', ',,')}`]);

  expect(stdout).toContain('Modules: 2\n');
});

test.for([['-m', '128MiB'], ['-m128M'], ['-m=128M']])('memory is what -m says: %j', async (option) => {
  const { stdout } = await runCli(['run', HELLO, ...option]);

  expect(stdout).toContain('-0x000008000000 usable');
});

test('stdin as a file: every run is the same to the last instruction', async () => {
  const run = () =>
    withFile(`${ROOT}guests/echo/input.txt`, (stdin) => runCli(['run', '--json', ECHO], { stdin }));

  const [first, second] = [await run(), await run()];

  const plain = (json: string) => ({ ...JSON.parse(json), hostSeconds: 0 });
  expect(plain(first.stdout)).toEqual(plain(second.stdout));
  expect(plain(first.stdout).output).toBe(readFileSync(`${ROOT}guests/echo/transcript.txt`, 'utf8'));
});

test.for(['a file', 'a pipe'])('a long input reaches the guest whole from %s', async (source) => {
  const guest = writeFileIn(folder, 'polling-echo.elf', codeImage(POLLING_ECHO));
  const input = writeFileIn(folder, 'long.txt', `${LONG}!`);

  const { stdout, status } =
    source === 'a pipe'
      ? await runCli(['run', guest], { stdin: `${LONG}!` })
      : await withFile(input, (stdin) => runCli(['run', guest], { stdin }));

  // Compared first, so that a failure does not print it all.
  expect(stdout === LONG).toBe(true);
  expect(status).toBe(5);
});

test.for(['', 'no newline'])(
  'a guest that waits for more than the pipe has is given up (%o)',
  async (stdin) => {
    const { status, stderr } = await runCli(['run', ECHO], { stdin });

    expect(stderr).toMatch(
      /^univisor: echo\.elf waits for input, and its input has ended; .* instructions\)\n$/,
    );
    expect(status).toBe(118);
  },
);

test('a reader that goes away ends the run quietly', async () => {
  const child = spawn(process.execPath, [UNIVISOR, 'run', ECHO, '--timeout', '20'], { cwd: ROOT });
  let stderr = '';
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  child.stdout.once('data', () => {
    child.stdout.destroy();
    child.stdin.write('hello\n'.repeat(1000));
  });

  const status = await new Promise((resolve) => child.on('exit', resolve));

  expect(stderr).toBe('');
  expect(status).toBe(141);
});

test('the debug console goes to a file, or to stdout', async () => {
  const guest = writeFileIn(folder, 'debug.elf', codeImage([0xb0, 0x41, 0xe6, 0xe9, ...leaveWith(0)]));
  const file = `${folder}/debug.txt`;

  const toFile = await runCli(['run', guest, '--debugcon', file]);
  const toStdout = await runCli(['run', guest, '--debugcon', '-']);
  const toJson = await runCli(['run', guest, '--debugcon', '-', '--json']);

  expect([toFile.stdout, readFileSync(file, 'utf8')]).toEqual(['', 'A']);
  expect(toStdout.stdout).toBe('A');
  expect(JSON.parse(toJson.stdout)).toMatchObject({ output: '', debugOutput: 'A' });
});
