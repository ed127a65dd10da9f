/** The reference of instructions that is made from the definitions: nothing is missing in it. */
import { expect, test } from 'vitest';
import { exampleOf, instructionReference } from '../../../scripts/instruction-reference.js';
import { allOpcodes } from '../../../src/cpu/decode/decoder.js';
import { allDefinitions } from '../../../src/cpu/semantics/context.js';

const reference = instructionReference();

test('every definition is told with its summary', () => {
  const missing = allDefinitions().filter(
    ({ mnemonic, summary }) => !reference.includes(`## ${mnemonic}\n\n${summary}\n`),
  );
  expect(missing.map(({ mnemonic }) => mnemonic)).toEqual([]);
});

test('every encoding has an example in both syntaxes', () => {
  const missing = allOpcodes().filter((entry) => exampleOf(entry) === undefined);
  expect(missing.map(({ mnemonic, opcode }) => `${mnemonic} ${opcode.toString(16)}`)).toEqual([]);
  expect(reference).toContain('| `F3 0F BC /r` | `tzcnt ecx,edx` | `tzcnt %edx,%ecx` | `BMI1` |');
});
