/**
 * The region tier's binding of an instruction's meaning: one object binds one instruction at its place in a region.
 * Registers are the frame's locals, what the encoding says is constant, and control goes where the writer leads it.
 *
 * An access to memory that cannot be made at once (docs/ARCHITECTURE.md) leaves the region before the instruction,
 * which the interpreter then runs, as long as the instruction has written nothing. After that, and in routines that
 * reach memory by themselves, it takes the way that the interpreter's own handlers take; then the budget in the state
 * must be exact, and the host may have asked for the end of the run.
 */
import type { FunctionBuilder } from '../../../wasm/function-builder.js';
import { I32, I64, type Value } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import {
  type DecodedInstruction,
  isHighByte,
  operandRegister,
  PREFIX_REP,
  PREFIX_REPNE,
} from '../../decode/instruction.js';
import { get64, type Linker } from '../../emitter.js';
import { commit, type PlaceKind, place } from '../../mmu/access.js';
import type { AddressParts } from '../../mmu/window.js';
import type { Arguments, Parameters, Routine } from '../../routine.js';
import type { Operand } from '../../semantics/context.js';
import { Flags } from '../../semantics/flags.js';
import * as state from '../../state.js';
import { Vector } from '../../state.js';
import { type Binding, bind } from '../binding.js';
import { BoundContext } from '../bound-context.js';
import { ImplicitOperand, MmxOperand, type OperandContext } from '../operands.js';
import { type Frame, vectorAddress } from './frame.js';
import { NotInRegion } from './not-in-region.js';
import { ConstantOperand, GeneralOperand, NumberOperand, RegionMemory, VectorOperand } from './operands.js';
import { isBarred, isHarmless, reachesHost } from './routines.js';

/** An instruction and where it is. */
export interface Located {
  /** As a signed number. */
  readonly rip: number;
  readonly instruction: DecodedInstruction;
}

/** Where control goes from an instruction: what the writer of a region does. */
export interface Exits {
  /** Ends the instruction and goes on at a RIP that is known. @param hurried whether `noteHurry` was ever called */
  goTo(rip: number, hurried: boolean): void;
  /** Ends the instruction and goes on at one that is not. */
  goToComputed(rip: I64, hurried: boolean): void;
  /** Leaves the region with an exception of this instruction pending. */
  abort(): void;
  /** Before a routine: makes the budget in the state exact, as it is while this instruction runs. */
  syncBudget(): void;
  /** Notes whether the host has taken from the budget meanwhile, or the mapping has changed. */
  noteHurry(): void;
  /** A host address, or the region is left before the instruction, for the interpreter to run it. */
  reach(linear: I64, bytes: number, kind: PlaceKind, access: number, parts?: AddressParts): I32;
  /** The region is to be entered only while this field says 0. */
  requireUnit(fault: state.Field32): void;
}

export class RegionContext extends BoundContext implements OperandContext {
  readonly long = true;
  readonly operandSize: 16 | 32 | 64;
  readonly vex: boolean;
  readonly vectorLength: 128 | 256;
  readonly operands: readonly Operand[];
  readonly flags: Flags;
  /** RIP after the instruction. */
  readonly next: bigint;
  readonly #instruction: DecodedInstruction;
  readonly #depth: number;
  /** Vector registers whose value the state has and the frame has not. */
  readonly #spilled = new Set<number>();
  /** Whether control never comes to the end of what was written. */
  #ended = false;
  /** Whether a routine was called that may have reached the host: then a host address may be the bounce buffer's. */
  #reached = false;

  constructor(
    code: FunctionBuilder,
    linker: Linker,
    private readonly frame: Frame,
    private readonly located: Located,
    private readonly exits: Exits,
  ) {
    super(code, linker, () => exits.abort());
    const { instruction } = located;
    this.#instruction = instruction;
    this.#depth = code.depth;
    this.operandSize = instruction.operandSize;
    this.vex = instruction.entry.vex;
    this.vectorLength = instruction.vectorLength;
    this.next = BigInt(located.rip) + BigInt(instruction.length);
    const { entry, operandSize, isMemory, vectorLength } = instruction;
    const bindings = bind(entry, operandSize, isMemory, true, vectorLength);
    if (!bindings) throw new NotInRegion('too many registers');
    this.operands = bindings.map((binding) => this.#operand(binding));
    const { flags } = frame;
    const changed = (): void => {
      this.written = true;
      // On one path only, such as that on which REP compares anything: what it was is not known behind it.
      if (code.depth !== this.#depth) flags.forget();
    };
    this.flags = new Flags(code, {
      get: (word) => flags.get(word),
      set: (word, value) => {
        flags.set(word, value);
        changed();
      },
      keep: (operation, a, b, result, width) => {
        flags.keep(operation, a, b, result, width);
        changed();
      },
      condition: (pair) => flags.condition(pair),
    });
  }

  #operand(binding: Binding): Operand {
    const { width } = binding;
    const instruction = this.#instruction;
    switch (binding.kind) {
      case 'register':
        return this.#register(operandRegister(instruction, binding.spec), binding.file, width);
      case 'memory':
        return new RegionMemory(this, width, instruction, false);
      case 'offset':
        return new RegionMemory(this, width, instruction, true);
      case 'immediate':
        return new ConstantOperand(this, width, this.immediateBits);
      case 'constant':
        return new ConstantOperand(this, width, BigInt(binding.value));
      default:
        return new ImplicitOperand(this, width);
    }
  }

  #register(number: number, file: Operand['kind'], width: number): Operand {
    if (file === 'general') {
      const high = width === 8 && isHighByte(this.#instruction, number);
      return new GeneralOperand(this, width, high ? number - 4 : number, high);
    }
    if (file === 'xmm') return new VectorOperand(this, width, number);
    if (file === 'mmx') return new MmxOperand(this, width, () => I32.const(state.at(state.fpr, number & 7)));
    return new NumberOperand(this, width, file, number);
  }

  get immediateBits(): bigint {
    const { immediateLow, immediateHigh } = this.#instruction;
    return BigInt.asIntN(64, (BigInt(immediateHigh) << 32n) | BigInt(immediateLow >>> 0));
  }

  register(n: number, width: number): I64 {
    const held = this.frame.general[n] as Frame['general'][number];
    held.used = true;
    const value = held.variable.get();
    if (width === 64) return this.code.let(value);
    return this.code.let(width === 32 ? value.and(0xffffffff) : value.and((1 << width) - 1));
  }

  setRegister(n: number, width: number, value: I64): void {
    const held = this.frame.general[n] as Frame['general'][number];
    held.written = true;
    this.written = true;
    const { variable } = held;
    if (width === 64) variable.set(value);
    else if (width === 32) variable.set(value.wrap().extendU());
    else {
      const mask = (1n << BigInt(width)) - 1n;
      variable.set(variable.get().and(~mask).or(value.and(mask)));
    }
  }

  vector(n: number): V128 {
    const held = this.frame.vectors[n] as Frame['vectors'][number];
    held.used = true;
    return this.code.let(held.variable.get());
  }

  setVector(n: number, value: V128): void {
    const held = this.frame.vectors[n] as Frame['vectors'][number];
    held.written = true;
    this.written = true;
    held.variable.set(value);
  }

  upperVector(n: number): V128 {
    return this.code.let(vectorLoad(n, 16));
  }

  setUpperVector(n: number, value: V128): void {
    this.storeState(vectorAddress(n), value, 16);
  }

  /** Where the state has a vector register until the instruction ends. */
  spilledVector(n: number): I32 {
    const held = this.frame.vectors[n] as Frame['vectors'][number];
    if (this.code.depth !== this.#depth)
      throw new NotInRegion('a vector register is spilled on one path only');
    if (!this.#spilled.has(n)) this.code.store(vectorAddress(n), held.variable.get());
    held.used = true;
    held.written = true;
    this.#spilled.add(n);
    return vectorAddress(n);
  }

  reach(linear: I64, bytes: number, kind: PlaceKind, access: number, parts?: AddressParts): I32 {
    if (this.written) return place(this, linear, bytes, kind, access);
    return this.exits.reach(linear, bytes, kind, access, parts);
  }

  commit(host: I32): void {
    if (this.#reached) commit(this, host);
  }

  linear(segment: I32 | number, offset: I64, _bytes: number, _kind: 'read' | 'write'): I64 {
    if (typeof segment !== 'number') throw new NotInRegion('a segment known only at run time');
    if (segment < state.Segment.fs) return offset;
    return this.code.let(offset.add(get64(state.segmentBase, segment)));
  }

  repeat(): I32 {
    const { prefixes } = this.#instruction;
    if (prefixes & PREFIX_REP) return I32.const(1);
    return I32.const(prefixes & PREFIX_REPNE ? 2 : 0);
  }

  addressMask(): I64 {
    return I64.const(this.#instruction.addressSize === 64 ? -1 : 0xffffffff);
  }

  segment(): I32 {
    return I32.const(this.#instruction.segment);
  }

  immediate(): I64 {
    return I64.const(this.immediateBits);
  }

  x87Opcode(): I32 {
    const { entry, modRM } = this.#instruction;
    return I32.const(((entry.opcode & 7) << 8) | modRM);
  }

  /** The region is entered only while the units that it uses are there. */
  requireUnit(fault: state.Field32): void {
    this.exits.requireUnit(fault);
  }

  notImplemented(): void {
    throw new NotInRegion('no meaning');
  }

  currentRip(): I64 {
    return I64.const(this.located.rip);
  }

  nextRip(): I64 {
    return I64.const(this.next);
  }

  jump(target: I64, write?: () => void): void {
    const checked = this.code.let(target);
    this.raiseIf(checked.shl(16).shrS(16).ne(checked), Vector.gp, 0);
    write?.();
    this.#end(() => this.exits.goToComputed(checked, this.#reached));
  }

  jumpRelative(write?: () => void): void {
    const target = this.next + BigInt(this.#instruction.immediateLow);
    if (BigInt.asIntN(48, target) !== target) throw new NotInRegion('a jump to where no code can be');
    write?.();
    this.#end(() => this.exits.goTo(Number(target), this.#reached));
  }

  restart(): void {
    this.#end(() => this.exits.goTo(this.located.rip, this.#reached));
  }

  resume(): void {
    throw new NotInRegion('it may change the mode');
  }

  resumeNext(): void {
    this.resume();
  }

  /** To be called when the meaning has been written: goes on with the next instruction. */
  finish(goOn: (hurried: boolean) => void): void {
    if (this.#ended) return;
    this.#restore();
    goOn(this.#reached);
  }

  #end(go: () => void): void {
    if (this.code.depth === this.#depth) this.#ended = true;
    this.#restore();
    go();
  }

  /** Gives the frame what a routine has made of spilled registers. */
  #restore(): void {
    for (const n of this.#spilled) this.frame.vectors[n]?.variable.set(vectorLoad(n, 0));
  }

  override requestExit(): void {
    throw new NotInRegion('it may end the run');
  }

  override attempt<P extends Parameters, R extends Value | undefined>(
    target: Routine<P, R>,
    ...args: Arguments<P>
  ): R {
    if (isBarred(target.name) || !target.build) throw new NotInRegion(`it calls ${target.name}`);
    if (!reachesHost(target.name)) {
      this.written ||= !isHarmless(target.name);
      return super.attempt(target, ...args);
    }
    this.#reached = true;
    this.exits.syncBudget();
    const result = super.attempt(target, ...args);
    this.exits.noteHurry();
    this.written = true;
    return result;
  }
}

function vectorLoad(n: number, offset: number): V128 {
  return V128.load(vectorAddress(n), offset);
}
