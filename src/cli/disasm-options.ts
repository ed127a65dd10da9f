/** The options of `univisor disasm`: what yargs is told, and what the words mean. */
import type { Argv } from 'yargs';
import type { Syntax } from '../cpu/decode/disassembler.js';
import type { CodeSize } from '../cpu/decode/instruction.js';
import { imageOf } from './usage-error.js';
import { parseCount, single } from './values.js';

export interface DisasmSettings {
  readonly image: string;
  /** An address or a symbol. */
  readonly start: string | undefined;
  readonly stop: string | undefined;
  readonly syntax: Syntax;
  readonly count: number | undefined;
  /** undefined: by the ELF's class. */
  readonly bits: CodeSize | undefined;
  readonly json: boolean;
}

const SYNTAXES = ['intel', 'att'] as const;
const BITS = ['auto', '16', '32', '64'] as const;

const DISASM_OPTIONS = {
  start: {
    type: 'string',
    requiresArg: true,
    describe: 'Where to begin: an address (0x100000) or a symbol',
  },
  stop: { type: 'string', requiresArg: true, describe: 'Where to stop: an address or a symbol' },
  count: { type: 'string', requiresArg: true, describe: 'At most so many instructions' },
  bits: {
    type: 'string',
    requiresArg: true,
    choices: BITS,
    default: 'auto',
    describe: "Code size; auto is the ELF class's, though a 64-bit image's entry is 32-bit code",
  },
  syntax: {
    type: 'string',
    requiresArg: true,
    choices: SYNTAXES,
    default: 'intel',
    describe: 'Notation',
  },
  json: { type: 'boolean', describe: 'Print a JSON array of instructions' },
} as const;

/** By their long names. */
export const DISASM_OPTION_NAMES = Object.keys(DISASM_OPTIONS);

export function disasmOptions(yargs: Argv) {
  return yargs
    .positional('image', { type: 'string', describe: 'ELF or raw multiboot image' })
    .options(DISASM_OPTIONS);
}

type Parsed<B> = B extends Argv<infer A> ? A : never;
export type DisasmArguments = Parsed<ReturnType<typeof disasmOptions>>;

/** @throws UsageError */
export function disasmSettings(given: DisasmArguments): DisasmSettings {
  const count = single('--count', given.count);
  const bits = single('--bits', given.bits);
  return {
    image: imageOf(given.image),
    start: single('--start', given.start),
    stop: single('--stop', given.stop),
    syntax: single('--syntax', given.syntax) === 'att' ? 'att' : 'intel',
    count: count === undefined ? undefined : parseCount('--count', count, 1),
    bits: bits === '16' ? 16 : bits === '32' ? 32 : bits === '64' ? 64 : undefined,
    json: given.json ?? false,
  };
}
