/** The example of docs/adding-an-instruction.md, as it stands there: one definition serves all that it says. */
import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { beforeAll, expect, test } from 'vitest';
import { instructionReference } from '../../../scripts/instruction-reference.js';
import { Cpu } from '../../../src/cpu/cpu.js';
import { DECODE_OK, decode } from '../../../src/cpu/decode/decoder.js';
import { disassemble } from '../../../src/cpu/decode/disassembler.js';
import { DecodedInstruction } from '../../../src/cpu/decode/instruction.js';
import { defineInstruction, definitionOf } from '../../../src/cpu/semantics/context.js';
import type { Interpreter } from '../../../src/cpu/tiers/interpreter/load.js';
import { generateInterpreter } from '../../../src/cpu/tiers/interpreter/module.js';
import { runOn } from '../../support/run-code.js';

const document = readFileSync(new URL('../../../docs/adding-an-instruction.md', import.meta.url), 'utf8');
const block = (language: string): string =>
  new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(document)?.[1] ?? '';
/** Bytes, Intel's text, AT&T's text, the outcome. */
const [code = '', intel = '', att = '', outcome = ''] = block('asm').trim().split(/ {4,}/);

/** Who follows the page has defined it already, and then just so. */
const defineUnlessThere: typeof defineInstruction = (encodings, summary, meaning, hot) => {
  const there = definitionOf('GRAY');
  if (there === undefined) defineInstruction(encodings, summary, meaning, hot);
  else expect([there.encodings, there.summary]).toEqual([encodings, summary]);
};

let interpreter: Interpreter;

beforeAll(async () => {
  const definition = block('ts').replace(/^import .*\n/, '');
  new Function('defineInstruction', ts.transpile(definition))(defineUnlessThere);
  const made = generateInterpreter();
  const module = await WebAssembly.compile(made.bytes);
  interpreter = { module, numbers: { rows: made.rows, handlers: made.handlers } };
}, 120_000);

function cpu(): Cpu {
  return new Cpu({
    interpreter,
    ramSize: 4 << 20,
    bus: { readPort: () => 0, writePort: () => {}, readMemory: () => 0, writeMemory: () => {} },
    interrupts: { pending: () => false, acknowledge: () => 0 },
  });
}

test('the interpreter runs it', () => {
  const { registers, rip, flags } = runOn(cpu(), { code, registers: { 2: 0xbn } });
  expect(outcome).toBe(`# ECX = 0x${registers[1]?.toString(16)}`);
  expect(rip).toBe(0x10004n);
  // PF is clear: 0xe has three bits.
  expect(flags).toBe(0x2n);
});

test('it takes memory and other operand sizes', () => {
  const memory = [{ address: 0x50000, bytes: [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff] }];
  const run = (bytes: string) => runOn(cpu(), { code: bytes, memory, registers: { 1: -1n, 2: 0x50000n } });
  // GRAY RCX, [RDX]; GRAY CX, [RDX] has 66, which NP excludes.
  expect(run('48 0f 38 60 0a').registers[1]).toBe(1n << 63n);
  expect(run('66 0f 38 60 0a').exception?.vector).toBe(6);
});

test('the disassembler writes it in both syntaxes', () => {
  const bytes = Uint8Array.from(code.split(' '), (byte) => Number.parseInt(byte, 16));
  const instruction = new DecodedInstruction();
  expect(decode(bytes, 0, bytes.length, 64, instruction)).toBe(DECODE_OK);
  expect(disassemble(instruction, 0n, 'intel')).toBe(intel);
  expect(disassemble(instruction, 0n, 'att')).toBe(att);
});

test('the reference tells it', () => {
  expect(instructionReference()).toContain(
    '## GRAY\n\nWrites the Gray code of the source; the flags are as after AND.\n\n| encoding | Intel',
  );
});
