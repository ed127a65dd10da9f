/**
 * Writes a control-flow graph as WebAssembly's nested blocks and loops, with nothing but branches outward, branches
 * back, and nodes written in place; where each node goes is control-flow.ts's. Knows nothing of x86.
 *
 * A merge stands right behind a block that contains all that branches to it:
 *     block block NODE end MERGE end MERGE    and for a loop    block loop NODE end end MERGE
 * The stack grows with the nesting of blocks, and with each node written in place; not from merge to merge.
 */
import type { FunctionBuilder, Label } from '../../../wasm/function-builder.js';
import type { ControlFlow, FlowGraph } from './control-flow.js';

export interface NodeWriter {
  /** Called before a merge or a loop header is written, once, and inside the loop; may write code. */
  enter(node: number): void;
  /**
   * Writes a node's body and its end: each path through it leaves the function or calls `follow` as its last, anywhere
   * within blocks of the code builder. `follow` writes a branch; or the target's own code, there and then, if the
   * target is no merge and the edge goes forward. It throws for what is no edge, for an irreducible edge, and when it
   * had written the target's code before. Code of a node that no path follows to may be missing.
   */
  write(node: number, follow: (target: number) => void): void;
}

/** Nothing comes back from the code: what is behind it is not reached. */
export function emitStructured(
  code: FunctionBuilder,
  graph: FlowGraph,
  flow: ControlFlow,
  writer: NodeWriter,
): void {
  const blocks = new Map<number, Label>();
  const loops = new Map<number, Label>();
  const written = new Set<number>();

  /** A node and all that is written behind it, from merge to merge. */
  const write = (first: number | undefined): void => {
    let node = first;
    while (node !== undefined) node = flow.isLoopHeader(node) ? writeLoop(node) : writeNode(node);
  };

  /** Writes all but the last of what is behind a loop, and returns that. */
  const writeLoop = (header: number): number | undefined =>
    before(flow.mergesBehindLoop(header), () => {
      code.loop((again) => {
        loops.set(header, again);
        write(writeNode(header));
      });
    });

  /** Writes all but the last of what is behind a node, and returns that. */
  const writeNode = (node: number): number | undefined =>
    before(flow.mergesBehindNode(node), () => {
      if (flow.isMerge(node) || flow.isLoopHeader(node)) writer.enter(node);
      writer.write(node, (target) => follow(node, target));
    });

  /** Writes `body`, from which one can branch to the merges, and the merges but for the last, which it returns. */
  const before = (merges: readonly number[], body: () => void): number | undefined => {
    const last = merges.at(-1);
    if (last === undefined) body();
    else {
      code.block((end) => {
        blocks.set(last, end);
        write(before(merges.slice(0, -1), body));
      });
    }
    return last;
  };

  const follow = (from: number, to: number): void => {
    if (!graph.successors(from).includes(to)) throw new Error(`node ${from} has no edge to ${to}`);
    if (flow.isIrreducible(from, to)) throw new Error(`the edge from ${from} to ${to} is irreducible`);
    const isBack = (flow.position[to] as number) <= (flow.position[from] as number);
    if (isBack || flow.isMerge(to)) {
      code.branch((isBack ? loops : blocks).get(to) as Label);
    } else {
      if (written.has(to)) throw new Error(`node ${to}, which is no merge, is followed to a second time`);
      written.add(to);
      write(to);
    }
  };

  write(flow.order[0]);
}
