/** The fuzzers' command lines: what they tell, and how they refuse what cannot be. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { refuseUnknown } from '../../fuzz/cpu/subject.js';
import packageJson from '../../package.json' with { type: 'json' };
import { UsageError } from '../../src/cli/usage-error.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FUZZERS = ['fuzz:cpu', 'fuzz:decoder', 'fuzz:hostile', 'fuzz:tiers'] as const;
type Fuzzer = (typeof FUZZERS)[number];

/** What `npm run FUZZER -- ARGS` does, which is `tsx` with a file and nothing before it. */
function run(fuzzer: Fuzzer, ...args: string[]) {
  const [program, module = ''] = packageJson.scripts[fuzzer].split(' ');
  expect(program).toBe('tsx');
  const options = { cwd: ROOT, encoding: 'utf8', timeout: 60_000 } as const;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', module, ...args],
    options,
  );
  return { status, stdout, stderr };
}

describe.each(FUZZERS)('%s', (fuzzer) => {
  test('has help', () => {
    const { status, stdout, stderr } = run(fuzzer, '--help');
    expect(stdout).toMatch(new RegExp(`: npm run ${fuzzer} -- \\[options\\]\n\n +--cases N +.*unless given`));
    expect([status, stderr]).toEqual([0, '']);
  });

  test.for([
    [['--cases', 'many'], '--cases: "many" is not a whole number from 1 to 2^53 - 1'],
    [['--cases', '0'], '--cases: "0" is not a whole number from 1 to 2^53 - 1'],
    [['--seed', '-1'], '--seed: "-1" is not a whole number from 0 to 2^53 - 1'],
    [['--seed=1', '--seed=2'], '--seed is given 2 times: give it once'],
    [['--cases'], '--cases needs a value: --cases N (--help lists the options)'],
    [['--case', '5'], 'there is no option --case: did you mean --cases? (--help lists the options)'],
    [['-x'], 'there is no option -x (--help lists the options)'],
    [['100'], 'what is "100"? Only options are expected (--help lists the options)'],
  ] as const)('refuses %j', ([args, message]) => {
    expect(run(fuzzer, ...args)).toEqual({ status: 2, stdout: '', stderr: `${fuzzer}: ${message}\n` });
  });
});

test.for([
  ['fuzz:decoder', ['--workers', '65'], '--workers: "65" is too many: the limit is 64'],
  ['fuzz:hostile', ['--world', 'x'], '--world: "x" is not a whole number from 0 to 2^53 - 1'],
  ['fuzz:cpu', ['--masks=1'], '--masks takes no value (--help lists the options)'],
  ['fuzz:cpu', ['--tier', 'slow'], '--tier: "slow" is none of fast, fault, legacy, block'],
  ['fuzz:cpu', ['--instruction', 'ADDD'], '--instruction: there is no ADDD: did you mean ADD, ADDPD, ADDSD?'],
] as const)('%s refuses %j', ([fuzzer, args, message]) => {
  expect(run(fuzzer, ...args)).toEqual({ status: 2, stdout: '', stderr: `${fuzzer}: ${message}\n` });
});

test.for([
  [{ instructions: ['ADD', 'QQQQQQ'] }, '--instruction: there is no QQQQQQ'],
  [{ families: ['logics'] }, '--family: there is no logics: did you mean logic?'],
  [{ features: ['AVX', 'AVX3'] }, '--feature: there is no AVX3: did you mean AVX, AVX2, ADX?'],
] as const)('fuzz:cpu knows no %j', ([names, message]) => {
  const none = { families: [], instructions: [], features: [] };
  const sets = Object.entries({ ...none, ...names }).map(([name, list]) => [name, new Set(list)]);
  expect(() => refuseUnknown(Object.fromEntries(sets))).toThrow(new UsageError('bad-value', message));
});
