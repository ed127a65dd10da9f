/**
 * Which code a region is made of: from its root along the ways that were seen to be taken, the frequent ones first,
 * through calls and returns too, until it is large enough. The result is a graph of basic blocks.
 *
 * A function is written once for each call in the region, so that its return leads to one place; were it shared, loops
 * that call it would have two entries, which structured code cannot have. Only what calls itself goes back to the
 * region's root.
 */
import type { Located } from './context.js';
import type { FlowGraph } from './control-flow.js';
import type { Profile } from './profile.js';

export interface Block {
  readonly start: number;
  readonly instructions: readonly Located[];
  /** Numbers of the blocks that it leads to, no two with the same start; elsewhere the region is left. */
  successors: number[];
}

/** The most instructions of a region. */
const LARGEST = 400;
/** The most places that one indirect branch leads to. */
const MOST_TARGETS = 24;
/** A way is left out that is taken less often than one time in so many. */
const RARE = 200;
/** Functions within functions. */
const DEEPEST = 6;

type Control = 'on' | 'branch' | 'jump' | 'call' | 'return' | 'indirect';

/** The calls that are open at a place in the region: where each was made to and where it returns to. */
interface Context {
  /** The same for all that return to the same places. */
  readonly id: number;
  /** What part of the callee's runs are from these calls. */
  readonly share: number;
  readonly outer: Context | undefined;
  readonly callee: number;
  readonly returns: number;
  readonly depth: number;
}

interface Place {
  /** The same for the same RIP and the same returns. */
  readonly key: number;
  readonly rip: number;
  readonly context: Context | undefined;
}

interface Step {
  readonly located: Located;
  readonly control: Control;
  readonly next: readonly Place[];
}

function shareOf(context: Context | undefined): number {
  return context?.share ?? 1;
}

/** More than there are contexts in a region. */
const MOST_CONTEXTS = 1 << 20;

/** Small numbers for things, in the order in which they are met. */
class Numbers {
  readonly #numbers = new Map<number, number>();
  of(thing: number): number {
    let number = this.#numbers.get(thing);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(thing, number);
    }
    return number;
  }
}

function controlOf({ instruction }: Located): Control {
  const { mnemonic, operands } = instruction.entry;
  if (mnemonic === 'RET') return 'return';
  if (mnemonic === 'CALL') return 'call';
  const relative = operands.some(({ source }) => source === 'relative');
  if (mnemonic === 'JMP') return relative ? 'jump' : 'indirect';
  return relative ? 'branch' : 'on';
}

function isOpen(callee: number, context: Context | undefined): boolean {
  for (let each = context; each; each = each.outer) if (each.callee === callee) return true;
  return false;
}

class Former {
  readonly #rips = new Numbers();
  readonly #returns = new Numbers();

  constructor(
    private readonly root: number,
    private readonly profile: Profile,
  ) {}

  place(rip: number, context?: Context): Place {
    return { key: this.#rips.of(rip) * MOST_CONTEXTS + (context?.id ?? 0), rip, context };
  }

  step(located: Located, context: Context | undefined): Step {
    const control = controlOf(located);
    const { rip, instruction } = located;
    const after = rip + instruction.length;
    const here = (target: number): Place => this.place(target, context);
    if (control === 'on') return { located, control, next: [here(after)] };
    if (control === 'return' && context) {
      return { located, control, next: [this.place(context.returns, context.outer)] };
    }
    const seen = this.#usual(rip);
    if (control === 'return' || control === 'indirect') {
      return { located, control, next: seen.slice(0, MOST_TARGETS).map(here) };
    }
    if (control === 'call') {
      const next = seen.slice(0, MOST_TARGETS).flatMap((callee) => this.#called(rip, callee, after, context));
      return { located, control, next };
    }
    const target = after + instruction.immediateLow;
    const possible = control === 'jump' ? [target] : [after, target];
    return { located, control, next: possible.filter((each) => seen.includes(each)).map(here) };
  }

  /** Where an instruction leads to as a rule, the most frequent first. */
  #usual(rip: number): number[] {
    const followers = this.profile.followers(rip);
    const total = followers.reduce((sum, [, count]) => sum + count, 0);
    return followers.filter(([, count]) => count * RARE >= total).map(([target]) => target);
  }

  #called(rip: number, callee: number, returns: number, outer: Context | undefined): Place[] {
    if (callee === this.root) return [this.place(callee)];
    const depth = (outer?.depth ?? 0) + 1;
    if (depth > DEEPEST || isOpen(callee, outer)) return [];
    const calls = this.profile.count(rip, callee) * shareOf(outer);
    const share = Math.min(1, calls / this.profile.arrivals(callee));
    const id = 1 + this.#returns.of(this.#rips.of(returns) * MOST_CONTEXTS + (outer?.id ?? 0));
    return [this.place(callee, { id, outer, callee, returns, depth, share })];
  }

  /** How often a way was taken, as far as that is known: the calls on it are told apart by their parts in all. */
  weight(from: Place, { control }: Step, to: Place): number {
    const context = control === 'return' ? from.context?.outer : from.context;
    return this.profile.count(from.rip, to.rip) * shareOf(context);
  }
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
  const former = new Former(root, profile);
  const steps = new Map<number, Step>();
  const start = former.place(root);
  const least = profile.arrivals(root) / RARE;
  const waiting: { place: Place; weight: number }[] = [{ place: start, weight: Number.POSITIVE_INFINITY }];
  while (waiting.length > 0 && steps.size < LARGEST) {
    let place = takeHeaviest(waiting)?.place;
    while (place && steps.size < LARGEST) {
      const { key } = place;
      const located = steps.has(key) ? undefined : fetch(place.rip);
      if (!located) break;
      const step = former.step(located, place.context);
      steps.set(key, step);
      if (step.control === 'on') place = step.next[0];
      else {
        for (const next of step.next) {
          const weight = former.weight(place, step, next);
          if (weight >= least) waiting.push({ place: next, weight });
        }
        place = undefined;
      }
    }
  }
  return blocksOf(start.key, steps);
}

/** Of equals the last. */
function takeHeaviest<T extends { readonly weight: number }>(list: T[]): T | undefined {
  let heaviest = 0;
  list.forEach(({ weight }, n) => {
    if (weight >= (list[heaviest] as T).weight) heaviest = n;
  });
  return list.splice(heaviest, 1)[0];
}

/** A region's blocks as a graph. */
export function graphOf(blocks: readonly Block[]): FlowGraph {
  return {
    count: blocks.length,
    root: 0,
    successors: (node) => (blocks[node] as Block).successors,
  };
}

function blocksOf(root: number, steps: ReadonlyMap<number, Step>): Block[] {
  const first = steps.get(root);
  if (!first) return [];
  const leaders = new Set([root]);
  const reached = new Set<number>();
  for (const { control, next } of steps.values()) {
    for (const { key } of next) {
      if (control !== 'on' || reached.has(key)) leaders.add(key);
      reached.add(key);
    }
  }
  const starts = [...leaders].filter((key) => steps.has(key));
  const numbers = new Map(starts.map((key, n) => [key, n]));
  return starts.map((key) => {
    const instructions: Located[] = [];
    let step = steps.get(key) as Step;
    for (;;) {
      instructions.push(step.located);
      const following = step.control === 'on' ? (step.next[0] as Place).key : -1;
      const onward = steps.get(following);
      if (!onward || leaders.has(following)) break;
      step = onward;
    }
    const successors = step.next.flatMap((next) => numbers.get(next.key) ?? []);
    return { start: (instructions[0] as Located).rip, instructions, successors };
  });
}
