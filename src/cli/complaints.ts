/** What is wrong with a command line, as UsageErrors: yargs' complaints in our words, and those it does not make. */
import { existsSync } from 'node:fs';
import { nearest } from './suggestion.js';
import { notSupported } from './unsupported.js';
import { UsageError } from './usage-error.js';

/** Commands of the plan that do not exist yet. */
const PLANNED = ['debug', 'snapshot', 'image', 'serve'];

/** The command line that is complained of. */
export interface Context {
  /** As in `univisor run`. */
  readonly program: string;
  readonly args: readonly string[];
  /** Long names of its options. */
  readonly options: readonly string[];
}

/** yargs' complaint as ours: it names options without their dashes, and counts stray arguments among them. */
export function usageError(message: string, context: Context): UsageError {
  const lines = message.split('\n').map((line) => line.trim());
  const plain = valueComplaint(lines, context.args);
  if (plain !== undefined) return new UsageError('bad-value', plain);
  const unknown = /^Unknown (?:arguments?|commands?): (.*)$/.exec(lines[0] ?? '')?.[1]?.split(', ');
  if (unknown === undefined) {
    return badUsage(lowerFirst(lines.filter(Boolean).join(' ')), context.program);
  }
  const device = unknown.find((name) => /^(?:net|block):/.test(name));
  if (device !== undefined) return notSupported(device);
  const stray = unknown.find((name) => context.args.includes(name));
  return stray === undefined ? unknownOptions(unknown, context) : strayArgument(stray, context.program);
}

/** What is wrong with an option's value. */
function valueComplaint(lines: readonly string[], args: readonly string[]): string | undefined {
  const without = /^Not enough arguments following: (.*)$/.exec(lines[0] ?? '')?.[1];
  if (without !== undefined) {
    const option = dashed(without);
    const next = args[args.indexOf(option) + 1];
    const hint =
      next?.startsWith('-') && next !== '--'
        ? `; one that begins with - goes after =: ${option}=${next}`
        : '';
    return `${option} needs a value${hint}`;
  }
  const choice = /^Argument: (\S+), Given: (.*), Choices: (.*)$/.exec(lines.at(-1) ?? '');
  if (choice === null) return undefined;
  const [, name = '', given, choices = ''] = choice;
  return `${dashed(name)}: ${given} is none of ${choices.replaceAll('"', '')}`;
}

function unknownOptions(names: readonly string[], { program, options }: Context): UsageError {
  const meant = names.length === 1 ? nearest(names[0]!, options) : undefined;
  const noun = names.length === 1 ? 'there is no option' : 'there are no options';
  const hint = meant === undefined ? '' : `: did you mean --${meant}?`;
  return badUsage(`${noun} ${names.map(dashed).join(', ')}${hint}`, program);
}

function strayArgument(word: string, program: string): UsageError {
  const expected = `what is "${word}"? One image is expected`;
  if (program !== 'univisor run') return badUsage(expected, program);
  return new UsageError('bad-usage', `${expected}; arguments for the guest go after --`);
}

/** @param commands names of those that there are, and the options of each */
export function noSuchCommand(
  word: string,
  commands: Readonly<Record<string, readonly string[]>>,
): UsageError {
  if (word.startsWith('-')) return optionBeforeCommand(word, commands);
  if (PLANNED.includes(word)) {
    return new UsageError('not-supported', `the command ${word} is not supported yet`);
  }
  const names = Object.keys(commands);
  const meant = /[./]/.test(word) || existsSync(word) ? `univisor run ${word}` : nearest(word, names);
  const hint = meant === undefined ? '' : `: did you mean ${meant}?`;
  return badUsage(`there is no command ${word}${hint}`, 'univisor');
}

function optionBeforeCommand(
  word: string,
  commands: Readonly<Record<string, readonly string[]>>,
): UsageError {
  const name = word.replace(/^-+/, '').replace(/=.*/, '');
  const owner = Object.keys(commands).find((command) => commands[command]?.includes(name));
  if (owner !== undefined) {
    return badUsage(`--${name} goes after its command: univisor ${owner} --${name}`, 'univisor');
  }
  return unknownOptions([name], { program: 'univisor', args: [], options: ['help', 'version'] });
}

/** A long option with one dash, which yargs would take for many short ones. */
export function refuseSingleDash({ program, args, options }: Context): void {
  for (const arg of args) {
    if (arg === '--') return;
    const name = /^-([a-z][a-z-]+)(?:=|$)/.exec(arg)?.[1];
    if (name !== undefined && options.includes(name)) {
      throw badUsage(`there is no option -${name}: did you mean --${name}?`, program);
    }
  }
}

/** `--json=no`, which yargs would take for `--json` left out. @param flags options that take no value */
export function refuseFlagValues({ program, args }: Context, flags: readonly string[]): void {
  for (const arg of args) {
    if (arg === '--') return;
    const name = /^--([a-z][a-z-]*)=/.exec(arg)?.[1];
    if (name !== undefined && flags.includes(name))
      throw badUsage(`--${name} takes no value: ${arg}`, program);
  }
}

/** `-m64M` as `-m=64M`, up to the `--`: yargs would take it for many short options. */
export function separateShortOptions(args: readonly string[], letters: string): string[] {
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  const joined = /^-([a-zA-Z])([^=].*)$/s;
  return args.map((arg, n) => {
    const [, letter = '', value] = (n < end && joined.exec(arg)) || [];
    return value !== undefined && letters.includes(letter) ? `-${letter}=${value}` : arg;
  });
}

export function badUsage(message: string, program: string): UsageError {
  return new UsageError('bad-usage', `${message}\nsee ${program} --help`);
}

function dashed(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
