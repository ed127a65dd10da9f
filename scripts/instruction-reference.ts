/**
 * The reference of instructions, made from what the CPU is made of: the lines of the opcode tables, the definitions'
 * summaries, and the disassembler's text of an example of each encoding. Nothing in it is written by hand.
 */
import { allOpcodes, DECODE_OK, decode } from '../src/cpu/decode/decoder.js';
import { disassemble } from '../src/cpu/decode/disassembler.js';
import { type CodeSize, DecodedInstruction } from '../src/cpu/decode/instruction.js';
import type { OpcodeEntry } from '../src/cpu/decode/opcode-entry.js';
import { definitionOf } from '../src/cpu/semantics/context.js';
import '../src/cpu/semantics/all.js';

const MANDATORY = { any: [], none: [], notF2F3: [], '66': [0x66], F3: [0xf3], F2: [0xf2] } as const;
const PP = { any: 0, none: 0, notF2F3: 0, '66': 1, F3: 2, F2: 3 } as const;
const MAP_BYTES = { '': [], '0F': [0x0f], '0F38': [0x0f, 0x38], '0F3A': [0x0f, 0x3a] } as const;
const VEX_MAPS = { '': 0, '0F': 1, '0F38': 2, '0F3A': 3 } as const;
const SIZES: readonly CodeSize[] = [64, 32, 16];
const TAIL = [0x12, 0, 0, 0, 0, 0, 0, 0, 0, 0];

const hex = (byte: number): string => byte.toString(16).toUpperCase().padStart(2, '0');

function usesModRM(entry: OpcodeEntry): boolean {
  const names = entry.operands.some(({ source }) => source === 'rm' || source === 'reg');
  return names || entry.form !== 'none' || entry.extension >= 0;
}

/** The encoding as the manual writes it. */
function encodingText(entry: OpcodeEntry): string {
  const w = entry.w < 0 ? [] : [`W${entry.w}`];
  const l = entry.l < 0 ? [] : [entry.l === 1 ? '256' : '128'];
  const opcode = hex(entry.opcode) + (entry.lowThreeBits ? '+r' : '');
  const prefixes = entry.vex
    ? [['VEX', ...l, ...MANDATORY[entry.mandatoryPrefix].map(hex), entry.map, ...w].join('.')]
    : [...MANDATORY[entry.mandatoryPrefix], ...MAP_BYTES[entry.map]].map(hex);
  if (!entry.vex && entry.w === 1) prefixes.unshift('REX.W');
  const modRM = entry.extension >= 0 ? [`/${entry.extension}`] : usesModRM(entry) ? ['/r'] : [];
  return [...prefixes, opcode, ...modRM].join(' ');
}

function vexBytes(entry: OpcodeEntry): number[] {
  const v = entry.operands.some(({ source }) => source === 'vvvv') ? 12 : 15;
  const last = (Math.max(entry.w, 0) << 7) | (v << 3) | (Math.max(entry.l, 0) << 2);
  return [0xc4, 0xe0 | VEX_MAPS[entry.map], last | PP[entry.mandatoryPrefix]];
}

/** ModRM with what follows it: a register, [RDX], and [RDX + the register 4], with either of two in reg. */
function formsOf(entry: OpcodeEntry): number[][] {
  if (!usesModRM(entry)) return [[]];
  const rm = entry.rmExtension >= 0 ? entry.rmExtension : 2;
  const regs = entry.extension >= 0 ? [entry.extension] : [1, 3];
  return regs.flatMap((reg) => [[0xc0 | (reg << 3) | rm], [(reg << 3) | rm], [(reg << 3) | 4, 0x22]]);
}

/** Byte strings of which one is likely this encoding. */
function* candidates(entry: OpcodeEntry): Generator<number[]> {
  const forms = formsOf(entry);
  // Not the register 0, or XCHG is a NOP.
  const opcode = entry.opcode | (entry.lowThreeBits ? 1 : 0);
  const heads = entry.vex
    ? [vexBytes(entry)]
    : [[], [0x48], [0x66], [0x67]].map((extra) => {
        const rex = extra[0] === 0x48;
        const mandatory = MANDATORY[entry.mandatoryPrefix];
        return [...(rex ? [] : extra), ...mandatory, ...(rex ? extra : []), ...MAP_BYTES[entry.map]];
      });
  for (const head of heads) for (const form of forms) yield [...head, opcode, ...form, ...TAIL];
}

interface Example {
  readonly intel: string;
  readonly att: string;
}

/** An instruction of an encoding in both syntaxes, at address 0; undefined if none was found. */
export function exampleOf(entry: OpcodeEntry): Example | undefined {
  const instruction = new DecodedInstruction();
  for (const size of SIZES) {
    for (const bytes of candidates(entry)) {
      const status = decode(Uint8Array.from(bytes), 0, bytes.length, size, instruction);
      if (status !== DECODE_OK || instruction.entry.id !== entry.id) continue;
      const text = (syntax: 'intel' | 'att'): string =>
        disassemble(instruction, 0n, syntax).replace(/ +/g, ' ').trim();
      return { intel: text('intel'), att: text('att') };
    }
  }
  return undefined;
}

/** Markdown: each mnemonic with its summary, and a row for each encoding. */
export function instructionReference(): string {
  const byName = new Map<string, OpcodeEntry[]>();
  for (const entry of allOpcodes()) {
    byName.set(entry.mnemonic, [...(byName.get(entry.mnemonic) ?? []), entry]);
  }
  const names = [...byName.keys()].sort();
  const sections = names.map((name) => {
    const summary = definitionOf(name)?.summary ?? 'Not there yet: #UD.';
    const rows = (byName.get(name) ?? []).map((entry) => {
      const example = exampleOf(entry);
      const cells = [encodingText(entry), example?.intel ?? '', example?.att ?? '', entry.feature];
      return `| ${cells.map((cell) => (cell === '' ? '' : `\`${cell}\``)).join(' | ')} |`;
    });
    const head = '| encoding | Intel | AT&T | feature |\n| --- | --- | --- | --- |';
    return `## ${name}\n\n${summary}\n\n${head}\n${rows.join('\n')}\n`;
  });
  return `# Instructions\n\nMade from the definitions by \`npm run generate\`.\n\n${sections.join('\n')}`;
}
