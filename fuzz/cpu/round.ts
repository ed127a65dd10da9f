/**
 * A round: variants laid out in an arena with descriptors and code, and room for their inputs and outputs, to be run by
 * the trampoline on either side.
 */
import {
  ARENA,
  ARENAS,
  CODE_SLOT,
  DESCRIPTOR,
  DESCRIPTOR_SIZE,
  FIXUP_SIZE,
  INPUT,
  INPUT_ROOM,
  MOST_VARIANTS,
  OUTPUT,
  OUTPUT_ROOM,
  SELECTOR,
  VECTORS_IN,
  VECTORS_OUT,
} from './layout.js';
import type { Trampoline } from './trampoline.js';
import type { Variant } from './variant.js';

/** Bytes from an output record's start to where its registers are pushed down from. */
const PUSHED = 128;

export function inputSize(variant: Variant): number {
  return INPUT.memory + (variant.area?.size ?? 0) + VECTORS_IN[variant.vectors];
}
export function outputSize(variant: Variant): number {
  return OUTPUT.memory + (variant.area?.size ?? 0) + VECTORS_OUT[variant.vectors];
}

/** A variant at its place in the round. */
export interface Placed {
  readonly variant: Variant;
  readonly count: number;
  /** Its inputs are made from this. */
  readonly seed: number;
  /** Where the inputs begin, as an offset in the arena; likewise the outputs. */
  readonly inputs: number;
  readonly outputs: number;
  readonly inputSize: number;
  readonly outputSize: number;
  readonly code: number;
}

export class Round {
  readonly placed: Placed[] = [];
  readonly #descriptors = new Uint8Array(MOST_VARIANTS * DESCRIPTOR_SIZE);
  readonly #code = new Uint8Array(MOST_VARIANTS * CODE_SLOT);
  #inputs: number = ARENA.inputs;
  #outputs: number = ARENA.outputs;
  cases = 0;

  constructor(
    readonly arena: 0 | 1,
    readonly trampoline: Trampoline,
  ) {}

  /** Adds a variant; false if there is no room for it. */
  add(variant: Variant, count: number, seed: number): boolean {
    const n = this.placed.length;
    const sizeIn = inputSize(variant);
    const sizeOut = outputSize(variant);
    if (n === MOST_VARIANTS) return false;
    if (this.#inputs + count * sizeIn > ARENA.inputs + INPUT_ROOM) return false;
    if (this.#outputs + count * sizeOut > ARENA.outputs + OUTPUT_ROOM) return false;
    const code = ARENA.code + n * CODE_SLOT;
    const placed: Placed = {
      variant,
      count,
      seed,
      inputs: this.#inputs,
      outputs: this.#outputs,
      inputSize: sizeIn,
      outputSize: sizeOut,
      code,
    };
    this.placed.push(placed);
    this.#inputs += count * sizeIn;
    this.#outputs += count * sizeOut;
    this.cases += count;
    this.#writeCode(n, variant);
    this.#describe(n, placed);
    return true;
  }

  get descriptors(): Uint8Array {
    return this.#descriptors.subarray(0, this.placed.length * DESCRIPTOR_SIZE);
  }
  get code(): Uint8Array {
    return this.#code.subarray(0, this.placed.length * CODE_SLOT);
  }
  /** Bytes of all inputs, of all outputs. */
  get inputBytes(): number {
    return this.#inputs - ARENA.inputs;
  }
  get outputBytes(): number {
    return this.#outputs - ARENA.outputs;
  }

  /** The code, its patches, and the jump back to the trampoline. */
  #writeCode(n: number, variant: Variant): void {
    const base = ARENAS[this.arena] + ARENA.code + n * CODE_SLOT;
    const slot = this.#code.subarray(n * CODE_SLOT, (n + 1) * CODE_SLOT);
    slot.fill(0xcc);
    slot.set(variant.code);
    const view = new DataView(slot.buffer, slot.byteOffset, slot.length);
    for (const { at, kind, value, from } of variant.patches) {
      view.setInt32(at, kind === 'address' ? base + value : value - (base + from), true);
    }
    const end = variant.code.length;
    const { finish } = this.trampoline;
    if (variant.codeSize === 64) {
      // JMP [RIP], which does not lead to the trampoline if a far transfer by chance has gone to 32-bit code.
      const aligned = Math.ceil((end + 6) / 8) * 8;
      slot.set([0xff, 0x25, aligned - (end + 6), 0, 0, 0], end);
      view.setBigUint64(aligned, BigInt(finish), true);
    } else {
      slot[end] = 0xea;
      view.setUint32(end + 1, finish, true);
      view.setUint16(end + 5, SELECTOR.code64, true);
    }
  }

  #describe(n: number, placed: Placed): void {
    const { variant } = placed;
    const { trampoline } = this;
    const arena = ARENAS[this.arena];
    const view = new DataView(this.#descriptors.buffer, n * DESCRIPTOR_SIZE, DESCRIPTOR_SIZE);
    const put = (field: keyof typeof DESCRIPTOR, value: number): void => {
      view.setUint32(DESCRIPTOR[field], value, true);
      view.setUint32(DESCRIPTOR[field] + 4, 0, true);
    };
    const returns = variant.codeSize === 32 || (variant.flagsSet & 0x40100) !== 0;
    put('code', arena + placed.code);
    put('input', arena + placed.inputs);
    put('outputTop', arena + placed.outputs + PUSHED);
    put('count', placed.count);
    put('inputSize', placed.inputSize);
    put('outputSize', placed.outputSize);
    put('memory', variant.area?.address ?? 0);
    put('memorySize', variant.area?.size ?? 0);
    put('load', trampoline.load[variant.vectors]);
    put('save', trampoline.save[variant.vectors]);
    put('enter', returns ? trampoline.enterReturn : trampoline.enterFast);
    put('seed', placed.seed);
    put('flagsVaried', variant.flagsVaried);
    put('flagsSet', variant.flagsSet);
    put('codeSelector', variant.codeSize === 64 ? SELECTOR.code64 : SELECTOR.code32);
    put('stackSelector', SELECTOR.data);
    put('vectors', variant.vectors);
    put('values', variant.values);
    put('operand', (variant.area?.operand ?? 0) & 15);
    put('unmasked', variant.unmasked ? 1 : 0);
    put('fixupCount', variant.fixups.length);
    variant.fixups.forEach((fixup, index) => {
      const at = DESCRIPTOR.fixups + index * FIXUP_SIZE;
      const base = fixup.fromCode ? BigInt(arena + placed.code) : 0n;
      view.setUint8(at, fixup.operation);
      view.setUint8(at + 1, fixup.register ?? 0);
      view.setUint8(at + 2, fixup.a ?? 0);
      view.setUint8(at + 3, fixup.b ?? 0);
      view.setUint32(at + 4, fixup.c ?? 0, true);
      view.setBigUint64(at + 8, BigInt.asUintN(64, (fixup.value ?? 0n) + base), true);
    });
  }
}
