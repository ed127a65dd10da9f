/**
 * What structured code needs to know of a control-flow graph: an order, dominators, loops, and where each node is
 * written. After N. Ramsey, "Beyond Relooper: Recursive Translation of Unstructured Control Flow to Structured Control
 * Flow" (ICFP 2022), but that what follows a loop is written behind it rather than inside. structured-code.ts writes
 * the code. Knows nothing of x86, and does not repair irreducible graphs: it names the edges that have to go.
 */

/** A graph of nodes 0 … count−1; `root` is entered from outside. */
export interface FlowGraph {
  readonly count: number;
  readonly root: number;
  /** Targets of the node's edges; one that occurs twice is two edges. */
  successors(node: number): readonly number[];
}

/**
 * An edge is forward if its target comes later in `order`, and back if its target dominates its source. Any other is
 * irreducible and is ignored: all else is told of the graph without these edges.
 */
export interface ControlFlow {
  /** Reverse postorder of the reachable nodes: the root first, the source of each forward edge before its target. */
  readonly order: readonly number[];
  /** Position in `order`, −1 for the unreachable. */
  readonly position: Int32Array;
  /** Immediate dominators, −1 for the root and the unreachable. */
  readonly dominator: Int32Array;
  /** The header of the innermost loop around each node, its own not counted; −1 outside all loops. */
  readonly loop: Int32Array;
  /** Whether a back edge leads to the node. */
  isLoopHeader(node: number): boolean;
  /**
   * Whether all forward edges to the node are branches: there are two or more; or the only one leaves a loop, or ends
   * a long chain of nodes each written in place of the one before, which would nest too deep.
   */
  isMerge(node: number): boolean;
  /** Whether an edge between reachable nodes has no place in structured code; the order of successors may decide. */
  isIrreducible(from: number, to: number): boolean;
  /** The merges written right behind a node's own code, in `order`; within its loop if it is a loop header. */
  mergesBehindNode(node: number): readonly number[];
  /** The merges written right behind the loop of a loop header, in `order`. */
  mergesBehindLoop(node: number): readonly number[];
}

const NONE = -1;
const NOTHING: readonly number[] = [];

/** Lists of nodes by node. */
class Lists {
  readonly #lists = new Map<number, number[]>();
  add(key: number, item: number): void {
    const list = this.#lists.get(key);
    if (list) list.push(item);
    else this.#lists.set(key, [item]);
  }
  /** Adds an item to a list that is sorted by position. */
  insert(key: number, item: number, position: Int32Array): void {
    this.add(key, item);
    this.#lists.get(key)?.sort((a, b) => at(position, a) - at(position, b));
  }
  of(key: number): readonly number[] {
    return this.#lists.get(key) ?? NOTHING;
  }
}

/** @param longestChain how many nodes may each be written within the one before, where no merges need it */
export function analyse(graph: FlowGraph, longestChain = 64): ControlFlow {
  const order = reversePostorder(graph);
  const position = new Int32Array(graph.count).fill(NONE);
  order.forEach((node, n) => {
    position[node] = n;
  });
  const isForward = (from: number, to: number): boolean => at(position, from) < at(position, to);

  const forward = new Lists();
  for (const from of order) {
    for (const to of graph.successors(from)) if (isForward(from, to)) forward.add(to, from);
  }
  const dominator = dominators(graph.count, order, position, forward);
  const dominates = (upper: number, lower: number): boolean => {
    let node = lower;
    while (at(position, node) > at(position, upper)) node = at(dominator, node);
    return node === upper;
  };

  const back = new Lists();
  for (const from of order) {
    for (const to of graph.successors(from)) {
      if (!isForward(from, to) && dominates(to, from)) back.add(to, from);
    }
  }
  const isLoopHeader = (node: number): boolean => back.of(node).length > 0;
  const loop = loops(graph.count, order, forward, back);

  const behindNode = new Lists();
  const behindLoop = new Lists();
  const merges = new Set<number>();
  const inPlace: number[] = [];
  for (const node of order.slice(1)) {
    const parent = at(dominator, node);
    let left = isLoopHeader(parent) ? parent : at(loop, parent);
    if (left !== at(loop, node)) {
      while (at(loop, left) !== at(loop, node)) left = at(loop, left);
      behindLoop.add(left, node);
      merges.add(node);
    } else if (forward.of(node).length > 1) {
      behindNode.add(parent, node);
      merges.add(node);
    } else inPlace.push(node);
  }

  // A node may move up behind any dominator in its loop if none in between has merges, to which it may branch.
  const length = new Int32Array(graph.count);
  for (const node of inPlace) {
    let top = at(dominator, node);
    length[node] = at(length, top) + 1;
    while (at(length, top) > 0 && behindNode.of(top).length === 0 && !isLoopHeader(top))
      top = at(dominator, top);
    if (at(length, node) - at(length, top) < longestChain) continue;
    behindNode.insert(top, node, position);
    merges.add(node);
    length[node] = 0;
  }

  return {
    order,
    position,
    dominator,
    loop,
    isLoopHeader,
    isMerge: (node) => merges.has(node),
    isIrreducible: (from, to) => !isForward(from, to) && !dominates(to, from),
    mergesBehindNode: (node) => behindNode.of(node),
    mergesBehindLoop: (node) => behindLoop.of(node),
  };
}

function at(array: Int32Array, index: number): number {
  return array[index] as number;
}

function reversePostorder(graph: FlowGraph): number[] {
  const seen = new Uint8Array(graph.count);
  const postorder: number[] = [];
  const path: { node: number; edges: readonly number[]; next: number }[] = [];
  const enter = (node: number): void => {
    seen[node] = 1;
    path.push({ node, edges: graph.successors(node), next: 0 });
  };
  enter(graph.root);
  for (let top = path.at(-1); top; top = path.at(-1)) {
    const to = top.edges[top.next++];
    if (to === undefined) {
      postorder.push(top.node);
      path.pop();
    } else if (!seen[to]) enter(to);
  }
  return postorder.reverse();
}

/**
 * Immediate dominators by forward edges alone. One pass is exact, for these make no cycle; and a back edge, which
 * leads to a dominator of its source, changes no dominator.
 */
function dominators(
  count: number,
  order: readonly number[],
  position: Int32Array,
  forward: Lists,
): Int32Array {
  const dominator = new Int32Array(count).fill(NONE);
  for (const node of order.slice(1)) {
    dominator[node] = forward.of(node).reduce((one, other) => {
      let [a, b] = [one, other];
      while (a !== b) {
        if (at(position, a) > at(position, b)) a = at(dominator, a);
        else b = at(dominator, b);
      }
      return a;
    });
  }
  return dominator;
}

/** The innermost loop around each node: inner loops first, each is walked from its back edges up to its header. */
function loops(count: number, order: readonly number[], forward: Lists, back: Lists): Int32Array {
  const loop = new Int32Array(count).fill(NONE);
  for (const header of order.toReversed()) {
    const pending = [...back.of(header)];
    for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
      while (at(loop, node) !== NONE) node = at(loop, node);
      if (node === header) continue;
      loop[node] = header;
      for (const source of forward.of(node)) pending.push(source);
    }
  }
  return loop;
}
