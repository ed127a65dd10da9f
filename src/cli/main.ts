/**
 * The `univisor` command: the one place that reads the process's arguments and sets its exit status. The interpreter
 * begins to compile before anything else is loaded, so that it is ready when the image is.
 */
import { loadInterpreter } from '../cpu/tiers/interpreter/load.js';
import { ExitStatus } from './exit-status.js';

const args = process.argv.slice(2);
// A failure to compile comes back from Machine.create, which awaits the same promise.
if (args[0] === 'run') loadInterpreter().catch(() => undefined);

async function main(): Promise<number> {
  try {
    const { parseCommandLine } = await import('./program.js');
    const action = parseCommandLine(args);
    return action ? await action() : ExitStatus.ok;
  } catch (error) {
    const { failureText } = await import('./failure.js');
    process.stderr.write(failureText(error, Boolean(process.env.UNIVISOR_DEBUG)));
    return ExitStatus.failure;
  }
}

main().then((status) => process.exit(status));
