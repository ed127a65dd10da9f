/**
 * What the fuzzers' command lines share: options that are told and read from one table, and how a command ends: with 0,
 * with 1 for a finding, with 2 and one line for what cannot be. What is wrong is said as by `univisor` itself.
 */
import { parseArgs } from 'node:util';
import { nearest } from '../src/cli/suggestion.js';
import { UsageError } from '../src/cli/usage-error.js';
import { badValue, parseCount, single } from '../src/cli/values.js';

/** A whole number: the usual one if the option is not given, or `undefined` if there is none. */
export interface CountOption {
  readonly kind: 'count';
  readonly value: string;
  readonly usual?: number;
  /** 0 unless given. */
  readonly least?: number;
  readonly most?: number;
  readonly help: string;
}
/** Words, one each time that it is given. */
export interface WordsOption {
  readonly kind: 'words';
  readonly value: string;
  /** Any, unless given. */
  readonly choices?: readonly string[];
  readonly help: string;
}
export interface TextOption {
  readonly kind: 'text';
  readonly value: string;
  readonly help: string;
}
export interface FlagOption {
  readonly kind: 'flag';
  readonly help: string;
}
type Option = CountOption | WordsOption | TextOption | FlagOption;
export type Options = Readonly<Record<string, Option>>;

type ValueOf<O> = O extends FlagOption
  ? boolean
  : O extends WordsOption
    ? readonly string[]
    : O extends TextOption
      ? string | undefined
      : O extends { readonly usual: number }
        ? number
        : number | undefined;
export type Values<O extends Options> = { readonly [N in keyof O]: ValueOf<O[N]> };

export interface Command<O extends Options> {
  /** As in `npm run fuzz:cpu`. */
  readonly name: string;
  /** What it does, a sentence; and behind the options, what else is to be known. */
  readonly summary: string;
  readonly notes: string;
  readonly options: O;
  /** @returns the exit status */
  run(values: Values<O>): Promise<number>;
}

/** Options that mean the same everywhere. */
export const SEED = {
  kind: 'count',
  value: 'N',
  usual: 1,
  help: 'a number that the cases follow from',
} as const satisfies CountOption;
export const WORKERS = {
  kind: 'count',
  value: 'N',
  usual: 1,
  least: 1,
  most: 64,
  help: 'processes that share the work',
} as const satisfies CountOption;

/** What a run came to that ended before its time: it is told without a stack, as a finding. */
export class FoundError extends Error {
  override readonly name = 'FoundError';
}

/** What a run lacks, such as a tool: told without a stack. */
export class LackError extends Error {
  override readonly name: string = 'LackError';
}

/** Runs a command with this process's arguments, and sets its exit status. */
export async function runCommand<O extends Options>(command: Command<O>): Promise<void> {
  process.exitCode = await outcome(command, process.argv.slice(2));
}

async function outcome<O extends Options>(command: Command<O>, args: readonly string[]): Promise<number> {
  try {
    if (args.some((arg) => arg === '--help' || arg === '-h')) {
      console.log(helpText(command));
      return 0;
    }
    return await command.run(parseOptions(command.options, args));
  } catch (error) {
    const plain = error instanceof UsageError || error instanceof FoundError || error instanceof LackError;
    console.error(plain ? `${command.name}: ${error.message}` : error);
    return error instanceof FoundError ? 1 : 2;
  }
}

function helpText<O extends Options>({ name, summary, notes, options }: Command<O>): string {
  const all: Options = { ...options, help: { kind: 'flag', help: 'print this' } };
  const rows = Object.entries(all).map(([option, spec]) => ({
    left: `--${option}${spec.kind === 'flag' ? '' : ` ${spec.value}`}`,
    right: `${spec.help}${usualOf(spec)}`.split('\n'),
  }));
  const width = Math.max(...rows.map(({ left }) => left.length));
  const lines = rows.flatMap(({ left, right }) =>
    right.map((text, n) => `  ${(n === 0 ? left : '').padEnd(width)}  ${text}`),
  );
  return `${summary}: npm run ${name} -- [options]\n\n${lines.join('\n')}\n\n${notes}`;
}

function usualOf(spec: Option): string {
  return spec.kind === 'count' && spec.usual !== undefined ? `; ${spec.usual} unless given` : '';
}

/** @throws UsageError for what is no option of these, or no value of one */
function parseOptions<O extends Options>(options: O, args: readonly string[]): Values<O> {
  const given = givenValues(options, args);
  const entries = Object.entries(options).map(
    ([name, spec]) => [name, readValue(`--${name}`, spec, given.get(name) ?? [])] as const,
  );
  return Object.fromEntries(entries) as Values<O>;
}

function readValue(option: string, spec: Option, texts: readonly string[]) {
  if (spec.kind === 'flag') return texts.length > 0;
  if (spec.kind === 'words') return texts.map((text) => readWord(option, spec, text));
  const text = single(option, texts.length > 1 ? texts : texts[0]);
  if (spec.kind === 'text') return text;
  return text === undefined ? spec.usual : readCount(option, spec, text);
}

function readWord(option: string, { choices }: WordsOption, text: string): string {
  if (choices && !choices.includes(text)) throw badValue(option, text, `is none of ${choices.join(', ')}`);
  return text;
}

function readCount(
  option: string,
  { least = 0, most = Number.MAX_SAFE_INTEGER }: CountOption,
  text: string,
): number {
  const count = parseCount(option, text, least);
  if (count > most) throw badValue(option, text, `is too many: the limit is ${most}`);
  return count;
}

/** The texts that each option was given, those of a flag empty. @throws UsageError */
function givenValues(options: Options, args: readonly string[]): Map<string, string[]> {
  const types = Object.entries(options).map(([name, { kind }]) => {
    return [name, { type: kind === 'flag' ? 'boolean' : 'string' }] as const;
  });
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(types),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') throw usage(`what is "${token.value}"? Only options are expected`);
    const { name, rawName, value } = token;
    const spec = Object.hasOwn(options, name) ? options[name] : undefined;
    if (spec === undefined) {
      const meant = nearest(name, Object.keys(options));
      throw usage(`there is no option ${rawName}${meant === undefined ? '' : `: did you mean --${meant}?`}`);
    }
    if (spec.kind === 'flag' && value !== undefined) throw usage(`${rawName} takes no value`);
    if (spec.kind !== 'flag' && !value) throw usage(`${rawName} needs a value: ${rawName} ${spec.value}`);
    given.set(name, [...(given.get(name) ?? []), value ?? '']);
  }
  return given;
}

function usage(message: string): UsageError {
  return new UsageError('bad-usage', `${message} (--help lists the options)`);
}
