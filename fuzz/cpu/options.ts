/** The command's options. */
import { parseArgs } from 'node:util';
import { TIERS, type Tier } from './variant.js';

export const HELP = `Compares instructions with this machine's processor: npm run fuzz:cpu -- [options]

  --cases N          cases to compare; 10000000 unless given, as in CI
  --seconds N        end after so long instead
  --seed N           a number that the cases follow from; 1 unless given
  --vary             after that, as many cases again from a seed of the clock, which is printed
  --states N         so many times the usual states of each variant: faster, and less varied
  --first-round N    go on with a run of the same seed from this round
  --family NAME      only this family, as the table at the end names it; may be repeated
  --instruction NAME only this mnemonic; may be repeated
  --tier NAME        only ${TIERS.join(', ')}; may be repeated
  --feature NAME     also this CPUID feature, although it is not promised yet; may be repeated
  --other-tiers N    compare the interpreter's other tiers in every Nth round; 16 unless given, 0 never
  --record FOLDER    write each minimised divergence there as a fixture
  --curate FOLDER    write a small set of fixtures over all instructions and tiers, a file a family
  --log FILE         append the cases by family as JSON when a minute has passed, and at the end
  --masks            print what is not compared, and why
  --help             print this

Ends with status 1 for a divergence, or if a run of 10000000 cases or more without a choice of instructions gave a
promised instruction fewer than 10000; with 2 if it could not run.
`;

export interface Options {
  readonly cases: number;
  readonly seconds: number;
  readonly seed: number;
  readonly vary: boolean;
  readonly states: number;
  readonly firstRound: number;
  readonly families: ReadonlySet<string>;
  readonly instructions: ReadonlySet<string>;
  readonly tiers: ReadonlySet<Tier>;
  readonly features: ReadonlySet<string>;
  readonly otherTiers: number;
  readonly record: string | undefined;
  readonly curate: string | undefined;
  readonly log: string | undefined;
  readonly masks: boolean;
  readonly help: boolean;
}

export class OptionError extends Error {
  override readonly name = 'OptionError';
}

function count(name: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new OptionError(`--${name}: want a number, not ${text}`);
  return Number(text);
}

/** The choice of tiers that names make. */
function tiersOf(names: readonly string[]): ReadonlySet<Tier> {
  for (const name of names) {
    if (!(TIERS as readonly string[]).includes(name)) throw new OptionError(`--tier: there is no ${name}`);
  }
  return new Set(names.length ? (names as Tier[]) : TIERS);
}

export function parseOptions(args: readonly string[]): Options {
  const { values } = (() => {
    try {
      return parseArgs({
        args: [...args],
        strict: true,
        options: {
          cases: { type: 'string', default: '10000000' },
          seconds: { type: 'string', default: '0' },
          seed: { type: 'string', default: '1' },
          vary: { type: 'boolean', default: false },
          states: { type: 'string', default: '1' },
          'first-round': { type: 'string', default: '0' },
          family: { type: 'string', multiple: true, default: [] },
          instruction: { type: 'string', multiple: true, default: [] },
          tier: { type: 'string', multiple: true, default: [] },
          feature: { type: 'string', multiple: true, default: [] },
          'other-tiers': { type: 'string', default: '16' },
          record: { type: 'string' },
          curate: { type: 'string' },
          log: { type: 'string' },
          masks: { type: 'boolean', default: false },
          help: { type: 'boolean', default: false },
        },
      });
    } catch (error) {
      throw new OptionError((error as Error).message, { cause: error });
    }
  })();
  const seconds = count('seconds', values.seconds);
  return {
    cases: seconds ? Number.MAX_SAFE_INTEGER : count('cases', values.cases),
    seconds,
    seed: count('seed', values.seed),
    vary: values.vary,
    states: Math.max(1, count('states', values.states)),
    firstRound: count('first-round', values['first-round']),
    families: new Set(values.family.map((name) => name.toLowerCase())),
    instructions: new Set(values.instruction.map((name) => name.toUpperCase())),
    tiers: tiersOf(values.tier),
    features: new Set(values.feature.map((name) => name.toUpperCase())),
    otherTiers: count('other-tiers', values['other-tiers']),
    record: values.record,
    curate: values.curate,
    log: values.log,
    masks: values.masks,
    help: values.help,
  };
}
