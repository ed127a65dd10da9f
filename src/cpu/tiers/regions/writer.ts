/**
 * Writes a region as one WebAssembly function with a handler's signature: from the record that it stands for to the
 * record to go on with. Registers are loaded at its start and stored at its one end, to which all ways out lead with
 * the RIP in a local.
 *
 * Instructions are counted off `left` where paths meet and where the region is left. At its start and where a loop
 * begins again, there must be enough of them left for the longest way to the next such place; else the interpreter goes
 * on, so that a run ends after the very instruction that it ends after there.
 */

import { FunctionBuilder, type Label } from '../../../wasm/function-builder.js';
import { I32, I64, select } from '../../../wasm/values.js';
import { Emitter, get32, get64, type Linker } from '../../emitter.js';
import { reach } from '../../mmu/window.js';
import { type WindowRanges, windowLosses } from '../../mmu/window-range.js';
import { definitionOf } from '../../semantics/context.js';
import * as state from '../../state.js';
import { RegionExit, RegionKey } from '../../state.js';
import { lookup } from '../interpreter/lookup.js';
import { abortAt } from '../interpreter/pseudo-handlers.js';
import { type Exits, type Located, RegionContext } from './context.js';
import { analyse, type ControlFlow } from './control-flow.js';
import { Frame } from './frame.js';
import { type Block, graphOf } from './graph.js';
import { emitStructured, type NodeWriter } from './structured-code.js';

/** What the code of a region depends on besides its instructions. */
export interface Setting {
  /** The record to go on with where the region cannot be entered. */
  readonly refusal: number;
  /** Address of the word that holds how many mapping changes there had been when the region was last found right. */
  readonly validity: number;
  /** Bounds of the window's ranges that are written into the code. */
  readonly ranges: WindowRanges;
  /** Asked when the mapping has changed: 1 if the region's pages are where they were and its ranges hold. */
  revalidate(code: FunctionBuilder): I32;
  /** `state.regionKey` when it was made. */
  readonly key: number;
}

/** Counts what may make a region wrong but for changes of its code. */
function mappingChanges(): I32 {
  return get32(state.mappings).add(windowLosses());
}

/** Fewer instructions than this are not worth entering a region for, and single steps never do. */
const FEWEST = 16;

export class RegionWriter implements NodeWriter {
  readonly code = new FunctionBuilder([I32.type]);
  readonly #frame = new Frame(this.code);
  readonly #flow: ControlFlow;
  readonly #longest: readonly number[];
  #end: Label = { depth: 0 };
  /** Instructions that have ended since `left` was brought up to date. */
  #uncounted = 0;

  constructor(
    private readonly blocks: readonly Block[],
    private readonly linker: Linker,
    private readonly setting: Setting,
  ) {
    this.#flow = analyse(graphOf(blocks));
    this.#longest = this.#longestWays();
  }

  /** The function's body. */
  build(): Uint8Array {
    const { code, blocks } = this;
    code.block((end) => {
      this.#end = end;
      emitStructured(code, graphOf(blocks), this.#flow, this);
      code.unreachable();
    });
    this.#writeEnd();
    code.prologue(() => this.#writeStart());
    return code.encode();
  }

  enter(): void {
    this.#frame.flags.forget();
    this.#uncounted = 0;
  }

  write(node: number, follow: (target: number) => void): void {
    const { instructions } = this.#block(node);
    instructions.forEach((located, n) => {
      this.#writeInstruction(node, located, n === instructions.length - 1, follow);
    });
  }

  #writeInstruction(node: number, located: Located, last: boolean, follow: (target: number) => void): void {
    const { code } = this;
    const { rip, instruction } = located;
    code.note(rip.toString(16));
    code.scope(() => {
      const exits = this.#exits(node, located, follow);
      const context = new RegionContext(code, this.linker, this.#frame, located, exits);
      definitionOf(instruction.entry.mnemonic)?.meaning(context);
      context.finish((hurried) => {
        const next = rip + instruction.length;
        if (last) exits.goTo(next, hurried);
        else {
          this.#uncounted += 1;
          if (hurried) this.#leaveIfHurried(next);
        }
      });
    });
  }

  #exits(node: number, { rip }: Located, follow: (target: number) => void): Exits {
    const { code } = this;
    const frame = this.#frame;
    const emitter = this.#emitter();
    const budget = (): I32 => frame.left.get().sub(this.#uncounted + 1);
    const onward = (go: () => void): void => {
      this.#onePath(() => {
        this.#uncounted += 1;
        go();
      });
    };
    return {
      requireUnit: () => {},
      goTo: (target, hurried) =>
        onward(() => {
          if (hurried) this.#leaveIfHurried(target);
          this.#goTo(node, target, follow);
        }),
      goToComputed: (target, hurried) =>
        onward(() => {
          if (hurried) code.ifRarely(frame.hurried.get(), () => this.#leaveHurried(target));
          for (const successor of new Set(this.#block(node).successors)) {
            const { start } = this.#block(successor);
            code.if(target.eq(BigInt(start)), () => {
              this.#onePath(() => this.#goTo(node, start, follow));
            });
          }
          this.#leave(target);
        }),
      abort: () => {
        frame.exit.set(I32.const(RegionExit.exception));
        frame.target.set(I64.const(rip));
        frame.left.set(select(frame.hurried.get(), get32(state.budget), budget()));
        code.branch(this.#end);
      },
      // Not if the host has taken from it already.
      syncBudget: () => {
        code.if(frame.hurried.get().eqz(), () => emitter.set32(state.budget, budget()));
        frame.losses.set(windowLosses());
      },
      noteHurry: () => {
        const left = windowLosses().ne(frame.losses.get()).or(get32(state.budget).ne(budget()));
        frame.hurried.set(frame.hurried.get().or(left));
      },
      reach: (linear, bytes, kind, access, parts) =>
        reach(emitter, linear, bytes, kind, {
          privilege: this.setting.key & RegionKey.user ? 'user' : 'supervisor',
          base: 0n,
          access,
          ranges: this.setting.ranges,
          ...(parts && { parts }),
          slow: () => this.#leave(I64.const(rip), RegionExit.interpret),
        }),
    };
  }

  /** Writes one path, after which another begins where this one began. */
  #onePath(write: () => void): void {
    const { flags } = this.#frame;
    const [uncounted, mark] = [this.#uncounted, flags.mark];
    write();
    [this.#uncounted, flags.mark] = [uncounted, mark];
  }

  /** To where a RIP is in the region, or out of it. */
  #goTo(node: number, target: number, follow: (target: number) => void): void {
    const to = this.#block(node).successors.find((each) => this.#block(each).start === target);
    if (to === undefined || this.#flow.isIrreducible(node, to)) {
      this.#leave(I64.const(target));
      return;
    }
    if (this.#flow.isMerge(to) || this.#flow.isLoopHeader(to)) this.#count();
    if (this.#isBack(node, to)) this.#leaveIfSpent(to);
    follow(to);
  }

  /** Looks at the budget where a loop begins again: here, and not at its start, the flags are still known. */
  #leaveIfSpent(header: number): void {
    const uncounted = this.#uncounted;
    this.#uncounted = 0;
    this.code.ifRarely(this.#frame.left.get().ltS(this.#longest[header] as number), () => {
      this.#leave(I64.const(this.#block(header).start), RegionExit.budget);
    });
    this.#uncounted = uncounted;
  }

  #isBack(from: number, to: number): boolean {
    const { position } = this.#flow;
    return (position[to] as number) <= (position[from] as number);
  }

  #leave(target: I64, why: number = RegionExit.elsewhere): void {
    this.#frame.target.set(target);
    if (why !== RegionExit.elsewhere) this.#frame.exit.set(I32.const(why));
    this.#count();
    this.code.branch(this.#end);
  }

  #leaveIfHurried(target: number): void {
    this.code.ifRarely(this.#frame.hurried.get(), () => this.#leaveHurried(I64.const(target)));
  }

  /** What the host has left in the budget is what is left. */
  #leaveHurried(target: I64): void {
    this.#frame.target.set(target);
    this.#frame.left.set(get32(state.budget));
    this.#frame.exit.set(I32.const(RegionExit.hurry));
    this.code.branch(this.#end);
  }

  #count(): void {
    const { left } = this.#frame;
    if (this.#uncounted) left.set(left.get().sub(this.#uncounted));
  }

  #writeStart(): void {
    const { code, setting } = this;
    const e = this.#emitter();
    const refuse = (): void => {
      e.set32(state.budget, get32(state.budget).add(1));
      code.return(I32.const(setting.refusal));
    };
    const fewest = Math.max(this.#longest[0] as number, FEWEST);
    const elsewhere = get64(state.pageBase).ne(BigInt(Math.floor(this.#block(0).start / 4096)) * 4096n);
    const otherMode = get32(state.regionKey).ne(setting.key);
    code.ifRarely(
      get32(state.budget)
        .ltS(fewest - 1)
        .or(elsewhere)
        .or(otherMode),
      refuse,
    );
    code.ifRarely(I32.load(I32.const(0), setting.validity).ne(mappingChanges()), () => {
      code.if(setting.revalidate(code).eqz(), refuse);
    });
    this.#frame.left.set(get32(state.budget).add(1));
    this.#addToTotal(e, I32.const(0).sub(this.#frame.left.get().add(get32(state.deferred))));
    this.#frame.load();
  }

  #writeEnd(): void {
    const { code } = this;
    const e = this.#emitter();
    const frame = this.#frame;
    frame.store();
    e.set32(state.budget, frame.left.get());
    this.#addToTotal(e, frame.left.get().add(get32(state.deferred)));
    const tally = code.let(frame.exit.get().mul(state.regionExits.stride));
    code.store(tally, I64.load(tally, state.regionExits.address).add(1), state.regionExits.address);
    code.ifRarely(frame.exit.get().eq(RegionExit.exception), () =>
      code.return(e.call(abortAt, frame.target.get())),
    );
    // Else the interpreter would come back here without having run anything.
    code.if(frame.target.get().eq(this.#block(0).start), () => code.return(I32.const(this.setting.refusal)));
    code.return(e.call(lookup, frame.target.get()));
  }

  /** Counts instructions that were not run here: less those at the start, plus those at the end, that may yet begin. */
  #addToTotal(e: Emitter, instructions: I32): void {
    e.set64(state.regionInstructions, get64(state.regionInstructions).sub(instructions.extendS()));
  }

  #emitter(): Emitter {
    return new Emitter(this.code, this.linker, () => this.code.unreachable());
  }

  #block(node: number): Block {
    return this.blocks[node] as Block;
  }

  /** Of each block the most instructions from its start to the next look at `left`. */
  #longestWays(): number[] {
    const { order } = this.#flow;
    const longest = new Array<number>(this.blocks.length).fill(0);
    for (const node of [...order].reverse()) {
      const { instructions, successors } = this.#block(node);
      const onward = successors.filter((to) => !this.#isBack(node, to)).map((to) => longest[to] as number);
      longest[node] = instructions.length + Math.max(0, ...onward);
    }
    return longest;
  }
}
