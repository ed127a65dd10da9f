/**
 * Validity and length of every opcode × ModRM × prefix, in all code sizes, against iced-x86. The intended
 * differences are in reference.ts. UNIVISOR_DECODE_CASES multiplies the random share; 'all' also takes every ModRM.
 */
import { describe, expect, test } from 'vitest';
import type { CodeSize } from '../../../src/cpu/decode/instruction.js';
import { Comparison, randomNumbers } from './reference.js';

const wanted = process.env.UNIVISOR_DECODE_CASES ?? '1';
const everything = wanted === 'all';
const factor = everything ? 50 : Number(wanted);

const SIZES: readonly CodeSize[] = [16, 32, 64];
const PREFIXES = [[], [0x66], [0xf2], [0xf3], [0x67], [0xf0], [0xf2, 0x66]] as const;
const LEGACY_PREFIXES = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3];
/** What REX is combined with unless every case is wanted. */
const REX_PREFIXES = new Set([0, 0x66, 0xf3]);
const TAIL = 0x11;

/** Every ModRM of register form; of memory forms those with and without SIB and displacement. */
const MODRM = Array.from({ length: 256 }, (_, value) => value).filter(
  (value) => everything || value >= 0xc0 || [0, 4, 5].includes(value & 7),
);
/** In the three-byte maps nothing depends on the low bits of ModRM in its register form. */
const MODRM_FEW = MODRM.filter((value) => everything || value < 0xc0 || (value & 7) === 3);
const VEX_MODRM = everything
  ? MODRM
  : [0x04, 0x0d, 0x15, 0x1c, 0x25, 0x2c, 0x74, 0xb8, 0xc1, 0xca, 0xd3, 0xdc, 0xe5, 0xee, 0xf7, 0xf8];

function legacy(comparison: Comparison, size: CodeSize): void {
  const rexes: readonly (readonly number[])[] = size === 64 ? [[], [0x48], [0x4f]] : [[]];
  for (const prefix of PREFIXES) {
    for (const rex of rexes) {
      if (rex.length > 0 && !everything && !REX_PREFIXES.has(prefix[0] ?? 0)) continue;
      for (const map of [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]]) {
        for (let opcode = 0; opcode < 256; opcode++) {
          if (map.length === 0 && LEGACY_PREFIXES.includes(opcode)) continue;
          for (const modRM of map.length === 2 ? MODRM_FEW : MODRM) {
            comparison.add([...prefix, ...rex, ...map, opcode, modRM], TAIL);
          }
        }
      }
    }
  }
}

function vex(comparison: Comparison, size: CodeSize): void {
  const rXB = size === 64 ? [0x00, 0x40, 0xe0] : [0xc0, 0xe0];
  for (let opcode = 0; opcode < 256; opcode++) {
    for (const modRM of VEX_MODRM) {
      for (let pL = 0; pL < 8; pL++) {
        for (const vvvv of [0x78, 0x38, 0x40]) {
          comparison.add([0xc5, 0x80 | vvvv | pL, opcode, modRM], TAIL);
          for (const w of [0, 0x80]) {
            for (const map of everything ? [0, 1, 2, 3, 4, 8, 9, 10, 31] : [1, 2, 3, 9]) {
              const top = rXB[(opcode + modRM + pL + map) % rXB.length]!;
              comparison.add([0xc4, top | map, w | vvvv | pL, opcode, modRM], TAIL);
            }
          }
        }
      }
    }
  }
}

function strings(comparison: Comparison, count: number): void {
  const random = randomNumbers(comparison.size);
  const choices = [...LEGACY_PREFIXES, 0x0f, 0x0f, 0xc4, 0xc5, 0x48, 0x41];
  for (let number = 0; number < count; number++) {
    const bytes: number[] = [];
    for (let prefix = random() % 5; prefix > 0; prefix--) bytes.push(choices[random() % choices.length]!);
    while (bytes.length < 20) bytes.push(random() & 255);
    comparison.add(bytes, 0);
  }
}

describe.each(SIZES)('%i-bit code agrees with iced-x86 on validity and length', (size) => {
  test.each([
    ['legacy maps', legacy],
    ['VEX maps', vex],
    ['random bytes', (comparison: Comparison) => strings(comparison, 100_000 * factor)],
  ] as const)('%s', { timeout: 600_000 }, (_, generate) => {
    const comparison = new Comparison(size);

    generate(comparison, size);
    comparison.flush();

    expect(comparison.disagreements).toEqual([]);
    expect(comparison.valid).toBeGreaterThan(comparison.count / 50);
  });
});
