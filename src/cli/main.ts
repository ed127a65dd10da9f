/**
 * The `univisor` command: the one place that reads the process's arguments and sets its exit status. The interpreter
 * begins to compile before anything else is loaded, so that it is ready when the image is.
 */
import { loadInterpreter } from '../cpu/tiers/interpreter/load.js';
import { heedBranchHints } from '../host/branch-hints.js';
import { ExitStatus } from './exit-status.js';

const args = process.argv.slice(2);
if (args[0] === 'run') {
  heedBranchHints();
  // A failure to compile comes back from Machine.create, which awaits the same promise.
  loadInterpreter().catch(() => undefined);
}

async function main(): Promise<number> {
  try {
    const { parseCommandLine } = await import('./program.js');
    const action = parseCommandLine(args);
    return action ? await action() : ExitStatus.ok;
  } catch (error) {
    return tell(error);
  }
}

/** Says what failed: on stderr, or as the one object that `run --json` promises. */
async function tell(error: unknown): Promise<number> {
  const { failureJson, failureText } = await import('./failure.js');
  const debug = Boolean(process.env.UNIVISOR_DEBUG);
  const say = (what: unknown): unknown => process.stderr.write(failureText(what, debug));
  if (!wantsJson() || debug) say(error);
  if (wantsJson()) {
    const { printJson } = await import('./print.js');
    await printJson(failureJson(error, ExitStatus.failure)).catch(say);
  }
  return ExitStatus.failure;
}

/** As far as can be told of arguments that may be the failure. */
function wantsJson(): boolean {
  const end = args.indexOf('--');
  return args[0] === 'run' && (end < 0 ? args : args.slice(0, end)).includes('--json');
}

main().then((status) => process.exit(status));
