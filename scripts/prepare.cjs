/**
 * npm's `prepare`, which also runs before `npx univisor` in a clone: builds dist/ when its sources are newer. Plain
 * JavaScript, because it has to say so when the tools are not installed.
 */
const { spawnSync } = require('node:child_process');
const { existsSync, mkdirSync, utimesSync, writeFileSync } = require('node:fs');
const { dirname, join } = require('node:path');

/** tsx's command; undefined before `npm ci`. */
function findTsx() {
  try {
    require.resolve('typescript/package.json');
    return require.resolve('tsx/cli');
  } catch {
    return undefined;
  }
}

const ADVICE = 'univisor: the tools that build it are not installed: run npm ci first';
const COMMAND = join(__dirname, '../dist/bin/univisor.js');

/**
 * npx shows nothing of a `prepare` that fails, and cannot be used in the clone again until its cache is cleared. So
 * there it is the command that says what is missing; it is as old as can be, so that the first build replaces it.
 */
function standIn() {
  if (existsSync(COMMAND)) return;
  mkdirSync(dirname(COMMAND), { recursive: true });
  const text = `#!/usr/bin/env node\nconsole.error('${ADVICE}');\nprocess.exitCode = 126;\n`;
  writeFileSync(COMMAND, text, { mode: 0o755 });
  utimesSync(COMMAND, 0, 0);
}

const tsx = findTsx();
if (tsx === undefined) {
  console.error(ADVICE);
  if (process.env.npm_command !== 'exec') process.exit(1);
  standIn();
  process.exit(0);
}
const { status } = spawnSync(process.execPath, [tsx, join(__dirname, 'build-stale.ts')], {
  stdio: 'inherit',
});
process.exit(status ?? 1);
