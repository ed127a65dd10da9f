/**
 * `npm run bench`: univisor beside its peers, as ratios taken in the same run. Times depend on the machine and what
 * else it does; nothing here passes or fails by them.
 * Options: --only start-up|speed, --runs N, --json.
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { bochs } from './peers/bochs.js';
import { native } from './peers/native.js';
import { qemuMicrovm } from './peers/qemu.js';
import { univisor } from './peers/univisor.js';
import { measureSpeed, type SpeedTable } from './speed.js';
import { measureStartUp, type StartUpRow } from './start-up.js';
import { speedText, startUpText } from './tables.js';

const PARTS = ['start-up', 'speed'] as const;
/** Unless --runs says otherwise. */
const START_UP_RUNS = 21;
const SPEED_RUNS = 5;

interface Report {
  readonly host: string;
  readonly versions: readonly string[];
  startUp?: StartUpRow[];
  speed?: SpeedTable[];
}

const { values } = parseArgs({
  options: { only: { type: 'string' }, runs: { type: 'string' }, json: { type: 'boolean', default: false } },
});
const only = PARTS.find((part) => part === values.only);
const runs = values.runs === undefined ? undefined : Number(values.runs);
if (values.only !== undefined && only === undefined) fail(`--only takes ${PARTS.join(' or ')}`);
if (runs !== undefined && !(Number.isInteger(runs) && runs > 0)) fail('--runs takes a number from 1 on');
if (univisor.missing !== undefined) fail(`univisor is ${univisor.missing}`);

const report: Report = {
  host: `${cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.version}`,
  versions: [univisor, qemuMicrovm, bochs, native]
    .filter(({ missing }) => missing === undefined)
    .map((peer) => peer.version()),
};
if (!values.json) {
  console.log(`${report.host}\n${report.versions.join('\n')}\nMedians (least–most) of interleaved runs.\n`);
}
if (only !== 'speed') {
  report.startUp = await measureStartUp(runs ?? START_UP_RUNS);
  if (!values.json) console.log(startUpText(report.startUp));
}
if (only !== 'start-up') {
  report.speed = await measureSpeed(runs ?? SPEED_RUNS);
  if (!values.json) console.log(report.speed.map(speedText).join('\n'));
}
if (values.json) console.log(JSON.stringify(report, null, 2));

function fail(message: string): never {
  console.error(`bench: ${message}`);
  process.exit(2);
}
