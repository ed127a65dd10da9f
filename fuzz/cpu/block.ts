/**
 * Blocks: 2 to 20 instructions, with memory reached by registers that nothing in the block changes, and with a CMP behind
 * each instruction that leaves flags undefined, so that no undefined value is read.
 */
import { operandIsMemory, operandWidth } from '../../src/cpu/decode/instruction.js';
import type { OpcodeEntry } from '../../src/cpu/decode/opcode-entry.js';
import { Flag } from '../../src/cpu/state.js';
import type { Random } from '../random.js';
import { Build } from './build.js';
import { encode } from './encode.js';
import { type GeneratorOptions, namedRegisters } from './generator.js';
import { Fixup, Vectors } from './layout.js';
import { undefinedFlags } from './masks.js';
import { areaOf } from './placement.js';
import { ruleOf } from './special.js';
import type { FixupSpec, Variant } from './variant.js';
import { isX87, toleranceOf, valuesOf, vectorsOf } from './vectors.js';

/** Registers for addresses: no instruction implies them. */
const BASES = [13, 14] as const;
const AREA = 128;
const CMP = [0x48, 0x39, 0xc8] as const; // cmp rax,rcx
/** Leave room for the jump back. */
const MOST_CODE = 200;

/** Instructions that blocks are made of. */
export function blockEntries(entries: readonly OpcodeEntry[]): OpcodeEntry[] {
  const chosen = /^(ROL|ROR|RCL|RCR|SHL|SHR|SAR|CMPXCHG|MOV|LEA)$/;
  const faulting =
    /^(IN|OUT|INS|OUTS|INT\d?|UD\d|HLT|CLI|STI|BSF|BSR|WR\wSBASE|BSWAP|F?XSAVE|F?XRSTOR|LDMXCSR)$/;
  return entries.filter(
    (entry) =>
      entry.mode !== 'not64' &&
      !entry.vectorIndex &&
      (!ruleOf(entry.mnemonic) || chosen.test(entry.mnemonic)) &&
      !faulting.test(entry.mnemonic) &&
      toleranceOf(entry) === 'none' &&
      !/^(L[GIL]DT|LTR|LMSW|CLTS|SWAPGS|INVLPG|INVD|WBINVD|WBNOINVD|RDMSR|WRMSR|RDPMC|SYS\w+|CLAC|STAC|RSM|MONITOR|MWAIT|X\w+BV|INVPCID|RD\wSBASE)$/.test(
        entry.mnemonic,
      ) &&
      !entry.operands.some(
        ({ registers, source }) => /segment|control|debug/.test(registers) || source === 'moffs',
      ),
  );
}

export function makeBlock(
  entries: readonly OpcodeEntry[],
  random: Random,
  options: GeneratorOptions,
): Variant {
  const first = new Build(entries[0]!, random, 'block', 64, false);
  const bases = BASES.map((register) => ({ register, address: first.place(AREA, 16) }));
  const code: number[] = [];
  const used: OpcodeEntry[] = [];
  const wanted = random.between(2, 20);
  let stray = 0;
  while (used.length < wanted && stray < 100 && code.length < MOST_CODE) {
    const entry = random.pick(entries);
    const bytes = instruction(entry, random);
    if (!bytes) {
      stray++;
      continue;
    }
    code.push(...bytes);
    used.push(entry);
    if (undefinedFlags(entry.mnemonic, 'any')) code.push(...CMP);
  }
  const touched = bases.map(({ address }) => ({ from: address, to: address + BigInt(AREA) }));
  const fixups: FixupSpec[] = bases.map(({ register, address }) => ({
    operation: Fixup.base,
    register,
    a: 255,
    value: address,
  }));
  const [a, b] = touched as [(typeof touched)[0], (typeof touched)[0]];
  const together = a.from - b.from < 512n && b.from - a.from < 512n;
  if (!together) fixups[1] = { ...fixups[1]!, value: a.from + 32n };
  const kinds = used.map((entry) => vectorsOf(entry, options.ymm, random));
  const vectors = used.some(isX87) ? Vectors.fx : (Math.max(...kinds) as Variant['vectors']);
  return {
    tier: 'block',
    entries: used,
    codeSize: 64,
    code,
    patches: [],
    area: areaOf(together ? touched : [a], a.from),
    vectors,
    values: valuesOf(random.pick(used), random),
    unmasked: false,
    flagsVaried: 0x8d5 | Flag.id,
    flagsSet: Flag.if | 2,
    fixups,
    undefinedFlags: 0,
    tolerance: 'none',
  };
}

/** One instruction's bytes, or undefined where the choice does not fit a block. */
function instruction(entry: OpcodeEntry, random: Random): readonly number[] | undefined {
  const build = new Build(entry, random, 'block', 64, false);
  const inMemory = entry.form === 'memory' || (entry.form === 'both' && random.oneIn(3));
  const sized = entry.mandatoryPrefix === 'any' || entry.mandatoryPrefix === 'notF2F3';
  const prefixes = sized && !entry.vex && random.oneIn(4) ? [0x66] : [];
  const choice = {
    codeSize: 64,
    prefixes,
    wide: entry.w >= 0 ? entry.w === 1 : random.oneIn(3),
    longVector: random.oneIn(2),
    rex: random.oneIn(8),
    reg: random.below(16),
    rm: random.below(16),
    vvvv: entry.operands.some(({ source }) => source === 'vvvv') ? random.below(16) : 0,
    immediate: build.immediate,
  } as const;
  const displacement = random.below(4) * 16;
  const memory = {
    base: random.pick(BASES),
    index: -1,
    shift: 0,
    displacement,
    displacementSize: 1,
  } as const;
  const encoded = encode(entry, { ...choice, memory: inMemory ? memory : undefined });
  if (!encoded) return undefined;
  const made = encoded.instruction;
  if (namedRegisters(made).some((register) => (BASES as readonly number[]).includes(register)))
    return undefined;
  const wide = entry.operands.some(
    (operand) => operandIsMemory(made, operand) && operandWidth(made, operand) > 8 * 64,
  );
  return wide ? undefined : encoded.bytes;
}
