/** Wishes of instructions that compute and move: counts, dividends, equal operands, strings, memory at implied registers. */
import { type DecodedInstruction, operandWidth } from '../../src/cpu/decode/instruction.js';
import { type Build, segmentBase } from './build.js';
import { Fixup } from './layout.js';
import type { Distance } from './masks.js';
import { type After, RAX, RCX, RDI, RDX, RSI, type Rule } from './wishes.js';

export function shift(build: Build, instruction: DecodedInstruction): void {
  const width = operandWidth(instruction, instruction.entry.operands[0]!);
  const mask = width === 64 ? 63 : 31;
  const double = instruction.entry.mnemonic.length === 4 && instruction.entry.mnemonic.endsWith('D');
  const last = instruction.entry.operands.at(-1)!;
  const classOf = (count: number): Distance =>
    count === 0 ? 'zero' : count === 1 ? 'one' : count < width || double ? 'more' : 'wide';
  if (last.code === 'CL') {
    const most = double ? Math.min(mask, width) : mask;
    const ranges = [
      [0, 0],
      [1, 1],
      [2, Math.min(width - 1, most)],
      [2, Math.min(width - 1, most)],
      ...(most >= width ? [[width, most]] : []),
    ] as const;
    const [a, b] = build.random.pick(ranges) as [number, number];
    build.distance = classOf(a);
    build.fixups.push({ operation: Fixup.range, register: RCX, a, b, value: BigInt(0xff & ~mask) });
  } else {
    const count = last.source === 'constant' ? 1 : instruction.immediateLow & mask;
    build.distance = classOf(count);
    build.refused = double && count > width;
  }
}

export function divide(build: Build, instruction: DecodedInstruction): void {
  const operand = instruction.entry.operands.find((each) => each.source === 'rm')!;
  const width = operandWidth(instruction, operand);
  if (width === 8) {
    if (!build.random.oneIn(4)) {
      build.fixups.push({ operation: Fixup.narrow, register: RAX, a: 8, b: build.random.below(2) });
    }
  } else build.fixups.push({ operation: Fixup.dividend, register: RAX, a: RDX, c: width });
  if (build.tier !== 'fault') nonzero(build, instruction, width);
}

export function nonzero(build: Build, instruction: DecodedInstruction, width: number): void {
  if (!instruction.isMemory) {
    build.fixups.push({ operation: Fixup.nonzero, register: instruction.rm, c: width });
  } else build.memoryFixups.push({ operation: Fixup.memoryNonzero, address: build.operand, c: width });
}

export function bitTest(build: Build, instruction: DecodedInstruction): void {
  if (instruction.entry.operands[1]!.source !== 'reg' || !instruction.isMemory) return;
  build.fixups.unshift({ operation: Fixup.narrow, register: instruction.reg, a: 10, b: 0 });
}

export function bitReach(build: Build): void {
  if (build.entry.operands[1]!.source !== 'reg') return;
  build.reachBefore = 64;
  build.reachAfter = 72;
}

export function compareExchange(build: Build, instruction: DecodedInstruction): void {
  const width = operandWidth(instruction, instruction.entry.operands[0]!);
  if (instruction.isMemory) {
    build.memoryFixups.push({
      operation: Fixup.memoryCopy,
      register: RAX,
      address: build.operand,
      c: width / 8,
    });
  } else if (width > 8) {
    build.fixups.push({ operation: Fixup.copy, register: RAX, a: instruction.rm, c: width });
  }
}

export function compareExchangePair(build: Build, instruction: DecodedInstruction): void {
  const half = operandWidth(instruction, instruction.entry.operands[0]!) / 16;
  [RAX, RDX].forEach((register, n) => {
    const address = build.operand + BigInt(n * half);
    build.memoryFixups.push({ operation: Fixup.memoryCopy, register, address, c: half });
  });
}

const LONGEST_STRING = 9;

export function string(build: Build, instruction: DecodedInstruction): void {
  const bytes = Math.max(...instruction.entry.operands.map((each) => operandWidth(instruction, each))) / 8;
  const reach = bytes * (LONGEST_STRING + 1);
  const first = build.place(bytes);
  const repeated = build.prefixes.some((prefix) => prefix >= 0xf2);
  for (const { source } of instruction.entry.operands) {
    if (source !== 'stringSource' && source !== 'stringDestination') continue;
    const apart = build.random.oneIn(3) ? 0 : build.random.between(-40, 40);
    const address =
      build.tier === 'fault' ? (build.random.oneIn(2) ? first : build.place(bytes)) : first + BigInt(apart);
    build.touch(address, repeated ? reach : 0, repeated ? reach : bytes);
    if (source === 'stringSource') build.point(RSI, address, segmentBase(instruction));
    else build.point(RDI, address);
    if (build.random.oneIn(2)) {
      build.memoryFixups.push({ operation: Fixup.memoryCopy, register: RAX, address, c: bytes });
    }
  }
  if (repeated) {
    build.fixups.push({ operation: Fixup.range, register: RCX, a: 0, b: LONGEST_STRING, c: 1 });
  }
}

export function pointed(register: number, bytes: number): Rule {
  return {
    reserve: [register],
    after: (build, instruction) => {
      const address = build.place(bytes);
      build.touch(address, 0, bytes);
      build.point(register, address, segmentBase(instruction));
    },
  };
}

/** Clears bytes of memory that are this processor's alone. */
export function forgetMemory(build: Build, from: number, to: number): void {
  build.unsteppable = true;
  for (let at = from; at < to; at += 2) {
    const address = Number(BigInt.asIntN(32, build.operand)) + at;
    const bytes = [address & 255, (address >> 8) & 255, (address >> 16) & 255, address >>> 24];
    build.after.push(0x66, 0xc7, ...(build.codeSize === 64 ? [0x04, 0x25] : [0x05]), ...bytes, 0, 0);
  }
}

export function saved(build: Build): void {
  forgetMemory(build, 6, 24);
  forgetMemory(build, 28, 32);
}

export const wholeMxcsr =
  (offset: number): After =>
  (build) => {
    if (build.tier === 'fault' && build.random.oneIn(4)) return;
    build.memoryFixups.push({
      operation: Fixup.memoryAnd,
      address: build.operand + BigInt(offset),
      value: 0xffff_ffff_0000_0000n | (build.tier === 'fault' ? 0xffffn : 0xe07fn),
      c: build.tier === 'fault' ? 0 : 0x1f80,
    });
  };

/** Legacy area, header and AVX's upper halves, as XSAVE lays them out (SDM volume 1, chapter 13). */
const EXTENDED_BYTES = 512 + 64 + 256;

export function extended(build: Build): void {
  build.reachAfter = EXTENDED_BYTES;
  build.alignment = 64;
}

/**
 * SSE's state, and AVX's where it has been loaded: whether other state is in use, a processor may tell in more than one
 * way.
 */
export function components(build: Build): void {
  const value = BigInt(build.random.pick(build.ymm ? [2, 4, 6, 6, 6, 0] : [2, 2, 2, 0]));
  build.fixups.push({ operation: Fixup.set, register: RAX, value });
  build.fixups.push({ operation: Fixup.set, register: RDX, value: 0n });
  // What is in use is added to the header's bits, which are of components.
  const address = build.operand + 512n;
  build.memoryFixups.push({ operation: Fixup.memoryAnd, address, value: build.ymm ? 6n : 2n });
}

export function restored(build: Build): void {
  components(build);
  for (let at = 520; at < 576; at += 8) build.memory(build.operand, at, 8, 0n);
  build.memoryFixups.push({
    operation: Fixup.memoryAnd,
    address: build.operand + 24n,
    value: 0xffff_ffff_0000_e07fn,
    c: 0x1f80,
  });
}
