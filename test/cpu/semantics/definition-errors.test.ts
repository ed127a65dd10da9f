/** What the generator says to whoever defines an instruction wrongly (docs/adding-an-instruction.md). */
import { afterEach, expect, test } from 'vitest';
import { definedEncodings } from '../../../src/cpu/decode/defined.generated.js';
import { DefinitionError } from '../../../src/cpu/decode/definition-error.js';
import { definedConflicts, useDefinedEncodings } from '../../../src/cpu/decode/opcode-map.js';
import { define, defineInstruction } from '../../../src/cpu/semantics/context.js';
import '../../../src/cpu/semantics/all.js';

const nothing = (): void => {};

afterEach(() => useDefinedEncodings(definedEncodings));

test('our own definitions are at free opcodes', () => {
  expect(definedConflicts()).toEqual([]);
});

test.each([
  ['NP.0F38 F0 GRAY Gv,Mv', '0F38', 0xf0, 'MOVBE'],
  ['0F A2 GRAY', '0F', 0xa2, 'CPUID'],
  ['NF.0F C7/6 GRAY Rv', '0F', 0xc7, 'RDRAND'],
  ['90 GRAY', '', 0x90, 'PAUSE'],
  ['VEX.NP.0F 58 GRAY Vx,Hx,Wx', 'VEX.0F', 0x58, 'VADDPS'],
])('%s is told what is there already', (line, map, opcode, taken) => {
  useDefinedEncodings([...definedEncodings, line]);
  expect(definedConflicts()).toContainEqual({ defined: 'GRAY', taken, opcode, map });
});

test.each([
  ['a free opcode', 'NP.0F38 60 GRAY Gv,Ev'],
  ['another prefix', 'F2.0F38 60 GRAY Gv,Ev'],
  ['a register where memory is taken', 'NP.0F38 F0 GRAY Gv,Rv'],
])('%s is no conflict', (_what, line) => {
  useDefinedEncodings([...definedEncodings, line]);
  expect(definedConflicts()).toEqual([]);
});

test('a mnemonic defined twice, several in one definition, and unknown attributes are named', () => {
  expect(() => define('ADD', '', nothing)).toThrow(new DefinitionError('ADD is defined twice'));
  const two = ['NP.0F38 60 GRAY Gv,Ev', 'NP.0F38 61 GREY Gv,Ev'];
  expect(() => defineInstruction(two, '', nothing)).toThrow(/one mnemonic wanted: .*GRAY.*GREY/);
  expect(() => defineInstruction(['NP.0F38 60 GRAY Gv,Ev blocked'], '', nothing)).toThrow(
    new DefinitionError('unknown attribute blocked of GRAY'),
  );
});
