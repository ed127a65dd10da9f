#!/usr/bin/env node
/**
 * What `univisor` starts: the program from its bundle, with the code that V8 compiled when it was built. Another
 * version of Node refuses that code and compiles the source instead. Written for the bundle; see scripts/build-cli.ts.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Script } from 'node:vm';

declare const __dirname: string;

const filename = `${__dirname}/program.js`;
const source = `(function(require,__dirname,__filename,exports){${readFileSync(filename, 'utf8')}\n})`;

function compiledBefore(): Buffer | undefined {
  try {
    return readFileSync(`${__dirname}/program.cache`);
  } catch {
    return undefined;
  }
}

const cachedData = compiledBefore();
const script = new Script(source, { filename, ...(cachedData && { cachedData }) });
script.runInThisContext()(createRequire(filename), __dirname, filename, {});
