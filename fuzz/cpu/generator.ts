/**
 * Makes variants of an opcode table's entry: prefixes, registers, forms of addresses, immediates, and for the fault tier
 * operands at places where they fault, single steps, alignment checks and LOCK where it may not be.
 * What particular instructions want besides is in special.ts.
 */
import {
  type DecodedInstruction,
  isHighByte,
  operandIsMemory,
  operandRegister,
  operandWidth,
  SEGMENT_SS,
} from '../../src/cpu/decode/instruction.js';
import type { OpcodeEntry } from '../../src/cpu/decode/opcode-entry.js';
import { Flag } from '../../src/cpu/state.js';
import type { Random } from '../random.js';
import { Build, segmentBase } from './build.js';
import { type Choice, type Encoded, encode, type MemoryChoice } from './encode.js';
import { excludedEncoding } from './excluded.js';
import { Fixup, MOST_FIXUPS } from './layout.js';
import { undefinedFlags } from './masks.js';
import { areaOf } from './placement.js';
import { ruleOf } from './special.js';
import type { Tier, Variant } from './variant.js';
import { toleranceOf, valuesOf, vectorsOf } from './vectors.js';

const ARITHMETIC = Flag.cf | Flag.pf | Flag.af | Flag.zf | Flag.sf | Flag.of;
const ALWAYS_SET = Flag.if | 2;
const LOCK = 0xf0;
const [SEGMENT_FS, SEGMENT_GS] = [0x64, 0x65];

/** The most attempts at one entry before it is said to have no variant in this tier. */
const ATTEMPTS = 40;

export interface GeneratorOptions {
  /** YMM registers are there to be compared. */
  readonly ymm: boolean;
}

/** A variant of an entry, or undefined if the entry has none in this tier. */
export function makeVariant(
  entry: OpcodeEntry,
  random: Random,
  tier: Tier,
  codeSize: 32 | 64,
  options: GeneratorOptions,
): Variant | undefined {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const build = new Build(entry, random, tier, codeSize, options.ymm);
    const variant = attemptVariant(build, options);
    if (variant) return variant;
  }
  return undefined;
}

function attemptVariant(build: Build, options: GeneratorOptions): Variant | undefined {
  const { entry, tier, codeSize, random } = build;
  const rule = ruleOf(entry.mnemonic);
  for (const register of rule?.reserve ?? []) build.reserved.add(register);
  rule?.before?.(build);
  const encoded = makeInstruction(build);
  if (!encoded || excludedEncoding(encoded.instruction)) return undefined;
  rule?.after?.(build, encoded.instruction);
  if (build.refused) return undefined;
  const area = areaOf(build.touched, build.operand || (build.touched[0]?.from ?? 0n));
  const fixups = [...build.fixups];
  for (const { address, ...fixup } of build.memoryFixups) {
    const at = area ? Number(address) - area.address : -1;
    const bytes = fixup.operation === Fixup.memorySet ? (fixup.c ?? 8) : 8;
    if (area && at >= 0 && at + bytes <= area.size) fixups.push({ ...fixup, a: at & 255, b: at >> 8 });
  }
  if (codeSize === 32) fixups.push({ operation: Fixup.legacy });
  if (fixups.length > MOST_FIXUPS) return undefined;
  const code = [...encoded.bytes, ...build.after];
  const fault = tier === 'fault';
  if (fault && mayNotLock(encoded.instruction) && random.oneIn(24) && build.patches.length === 0)
    code.unshift(LOCK);
  return {
    tier,
    entries: [entry],
    codeSize,
    code,
    patches: build.patches,
    area,
    vectors: vectorsOf(entry, options.ymm, random),
    values: valuesOf(entry, random),
    unmasked: fault && random.oneIn(2),
    flagsVaried: ARITHMETIC | Flag.df | (fault ? 0 : Flag.id),
    flagsSet:
      ALWAYS_SET |
      (fault && !build.unsteppable && random.oneIn(5) ? Flag.tf : 0) |
      (fault && random.oneIn(5) ? Flag.ac : 0),
    fixups,
    undefinedFlags: undefinedFlags(entry.mnemonic, build.distance),
    tolerance: toleranceOf(entry),
  };
}

/** Whether LOCK in front makes it #UD. */
function mayNotLock(instruction: DecodedInstruction): boolean {
  return !instruction.entry.lockable || !instruction.isMemory;
}

/** Chooses operands and encodes; adds to the build what makes a memory operand lie where it should. */
function makeInstruction(build: Build): Encoded | undefined {
  const { entry, random, codeSize } = build;
  const registers = codeSize === 64 ? 16 : 8;
  const inMemory =
    !entry.ignoresMod && (entry.form === 'memory' || (entry.form === 'both' && random.oneIn(2)));
  const anyAddress = entry.operands.some(
    ({ source }) => source === 'stringSource' || source === 'stringDestination' || source === 'moffs',
  );
  const sized = entry.mandatoryPrefix === 'any' || entry.mandatoryPrefix === 'notF2F3';
  if (sized && !entry.vex && random.oneIn(3)) build.prefixes.push(0x66);
  if ((inMemory || anyAddress || /^(LOOP|J.?CXZ)/.test(entry.mnemonic)) && random.oneIn(10)) {
    if (codeSize === 64 || !inMemory) build.prefixes.push(0x67);
  }
  if ((inMemory || anyAddress) && random.oneIn(6)) {
    build.prefixes.push(
      random.pick([SEGMENT_FS, SEGMENT_GS, SEGMENT_FS, SEGMENT_GS, 0x26, 0x2e, 0x36, 0x3e]),
    );
  }
  if (entry.lockable && inMemory && random.oneIn(5)) build.prefixes.push(LOCK);
  const choice: Choice = {
    codeSize,
    prefixes: build.prefixes,
    wide: entry.w >= 0 ? entry.w === 1 : codeSize === 64 && random.oneIn(3),
    longVector: random.oneIn(2),
    rex: codeSize === 64 && random.oneIn(6),
    reg: random.below(registers),
    rm: random.below(registers),
    memory: undefined,
    vvvv: entry.operands.some(({ source }) => source === 'vvvv') ? random.below(registers) : 0,
    immediate: build.immediate,
  };
  if (!inMemory) return withoutModRM(build, choice);
  const form = addressForm(build, choice.reg, choice.vvvv);
  const trial = encode(entry, { ...choice, memory: form });
  if (!trial) return undefined;
  const operand = entry.operands.find((each) => operandIsMemory(trial.instruction, each))!;
  build.operandBytes = Math.max(1, operandWidth(trial.instruction, operand) / 8);
  if (build.addressOnly) return trial;
  return aimed(build, choice, form, trial);
}

/** Registers alone, or memory at an offset in the instruction. */
function withoutModRM(build: Build, choice: Choice): Encoded | undefined {
  const { entry } = build;
  if (!entry.operands.some(({ source }) => source === 'moffs')) return encode(entry, choice);
  const trial = encode(entry, choice);
  if (!trial) return undefined;
  const bytes = Math.max(...entry.operands.map((each) => operandWidth(trial.instruction, each))) / 8;
  build.operand = build.place(bytes);
  build.touch(build.operand, 0, bytes);
  const offset = BigInt.asUintN(64, build.operand - BigInt(segmentBase(trial.instruction)));
  const immediate = Array.from({ length: 8 }, (_, n) => Number((offset >> BigInt(8 * n)) & 255n));
  return encode(entry, { ...choice, immediate: [...immediate, 0, 0, 0, 0] });
}

function addressForm(build: Build, reg: number, vvvv: number): MemoryChoice {
  const { entry, random, codeSize, reserved } = build;
  const usable: number[] = [];
  for (let n = 0; n < (codeSize === 64 ? 16 : 8); n++) {
    if (!reserved.has(n) && (entry.mnemonic.startsWith('BT') ? n !== reg && n !== vvvv : true))
      usable.push(n);
  }
  const base = random.pick(usable);
  const vector = entry.vectorIndex !== 0;
  const indexes = usable.filter((n) => n !== base && n !== 4);
  const index = vector ? random.below(codeSize === 64 ? 16 : 8) : random.pick(indexes);
  const shift = random.below(4) as 0 | 1 | 2 | 3;
  const small = random.between(-64, 64);
  const displacementSize = random.pick([0, 1, 1, 4] as const);
  const displacement = displacementSize === 0 ? 0 : displacementSize === 1 ? small : small * 1000;
  const kind = vector ? 5 : random.below(12);
  if (kind < 5) return { base, index: -1, shift: 0, displacement, displacementSize };
  if (kind < 9) return { base, index, shift, displacement, displacementSize };
  if (kind === 9 && codeSize === 64) {
    return { base: -2, index: -1, shift: 0, displacement: 0, displacementSize: 4 };
  }
  if (kind === 10) return { base: -1, index, shift, displacement: 0, displacementSize: 4 };
  return { base: -1, index: -1, shift: 0, displacement: 0, displacementSize: 4 };
}

/** A locked access over the border of a cache line takes Linux 10 ms: it makes the offender wait. */
function isLocked({ entry, prefixes }: Build): boolean {
  return entry.mnemonic === 'XCHG' || prefixes.includes(LOCK);
}

/** Makes the address come to where the operand is to be. */
function aimed(build: Build, choice: Choice, form: MemoryChoice, trial: Encoded): Encoded | undefined {
  const { random, tier, codeSize } = build;
  const { instruction } = trial;
  const size = build.operandBytes;
  const vector = size >= 16 && build.reachBefore === 0;
  const alignment = Math.max(build.alignment, vector ? Math.min(64, size) : 1);
  build.operand = build.place(size, tier === 'fault' ? 1 : alignment);
  if (vector && tier === 'fault' && random.oneIn(2)) build.operand &= -BigInt(alignment);
  // Of #GP for alignment and #SS for an address that is not canonical either may be met first (SDM vol. 3 Table 6-2).
  const end = build.operand + BigInt(size - 1);
  const canonical = BigInt.asIntN(48, end) === BigInt.asIntN(64, end);
  if (vector && instruction.segment === SEGMENT_SS && !canonical && build.operand % 16n) return undefined;
  // Where an operand goes on after 4 GiB with 32-bit addresses is the processor's own affair.
  if (instruction.addressSize === 32 && build.operand + BigInt(size) > 1n << 32n) return undefined;
  if (isLocked(build)) build.operand &= -BigInt(2 ** Math.ceil(Math.log2(size)));
  if (build.entry.vectorIndex) {
    build.reachAfter = 8 * 8 + 8;
    // Traps of elements already gathered come before a later one's fault (SDM volume 2, VPGATHER).
    build.unsteppable = true;
  }
  build.touch(build.operand, build.reachBefore, size + build.reachAfter);
  // In 32-bit code FS and GS hold null selectors.
  const base = codeSize === 64 ? segmentBase(instruction) : 0;
  const offset = BigInt.asUintN(64, build.operand - BigInt(base));
  let displacement = BigInt(form.displacement);
  if (form.base >= 0) {
    const index = instruction.entry.vectorIndex ? -1 : form.index;
    build.fixups.push({
      operation: Fixup.base,
      register: form.base,
      a: index < 0 ? 255 : index,
      b: form.shift,
      value: BigInt.asUintN(64, offset - displacement),
    });
    if (instruction.entry.vectorIndex) gatherIndices(build, instruction);
  } else if (form.base === -2) {
    if (base || offset >> 31n || instruction.addressSize !== 64) return undefined;
    build.patches.push({
      at: trial.displacementAt,
      kind: 'relative',
      value: Number(offset),
      from: instruction.length,
    });
  } else {
    const index = form.index < 0 ? 0n : BigInt(random.below(1 << 16));
    displacement = offset - (index << BigInt(form.shift));
    if (codeSize === 64 && BigInt.asIntN(32, displacement) !== BigInt.asIntN(64, displacement))
      return undefined;
    if (form.index >= 0) build.fixups.push({ operation: Fixup.set, register: form.index, value: index });
  }
  return encode(build.entry, {
    ...choice,
    prefixes: build.prefixes,
    memory: { ...form, displacement: Number(BigInt.asIntN(32, displacement)) },
  });
}

function gatherIndices(build: Build, instruction: DecodedInstruction): void {
  const lane = /GATHERD/.test(instruction.entry.mnemonic) ? 4 : 8;
  build.fixups.push({ operation: Fixup.indices, a: instruction.index, b: 32, c: lane });
}

/** General registers an instruction names, high bytes by the register they are part of; −1 where it names none. */
export function namedRegisters(instruction: DecodedInstruction): number[] {
  return instruction.entry.operands
    .filter((operand) => operand.registers === 'general')
    .map((operand) => {
      const register = operandRegister(instruction, operand);
      const byte = operandWidth(instruction, operand) === 8 && isHighByte(instruction, register);
      return byte ? register - 4 : register;
    });
}
