/**
 * Which code a region is made of: from its root along the ways that were seen to be taken, the frequent ones first,
 * through calls and returns too, until it is large enough. The result is a graph of basic blocks.
 */
import type { Located } from './context.js';
import type { Profile } from './profile.js';

export interface Block {
  readonly start: number;
  readonly instructions: readonly Located[];
  /** Numbers of the blocks that it leads to; elsewhere the region is left. */
  successors: number[];
}

/** The most instructions of a region. */
const LARGEST = 1000;
/** The most places that one indirect branch leads to. */
const MOST_TARGETS = 24;

const INDIRECT = new Set(['RET']);
const UNCONDITIONAL = new Set(['JMP', 'CALL']);
const COUNTING = new Set(['LOOP', 'LOOPE', 'LOOPNE', 'JCXZ', 'JECXZ', 'JRCXZ']);

type Control = 'on' | 'branch' | 'jump' | 'indirect';

function controlOf({ instruction }: Located): Control {
  const { mnemonic, operands } = instruction.entry;
  if (INDIRECT.has(mnemonic)) return 'indirect';
  const relative = operands.some(({ source }) => source === 'relative');
  if (UNCONDITIONAL.has(mnemonic)) return relative ? 'jump' : 'indirect';
  return relative || COUNTING.has(mnemonic) ? 'branch' : 'on';
}

interface Step {
  readonly located: Located;
  readonly control: Control;
  readonly next: readonly number[];
}

function stepOf(located: Located, profile: Profile): Step {
  const control = controlOf(located);
  const { rip, instruction } = located;
  const after = rip + instruction.length;
  if (control === 'on') return { located, control, next: [after] };
  const seen = profile.followers(rip).map(([target]) => target);
  if (control === 'indirect') return { located, control, next: seen.slice(0, MOST_TARGETS) };
  const target = after + instruction.immediateLow;
  const possible = control === 'jump' ? [target] : [after, target];
  return { located, control, next: possible.filter((each) => seen.includes(each)) };
}

/**
 * The blocks of a region; the first is its root's. Empty if that cannot be translated.
 * @param fetch the instruction at a RIP, or undefined if it cannot be part of a region
 */
export function formRegion(
  root: number,
  profile: Profile,
  fetch: (rip: number) => Located | undefined,
): Block[] {
  const steps = new Map<number, Step>();
  const waiting: { rip: number; count: number }[] = [{ rip: root, count: Number.POSITIVE_INFINITY }];
  while (waiting.length > 0 && steps.size < LARGEST) {
    waiting.sort((a, b) => a.count - b.count);
    let rip: number | undefined = waiting.pop()?.rip;
    while (rip !== undefined && !steps.has(rip) && steps.size < LARGEST) {
      const located = fetch(rip);
      if (!located) break;
      const step = stepOf(located, profile);
      steps.set(rip, step);
      if (step.control === 'on') rip = step.next[0];
      else {
        for (const target of step.next) waiting.push({ rip: target, count: profile.count(rip, target) });
        rip = undefined;
      }
    }
  }
  return blocksOf(root, steps);
}

function blocksOf(root: number, steps: ReadonlyMap<number, Step>): Block[] {
  if (!steps.has(root)) return [];
  const leaders = new Set([root]);
  const ways = new Map<number, number>();
  for (const { control, next } of steps.values()) {
    for (const target of next) {
      if (control !== 'on' || ways.has(target)) leaders.add(target);
      ways.set(target, 1);
    }
  }
  const blocks: Block[] = [];
  const numbers = new Map<number, number>();
  const ends: Step[] = [];
  const starts = [root, ...[...leaders].filter((each) => each !== root)].filter((each) => steps.has(each));
  for (const start of starts) {
    const instructions: Located[] = [];
    let step = steps.get(start) as Step;
    for (;;) {
      instructions.push(step.located);
      const following: number = step.next[0] ?? Number.NaN;
      const onward = steps.get(following);
      if (step.control !== 'on' || leaders.has(following) || !onward) break;
      step = onward;
    }
    numbers.set(start, blocks.push({ start, instructions, successors: [] }) - 1);
    ends.push(step);
  }
  blocks.forEach((block, n) => {
    const targets = (ends[n] as Step).next.flatMap((target) => numbers.get(target) ?? []);
    block.successors = targets;
  });
  return blocks;
}
