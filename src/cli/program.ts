/**
 * The command line's grammar, for yargs: commands, options, help. A command's own code is loaded when it is chosen.
 * Leaves out what a command does, and the process: arguments come in, an action or a UsageError goes out.
 */
import yargs from 'yargs';
import packageJson from '../../package.json' with { type: 'json' };
import { disasmOptions } from './disasm-options.js';
import { EXIT_STATUS_HELP } from './exit-status.js';
import { runOptions } from './run-options.js';
import { notSupported } from './unsupported.js';
import { UsageError } from './usage-error.js';

/** Resolves to the exit status. */
export type Action = () => Promise<number>;

/** Commands of the plan that do not exist yet. */
const PLANNED = ['debug', 'snapshot', 'image', 'serve'];

/**
 * What the arguments ask for; undefined when they only asked for help or the version, which is printed by then.
 * @throws UsageError
 */
export function parseCommandLine(args: readonly string[]): Action | undefined {
  let action: Action | undefined;
  const program = yargs([...args])
    .scriptName('univisor')
    .usage('Usage: $0 COMMAND\n\nBoots x86-64 unikernel images in Node.js.')
    .locale('en')
    .parserConfiguration({
      'populate--': true,
      'camel-case-expansion': false,
      'dot-notation': false,
      'boolean-negation': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
    })
    .command(
      'run <image>',
      'Boot an image and run it on this terminal',
      (command) =>
        runOptions(
          command.usage(
            'Usage: $0 run IMAGE [-- GUEST ARGS]\n\nBoots an image and runs it on this terminal. Ctrl-A X quits.',
          ),
        ).epilogue(EXIT_STATUS_HELP),
      (given) => {
        action = async () => (await import('./run.js')).run(given);
      },
    )
    .command(
      'inspect <image>',
      'Show what an image is and what it needs',
      (command) =>
        command
          .usage('Usage: $0 inspect IMAGE\n\nShows what an image is and what it needs.')
          .positional('image', { type: 'string', demandOption: true, describe: 'Any file' })
          .options({ json: { type: 'boolean', describe: 'Print JSON' } }),
      ({ image, json = false }) => {
        action = async () => (await import('./inspect.js')).inspect(image, json);
      },
    )
    .command(
      'disasm <image>',
      "Disassemble an image's code",
      (command) => disasmOptions(command.usage("Usage: $0 disasm IMAGE\n\nDisassembles an image's code.")),
      (given) => {
        action = async () => (await import('./disasm.js')).disasm(given);
      },
    )
    .demandCommand(1, 'give a command: run, inspect or disasm')
    .recommendCommands()
    .strict()
    .help()
    .alias('help', 'h')
    .version(packageJson.version)
    .epilogue(EXIT_STATUS_HELP)
    .wrap(Math.min(110, process.stdout.columns ?? 100))
    .exitProcess(false)
    .showHelpOnFail(false)
    .fail((message, error) => {
      throw error instanceof UsageError ? error : usageError(message || error?.message, args);
    });
  program.parseSync();
  return action;
}

/** yargs' complaint as ours: it names options without their dashes, and counts stray arguments among them. */
function usageError(message: string, args: readonly string[]): UsageError {
  const [command = ''] = args;
  const seeHelp = `see univisor ${['run', 'inspect', 'disasm'].includes(command) ? `${command} ` : ''}--help`;
  const text = message.split('\n').map((line) => line.trim());
  const unknown = /^Unknown (?:arguments?|commands?): (.*)$/.exec(text[0] ?? '')?.[1]?.split(', ');
  if (unknown === undefined) {
    return new UsageError('bad-usage', `${lowerFirst(text.filter(Boolean).join(' '))}\n${seeHelp}`);
  }
  for (const name of unknown) {
    if (/^(?:net|block):/.test(name)) return notSupported(name);
    if (PLANNED.includes(name) && name === command) {
      return new UsageError('not-supported', `the command ${name} is not supported yet`);
    }
  }
  const stray = unknown.find((name) => args.includes(name));
  if (stray !== undefined && stray === command) {
    return new UsageError('bad-usage', `there is no command ${stray}\n${seeHelp}`);
  }
  if (stray !== undefined) {
    const hint = command === 'run' ? 'arguments for the guest go after --' : seeHelp;
    return new UsageError('bad-usage', `what is "${stray}"? One image is expected; ${hint}`);
  }
  const options = unknown.map((name) => (name.length === 1 ? `-${name}` : `--${name}`));
  const noun = options.length === 1 ? 'there is no option' : 'there are no options';
  return new UsageError('bad-usage', `${noun} ${options.join(', ')}\n${seeHelp}`);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
