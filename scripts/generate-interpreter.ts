/** Writes the interpreter that the CPU runs, and the reference of instructions: `npm run generate`. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { writeInterpreter } from './write-interpreter.js';

const { module, path } = await writeInterpreter().catch(refused);
console.log(
  `${path}: ${module.bytes.length} bytes, ${module.names.length} handlers, ${module.inLoop} in the loop`,
);

const { instructionReference } = await import('./instruction-reference.js');
const reference = 'docs/instructions.generated.md';
const text = instructionReference();
writeFileSync(fileURLToPath(new URL(`../${reference}`, import.meta.url)), text);
console.log(`${reference}: ${text.length} characters`);

/** Whoever defines an instruction is told what is wrong with it, without the generator's own stack. */
function refused(error: unknown): never {
  if (!(error instanceof Error) || error.name !== 'DefinitionError') throw error;
  console.error(`${error.message}${error.cause instanceof Error ? `\n${error.cause.stack}` : ''}`);
  process.exit(1);
}
