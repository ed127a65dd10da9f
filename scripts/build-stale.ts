/** Makes all of dist/ if any of it is older than its sources. For `prepare`; see prepare.cjs. */
import { fileURLToPath } from 'node:url';
import { isStale } from './build-if-stale.js';

const root = fileURLToPath(new URL('..', import.meta.url));

if (isStale('dist/bin/univisor.js', root) || isStale('dist/index.js', root)) {
  console.error('univisor: dist/ is older than its sources: building it, which takes some 15 s');
  await import('./build.js');
}
