/**
 * Options that univisor knows and cannot honour yet, so that they fail by name instead of as unknown. Leaves out
 * those that can: `run-options.ts`.
 */
import { UsageError } from './usage-error.js';

/** By their longest names, with the short ones that mean the same. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  env: 'e',
  publish: 'p',
  net: '',
  pcap: '',
  volume: 'v',
  gdb: 'g',
  wait: 'S',
  record: '',
  replay: '',
  trace: '',
  output: 'o',
  profile: '',
  coverage: '',
  config: '',
  // QEMU's shorthand for --gdb 1234.
  s: '',
};

/** The letters of those that take a value. */
export const UNSUPPORTED_SHORT_OPTIONS = 'epvgo';

/** For yargs: all of them, hidden, each taking a value or none. */
export function unsupportedOptions(): Record<string, { hidden: true; type: 'string'; alias?: string }> {
  return Object.fromEntries(
    Object.entries(UNSUPPORTED).map(([name, alias]) => [
      name,
      { hidden: true, type: 'string', ...(alias !== '' && { alias }) } as const,
    ]),
  );
}

/** @throws UsageError if one of them is given, or a Solo5 manifest device (`--net:NAME=`) */
export function refuseUnsupported(given: Readonly<Record<string, unknown>>): void {
  for (const name of Object.keys(given)) {
    const device = /^(?:net|block):/.test(name);
    if ((device || name in UNSUPPORTED) && given[name] !== undefined) throw notSupported(name);
  }
}

export function notSupported(name: string): UsageError {
  return new UsageError('not-supported', `${name.length === 1 ? '-' : '--'}${name} is not supported yet`);
}
