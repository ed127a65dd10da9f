/**
 * Runs the bundled command as its launcher does, and when it ends writes V8's code cache for it: with what ran
 * compiled, and the rest left lazy. Arguments: the bundle's folder, then the command's own.
 */
const { readFileSync, writeFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const { Script } = require('node:vm');

const [directory, ...args] = process.argv.splice(2);
process.argv.push(...args);

const filename = `${directory}/program.js`;
const source = readFileSync(filename, 'utf8');
// The cache keeps this name for its stacks, and the folder is a temporary one.
const script = new Script(`(function(require,__dirname,__filename,exports){${source}\n})`, {
  filename: 'univisor/program.js',
});
process.on('exit', () => writeFileSync(`${directory}/program.cache`, script.createCachedData()));
script.runInThisContext()(createRequire(filename), directory, filename, {});
