/** Order, dominators, loops and merges: of shapes known by hand, and of random graphs against their definitions. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { analyse, type ControlFlow, type FlowGraph } from '../../../../src/cpu/tiers/regions/control-flow.js';
import { dominates, graphOf, graphs, reachable, without } from './flow-graphs.js';

const nodes = (graph: FlowGraph): number[] => Array.from({ length: graph.count }, (_, node) => node);
const headers = (graph: FlowGraph, flow: ControlFlow): number[] => nodes(graph).filter(flow.isLoopHeader);
const merges = (graph: FlowGraph, flow: ControlFlow): number[] => nodes(graph).filter(flow.isMerge);
const edges = (graph: FlowGraph): [number, number][] =>
  [...reachable(graph, graph.root)].flatMap((from) =>
    graph.successors(from).map((to): [number, number] => [from, to]),
  );

describe('known shapes', () => {
  it('a diamond merges where its sides meet', () => {
    const graph = graphOf([[1, 2], [3], [3], []]);
    const flow = analyse(graph);
    expect([...flow.dominator]).toEqual([-1, 0, 0, 0]);
    expect(merges(graph, flow)).toEqual([3]);
    expect(headers(graph, flow)).toEqual([]);
    expect(flow.mergesBehindNode(0)).toEqual([3]);
    expect(flow.order.at(0)).toBe(0);
    expect(flow.order.at(-1)).toBe(3);
  });

  it('two edges from one node to another are a merge', () => {
    const graph = graphOf([[1, 1], []]);
    expect(merges(graph, analyse(graph))).toEqual([1]);
  });

  it('what leaves a loop is behind the outermost loop that it leaves', () => {
    // 0 → loop 1 → loop 2 → 3, which jumps to 2, to 1 or out to 4; 2 leaves to 5, which is in the outer loop
    const graph = graphOf([[1], [2], [3, 5], [2, 1, 4], [], [1]]);
    const flow = analyse(graph);
    expect(headers(graph, flow)).toEqual([1, 2]);
    expect([...flow.loop]).toEqual([-1, -1, 1, 2, -1, 1]);
    expect(merges(graph, flow)).toEqual([4, 5]);
    expect(flow.mergesBehindLoop(1)).toEqual([4]);
    expect(flow.mergesBehindLoop(2)).toEqual([5]);
  });

  it('a node can be its own loop, and the root can be a header', () => {
    const graph = graphOf([
      [0, 1],
      [0, 1],
    ]);
    const flow = analyse(graph);
    expect(headers(graph, flow)).toEqual([0, 1]);
    expect([...flow.loop]).toEqual([-1, 0]);
    expect(merges(graph, flow)).toEqual([]);
  });

  it('the second entry of a cycle is irreducible, and is not counted', () => {
    const graph = graphOf([[1, 2], [2], [1, 3], []]);
    const flow = analyse(graph);
    expect(edges(graph).filter(([from, to]) => flow.isIrreducible(from, to))).toEqual([[2, 1]]);
    expect(headers(graph, flow)).toEqual([]);
    expect(merges(graph, flow)).toEqual([2]);
  });

  it('without an irreducible edge, another can lead back to a dominator', () => {
    // 0 → 3 → 2 goes round 1; once 3 → 2 is gone, 2 → 1 makes a loop.
    const graph = graphOf([[1, 3], [2], [3, 1], [2]]);
    const flow = analyse(graph);
    expect(edges(graph).filter(([from, to]) => flow.isIrreducible(from, to))).toEqual([[3, 2]]);
    expect(headers(graph, flow)).toEqual([1]);
  });

  it('what cannot be reached is left out, and its edges do not count', () => {
    const graph = graphOf([[2], [2, 0], []]);
    const flow = analyse(graph);
    expect(flow.order).toEqual([0, 2]);
    expect([...flow.position]).toEqual([0, -1, 1]);
    expect([...flow.dominator]).toEqual([-1, -1, 0]);
    expect(merges(graph, flow)).toEqual([]);
    expect(headers(graph, flow)).toEqual([]);
  });
});

describe('random graphs', () => {
  const check = (property: (graph: FlowGraph, flow: ControlFlow, kept: FlowGraph) => void): void => {
    fc.assert(
      fc.property(graphs, (graph) => {
        const flow = analyse(graph);
        property(graph, flow, without(graph, flow.isIrreducible));
      }),
      { numRuns: 400 },
    );
  };

  it('order: what is reachable, each forward edge onward, and every other edge back to a dominator', () => {
    check((graph, flow, kept) => {
      expect(new Set(flow.order)).toEqual(reachable(graph, graph.root));
      expect(new Set(flow.order)).toEqual(reachable(kept, kept.root));
      for (const node of nodes(graph)) expect(flow.position[node]).toBe(flow.order.indexOf(node));
      for (const [from, to] of edges(kept)) {
        const onward = flow.order.indexOf(from) < flow.order.indexOf(to);
        expect(dominates(kept, to, from)).toBe(!onward);
      }
    });
  });

  it('immediate dominators: the one that all other dominators dominate', () => {
    check((graph, flow, kept) => {
      for (const node of nodes(graph)) {
        const strict = flow.order.filter((other) => other !== node && dominates(kept, other, node));
        const immediate = strict.find((one) => strict.every((other) => dominates(kept, other, one))) ?? -1;
        expect(flow.dominator[node]).toBe(flow.order.includes(node) ? immediate : -1);
      }
    });
  });

  it('loops: what reaches a back edge without its header', () => {
    check((_, flow, kept) => {
      const back = edges(kept).filter(([from, to]) => dominates(kept, to, from));
      for (const node of flow.order) {
        const around = back
          .filter(
            ([source, header]) =>
              header !== node && dominates(kept, header, node) && reachable(kept, node, header).has(source),
          )
          .map(([, header]) => header);
        const innermost = around.find((one) => around.every((other) => dominates(kept, other, one))) ?? -1;
        expect(flow.loop[node]).toBe(innermost);
        expect(flow.isLoopHeader(node)).toBe(back.some(([, header]) => header === node));
      }
    });
  });

  it('merges: two forward edges in, or one that leaves a loop', () => {
    check((_, flow, kept) => {
      for (const node of flow.order) {
        const sources = edges(kept)
          .filter(([from, to]) => to === node && !dominates(kept, to, from))
          .map(([from]) => from);
        const leaves = (source: number): boolean =>
          flow.order
            .filter(flow.isLoopHeader)
            .some((header) => inLoop(flow, header, source) && !inLoop(flow, header, node));
        expect(flow.isMerge(node)).toBe(sources.length > 1 || sources.some(leaves));
      }
    });
  });

  it('of a reducible graph no edge is irreducible, in whatever order its edges are', () => {
    check((_, __, kept) => {
      const turned = { ...kept, successors: (node: number) => kept.successors(node).toReversed() };
      const flow = analyse(turned);
      expect(edges(turned).filter(([from, to]) => flow.isIrreducible(from, to))).toEqual([]);
    });
  });
});

function inLoop(flow: ControlFlow, header: number, node: number): boolean {
  let inner = node;
  while (inner !== header && inner !== -1) inner = flow.loop[inner] as number;
  return inner === header;
}
