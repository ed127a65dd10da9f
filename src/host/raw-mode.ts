/** Raw mode of a terminal, given back in every way out: close, exit, exception, fatal signal; and after a stop. */
import type { ReadStream } from 'node:tty';

const FATAL = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

/** Begins raw mode. @returns what ends it; idempotent */
export function enterRawMode(terminal: ReadStream): () => void {
  let raw = true;
  terminal.setRawMode(true);

  const leave = (): void => {
    if (!raw) return;
    raw = false;
    for (const signal of FATAL) process.off(signal, die);
    process.off('SIGCONT', again);
    process.off('exit', leave);
    terminal.setRawMode(false);
  };
  // The default action of the signal is what the sender wanted.
  const die = (signal: NodeJS.Signals): void => {
    leave();
    process.kill(process.pid, signal);
  };
  // A shell sets the terminal to its own liking while we are stopped.
  const again = (): void => {
    terminal.setRawMode(false);
    terminal.setRawMode(true);
  };

  for (const signal of FATAL) process.on(signal, die);
  process.on('SIGCONT', again);
  process.on('exit', leave);
  return leave;
}
