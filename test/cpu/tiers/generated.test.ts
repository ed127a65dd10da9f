/** What the generator makes of the definitions. */
import { expect, test } from 'vitest';
import { allOpcodes } from '../../../src/cpu/decode/decoder.js';
import { allDefinitions } from '../../../src/cpu/semantics/context.js';
import { wasm } from '../../../src/cpu/tiers/interpreter/interpreter.generated.js';
import { generateInterpreter } from '../../../src/cpu/tiers/interpreter/module.js';

const module = generateInterpreter();

test('the module is valid WebAssembly', () => {
  expect(WebAssembly.validate(module.bytes)).toBe(true);
});

test('the loop holds the frequent handlers, and stays below the size at which V8 optimises it badly', () => {
  expect(module.inLoop).toBeGreaterThan(250);
  expect(module.inLoop).toBeLessThanOrEqual(340);
});

test('generating gives the same bytes in another process: what the tests run was made before them', () => {
  expect(Buffer.from(module.bytes).toString('base64')).toBe(wasm);
});

test('every definition is of a mnemonic that the decoder knows', () => {
  const known = new Set(allOpcodes().map(({ mnemonic }) => mnemonic));
  expect(
    allDefinitions()
      .map(({ mnemonic }) => mnemonic)
      .filter((mnemonic) => !known.has(mnemonic)),
  ).toEqual([]);
});
