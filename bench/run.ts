/**
 * `npm run bench`: univisor beside its peers, in the same run. Times depend on the machine and what else it does;
 * nothing here passes or fails by them. docs/benchmarks.md says how it is measured and holds what was.
 */
import { cpus, totalmem } from 'node:os';
import { loadTablesText, progressText } from './load-tables.js';
import { type Contender, measureLoads } from './loads.js';
import { type BenchOptions, benchOptions, HELP, OptionError } from './options.js';
import { writePage } from './page.js';
import { measureStartUp } from './start-up.js';
import { startUpText } from './tables.js';

const options = parsed();
if (options.help) console.log(HELP);
else await run(options);

async function run({ only, loads, json, write, ...rest }: BenchOptions): Promise<void> {
  const { ours, others, missing } = present(rest.ours, rest.others);
  const able = loads.filter((load) => load.missing === undefined);
  missing.push(...loads.flatMap((load) => load.missing ?? []));
  const head = [
    `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} processors, ${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    ...[...ours, ...others].map(({ peer }) => peer.version()),
    ...missing,
  ];
  const say = json ? () => {} : console.log;
  const texts = [`${new Date().toISOString().slice(0, 10)}: ${head.join('; ')}.\n`];
  const startUp = only === 'loads' ? undefined : await measureStartUp(rest.startUpRounds);
  if (startUp)
    texts.push(`### Start-up: medians (least–most) of ${rest.startUpRounds}\n`, startUpText(startUp));
  const rows =
    only === 'start-up'
      ? undefined
      : await measureLoads(
          able,
          [...ours, ...others],
          { rounds: rest.loadRounds, scale: rest.scale },
          (row) => say(progressText(row)),
        );
  const names = (contenders: readonly Contender[]): string[] => contenders.map(({ peer }) => peer.name);
  if (rows) {
    const part = rest.scale === 1 ? '' : `, with ${rest.scale} of each load's work`;
    texts.push(`Medians of ${rest.loadRounds} interleaved rounds${part}.\n`);
    texts.push(loadTablesText(rows, { ours: names(ours), others: names(others) }));
  }
  say(`\n${texts.join('\n')}`);
  if (write) writePage(texts.join('\n'));
  if (json) {
    const plain = rows?.map((row) => ({ ...row, results: Object.fromEntries(row.results) }));
    console.log(JSON.stringify({ head, startUp, loads: plain }, null, 2));
  }
}

function present(ours: readonly Contender[], others: readonly Contender[]) {
  const here = ({ peer }: Contender): boolean => peer.missing === undefined;
  for (const { peer } of ours) if (peer.missing !== undefined) fail(`${peer.name} is ${peer.missing}`);
  const missing = others.filter((one) => !here(one)).map(({ peer }) => `${peer.name}: ${peer.missing}`);
  return { ours, others: others.filter(here), missing };
}

function parsed(): BenchOptions {
  try {
    return benchOptions(process.argv.slice(2));
  } catch (error) {
    if (error instanceof OptionError) fail(error.message);
    throw error;
  }
}

function fail(message: string): never {
  console.error(`bench: ${message}`);
  process.exit(2);
}
