/** Graphs for tests, and what to know of them found in the plainest way. */
import fc from 'fast-check';
import type { FlowGraph } from '../../../../src/cpu/tiers/regions/control-flow.js';

/** A graph entered at node 0 whose n-th node has the n-th list of successors. */
export function graphOf(successors: readonly (readonly number[])[], root = 0): FlowGraph {
  return { count: successors.length, root, successors: (node) => successors[node] as readonly number[] };
}

/** The graph without the edges for which `drop` says so. */
export function without(graph: FlowGraph, drop: (from: number, to: number) => boolean): FlowGraph {
  return { ...graph, successors: (node) => graph.successors(node).filter((to) => !drop(node, to)) };
}

/** All nodes that a walk from `start` meets if it never enters `avoided`. */
export function reachable(graph: FlowGraph, start: number, avoided = -1): Set<number> {
  const met = new Set<number>();
  const pending = start === avoided ? [] : [start];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (met.has(node)) continue;
    met.add(node);
    pending.push(...graph.successors(node).filter((to) => to !== avoided));
  }
  return met;
}

/** By definition: no walk from the root meets `lower` but through `upper`. */
export function dominates(graph: FlowGraph, upper: number, lower: number): boolean {
  return upper === lower || !reachable(graph, graph.root, upper).has(lower);
}

/** Random graphs, irreducible ones among them. Most edges are short, so that loops nest and follow each other. */
export const graphs: fc.Arbitrary<FlowGraph> = fc
  .integer({ min: 1, max: 16 })
  .chain((count) => {
    const inside = (node: number): number => Math.min(Math.max(node, 0), count - 1);
    const target = (node: number): fc.Arbitrary<number> =>
      fc.oneof(
        { weight: 4, arbitrary: fc.constant(inside(node + 1)) },
        { weight: 3, arbitrary: fc.integer({ min: -3, max: 4 }).map((n) => inside(node + n)) },
        { weight: 1, arbitrary: fc.nat(count - 1) },
      );
    const lists = Array.from({ length: count }, (_, node) => fc.array(target(node), { maxLength: 4 }));
    return fc.tuple(fc.tuple(...lists), fc.nat(count - 1), fc.nat(3));
  })
  .map(([successors, root, choice]) => graphOf(successors, choice === 0 ? root : 0));
