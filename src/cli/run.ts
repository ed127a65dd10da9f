/** `univisor run`: boots an image on the user's terminal and reports how it ended. */
import { basename } from 'node:path';
import type { BootModule } from '../boot/boot-types.js';
import { type Command, ESCAPE_HELP } from '../host/escape-keys.js';
import { readImageFile } from '../host/image-file.js';
import { stdinInput } from '../host/input.js';
import {
  CollectedOutput,
  type Output,
  OutputError,
  openFileOutput,
  readerHasGone,
  StreamOutput,
  stdoutOutput,
} from '../host/output.js';
import { OutputConsole, TerminalConsole } from '../host/terminal-console.js';
import { Machine } from '../hypervisor/machine.js';
import type { RunResult } from '../hypervisor/run-result.js';
import { openDrives } from './drives.js';
import { ExitStatus, exitStatusOf } from './exit-status.js';
import { concerning, FileFailure } from './failure.js';
import { type RunArguments, type RunSettings, runSettings } from './run-options.js';
import { UnimplementedReport } from './unimplemented-report.js';

/** Output that --json keeps, in bytes. */
const MOST_JSON_OUTPUT = 16 << 20;

/** Outputs of one run, and what can end it from outside. */
interface Streams {
  readonly output: Output;
  readonly debugOutput: Output | undefined;
}

export async function run(given: RunArguments): Promise<number> {
  const settings = runSettings(given);
  const started = performance.now();
  const image = await concerning(settings.image, () => readImageFile(settings.image));
  const modules: BootModule[] = [];
  for (const { path, commandLine } of settings.modules) {
    modules.push({ commandLine, bytes: await concerning(path, () => readImageFile(path)) });
  }
  const drives = await openDrives(settings.drives, (file, error) =>
    say(`univisor: ${file}: ${error.message}`),
  );

  const stop = new AbortController();
  let readerGone = false;
  let outputError: OutputError | undefined;
  const failed = (what: string, error: Error): void => {
    if (readerHasGone(error)) readerGone = true;
    else outputError ??= new OutputError(what, error);
    stop.abort();
  };
  const { output, debugOutput } = openStreams(settings, failed);
  const { input, isTerminal } = stdinInput();
  const console = new TerminalConsole({
    input,
    output,
    ...(isTerminal && { onCommand: (command: Command) => obey(command, stop) }),
  });
  const unimplemented = new UnimplementedReport(settings.json ? undefined : say);

  let machine: Machine;
  let result: RunResult;
  let runSeconds: number;
  try {
    const before = performance.now();
    machine = await concerning(settings.image, () =>
      Machine.create({
        image,
        imageName: basename(settings.image),
        protocol: settings.protocol,
        memory: settings.memory,
        cpu: settings.cpu,
        tier: settings.tier,
        devices: settings.devices,
        disks: drives.disks,
        firmware: settings.firmware,
        commandLine: settings.commandLine,
        modules,
        clock: settings.clock,
        seed: settings.seed,
        console,
        ...(debugOutput && { debugConsole: new OutputConsole(debugOutput) }),
        onUnimplemented: (instruction) => unimplemented.add(instruction),
      }),
    );
    result = await machine.run({
      signal: stop.signal,
      ...(settings.timeout !== undefined && { timeout: settings.timeout }),
      ...(settings.maxInstructions !== undefined && { maxInstructions: settings.maxInstructions }),
    });
    runSeconds = (performance.now() - before) / 1000;
  } finally {
    await console.finish();
    await debugOutput?.finish();
    drives.close();
  }

  if (outputError) throw outputError;
  if (readerGone) return ExitStatus.brokenPipe;
  const name = settings.name ?? basename(settings.image);
  const stats = settings.stats ? await import('./run-stats.js') : undefined;
  const statistics = stats?.runStatistics(machine, runSeconds);
  if (output instanceof CollectedOutput) {
    const { printRunAsJson } = await import('./run-json.js');
    const hostSeconds = (performance.now() - started) / 1000;
    return printRunAsJson({
      name,
      result,
      machine,
      output,
      debugOutput,
      unimplemented,
      statistics,
      hostSeconds,
    });
  }
  if (result.reason !== 'exit') {
    const { explainEnding } = await import('./ending.js');
    say(explainEnding(name, result, settings, console.inputUsedUp));
  }
  if (stats && statistics) process.stderr.write(stats.statisticsText(name, statistics));
  return exitStatusOf(result);
}

function openStreams({ json, debugcon }: RunSettings, failed: (what: string, error: Error) => void): Streams {
  const output = json ? new CollectedOutput(MOST_JSON_OUTPUT) : stdoutOutput();
  if (output instanceof StreamOutput) output.onFailed = (error) => failed('stdout', error);
  if (debugcon === undefined) return { output, debugOutput: undefined };
  if (debugcon === '-') return { output, debugOutput: json ? new CollectedOutput(MOST_JSON_OUTPUT) : output };
  const debugOutput = openDebugFile(debugcon);
  debugOutput.onFailed = (error) => failed(debugFileName(debugcon), error);
  return { output, debugOutput };
}

/** As messages have it. */
function debugFileName(path: string): string {
  return `debug console ${path}`;
}

/** @throws FileFailure */
function openDebugFile(path: string): StreamOutput {
  try {
    return openFileOutput(path);
  } catch (error) {
    throw error instanceof Error ? new FileFailure(debugFileName(path), error) : error;
  }
}

function obey(command: Command, stop: AbortController): void {
  switch (command) {
    case 'quit':
      stop.abort();
      break;
    case 'monitor':
      say('univisor: there is no monitor yet');
      break;
    case 'remind':
      say('Ctrl-A X quits');
      break;
    case 'help':
      say(ESCAPE_HELP);
  }
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
