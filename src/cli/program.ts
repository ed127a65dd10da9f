/**
 * The command line's grammar, for yargs: commands, options, help. A command's own code is loaded when it is chosen.
 * Leaves out what a command does, and the process: arguments come in, an action or a UsageError goes out.
 */
import yargs, { type Argv } from 'yargs';
import packageJson from '../../package.json' with { type: 'json' };
import {
  badUsage,
  type Context,
  noSuchCommand,
  refuseFlagValues,
  refuseSingleDash,
  separateShortOptions,
  usageError,
} from './complaints.js';
import { DISASM_OPTION_NAMES, disasmOptions } from './disasm-options.js';
import { EXIT_STATUS_HELP } from './exit-status.js';
import { RUN_OPTION_NAMES, RUN_SHORT_OPTIONS, runOptions } from './run-options.js';
import { imageOf, UsageError } from './usage-error.js';

/** Resolves to the exit status. */
export type Action = () => Promise<number>;

interface Command {
  readonly summary: string;
  readonly usage: string;
  /** Long names of its options. */
  readonly options: readonly string[];
  /** Letters of its options that take a value. */
  readonly shortOptions?: string;
  /** Options, and what takes the parsed ones. */
  define(program: Argv, choose: (action: Action) => void): Argv;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  run: {
    summary: 'Boot an image and run it on this terminal',
    usage: '$0 IMAGE [-- GUEST ARGS]\n\nBoots an image and runs it on this terminal. Ctrl-A X quits.',
    options: RUN_OPTION_NAMES,
    shortOptions: RUN_SHORT_OPTIONS,
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
    options: ['json'],
    define: (program, choose) =>
      program.command('$0 [image]', false, inspectOptions, ({ image, json = false }) =>
        choose(async () => (await import('./inspect.js')).inspect(imageOf(image), json)),
      ),
  },
  disasm: {
    summary: "Disassemble an image's code",
    usage: "$0 IMAGE\n\nDisassembles an image's code.",
    options: DISASM_OPTION_NAMES,
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
  if (command === undefined) {
    printHelp(args);
    return undefined;
  }
  let action: Action | undefined;
  const context: Context = { program: `univisor ${first}`, args: rest, options: command.options };
  refuseSingleDash(context);
  refuseFlagValues(context, FLAGS);
  const program = parser(context, separateShortOptions(rest, command.shortOptions ?? ''));
  command.define(program.usage(`Usage: ${command.usage}`), (chosen) => {
    action = chosen;
  });
  program.parseSync();
  return action;
}

/** Of any command: options that take no value. */
const FLAGS = ['json', 'stats', 'help', 'version'];

/** What there is to ask for without a command. */
const WITHOUT_COMMAND = ['--help', '-h', 'help', '--version'];

/** @throws UsageError when something else was asked for */
function printHelp(args: readonly string[]): void {
  const names = Object.keys(COMMANDS);
  const [first] = args;
  if (first === undefined) throw badUsage(`give a command: ${names.join(', ')}`, 'univisor');
  if (!WITHOUT_COMMAND.includes(first)) {
    throw noSuchCommand(first, Object.fromEntries(names.map((name) => [name, COMMANDS[name]!.options])));
  }
  const program = parser({ program: 'univisor', args, options: [] }, args).usage(
    'Usage: $0 COMMAND\n\nBoots x86-64 unikernel images in Node.js.',
  );
  for (const name of names) program.command(name, COMMANDS[name]!.summary);
  program.epilogue(EXIT_STATUS_HELP).parseSync();
}

/** @param args as yargs should see them; complaints are about the context's */
function parser(context: Context, args: readonly string[]): Argv {
  return yargs([...args])
    .scriptName(context.program)
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
      throw error instanceof UsageError ? error : usageError(message || error?.message, context);
    });
}

function inspectOptions(program: Argv) {
  return program
    .positional('image', { type: 'string', describe: 'Any file' })
    .options({ json: { type: 'boolean', describe: 'Print JSON' } });
}
