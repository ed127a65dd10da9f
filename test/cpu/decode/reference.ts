/**
 * iced-x86 as the second opinion on lengths, validity and operands, and the one list of where we mean to differ.
 * Test code only; the product does not depend on it.
 */
import * as iced from 'iced-x86';
import { DECODE_OK, decode } from '../../../src/cpu/decode/decoder.js';
import { type CodeSize, DecodedInstruction } from '../../../src/cpu/decode/instruction.js';

/**
 * Instructions iced knows by default and we do not decode, by CPUID feature: they must be invalid here.
 * The reason is the same in a group: what the manual's processor of level x86-64-v3 answers is #UD.
 */
const NOT_DECODED: Readonly<Record<string, readonly string[]>> = {
  'AMD and other makers only (Intel SDM volume 2 has no such opcode)': [
    'D3NOW',
    'D3NOWEXT',
    'FMA4',
    'XOP',
    'LWP',
    'TBM',
    'SSE4A',
    'CLZERO',
    'MONITORX',
    'MCOMMIT',
    'RDPRU',
    'INVLPGB',
    'SEV_ES',
    'SEV_SNP',
    'RMPQUERY',
    'PADLOCK_ACE',
    'PADLOCK_GMI',
    'PADLOCK_PHE',
    'PADLOCK_PMM',
    'PADLOCK_RNG',
    'PADLOCK_UNDOC',
  ],
  'EVEX and opmasks: a processor without AVX-512 (SDM volume 2, 2.7)': [
    'AVX512F',
    'AVX512BW',
    'AVX512DQ',
    'AVX512VL',
  ],
  'AMX: no tiles (SDM volume 1, chapter 18)': ['AMX_BF16', 'AMX_COMPLEX', 'AMX_FP16', 'AMX_INT8', 'AMX_TILE'],
  'Vector extensions later than AVX2 and FMA': [
    'AVX_IFMA',
    'AVX_NE_CONVERT',
    'AVX_VNNI',
    'AVX_VNNI_INT8',
    'AVX_VNNI_INT16',
    'GFNI',
    'SHA512',
    'SM3',
    'SM4',
    'VAES',
    'VPCLMULQDQ',
  ],
  'Scalar and system extensions later than x86-64-v3 that no guest of ours may use': [
    'AESKLE',
    'CMPCCXADD',
    'ENQCMD',
    'FRED',
    'KL',
    'LKGS',
    'MOVDIR64B',
    'MOVDIRI',
    'MSRLIST',
    'PCONFIG',
    'PTWRITE',
    'RAO_INT',
    'TDX',
    'TSE',
    'TSXLDTRK',
    'UINTR',
    'HRESET',
    'WAITPKG',
    'WIDE_KL',
    'WRMSRNS',
  ],
};
const notDecoded = new Set(Object.values(NOT_DECODED).flat());

/** Whether we mean iced's instruction to be invalid. */
function intendedInvalid(theirs: iced.Instruction): boolean {
  if (theirs.encoding === iced.EncodingKind.EVEX) return true;
  for (const feature of theirs.cpuidFeatures()) {
    if (notDecoded.has(iced.CpuidFeature[feature]!)) return true;
  }
  return false;
}

/** Bytes a case may take; longer than any instruction so that nothing is truncated. */
const CASE_BYTES = 20;
const BATCH = 4096;

export interface Disagreement {
  readonly bytes: string;
  readonly size: CodeSize;
  readonly theirs: string;
  readonly ours: string;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

/** Collects cases, compares them batch by batch, and keeps the first disagreement of each kind. */
export class Comparison {
  readonly disagreements: Disagreement[] = [];
  readonly #seen = new Set<string>();
  count = 0;
  valid = 0;
  readonly #bytes = new Uint8Array(BATCH * CASE_BYTES);
  #filled = 0;
  readonly #ours = new DecodedInstruction();
  readonly #theirs = new iced.Instruction();

  constructor(
    readonly size: CodeSize,
    /** Compares more than the length of what both hold valid; answers two texts that should be equal. */
    readonly more?: (
      theirs: iced.Instruction,
      ours: DecodedInstruction,
    ) => readonly [theirs: string, ours: string] | undefined,
  ) {}

  /** One case: the first bytes, the rest filled with `tail`. */
  add(first: readonly number[], tail: number): void {
    const at = this.#filled * CASE_BYTES;
    this.#bytes.fill(tail, at, at + CASE_BYTES);
    this.#bytes.set(first, at);
    if (++this.#filled === BATCH) this.flush();
  }

  flush(): void {
    const decoder = new iced.Decoder(this.size, this.#bytes, iced.DecoderOptions.None);
    for (let number = 0; number < this.#filled; number++) {
      const at = number * CASE_BYTES;
      decoder.position = at;
      if (this.more !== undefined) decoder.ip = 0n;
      decoder.decodeOut(this.#theirs);
      this.#compare(at);
    }
    decoder.free();
    this.#filled = 0;
  }

  #compare(at: number): void {
    const theirs = this.#theirs;
    const ours = this.#ours;
    const status = decode(this.#bytes, at, this.#bytes.length, this.size, ours);
    this.count++;
    const theirCode = theirs.code;
    if (theirCode !== iced.Code.INVALID && !intendedInvalidCached(theirs, theirCode, this.size)) {
      if (status !== DECODE_OK) this.#disagree(at, iced.Code[theirCode]!, `status ${status}`);
      else if (theirs.length !== ours.length) {
        this.#disagree(at, `${theirs.length} bytes`, `${ours.length} bytes of ${ours.entry.mnemonic}`);
      } else {
        this.valid++;
        const texts = this.more?.(theirs, ours);
        if (texts !== undefined && texts[0] !== texts[1]) this.#disagree(at, texts[0], texts[1]);
      }
    } else if (status === DECODE_OK) this.#disagree(at, iced.Code[theirCode]!, ours.entry.mnemonic);
  }

  #disagree(at: number, theirs: string, ours: string): void {
    const kind = `${theirs.split(' ')[0]} ${ours.split(' ')[0]}`;
    if (this.#seen.has(kind)) return;
    this.#seen.add(kind);
    const bytes = hex(this.#bytes.subarray(at, at + CASE_BYTES));
    this.disagreements.push({ bytes, size: this.size, theirs, ours });
  }
}

/** The features of a code never change, so each is asked for once: [16 or 32, 64] by code. */
const intended = new Map<number, boolean>();
function intendedInvalidCached(theirs: iced.Instruction, code: iced.Code, size: CodeSize): boolean {
  const key = code * 2 + (size === 64 ? 1 : 0);
  let answer = intended.get(key);
  if (answer === undefined) {
    answer = intendedInvalid(theirs);
    intended.set(key, answer);
  }
  return answer;
}

/** Small reproducible random numbers (xorshift32). */
export function randomNumbers(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
