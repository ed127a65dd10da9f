/**
 * The command line's grammar, for yargs: commands, options, help. A command's own code is loaded when it is chosen.
 * Leaves out what a command does, and the process: arguments come in, an action or a UsageError goes out.
 */
import yargs, { type Argv } from 'yargs';
import packageJson from '../../package.json' with { type: 'json' };
import { disasmOptions } from './disasm-options.js';
import { EXIT_STATUS_HELP } from './exit-status.js';
import { runOptions } from './run-options.js';
import { notSupported } from './unsupported.js';
import { imageOf, UsageError } from './usage-error.js';

/** Resolves to the exit status. */
export type Action = () => Promise<number>;

/** Commands of the plan that do not exist yet. */
const PLANNED = ['debug', 'snapshot', 'image', 'serve'];

interface Command {
  readonly summary: string;
  readonly usage: string;
  /** Options, and what takes the parsed ones. */
  define(program: Argv, choose: (action: Action) => void): Argv;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  run: {
    summary: 'Boot an image and run it on this terminal',
    usage: '$0 IMAGE [-- GUEST ARGS]\n\nBoots an image and runs it on this terminal. Ctrl-A X quits.',
    define: (program, choose) =>
      program
        .command('$0 [image]', false, runOptions, (given) =>
          choose(async () => (await import('./run.js')).run(given)),
        )
        .epilogue(EXIT_STATUS_HELP),
  },
  inspect: {
    summary: 'Show what an image is and what it needs',
    usage: '$0 IMAGE\n\nShows what an image is and what it needs.',
    define: (program, choose) =>
      program.command('$0 [image]', false, inspectOptions, ({ image, json = false }) =>
        choose(async () => (await import('./inspect.js')).inspect(imageOf(image), json)),
      ),
  },
  disasm: {
    summary: "Disassemble an image's code",
    usage: "$0 IMAGE\n\nDisassembles an image's code.",
    define: (program, choose) =>
      program.command('$0 [image]', false, disasmOptions, (given) =>
        choose(async () => (await import('./disasm.js')).disasm(given)),
      ),
  },
};

/**
 * What the arguments ask for; undefined when they only asked for help or the version, which is printed by then.
 *
 * A command is the default command of a parser of its own: as one of several, yargs would lay out its help text each
 * time it runs, which takes longer than everything else here.
 * @throws UsageError
 */
export function parseCommandLine(args: readonly string[]): Action | undefined {
  const [first = '', ...rest] = args;
  const command = Object.hasOwn(COMMANDS, first) ? COMMANDS[first] : undefined;
  let action: Action | undefined;
  if (command) {
    const program = parser(rest, `univisor ${first}`).usage(`Usage: ${command.usage}`);
    command.define(program, (chosen) => {
      action = chosen;
    });
    program.parseSync();
    return action;
  }
  const program = parser(args, 'univisor').usage(
    'Usage: $0 COMMAND\n\nBoots x86-64 unikernel images in Node.js.',
  );
  for (const [name, { summary }] of Object.entries(COMMANDS)) program.command(name, summary);
  program
    .demandCommand(1, `give a command: ${Object.keys(COMMANDS).join(', ')}`)
    .recommendCommands()
    .epilogue(EXIT_STATUS_HELP)
    .parseSync();
  return undefined;
}

function parser(args: readonly string[], name: string): Argv {
  return yargs([...args])
    .scriptName(name)
    .locale('en')
    .parserConfiguration({
      'populate--': true,
      'camel-case-expansion': false,
      'dot-notation': false,
      'boolean-negation': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
    })
    .strict()
    .help()
    .alias('help', 'h')
    .version(packageJson.version)
    .exitProcess(false)
    .showHelpOnFail(false)
    .fail((message, error) => {
      throw error instanceof UsageError ? error : usageError(message || error?.message, args, name);
    });
}

function inspectOptions(program: Argv) {
  return program
    .positional('image', { type: 'string', describe: 'Any file' })
    .options({ json: { type: 'boolean', describe: 'Print JSON' } });
}

/** yargs' complaint as ours: it names options without their dashes, and counts stray arguments among them. */
function usageError(message: string, args: readonly string[], program: string): UsageError {
  const seeHelp = `see ${program} --help`;
  const lines = message.split('\n').map((line) => line.trim());
  const plain = valueComplaint(lines);
  if (plain !== undefined) return new UsageError('bad-value', plain);
  const unknown = /^Unknown (?:arguments?|commands?): (.*)$/.exec(lines[0] ?? '')?.[1]?.split(', ');
  if (unknown === undefined) {
    return new UsageError('bad-usage', `${lowerFirst(lines.filter(Boolean).join(' '))}\n${seeHelp}`);
  }
  const device = unknown.find((name) => /^(?:net|block):/.test(name));
  if (device !== undefined) return notSupported(device);
  const stray = unknown.find((name) => args.includes(name));
  if (stray !== undefined) return new UsageError('bad-usage', strayText(stray, program, seeHelp));
  const options = unknown.map(dashed);
  const noun = options.length === 1 ? 'there is no option' : 'there are no options';
  return new UsageError('bad-usage', `${noun} ${options.join(', ')}\n${seeHelp}`);
}

/** What is wrong with an option's value. */
function valueComplaint(lines: readonly string[]): string | undefined {
  const without = /^Not enough arguments following: (.*)$/.exec(lines[0] ?? '')?.[1];
  if (without !== undefined) return `${dashed(without)} needs a value`;
  const choice = /^Argument: (\S+), Given: (.*), Choices: (.*)$/.exec(lines.at(-1) ?? '');
  if (choice === null) return undefined;
  const [, name = '', given, choices = ''] = choice;
  return `${dashed(name)}: ${given} is none of ${choices.replaceAll('"', '')}`;
}

function dashed(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`;
}

function strayText(word: string, program: string, seeHelp: string): string {
  if (program !== 'univisor') {
    const hint = program.endsWith(' run') ? 'arguments for the guest go after --' : seeHelp;
    return `what is "${word}"? One image is expected; ${hint}`;
  }
  if (PLANNED.includes(word)) return `the command ${word} is not supported yet`;
  return `there is no command ${word}\n${seeHelp}`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
