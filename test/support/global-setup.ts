import { writeInterpreter } from '../../scripts/write-interpreter.js';

/** Generates the interpreter from the semantics as they stand, so that no test runs an old one. */
export default function setup(): void {
  writeInterpreter();
}
