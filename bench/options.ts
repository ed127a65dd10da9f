/** The command line of `npm run bench`. */
import { parseArgs } from 'node:util';
import { LOADS } from './load-list.js';
import type { Contender, Load } from './loads.js';
import { bochs } from './peers/bochs.js';
import { native } from './peers/native.js';
import { qemuMicrovm } from './peers/qemu.js';
import { univisorPeer } from './peers/univisor.js';

export const HELP = `npm run bench -- [options]
  --only start-up|loads  one part of it
  --load NAME            that load (may be repeated)
  --peer NAME            univisor, qemu, bochs or native (may be repeated)
  --node PATH            univisor under that Node as well (may be repeated)
  --tier NAME            univisor's --tier (may be repeated)
  --rounds N             rounds of the loads (3), of the start-up (21)
  --scale F              that part of each load's work
  --json                 the results as JSON
  --write                the results into docs/benchmarks.md
`;

const PARTS = ['start-up', 'loads'] as const;
const START_UP_ROUNDS = 21;
const LOAD_ROUNDS = 3;
/** Of interpreters, which are slow and know no warm-up: Bochs, and our tier of that name. */
const BOCHS_SHARE = 0.05;
const INTERPRETER_SHARE = 0.1;

export interface BenchOptions {
  readonly only: (typeof PARTS)[number] | undefined;
  readonly loads: readonly Load[];
  readonly ours: readonly Contender[];
  readonly others: readonly Contender[];
  readonly loadRounds: number;
  readonly startUpRounds: number;
  readonly scale: number;
  readonly json: boolean;
  readonly write: boolean;
  readonly help: boolean;
}

export class OptionError extends Error {
  override readonly name = 'OptionError';
}

/** @throws OptionError for what does not make sense */
export function benchOptions(args: readonly string[]): BenchOptions {
  const { values } = parse(args);
  const { only, load = [], peer = [], node = [], tier = [], rounds, scale } = values;
  const others: Record<string, Contender> = {
    qemu: { peer: qemuMicrovm, share: 1 },
    bochs: { peer: bochs, share: BOCHS_SHARE },
    native: { peer: native, share: 1, isProgram: true },
  };
  const tiers = tier.length > 0 ? tier : [undefined];
  const ours = [undefined, ...node].flatMap((path) =>
    tiers.map(
      (name): Contender => ({
        peer: univisorPeer({ node: path, tier: name }),
        share: name === 'interpreter' ? INTERPRETER_SHARE : 1,
      }),
    ),
  );
  const peers = peer.length > 0 ? peer : ['univisor', ...Object.keys(others)];
  const given = rounds === undefined ? undefined : positive('--rounds', rounds);
  return {
    only: only === undefined ? undefined : oneOf('--only', PARTS, only),
    loads: load.length > 0 ? load.map(loadNamed) : LOADS,
    ours: peers.includes('univisor') ? ours : [],
    others: peers
      .filter((name) => name !== 'univisor')
      .map((name) => others[oneOf('--peer', ['univisor', ...Object.keys(others)], name)])
      .filter((contender) => contender !== undefined),
    loadRounds: given ?? LOAD_ROUNDS,
    startUpRounds: given ?? START_UP_ROUNDS,
    scale: scale === undefined ? 1 : positive('--scale', scale),
    json: values.json,
    write: values.write,
    help: values.help,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: 'string' },
        load: { type: 'string', multiple: true },
        peer: { type: 'string', multiple: true },
        node: { type: 'string', multiple: true },
        tier: { type: 'string', multiple: true },
        rounds: { type: 'string' },
        scale: { type: 'string' },
        json: { type: 'boolean', default: false },
        write: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (cause) {
    throw new OptionError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function loadNamed(name: string): Load {
  const found = LOADS.find((load) => load.name === name);
  if (!found) throw new OptionError(`--load takes one of ${LOADS.map((load) => load.name).join(', ')}`);
  return found;
}

function oneOf<T extends string>(option: string, names: readonly T[], given: string): T {
  const found = names.find((name) => name === given);
  if (found === undefined) throw new OptionError(`${option} takes one of ${names.join(', ')}`);
  return found;
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value)) || (option === '--rounds' && !Number.isInteger(value))) {
    throw new OptionError(`${option} takes a number above zero`);
  }
  return value;
}
