/** Writes the interpreter that the CPU runs: `npm run generate`. */
import { writeInterpreter } from './write-interpreter.js';

const { module, path } = await writeInterpreter();
console.log(
  `${path}: ${module.bytes.length} bytes, ${module.names.length} handlers, ${module.inLoop} in the loop`,
);
