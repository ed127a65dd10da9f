/** `univisor run` on a terminal: raw mode and its end, and the Ctrl-A keys. Needs `script` of util-linux. */
import { spawn, spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { type Finished, finished, ROOT, UNIVISOR } from './support.js';

const ECHO = 'guests/echo/echo.elf';
const hasScript = spawnSync('script', ['--version']).status === 0;
/** In CI a missing tool is a failure and not a reason to test less. */
const skipped = !hasScript && process.env.CI === undefined;

/** Runs a shell command on a pseudo-terminal; each step waits for a text and then types. */
async function onTerminal(
  command: string,
  steps: readonly (readonly [waitFor: string, typed: string | ((seen: string) => string)])[],
): Promise<Finished> {
  const child = spawn('script', ['-qefc', command, '/dev/null'], { cwd: ROOT });
  let seen = '';
  let step = 0;
  child.stdout.on('data', (text) => {
    seen += text;
    const next = steps[step];
    if (next === undefined || !seen.includes(next[0])) return;
    step++;
    child.stdin.write(typeof next[1] === 'string' ? next[1] : next[1](seen));
    seen = seen.slice(seen.indexOf(next[0]) + next[0].length);
  });
  return finished(child);
}

const UNIVISOR_RUN = `${process.execPath} ${UNIVISOR} run ${ECHO} --timeout 25`;
const BANNER = 'leaves with N.';

describe.skipIf(skipped)('on a terminal', () => {
  test('what is typed goes to the guest, which alone echoes it', async () => {
    const { status, stdout } = await onTerminal(UNIVISOR_RUN, [
      [BANNER, 'hello\r'],
      ['hello', 'exit 4\r'],
    ]);

    expect(stdout.match(/hello/g)).toHaveLength(1);
    expect(stdout).toContain('5: hello\r\n');
    expect(status).toBe(9);
  });

  test('Ctrl-A X quits and gives the terminal back', async () => {
    const { stdout } = await onTerminal(`${UNIVISOR_RUN}; echo status $?; stty -a`, [[BANNER, '\x01x']]);

    expect(stdout).toContain('status 130');
    expect(stdout).toMatch(/ icanon .* echo /s);
  });

  test('a signal gives the terminal back', async () => {
    const { stdout } = await onTerminal(`sh -c 'echo pid $$; exec ${UNIVISOR_RUN}'; stty -a`, [
      [
        BANNER,
        (seen) => {
          process.kill(Number(/pid (\d+)/.exec(seen)?.[1]), 'SIGHUP');
          return '';
        },
      ],
    ]);

    expect(stdout).toMatch(/ icanon .* echo /s);
  });

  test('Ctrl-A has help, a monitor to come, and itself; Ctrl-C over and over brings a reminder', async () => {
    const { stdout } = await onTerminal(UNIVISOR_RUN, [
      [BANNER, '\x01h'],
      ['Ctrl-A A', '\x01c'],
      ['there is no monitor yet', '\x01a\x01\x01\r'],
      ['2: ', '\x03\x03\x03'],
      ['\nCtrl-A X quits\r\n', '\x01x'],
    ]);

    expect(stdout).toContain('Ctrl-A X    quit');
    expect(stdout).not.toContain('the monitor');
    expect(stdout).toContain('2: \x01\x01\r\n');
  });
});
