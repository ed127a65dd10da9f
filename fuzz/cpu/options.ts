/** The command's options, and what they come to. */
import type { Options, Values } from '../command.js';
import { SEED } from '../command.js';
import { TIERS, type Tier } from './variant.js';

const USUAL_CASES = 10_000_000;

export const OPTIONS = {
  cases: { kind: 'count', value: 'N', usual: USUAL_CASES, least: 1, help: 'cases to compare, as in CI' },
  seconds: { kind: 'count', value: 'N', least: 1, help: 'end after so long instead' },
  seed: SEED,
  vary: {
    kind: 'flag',
    help: 'after that, as many cases again from a seed of the clock, which is printed',
  },
  states: {
    kind: 'count',
    value: 'N',
    usual: 1,
    least: 1,
    help: 'so many times the usual states of each variant: faster, and less varied',
  },
  'first-round': {
    kind: 'count',
    value: 'N',
    usual: 0,
    help: 'go on with a run of the same seed from this round',
  },
  family: {
    kind: 'words',
    value: 'NAME',
    help: 'only this family, as the table at the end names it; may be repeated',
  },
  instruction: { kind: 'words', value: 'NAME', help: 'only this mnemonic; may be repeated' },
  tier: { kind: 'words', value: 'NAME', choices: TIERS, help: `only ${TIERS.join(', ')}; may be repeated` },
  feature: {
    kind: 'words',
    value: 'NAME',
    help: 'also this CPUID feature, although it is not promised yet; may be repeated',
  },
  'other-tiers': {
    kind: 'count',
    value: 'N',
    usual: 16,
    help: "compare the interpreter's other tiers in every Nth round, 0 never",
  },
  record: { kind: 'text', value: 'FOLDER', help: 'write each minimised divergence there as a fixture' },
  curate: {
    kind: 'text',
    value: 'FOLDER',
    help: 'write a small set of fixtures over all instructions and tiers, a file a family',
  },
  log: {
    kind: 'text',
    value: 'FILE',
    help: 'append the cases by family as JSON when a minute has passed, and at the end',
  },
  masks: { kind: 'flag', help: 'print what is not compared, and why' },
} as const satisfies Options;

export const NOTES = `Ends with status 1 for a divergence, or if a run of 10000000 cases or more without a choice of instructions gave a
promised instruction fewer than 10000; with 2 if it could not run.`;

export interface Settings {
  readonly cases: number;
  /** 0 without a limit. */
  readonly seconds: number;
  readonly seed: number;
  readonly vary: boolean;
  readonly states: number;
  readonly firstRound: number;
  /** In small letters. */
  readonly families: ReadonlySet<string>;
  /** Mnemonics. */
  readonly instructions: ReadonlySet<string>;
  readonly tiers: ReadonlySet<Tier>;
  readonly features: ReadonlySet<string>;
  readonly otherTiers: number;
  readonly record: string | undefined;
  readonly curate: string | undefined;
  readonly log: string | undefined;
}

export function settings(values: Values<typeof OPTIONS>): Settings {
  const { cases, seconds, seed, vary, states, record, curate, log } = values;
  const tiers = TIERS.filter((tier) => values.tier.length === 0 || values.tier.includes(tier));
  return {
    cases: seconds ? Number.MAX_SAFE_INTEGER : cases,
    seconds: seconds ?? 0,
    seed,
    vary,
    states,
    firstRound: values['first-round'],
    families: new Set(values.family.map((name) => name.toLowerCase())),
    instructions: new Set(values.instruction.map((name) => name.toUpperCase())),
    tiers: new Set(tiers),
    features: new Set(values.feature.map((name) => name.toUpperCase())),
    otherTiers: values['other-tiers'],
    record,
    curate,
    log,
  };
}
