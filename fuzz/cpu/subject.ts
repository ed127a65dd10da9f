/**
 * What is tested: the instructions that have a meaning, that CPUID promises and that the processor at hand has too.
 */
import { near } from '../../src/cli/suggestion.js';
import { UsageError } from '../../src/cli/usage-error.js';
import { allOpcodes } from '../../src/cpu/decode/decoder.js';
import type { OpcodeEntry } from '../../src/cpu/decode/opcode-entry.js';
import '../../src/cpu/semantics/all.js';
import { definitionOf } from '../../src/cpu/semantics/context.js';
import { cpuModel, DEFAULT_CPU_MODEL } from '../../src/cpu/system/cpu-model.js';
import { promisedFeatures } from '../../src/cpu/system/cpuid.js';
import { exclusion } from './excluded.js';
import { familyOf } from './families.js';
import type { HostCpuid } from './native.js';
import { isX87, usesMmx } from './vectors.js';

const [EBX, ECX, EDX] = [1, 2, 3] as const;

/** Where the processor says that it has a feature: leaf, register, bit (SDM volume 2, CPUID). */
const HOST_BITS: Readonly<Record<string, readonly [string, number, number]>> = {
  FPU: ['1.0', EDX, 0],
  MMX: ['1.0', EDX, 23],
  FXSR: ['1.0', EDX, 24],
  SSE: ['1.0', EDX, 25],
  SSE2: ['1.0', EDX, 26],
  CLFSH: ['1.0', EDX, 19],
  SSE3: ['1.0', ECX, 0],
  PCLMULQDQ: ['1.0', ECX, 1],
  MONITOR: ['1.0', ECX, 3],
  SSSE3: ['1.0', ECX, 9],
  FMA: ['1.0', ECX, 12],
  CX16: ['1.0', ECX, 13],
  'SSE4.1': ['1.0', ECX, 19],
  'SSE4.2': ['1.0', ECX, 20],
  MOVBE: ['1.0', ECX, 22],
  POPCNT: ['1.0', ECX, 23],
  AES: ['1.0', ECX, 25],
  XSAVE: ['1.0', ECX, 27],
  AVX: ['1.0', ECX, 28],
  F16C: ['1.0', ECX, 29],
  RDRAND: ['1.0', ECX, 30],
  FSGSBASE: ['7.0', EBX, 0],
  BMI1: ['7.0', EBX, 3],
  AVX2: ['7.0', EBX, 5],
  BMI2: ['7.0', EBX, 8],
  INVPCID: ['7.0', EBX, 10],
  RDSEED: ['7.0', EBX, 18],
  ADX: ['7.0', EBX, 19],
  SMAP: ['7.0', EBX, 20],
  CLFLUSHOPT: ['7.0', EBX, 23],
  CLWB: ['7.0', EBX, 24],
  SHA: ['7.0', EBX, 29],
  RDPID: ['7.0', ECX, 22],
  XSAVEOPT: ['d.1', 0, 0],
  XSAVEC: ['d.1', 0, 1],
  XSAVES: ['d.1', 0, 3],
  LZCNT: ['80000001.0', ECX, 5],
  PREFETCHW: ['80000001.0', ECX, 8],
  RDTSCP: ['80000001.0', EDX, 27],
};

export interface Subject {
  readonly entries: readonly OpcodeEntry[];
  /** Mnemonics by why they are left out. */
  readonly leftOut: ReadonlyMap<string, ReadonlySet<string>>;
}

/** @param extra features to be tested although nothing promises them yet */
export function subject(host: HostCpuid, extra: ReadonlySet<string>): Subject {
  const leftOut = new Map<string, Set<string>>();
  const without = (reason: string, entry: OpcodeEntry): boolean => {
    const known = leftOut.get(reason);
    if (known) known.add(entry.mnemonic);
    else leftOut.set(reason, new Set([entry.mnemonic]));
    return false;
  };
  const hostHas = (feature: string): boolean => {
    const place = HOST_BITS[feature];
    if (!place) return false;
    return (((host.get(place[0])?.[place[1]] ?? 0) >>> place[2]) & 1) === 1;
  };
  const features = promisedFeatures(cpuModel(DEFAULT_CPU_MODEL));
  const promised = (feature: string): boolean => features.has(feature) || extra.has(feature);
  const entries = allOpcodes().filter((entry) => {
    const features = [entry.feature, entry.feature256, ...(usesMmx(entry) ? ['MMX'] : [])].filter(Boolean);
    if (isX87(entry) && !usesMmx(entry) && !entry.feature) features.push('FPU');
    const missing = features.find((feature) => !promised(feature));
    if (missing) return without('no promise of CPUID', entry);
    if (!definitionOf(entry.mnemonic)) return without('no meaning yet', entry);
    const absent = features.find((feature) => !hostHas(feature));
    if (absent) return without(`this processor has no ${absent}`, entry);
    const reason = exclusion(entry);
    return reason ? without(reason, entry) : true;
  });
  return { entries, leftOut };
}

/** What an option may name. */
export interface Names {
  readonly families: ReadonlySet<string>;
  readonly instructions: ReadonlySet<string>;
  readonly features: ReadonlySet<string>;
}

/** @throws UsageError for the first name that is none, with what may be meant */
export function refuseUnknown(names: Names): void {
  const all = allOpcodes();
  const features = all
    .flatMap(({ feature, feature256 }) => [feature, feature256])
    .filter(Boolean) as string[];
  refuse(
    '--family',
    names.families,
    all.map((entry) => familyOf(entry).toLowerCase()),
  );
  refuse(
    '--instruction',
    names.instructions,
    all.map(({ mnemonic }) => mnemonic),
  );
  refuse('--feature', names.features, [...Object.keys(HOST_BITS), ...features]);
}

function refuse(option: string, names: ReadonlySet<string>, known: readonly string[]): void {
  const choices = new Set(known);
  for (const name of names) {
    if (choices.has(name)) continue;
    const meant = near(name, [...choices]).slice(0, 3);
    const hint = meant.length === 0 ? '' : `: did you mean ${meant.join(', ')}?`;
    throw new UsageError('bad-value', `${option}: there is no ${name}${hint}`);
  }
}

/** Those that an option chooses. */
export function narrowed(
  entries: readonly OpcodeEntry[],
  families: ReadonlySet<string>,
  instructions: ReadonlySet<string>,
): OpcodeEntry[] {
  return entries.filter(
    (entry) =>
      (families.size === 0 || families.has(familyOf(entry).toLowerCase())) &&
      (instructions.size === 0 || instructions.has(entry.mnemonic)),
  );
}
