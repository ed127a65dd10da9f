/**
 * A way that was watched, and what it would cost to run it with some regions: which of them it would enter, how far it
 * would keep to them, and what is left to the interpreter. Does not foresee where a region is left for other reasons
 * than its way: devices, faults, the end of a run.
 */
import { WATCHED_BASE, WATCHED_STRIDE } from '../../../memory/layout.js';
import * as state from '../../state.js';
import { RegionKey } from '../../state.js';
import { analyse } from './control-flow.js';
import { type Block, graphOf } from './graph.js';

/** Instructions as they were run one after the other. */
export interface Way {
  /** RIPs as signed numbers. */
  readonly rips: number[];
  /** `state.regionKey` before each. */
  readonly keys: number[];
}

/** Adds what was noted since watching began; how many instructions that is. */
export function readWay(view: DataView, { rips, keys }: Way): number {
  const count = view.getUint32(state.watched.address, true);
  const noted = new Int32Array(view.buffer, WATCHED_BASE, (count * WATCHED_STRIDE) / 4);
  for (let at = 0; at < noted.length; at += WATCHED_STRIDE / 4) {
    rips.push((noted[at + 1] as number) * 2 ** 32 + ((noted[at] as number) >>> 0));
    keys.push((noted[at + 2] as number) & ~RegionKey.watched);
  }
  return count;
}

/** What of a region tells how far a way keeps to it. */
export interface Shape {
  readonly key: number;
  /** The root's first. */
  readonly blocks: readonly { readonly rips: readonly number[]; readonly successors: readonly number[] }[];
}

export function shapeOf(blocks: readonly Block[], key: number): Shape {
  const { isIrreducible } = analyse(graphOf(blocks));
  return {
    key,
    blocks: blocks.map(({ instructions, successors }, node) => ({
      rips: instructions.map(({ rip }) => rip),
      successors: successors.filter((to) => !isIrreducible(node, to)),
    })),
  };
}

/** Past the last instruction that a region entered at position `start` of a way would run. */
function follow({ rips, keys }: Way, start: number, { key, blocks }: Shape): number {
  let at = start;
  let block = blocks[0];
  while (block) {
    for (const rip of block.rips) {
      if (rips[at] !== rip || keys[at] !== key) return at;
      at += 1;
    }
    block = successorAt(rips[at], block, blocks);
  }
  return at;
}

type ShapeBlock = Shape['blocks'][number];

function successorAt(
  rip: number | undefined,
  { successors }: ShapeBlock,
  blocks: Shape['blocks'],
): ShapeBlock | undefined {
  for (const to of successors) if (blocks[to]?.rips[0] === rip) return blocks[to];
  return undefined;
}

/**
 * What a way would cost, in interpreted instructions.
 * @param regions at each position of the way the region that would be entered
 * @param entry what it costs to enter a region
 * @param met gets a 1 at each position where the interpreter would run an instruction or enter a region
 */
export function costOf(
  way: Way,
  regions: readonly (Shape | undefined)[],
  entry: number,
  met?: Uint8Array,
): number {
  let cost = 0;
  for (let at = 0; at < regions.length; ) {
    if (met) met[at] = 1;
    const region = regions[at];
    const end = region ? follow(way, at, region) : at;
    if (end > at) cost += entry;
    else cost += 1;
    at = Math.max(end, at + 1);
  }
  return cost;
}
