/**
 * CPUID (SDM vol. 2, CPUID; hypervisor leaves as KVM and VMware lay them out). What is promised here exists: a test
 * holds every feature's instructions against those that have a meaning. The vendor is our own, since a kernel that
 * reads GenuineIntel or AuthenticAMD would go on to that maker's errata and model-specific registers; kernels
 * treat an unknown vendor by the feature bits alone. Which of the bits are set is up to the model (cpu-model.ts).
 */
import * as state from '../state.js';
import { Cr4, Register, Xcr0 } from '../state.js';
import type { StateView } from '../state-view.js';
import { type CpuModel, cpuModel, DEFAULT_CPU_MODEL } from './cpu-model.js';
import {
  CACHE_LINE,
  CRYSTAL_KILOHERTZ,
  MONITOR_ENABLED,
  PHYSICAL_ADDRESS_BITS,
  TSC_KILOHERTZ,
  XCR0_SUPPORTED,
  XSAVE_AVX_OFFSET,
  XSAVE_AVX_SIZE,
  XSAVE_PKRU_OFFSET,
  XSAVE_PKRU_SIZE,
} from './features.js';

/** EAX, EBX, ECX, EDX. */
export type CpuidResult = readonly [eax: number, ebx: number, ecx: number, edx: number];

const VENDOR = 'UnivisorVCPU';
const BRAND = 'univisor virtual CPU';
const HYPERVISOR = 'univisor';

/** Family 6, model 6, stepping 1: as QEMU's generic 64-bit processor, which no quirk table names. */
export const PROCESSOR_SIGNATURE = 0x00000661;

const FIRST_HYPERVISOR_LEAF = 0x40000000;
const LAST_HYPERVISOR_LEAF = 0x40000010;
const LAST_BASIC_LEAF = 0x16;
const LAST_EXTENDED_LEAF = 0x80000008;

/** Features by the manual's names, each with its bit, one record a register. */
const LEAF_1_EDX = {
  FPU: 0,
  VME: 1,
  DE: 2,
  PSE: 3,
  TSC: 4,
  MSR: 5,
  PAE: 6,
  MCE: 7,
  CX8: 8,
  APIC: 9,
  SEP: 11,
  MTRR: 12,
  PGE: 13,
  MCA: 14,
  CMOV: 15,
  PAT: 16,
  PSE36: 17,
  CLFSH: 19,
  MMX: 23,
  FXSR: 24,
  SSE: 25,
  SSE2: 26,
} as const;
const LEAF_1_ECX = {
  SSE3: 0,
  PCLMULQDQ: 1,
  MONITOR: 3,
  SSSE3: 9,
  FMA: 12,
  CX16: 13,
  PCID: 17,
  'SSE4.1': 19,
  'SSE4.2': 20,
  X2APIC: 21,
  MOVBE: 22,
  POPCNT: 23,
  TSC_DEADLINE: 24,
  AES: 25,
  XSAVE: 26,
  AVX: 28,
  F16C: 29,
  RDRAND: 30,
  HYPERVISOR: 31,
} as const;
/** Leaf 1, ECX: mirrors CR4.OSXSAVE. */
const OSXSAVE = 1 << 27;
const LEAF_6_EAX = { ARAT: 2 } as const;
const LEAF_7_EBX = {
  FSGSBASE: 0,
  TSC_ADJUST: 1,
  BMI1: 3,
  AVX2: 5,
  /** FDP is kept of unmasked exceptions only. */
  FDP_EXCPTN_ONLY: 6,
  SMEP: 7,
  BMI2: 8,
  ERMS: 9,
  INVPCID: 10,
  /** FCS and FDS are always 0. */
  FCS_FDS_DEPRECATED: 13,
  RDSEED: 18,
  ADX: 19,
  SMAP: 20,
  CLFLUSHOPT: 23,
  CLWB: 24,
  SHA: 29,
} as const;
const LEAF_D_EAX = { XSAVEOPT: 0, XSAVEC: 1, XGETBV1: 2, XSAVES: 3 } as const;
/** SPEC_CTRL: IBRS and IBPB, which have nothing to do here and are taken. */
const LEAF_7_EDX = { FSRM: 4, SPEC_CTRL: 26, ARCH_CAPABILITIES: 29 } as const;
const LEAF_7_ECX = { UMIP: 2, PKU: 3, RDPID: 22, PKS: 31 } as const;
/** Leaf 7, ECX: mirrors CR4.PKE. */
const OSPKE = 1 << 4;
const EXTENDED_1_ECX = { LAHF64: 0, LZCNT: 5, PREFETCHW: 8 } as const;
const EXTENDED_1_EDX = { SYSCALL: 11, NX: 20, PAGE1GB: 26, RDTSCP: 27, LM: 29 } as const;
const EXTENDED_7_EDX = { INVARIANT_TSC: 8 } as const;
const EXTENDED_8_EBX = { WBNOINVD: 9 } as const;

const REGISTERS = [
  LEAF_1_EDX,
  LEAF_1_ECX,
  LEAF_6_EAX,
  LEAF_7_EBX,
  LEAF_7_ECX,
  LEAF_7_EDX,
  LEAF_D_EAX,
  EXTENDED_1_ECX,
  EXTENDED_1_EDX,
  EXTENDED_7_EDX,
  EXTENDED_8_EBX,
];

/** The names of all that works in full, whichever model has it. */
export const knownFeatures: ReadonlySet<string> = new Set(REGISTERS.flatMap((one) => Object.keys(one)));

/** The names of all that a model promises. */
export function promisedFeatures(model: CpuModel): ReadonlySet<string> {
  return new Set([...knownFeatures].filter((feature) => model.features.has(feature)));
}

/** Worked out once: some guests ask in a loop. */
const bitsOfModels = new WeakMap<CpuModel, Map<object, number>>();

function bits(register: Readonly<Record<string, number>>, model: CpuModel): number {
  const known = bitsOfModels.get(model) ?? new Map<object, number>();
  bitsOfModels.set(model, known);
  const value = known.get(register);
  if (value !== undefined) return value;
  const promised = Object.entries(register).filter(([feature]) => model.features.has(feature));
  const sum = promised.reduce((all, [, bit]) => all | (1 << bit), 0) >>> 0;
  known.set(register, sum);
  return sum;
}

/** Four characters as a register, the first in the low byte. */
function characters(text: string, from: number): number {
  let value = 0;
  for (let n = 3; n >= 0; n--) value = (value << 8) | (text.charCodeAt(from + n) || 0);
  return value >>> 0;
}

const NOTHING: CpuidResult = [0, 0, 0, 0];

/** Leaf 0xB: one thread in one core, whose x2APIC id is 0. */
function topology(subleaf: number): CpuidResult {
  const [thread, core] = [1, 2];
  const level = [thread, core][subleaf];
  if (level === undefined) return [0, 0, subleaf & 0xff, 0];
  return [0, 1, subleaf | (level << 8), 0];
}

/** What the guest has chosen and CPUID shows. */
export interface Enabled {
  /** CR4.OSXSAVE */
  readonly osxsave: boolean;
  /** CR4.PKE */
  readonly ospke: boolean;
  readonly xcr0: number;
  /** IA32_MISC_ENABLE lets MONITOR and MWAIT be used. */
  readonly monitor: boolean;
}
const AT_RESET: Enabled = { osxsave: false, ospke: false, xcr0: Xcr0.x87, monitor: true };

/** Leaf 1, ECX. */
function basicFeatures(model: CpuModel, { osxsave, monitor }: Enabled): number {
  const shown = bits(LEAF_1_ECX, model) & (monitor ? -1 : ~(1 << LEAF_1_ECX.MONITOR));
  return (shown | (osxsave ? OSXSAVE : 0)) >>> 0;
}

/** Leaf 7. */
function structuredFeatures(model: CpuModel, { ospke }: Enabled): CpuidResult {
  const ecx = bits(LEAF_7_ECX, model) | (ospke ? OSPKE : 0);
  return [0, bits(LEAF_7_EBX, model), ecx >>> 0, bits(LEAF_7_EDX, model)];
}

/** Leaf 0xD: the components that XSAVE saves, and how much room they take (SDM vol. 1 §13.2). */
function extendedState(subleaf: number, model: CpuModel, { xcr0 }: Enabled): CpuidResult {
  if (!model.features.has('XSAVE')) return NOTHING;
  const avxSize = (components: number): number => (components & Xcr0.avx ? XSAVE_AVX_SIZE : 0);
  const pkruSize = (components: number): number => (components & Xcr0.pkru ? XSAVE_PKRU_SIZE : 0);
  const sizeOf = (components: number): number =>
    components & Xcr0.pkru ? XSAVE_PKRU_OFFSET + XSAVE_PKRU_SIZE : XSAVE_AVX_OFFSET + avxSize(components);
  switch (subleaf) {
    case 0:
      return [XCR0_SUPPORTED, sizeOf(xcr0), sizeOf(XCR0_SUPPORTED), 0];
    case 1:
      return [bits(LEAF_D_EAX, model), XSAVE_AVX_OFFSET + avxSize(xcr0) + pkruSize(xcr0), 0, 0];
    case Math.log2(Xcr0.avx):
      return [XSAVE_AVX_SIZE, XSAVE_AVX_OFFSET, 0, 0];
    case Math.log2(Xcr0.pkru):
      return [XSAVE_PKRU_SIZE, XSAVE_PKRU_OFFSET, 0, 0];
    default:
      return NOTHING;
  }
}

/** One leaf; what is not there reads as 0. @param leaf unsigned */
export function cpuidLeaf(
  leaf: number,
  subleaf: number,
  model = cpuModel(DEFAULT_CPU_MODEL),
  enabled = AT_RESET,
): CpuidResult {
  switch (leaf) {
    case 0:
      return [LAST_BASIC_LEAF, characters(VENDOR, 0), characters(VENDOR, 8), characters(VENDOR, 4)];
    case 1: {
      const oneProcessor = 1 << 16;
      const lineOf64Bytes = (CACHE_LINE / 8) << 8;
      return [
        PROCESSOR_SIGNATURE,
        oneProcessor | lineOf64Bytes,
        basicFeatures(model, enabled),
        bits(LEAF_1_EDX, model),
      ];
    }
    case 5:
      return model.features.has('MONITOR') ? [CACHE_LINE, CACHE_LINE, 0, 0] : NOTHING;
    case 6:
      return [bits(LEAF_6_EAX, model), 0, 0, 0];
    case 7:
      return subleaf === 0 ? structuredFeatures(model, enabled) : NOTHING;
    case 0xb:
      return topology(subleaf);
    case 0xd:
      return extendedState(subleaf, model, enabled);
    case 0x15:
      return [1, TSC_KILOHERTZ / CRYSTAL_KILOHERTZ, CRYSTAL_KILOHERTZ * 1000, 0];
    case 0x16: {
      const megahertz = TSC_KILOHERTZ / 1000;
      return [megahertz, megahertz, 100, 0];
    }
    case FIRST_HYPERVISOR_LEAF:
      return [
        LAST_HYPERVISOR_LEAF,
        characters(HYPERVISOR, 0),
        characters(HYPERVISOR, 4),
        characters(HYPERVISOR, 8),
      ];
    case LAST_HYPERVISOR_LEAF:
      return [TSC_KILOHERTZ, CRYSTAL_KILOHERTZ, 0, 0];
    case 0x80000000:
      return [LAST_EXTENDED_LEAF, 0, 0, 0];
    case 0x80000001:
      return [PROCESSOR_SIGNATURE, 0, bits(EXTENDED_1_ECX, model), bits(EXTENDED_1_EDX, model)];
    case 0x80000002:
    case 0x80000003:
    case 0x80000004: {
      const from = (leaf - 0x80000002) * 16;
      return [0, 4, 8, 12].map((n) => characters(BRAND, from + n)) as unknown as CpuidResult;
    }
    case 0x80000007:
      return [0, 0, 0, bits(EXTENDED_7_EDX, model)];
    case LAST_EXTENDED_LEAF:
      return [PHYSICAL_ADDRESS_BITS | (48 << 8), bits(EXTENDED_8_EBX, model), 0, 0];
    default:
      return NOTHING;
  }
}

/**
 * The instruction: EAX and ECX choose the leaf, the four registers receive it with their upper halves 0.
 * @param apicEnabled as IA32_APIC_BASE says: a disabled local APIC does not show
 */
export function cpuid(view: StateView, model: CpuModel, apicEnabled: boolean): void {
  const leaf = view.low(state.gpr, Register.rax);
  const enabled = {
    osxsave: (view.low(state.cr4) & Cr4.osxsave) !== 0,
    ospke: (view.low(state.cr4) & Cr4.pke) !== 0,
    xcr0: view.low(state.xcr0),
    monitor: (view.low(state.msrMiscEnable) & MONITOR_ENABLED) !== 0,
  };
  const [eax, ebx, ecx, allEdx] = cpuidLeaf(leaf, view.low(state.gpr, Register.rcx), model, enabled);
  const edx = leaf === 1 && !apicEnabled ? allEdx & ~(1 << LEAF_1_EDX.APIC) : allEdx;
  view.set64(state.gpr, BigInt(eax), Register.rax);
  view.set64(state.gpr, BigInt(ebx), Register.rbx);
  view.set64(state.gpr, BigInt(ecx), Register.rcx);
  view.set64(state.gpr, BigInt(edx >>> 0), Register.rdx);
}
