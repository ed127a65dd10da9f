/**
 * npm's `prepare`, which also runs before `npx univisor` in a clone: builds dist/ when its sources are newer. Plain
 * JavaScript, because it has to say so when the tools are not installed.
 */
const { spawnSync } = require('node:child_process');
const { join } = require('node:path');

/** tsx's command; undefined before `npm ci`. */
function findTsx() {
  try {
    require.resolve('typescript/package.json');
    return require.resolve('tsx/cli');
  } catch {
    return undefined;
  }
}

const tsx = findTsx();
if (tsx === undefined) {
  console.error('univisor: the tools that build it are not installed: run npm ci first');
  process.exit(1);
}
const { status } = spawnSync(process.execPath, [tsx, join(__dirname, 'build-stale.ts')], {
  stdio: 'inherit',
});
process.exit(status ?? 1);
