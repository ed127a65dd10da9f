/**
 * Structured code does what its graph says: it runs, and is compared with a walk of the graph. Each node notes its
 * number, and takes the edge that the next byte of a script chooses.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { analyse, type ControlFlow, type FlowGraph } from '../../../../src/cpu/tiers/regions/control-flow.js';
import { emitStructured, type NodeWriter } from '../../../../src/cpu/tiers/regions/structured-code.js';
import { FunctionBuilder } from '../../../../src/wasm/function-builder.js';
import { ModuleBuilder } from '../../../../src/wasm/module-builder.js';
import { I32, i32 } from '../../../../src/wasm/values.js';
import { graphOf, graphs, without } from './flow-graphs.js';

const TRACE = 4096;
const STEPS = 60;
const ENTERED = 0x8000;
/** How a run ends: at a node without edges, by an edge that the graph has lost, or after so many steps. */
const End = { node: 1, dropped: 2, steps: 3 } as const;

interface Run {
  readonly end: number;
  readonly trace: readonly number[];
}

/** The same in the plainest way. A step by an irreducible edge ends the run. */
function walk(graph: FlowGraph, flow: ControlFlow, script: Uint8Array): Run {
  const trace: number[] = [];
  let node = graph.root;
  for (let step = 0; ; step++) {
    if (flow.isMerge(node) || flow.isLoopHeader(node)) trace.push(node | ENTERED);
    if (step === STEPS) return { end: End.steps, trace };
    trace.push(node);
    const edges = graph.successors(node);
    if (edges.length === 0) return { end: End.node, trace };
    const to = edges[(script[step] as number) % edges.length] as number;
    if (flow.isIrreducible(node, to)) return { end: End.dropped, trace };
    node = to;
  }
}

/** Takes the edges by nested ifs, by ifs one behind the other, or by a switch. */
type Style = 'nested' | 'sequence' | 'switch';
const STYLES: readonly Style[] = ['nested', 'sequence', 'switch'];

/** A module whose `run` walks the graph; where it writes each node, `at` is told how deeply nested the code is. */
function build(
  graph: FlowGraph,
  flow: ControlFlow,
  style: (node: number) => Style,
  at: (node: number, depth: number) => void = () => {},
): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  module.importMemory('memory', 1, 1);
  const run = module.declare('run', [I32.type], I32);
  module.define(run, (code) => {
    const steps = code.variable(I32, i32(0));
    const end = code.variable(I32, code.parameter(I32, 0));
    const note = (number: number): void => {
      code.store16(end.get(), i32(number));
      end.set(end.get().add(2));
    };
    const leave = (how: number): void => {
      code.store16(end.get(), i32(0xffff));
      code.return(i32(how));
    };
    const writer: NodeWriter = {
      enter: (node) => note(node | ENTERED),
      write: (node, follow) => {
        at(node, code.depth);
        code.if(steps.get().eq(STEPS), () => leave(End.steps));
        note(node);
        const edges = graph.successors(node);
        const take = (n: number): void => {
          const to = edges[n] as number;
          if (flow.isIrreducible(node, to)) leave(End.dropped);
          else follow(to);
        };
        if (edges.length === 0) return leave(End.node);
        const choice = code.let(I32.load8U(steps.get()).remU(edges.length));
        steps.set(steps.get().add(1));
        writeChoice(code, style(node), choice, edges.length, take);
      },
    };
    emitStructured(code, without(graph, flow.isIrreducible), flow, writer);
    code.unreachable();
  });
  module.export(run);
  return module.encode();
}

function writeChoice(
  code: FunctionBuilder,
  style: Style,
  choice: I32,
  count: number,
  take: (n: number) => void,
): void {
  const last = count - 1;
  const nested = (n: number): void => {
    if (n === last) take(n);
    else
      code.if(
        choice.eq(n),
        () => take(n),
        () => nested(n + 1),
      );
  };
  if (style === 'nested') nested(0);
  else if (style === 'switch') {
    const bodies = Array.from({ length: last }, (_, n) => () => take(n));
    code.switch(choice, bodies, () => take(last));
  } else {
    for (let n = 0; n < last; n++) code.if(choice.eq(n), () => take(n));
    take(last);
  }
}

/** Runs the code with each script. */
function runAll(binary: Uint8Array<ArrayBuffer>, scripts: readonly Uint8Array[]): Run[] {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(binary), { env: { memory } });
  const run = instance.exports.run as (trace: number) => number;
  return scripts.map((script) => {
    new Uint8Array(memory.buffer).set(script);
    const end = run(TRACE);
    const notes = [...new Uint16Array(memory.buffer, TRACE, 3 * STEPS)];
    return { end, trace: notes.slice(0, notes.indexOf(0xffff)) };
  });
}

/** A script of bytes that follow from a number. */
function scriptOf(seed: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length: STEPS }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}

function expectSame(
  graph: FlowGraph,
  style: (node: number) => Style,
  scripts: readonly Uint8Array[],
  longestChain?: number,
): void {
  const flow = analyse(graph, longestChain);
  const runs = runAll(build(graph, flow, style), scripts);
  expect(runs).toEqual(scripts.map((script) => walk(graph, flow, script)));
}

describe('runs as the graph says', () => {
  const scripts = Array.from({ length: 40 }, (_, n) => scriptOf(n));

  it.each<[string, number[][]]>([
    ['one node', [[]]],
    ['a chain', [[1], [2], [3], []]],
    ['a diamond', [[1, 2], [3], [3], []]],
    ['a side that skips', [[1, 2], [2], []]],
    ['two edges to one node', [[1, 1, 2], [2], []]],
    ['an endless node', [[0]]],
    ['a loop', [[1], [2, 3], [1], []]],
    ['a loop with its test at the end', [[1], [2], [1, 3], []]],
    ['nested loops', [[1], [2], [3, 1], [2, 3, 4], []]],
    ['a loop with two exits to one place', [[1], [2, 4], [1, 3], [5], [5], []]],
    ['an exit from two loops at once', [[1], [2, 5], [3, 1], [2, 4], [6, 1], [6], []]],
    ['loops one behind the other', [[0, 1], [1, 2], [3], [2, 4, 5], [], [5]]],
    ['a merge that is a loop header', [[1, 2], [3], [3], [4, 5], [3, 4], []]],
    ['many ways', [[1, 2, 3, 4, 5], [6], [3, 6], [4, 0], [5], [6, 0, 5], []]],
    ['two back edges to one header', [[1, 2], [0, 3], [0, 3], [0]]],
    ['a cycle with two entries', [[1, 2], [2, 3], [1, 3], []]],
  ])('%s', (_, successors) => {
    for (const style of STYLES) expectSame(graphOf(successors), () => style, scripts);
  });

  it('random graphs', () => {
    const styles = fc.array(fc.constantFrom(...STYLES), { minLength: 16, maxLength: 16 });
    const someScripts = fc.array(fc.nat(), { minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(
        graphs,
        styles,
        someScripts,
        fc.integer({ min: 1, max: 5 }),
        (graph, chosen, seeds, longest) => {
          expectSame(graph, (node) => chosen[node] as Style, seeds.map(scriptOf), longest);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('nesting', () => {
  /** The deepest place of a node in a graph of `count` nodes. */
  const deepest = (count: number, successors: (node: number) => number[], style: Style): number => {
    const graph = graphOf(
      Array.from({ length: count }, (_, node) => successors(node).filter((to) => to < count)),
    );
    let most = 0;
    const binary = build(
      graph,
      analyse(graph),
      () => style,
      (_, depth) => {
        most = Math.max(most, depth);
      },
    );
    expect(WebAssembly.validate(binary)).toBe(true);
    return most;
  };
  const odd = (node: number): boolean => node % 2 === 1;

  it('a chain of 2000 nodes does not nest', () => {
    expect(deepest(2000, (node) => [node + 1], 'sequence')).toBeLessThanOrEqual(1);
  });

  it('2000 nodes, each in the else of the one before, nest no deeper than the longest chain', () => {
    expect(deepest(2000, (node) => [node + 1, 1999].slice(node < 1998 ? 0 : 1), 'nested')).toBeLessThan(70);
  });

  it('a chain of 2000 loops does not nest', () => {
    expect(deepest(2000, (node) => [node, node + 1], 'sequence')).toBe(2);
  });

  it('1000 ifs one behind the other do not nest', () => {
    expect(deepest(2000, (node) => (odd(node) ? [node + 1] : [node + 1, node + 2]), 'sequence')).toBe(2);
  });

  it('2000 ways at once are a block each', () => {
    const ways = Array.from({ length: 1998 }, (_, n) => n + 1);
    const most = deepest(2000, (node) => (node === 0 ? [...ways, ...ways] : [1999]), 'sequence');
    expect(most).toBe(1999);
  });
});

describe('refuses', () => {
  const write = (successors: number[][], body: NodeWriter['write']): void => {
    const graph = graphOf(successors);
    emitStructured(new FunctionBuilder([]), graph, analyse(graph), { enter: () => {}, write: body });
  };

  it('to write a node twice', () => {
    expect(() =>
      write([[1], []], (node, follow) => {
        if (node === 0) for (const to of [1, 1]) follow(to);
      }),
    ).toThrow('node 1, which is no merge, is followed to a second time');
  });

  it('what is no edge', () => {
    expect(() => write([[1], []], (_, follow) => follow(0))).toThrow('node 0 has no edge to 0');
  });

  it('an irreducible edge', () => {
    const cycle = [[1, 2], [2], [1]];
    expect(() =>
      write(cycle, (node, follow) => {
        for (const to of cycle[node] as number[]) follow(to);
      }),
    ).toThrow('the edge from 2 to 1 is irreducible');
  });
});
