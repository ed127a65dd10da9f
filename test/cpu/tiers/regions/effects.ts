/**
 * What generated code touches, found in its bytes: the registers that the state holds, and the functions that are called.
 * Addresses in the state are constants, of an instruction or of a load or store (Core Specification 2.0, §5.4).
 */

import { Emitter, type Linker } from '../../../../src/cpu/emitter.js';
import { NOTHING } from '../../../../src/cpu/linker.js';
import type { Parameters, Routine } from '../../../../src/cpu/routine.js';
import * as state from '../../../../src/cpu/state.js';
import { FunctionBuilder } from '../../../../src/wasm/function-builder.js';
import type { FunctionHandle } from '../../../../src/wasm/module-builder.js';
import type { I32, I64, Value } from '../../../../src/wasm/values.js';

export interface Effects {
  /** Names of fields of the state that hold general registers or flags. */
  readonly registers: ReadonlySet<string>;
  /** Numbers of vector registers whose bits 127:0 it has the address of. */
  readonly vectors: ReadonlySet<number>;
  readonly calls: ReadonlySet<Routine>;
  /** Offsets of stores; of a field of the state its address. */
  readonly stores: ReadonlySet<number>;
}

class NotingBuilder extends FunctionBuilder {
  readonly stores = new Set<number>();

  #note(offset: number): void {
    this.stores.add(offset);
  }
  override store(address: I32, value: Value, offset = 0): void {
    this.#note(offset);
    super.store(address, value, offset);
  }
  override store8(address: I32, value: I32 | I64, offset = 0): void {
    this.#note(offset);
    super.store8(address, value, offset);
  }
  override store16(address: I32, value: I32 | I64, offset = 0): void {
    this.#note(offset);
    super.store16(address, value, offset);
  }
  override store32(address: I32, value: I64, offset = 0): void {
    this.#note(offset);
    super.store32(address, value, offset);
  }
}

/** Notes which routines are called. */
export class NotingLinker implements Linker {
  readonly calls = new Set<Routine>();

  link<P extends Parameters, R extends Value | undefined>(target: Routine<P, R>): FunctionHandle<R> {
    this.calls.add(target as unknown as Routine);
    const { name, parameters, result } = target;
    const types = parameters.map(({ type }) => type);
    return { name, index: 0, parameters: types, result: result as FunctionHandle<R>['result'] };
  }
}

/** Of a routine's own body. */
export function effectsOf(routine: Routine): Effects {
  const linker = new NotingLinker();
  const code = new NotingBuilder(routine.parameters.map(({ type }) => type));
  const nothing = routine.result && NOTHING.get(routine.result.type);
  const args = routine.parameters.map((make, n) => code.parameter(make, n));
  routine.build?.(new Emitter(code, linker, () => code.return(nothing)), ...args);
  return { ...touched(code.encode()), calls: linker.calls, stores: code.stores };
}

const REGISTERS = [state.gpr, state.flagZero, state.flagSign, state.flagCarry] as const;

/** Which registers have an address in a body. */
export function touched(body: Uint8Array): Pick<Effects, 'registers' | 'vectors'> {
  const registers = new Set<string>();
  const vectors = new Set<number>();
  for (const address of constantsOf(body)) {
    for (const { name, address: first, stride, count } of REGISTERS) {
      if (address >= first && address < first + stride * count) registers.add(name);
    }
    const { address: first, stride, count } = state.xmm;
    const within = address - first;
    if (within >= 0 && within < stride * count && within % stride < 16)
      vectors.add(Math.floor(within / stride));
  }
  return { registers, vectors };
}

/** All 32-bit constants and all offsets of loads and stores. */
function* constantsOf(body: Uint8Array): Generator<number> {
  let at = 0;
  const byte = (): number => body[at++] as number;
  const leb = (): bigint => {
    let [value, shift, next] = [0n, 0n, 0x80];
    while (next & 0x80) {
      next = byte();
      value |= BigInt(next & 0x7f) << shift;
      shift += 7n;
    }
    return value;
  };
  const offset = (): number => {
    leb();
    return Number(leb());
  };
  for (let runs = leb(); runs > 0n; runs--) {
    leb();
    byte();
  }
  while (at < body.length) {
    const opcode = byte();
    if (opcode >= 0x28 && opcode <= 0x3e) yield offset();
    else if (opcode === 0x41) {
      const value = Number(leb());
      // A page's size, unless something is added to it: then it is the first general register's address.
      if (value !== 4096 || body[at] === 0x6a) yield value;
    } else if (opcode === 0xfd) {
      const simd = Number(leb());
      if (simd <= 11 || (simd >= 84 && simd <= 93)) yield offset();
      if (simd === 12 || simd === 13) at += 16;
      else if ((simd >= 21 && simd <= 34) || (simd >= 84 && simd <= 91)) at += 1;
    } else if (opcode === 0xfc) {
      const more = Number(leb());
      if (more === 10) at += 2;
      else if (more === 11) at += 1;
    } else if (opcode === 0x0e) {
      for (let targets = leb() + 1n; targets > 0n; targets--) leb();
    } else if (opcode === 0x11) offset();
    else if ([0x0c, 0x0d, 0x10, 0x20, 0x21, 0x22, 0x42].includes(opcode)) leb();
    else if ([0x02, 0x03, 0x04].includes(opcode)) at += 1;
    else if (opcode === 0x43) at += 4;
    else if (opcode === 0x44) at += 8;
  }
}
