/**
 * When x87 instructions may run: CR0.EM, CR0.TS, CR0.MP, and an exception that waits, for every encoding that there is
 * (SDM vol. 3 Table 2-2; vol. 1 §8.6, §8.7).
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { Cpu } from '../../../../src/cpu/cpu.js';
import { allOpcodes } from '../../../../src/cpu/decode/decoder.js';
import { definitionOf } from '../../../../src/cpu/semantics/context.js';
import '../../../../src/cpu/semantics/all.js';
import * as state from '../../../../src/cpu/state.js';
import { Cr0, Vector } from '../../../../src/cpu/state.js';
import { cpuidLeaf } from '../../../../src/cpu/system/cpuid.js';
import { loadInterpreter } from '../../../../src/cpu/tiers/interpreter/load.js';
import { type Outcome, runOn } from '../../../support/run-code.js';

const BUFFER = 0x20000;
const IE = 1;
const ERROR = 0x8080;

const ENTRIES = allOpcodes().filter(
  (entry) => !entry.vex && entry.map === '' && (entry.opcode & 0xf8) === 0xd8,
);

/** One encoding of an entry, with RDI as the address of a memory operand. */
function codeOf(entry: (typeof ENTRIES)[number]): number[] {
  const extension = Math.max(entry.extension, 0) << 3;
  if (entry.form === 'memory') return [entry.opcode, extension | 7];
  return [entry.opcode, 0xc0 | extension | Math.max(entry.rmExtension, 0)];
}

let cpu: Cpu;
beforeAll(async () => {
  cpu = new Cpu({
    interpreter: await loadInterpreter(),
    ramSize: 4 << 20,
    bus: { readPort: () => 0, writePort: () => {}, readMemory: () => 0, writeMemory: () => {} },
    interrupts: { pending: () => false, acknowledge: () => 0 },
    onUnimplemented: () => {},
  });
});

interface Conditions {
  readonly set?: number;
  readonly clear?: number;
  /** An unmasked invalid operation has been. */
  readonly waiting?: boolean;
}

function run(code: readonly number[], { set = 0, clear = 0, waiting = false }: Conditions): Outcome {
  return runOn(cpu, {
    code,
    registers: { 7: BigInt(BUFFER) },
    memory: [{ address: BUFFER, bytes: new Array<number>(108).fill(0) }],
    prepare: ({ state: view }) => {
      view.set64(state.cr0, (view.get64(state.cr0) | BigInt(set)) & ~BigInt(clear));
      view.set32(state.fpuControl, waiting ? 0x37e : 0x37f);
      view.set32(state.fpuStatus, waiting ? ERROR | IE : 0);
    },
  });
}

const NOT_WAITING = [
  'FNINIT',
  'FNCLEX',
  'FNSTSW',
  'FNSTCW',
  'FNSTENV',
  'FNSAVE',
  'FNENI',
  'FNDISI',
  'FNSETPM',
];

/** The mnemonics whose runs end in this exception, or in none. */
function raising(conditions: Conditions, vector: number | undefined): Set<string> {
  const found = ENTRIES.filter((entry) => run(codeOf(entry), conditions).exception?.vector === vector);
  return new Set(found.map((entry) => entry.mnemonic));
}

const all = new Set(ENTRIES.map((entry) => entry.mnemonic));

describe('every x87 instruction', () => {
  it('has a meaning, as CPUID says', () => {
    expect(ENTRIES.filter((entry) => !definitionOf(entry.mnemonic))).toEqual([]);
    expect(cpuidLeaf(1, 0)[3] & 1).toBe(1);
  });

  it.each([
    ['CR0.TS', Cr0.ts],
    ['CR0.EM', Cr0.em],
    ['both', Cr0.ts | Cr0.em],
  ])('is #NM with %s, even while an exception waits', (_name, set) => {
    expect(raising({ set, waiting: true }, Vector.nm)).toEqual(all);
  });

  it('is #MF while an exception waits, but for those that do not wait', () => {
    expect(raising({ waiting: true }, Vector.mf)).toEqual(
      new Set([...all].filter((name) => !NOT_WAITING.includes(name))),
    );
    expect(raising({ waiting: true }, undefined)).toEqual(new Set(NOT_WAITING));
  });

  it('runs with CR0.NE clear, as with IGNNE# asserted', () => {
    expect(raising({ waiting: true, clear: Cr0.ne }, undefined)).toEqual(all);
  });
});

describe('WAIT', () => {
  const WAIT = [0x9b];
  it.each([
    [Cr0.ts, undefined],
    [Cr0.mp, undefined],
    [Cr0.em, undefined],
    [Cr0.mp | Cr0.ts, Vector.nm],
  ])('with CR0 bits 0x%x', (set, vector) => {
    expect(run(WAIT, { set, clear: Cr0.mp & ~set }).exception?.vector).toBe(vector);
  });

  it('raises the exception that waits, at its own address, and again until it is cleared', () => {
    const first = run(WAIT, { waiting: true });
    expect(first.exception).toMatchObject({ vector: Vector.mf, rip: 0x10000n });
    expect(cpu.state.get32(state.fpuStatus)).toBe(ERROR | IE);
    expect(run([0xdb, 0xe2, ...WAIT], { waiting: true }).exception).toBeUndefined();
  });
});

describe('MMX', () => {
  const PADDB = [0x0f, 0xfc, 0xc1];
  it.each([
    ['CR0.EM', { set: Cr0.em }, Vector.ud],
    ['CR0.TS', { set: Cr0.ts }, Vector.nm],
    ['both', { set: Cr0.em | Cr0.ts }, Vector.ud],
    ['an exception that waits', { waiting: true }, Vector.mf],
    ['nothing', {}, undefined],
  ])('with %s', (_name, conditions, vector) => {
    expect(run(PADDB, conditions).exception?.vector).toBe(vector);
  });
});
