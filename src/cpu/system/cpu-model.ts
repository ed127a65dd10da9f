/**
 * CPU models: which features a machine has. The levels are those of the x86-64 psABI (§3.1.1), and each has besides
 * what kernels found in the processors of its time; paging formats and what else has no level of its own is in all.
 * CPUID promises what the model has (cpuid.ts knows the bits).
 * What a model does not have behaves as on silicon without it: its encodings are #UD, or what they mean to older
 * processors (TZCNT is BSF, RDSSP a NOP), and its control-register bits are reserved.
 */
import { Cr4 } from '../state.js';
import { CR4_SUPPORTED } from './features.js';

export const CPU_MODELS = ['v1', 'v2', 'v3'] as const;
export type CpuModelName = (typeof CPU_MODELS)[number];

/** What the psABI's levels add, by the names of cpuid.ts and of the opcode tables. */
export const LEVELS: Readonly<Record<CpuModelName, readonly string[]>> = {
  v1: ['FPU', 'CMOV', 'CX8', 'FXSR', 'MMX', 'SSE', 'SSE2', 'SYSCALL'],
  v2: ['CX16', 'LAHF64', 'POPCNT', 'SSE3', 'SSSE3', 'SSE4.1', 'SSE4.2'],
  v3: ['AVX', 'AVX2', 'BMI1', 'BMI2', 'F16C', 'FMA', 'LZCNT', 'MOVBE', 'XSAVE'],
};

/** What the models add that no level asks for. */
const EXTRAS: Readonly<Record<CpuModelName, readonly string[]>> = {
  v1: [
    ...['VME', 'DE', 'PSE', 'TSC', 'MSR', 'PAE', 'MCE', 'APIC', 'SEP', 'MTRR', 'PGE', 'MCA', 'PAT', 'PSE36'],
    ...['CLFSH', 'NX', 'LM', 'PAGE1GB', 'PCID', 'RDTSCP', 'PREFETCHW', 'X2APIC', 'TSC_DEADLINE', 'ARAT'],
    ...['FDP_EXCPTN_ONLY', 'FCS_FDS_DEPRECATED', 'TSC_ADJUST', 'INVARIANT_TSC', 'HYPERVISOR'],
    ...['SPEC_CTRL', 'ARCH_CAPABILITIES'],
  ],
  v2: ['AES', 'PCLMULQDQ', 'MONITOR', 'RDRAND', 'FSGSBASE', 'SMEP', 'ERMS'],
  v3: [
    ...['ADX', 'SHA', 'RDSEED', 'RDPID', 'SMAP', 'UMIP', 'INVPCID', 'CLFLUSHOPT', 'CLWB', 'WBNOINVD', 'FSRM'],
    ...['XSAVEOPT', 'XSAVEC', 'XGETBV1', 'XSAVES', 'PKU', 'PKS'],
  ],
};

/** CR4 bits that are reserved without a feature (SDM vol. 3 §2.5). */
const CR4_BITS: readonly (readonly [feature: string, bit: number])[] = [
  ['FSGSBASE', Cr4.fsgsbase],
  ['PCID', Cr4.pcide],
  ['SMAP', Cr4.smap],
  ['SMEP', Cr4.smep],
  ['UMIP', Cr4.umip],
  ['XSAVE', Cr4.osxsave],
  ['PKU', Cr4.pke],
  ['PKS', Cr4.pks],
];

export interface CpuModel {
  readonly name: CpuModelName;
  readonly features: ReadonlySet<string>;
  /** Those that other models have: for the decoder. */
  readonly absent: ReadonlySet<string>;
  /** CR4 bits that may be set. */
  readonly cr4: number;
}

function featuresUpTo(name: CpuModelName): Set<string> {
  const models = CPU_MODELS.slice(0, CPU_MODELS.indexOf(name) + 1);
  return new Set(models.flatMap((each) => [...LEVELS[each], ...EXTRAS[each]]));
}

function make(name: CpuModelName): CpuModel {
  const features = featuresUpTo(name);
  const reserved = CR4_BITS.reduce((bits, [feature, bit]) => (features.has(feature) ? bits : bits | bit), 0);
  return {
    name,
    features,
    absent: new Set([...featuresUpTo('v3')].filter((feature) => !features.has(feature))),
    cr4: CR4_SUPPORTED & ~reserved,
  };
}

const models: Readonly<Record<CpuModelName, CpuModel>> = { v1: make('v1'), v2: make('v2'), v3: make('v3') };

export const DEFAULT_CPU_MODEL: CpuModelName = 'v3';

export function cpuModel(name: CpuModelName): CpuModel {
  return models[name];
}
