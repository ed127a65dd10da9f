/**
 * What `run --stats` tells of a run: instructions and their share by tier, time, and what regions have come to. Of the
 * time only that is known by tier which goes into watching code and making regions: whoever else runs, runs in
 * WebAssembly, and is not asked there.
 */
import type { RegionRecord } from '../cpu/cpu.js';
import type { Machine } from '../hypervisor/machine.js';

export interface RunStatistics {
  readonly instructions: number;
  /** By tier; what is watched one by one is the interpreter's. */
  readonly inRegions: number;
  readonly inInterpreter: number;
  /** From the machine's making, the reading of files left out, to the end of the run. */
  readonly seconds: number;
  /** Instructions in a microsecond. */
  readonly mips: number;
  /** The most bytes of physical memory that the process has had. */
  readonly peakMemory: number;
  /** Null if no region was ever looked for. */
  readonly regions: Omit<RegionRecord, 'instructions'> | null;
}

export function runStatistics(machine: Machine, seconds: number): RunStatistics {
  const { instructions, regionStatistics: record } = machine;
  const inRegions = record?.instructions ?? 0;
  return {
    instructions,
    inRegions,
    inInterpreter: instructions - inRegions,
    seconds: rounded(seconds, 6),
    mips: rounded(instructions / 1e6 / seconds, 1),
    peakMemory: process.resourceUsage().maxRSS * 1024,
    regions: record ? regionsOf(record) : null,
  };
}

function regionsOf({ instructions: _, ...record }: RegionRecord): RunStatistics['regions'] {
  return { ...record, watching: rounded(record.watching, 3), making: rounded(record.making, 3) };
}

export function statisticsText(name: string, statistics: RunStatistics): string {
  const { instructions, inRegions, seconds, mips, peakMemory, regions } = statistics;
  const share = (part: number): string =>
    `${count(part)} (${((100 * part) / instructions || 0).toFixed(1)} %)`;
  const lines: [what: string, text: string][] = [
    ['instructions', count(instructions)],
    ['  in regions', share(inRegions)],
    ['  in the interpreter', share(instructions - inRegions)],
    ['time', `${seconds.toFixed(3)} s, ${mips} million instructions a second`],
    ['memory', `${(peakMemory / 2 ** 20).toFixed(1)} MiB of the host's at most`],
  ];
  if (regions) {
    const { made, regions: alive, dropped, guestInstructions, codeBytes, watching, making, exits } = regions;
    lines.push(
      ['  watching code', `${watching.toFixed(1)} ms`],
      ['  making regions', `${making.toFixed(1)} ms`],
      ['regions', `${count(made)} made, ${count(dropped)} dropped, ${count(alive)} there now`],
      [
        '  code in them',
        `${count(guestInstructions)} instructions, ${count(codeBytes)} bytes of WebAssembly`,
      ],
      ['  left', count(Object.values(exits).reduce((sum, each) => sum + each, 0))],
      ...EXITS.map(([kind, why]): [string, string] => [`    ${why}`, count(exits[kind])]),
    );
  } else lines.push(['regions', 'none were looked for']);
  const width = Math.max(...lines.map(([what]) => what.length));
  const table = lines.map(([what, text]) => `  ${what.padEnd(width)}  ${text}\n`);
  return `univisor: ${name} ran\n${table.join('')}`;
}

const EXITS: readonly (readonly [kind: keyof RegionRecord['exits'], why: string])[] = [
  ['elsewhere', 'for code elsewhere'],
  ['budget', "at the slice's end"],
  ['interpret', 'for the interpreter'],
  ['exception', 'by an exception'],
  ['hurry', 'for the host'],
];

function count(value: number): string {
  return value.toLocaleString('en');
}

function rounded(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
