/** Start-up: from exec to the first byte of `hello` and to the end, beside a Node that does nothing and QEMU. */
import { timeChild } from './child.js';
import { interleave, ratio, type Spread, type Subject, spread } from './measure.js';
import { type Peer, root } from './peers/peer.js';
import { qemuMicrovm, qemuPc } from './peers/qemu.js';
import { univisor } from './peers/univisor.js';

const TIMEOUT = 30_000;
const FIRST_BYTE = { guest: 'hello', commandLine: '', until: /./s, timeout: TIMEOUT };

export interface StartUpRow {
  readonly name: string;
  /** Why there are no figures. */
  readonly missing?: string;
  readonly milliseconds?: Spread;
  /** Of the wall time of `node -e 0`. */
  readonly ratio?: Spread;
}

/** What is printed under one name: a subject's time to one of its marks. */
interface Times {
  readonly firstByte: number | undefined;
  readonly end: number;
}

export async function measureStartUp(rounds: number): Promise<StartUpRow[]> {
  const peers = [qemuMicrovm, qemuPc];
  const present = peers.filter(({ missing }) => missing === undefined);
  const subjects: Subject<Times>[] = [emptyNode, hello, ...present.map(toFirstByte)];
  const [node = [], ours = [], ...others] = await interleave(subjects, rounds);
  const reference = node.map(({ end }) => end);
  const row = (name: string, values: readonly number[]): StartUpRow => ({
    name,
    milliseconds: spread(values),
    ratio: ratio(values, reference),
  });
  const firstBytes = (times: readonly Times[]): number[] =>
    times.map(({ firstByte }) => firstByte ?? Number.NaN);
  return [
    row('node -e 0, to its end', reference),
    row('univisor, to the first byte', firstBytes(ours)),
    row(
      'univisor, to its end',
      ours.map(({ end }) => end),
    ),
    ...peers.map((peer): StartUpRow => {
      const name = `${peer.name}, to the first byte`;
      const times = others[present.indexOf(peer)];
      return times ? row(name, firstBytes(times)) : { name, missing: peer.missing ?? '' };
    }),
  ];
}

const emptyNode: Subject<Times> = {
  name: 'node -e 0',
  measure: () => timeChild({ command: process.execPath, args: ['-e', '0'], timeout: TIMEOUT }),
};

/** Run to its end, as a user would: the command as it stands in `npm start`. */
const hello: Subject<Times> = {
  name: univisor.name,
  measure: () =>
    timeChild({
      command: process.execPath,
      args: ['dist/bin/univisor.js', 'run', 'guests/hello/hello.elf'],
      cwd: root,
      timeout: TIMEOUT,
    }),
};

function toFirstByte(peer: Peer): Subject<Times> {
  return { name: peer.name, measure: () => peer.run(FIRST_BYTE) };
}
