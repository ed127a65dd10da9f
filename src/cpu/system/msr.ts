/**
 * Model-specific registers by address (SDM vol. 4; vol. 3 §4.1.4 for EFER, ch. 12 for MTRRs and PAT). Memory types
 * have no effect here and are only kept. Those of the local APIC are in local-apic-msr.ts.
 */
import * as state from '../state.js';
import { Cr0, Cr4, Efer, type Field64, Register, Segment } from '../state.js';
import type { StateView } from '../state-view.js';
import type { CpuModel } from './cpu-model.js';
import { EFER_SUPPORTED, MONITOR_ENABLED, PHYSICAL_ADDRESS_BITS } from './features.js';

/** The cycles that the time-stamp counter counts, without what the guest added. */
export type Cycles = () => bigint;

interface Msr {
  /** The CR4 bit that comes with it: where that is reserved there is no such register. */
  readonly feature?: number;
  /** Undefined if it can only be written: #GP. */
  read(view: StateView, cycles: Cycles): bigint | undefined;
  /** False refuses the value: #GP. */
  write(view: StateView, value: bigint, cycles: Cycles): boolean;
}

/** An address that is canonical: bits 63:47 are equal. */
function isCanonical(value: bigint): boolean {
  return BigInt.asUintN(64, BigInt.asIntN(48, value)) === value;
}

function stored(field: Field64, accepts: (value: bigint) => boolean = () => true, n = 0): Msr {
  return {
    read: (view) => view.get64(field, n),
    write: (view, value) => {
      if (!accepts(value)) return false;
      view.set64(field, value, n);
      return true;
    },
  };
}

/** Reads as a constant. @param ignoresWrites rather than refusing them */
function constant(value: bigint, ignoresWrites = false): Msr {
  return { read: () => value, write: () => ignoresWrites };
}

const timeStampCounter = {
  read: (view, cycles) => BigInt.asUintN(64, cycles() + view.get64(state.tscOffset)),
  write: (view, value, cycles) => {
    view.set64(state.tscOffset, value - cycles());
    return true;
  },
} satisfies Msr;

const efer: Msr = {
  read: (view) => view.get64(state.efer),
  write: (view, value) => {
    const before = view.get64(state.efer);
    if (value & ~BigInt(EFER_SUPPORTED | Efer.lma)) return false;
    const paging = (view.get64(state.cr0) & BigInt(Cr0.pg >>> 0)) !== 0n;
    if (paging && (value ^ before) & BigInt(Efer.lme)) return false;
    const active = BigInt(Efer.lma);
    view.set64(state.efer, (value & ~active) | (before & active));
    return true;
  },
};

/** IA32_MISC_ENABLE, bit 0. */
const FAST_STRINGS = 1;
/** The bits of IA32_MISC_ENABLE that the manual defines (vol. 4, table 2-2). All are kept; only MONITOR's does anything. */
const MISC_ENABLE_BITS = 0x4_00c5_1889n;

const MTRR_COUNT = 8;
/** MTRRcap: so many variable ranges, fixed ranges, write combining. */
const MTRR_CAPABILITIES = BigInt(MTRR_COUNT | (1 << 8) | (1 << 10));
const MTRR_FIXED = [0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f];

/** Memory types UC, WC, WT, WP, WB, and for PAT also UC−. */
function isMemoryType(type: bigint, alsoUncachedMinus: boolean): boolean {
  return [0n, 1n, 4n, 5n, 6n].includes(type) || (alsoUncachedMinus && type === 7n);
}
function everyByteIsMemoryType(value: bigint, alsoUncachedMinus: boolean): boolean {
  for (let rest = value, n = 0; n < 8; n++, rest >>= 8n) {
    if (!isMemoryType(rest & 0xffn, alsoUncachedMinus)) return false;
  }
  return true;
}
const fitsPhysical = (value: bigint): boolean => value >> BigInt(PHYSICAL_ADDRESS_BITS) === 0n;
const fitsRegister = (value: bigint): boolean => value >> 32n === 0n;

/** IA32_MCG_STATUS: RIPV, EIPV, MCIP. */
const MCG_STATUS_BITS = 7n;
/** IA32_DEBUGCTL: LBR, BTF. */
const DEBUG_CONTROL_BITS = 3n;

/** IA32_SPEC_CTRL: IBRS. */
const SPEC_CTRL_BITS = 1n;
/** IA32_PRED_CMD: IBPB. */
const PRED_CMD_BITS = 1n;
/**
 * IA32_ARCH_CAPABILITIES: nothing here runs ahead of the program, so none of the leaks is there that kernels guard
 * against at a price. RDCL_NO, IBRS_ALL, SKIP_L1DFL_VMENTRY, SSB_NO, MDS_NO, IF_PSCHANGE_MC_NO, TAA_NO, SBDR_SSDP_NO,
 * FBSDP_NO, PSDP_NO, BHI_NO, PBRSB_NO, GDS_NO, RFDS_NO, ITS_NO.
 */
const ARCH_CAPABILITIES = [0, 1, 3, 4, 5, 6, 8, 13, 14, 15, 20, 24, 26, 27, 62].reduce(
  (bits, bit) => bits | (1n << BigInt(bit)),
  0n,
);

const registers = new Map<number, Msr>([
  [0x0, constant(0n, true)],
  [0x1, constant(0n, true)],
  [0x10, timeStampCounter],
  // IA32_PLATFORM_ID
  [0x17, constant(0n)],
  [0x3a, constant(1n)],
  // IA32_TSC_ADJUST: what was added to the counter, by whichever register.
  [0x3b, stored(state.tscOffset)],
  [0x48, stored(state.msrSpecCtrl, (value) => (value & ~SPEC_CTRL_BITS) === 0n)],
  [0x49, { read: () => undefined, write: (_view, value) => (value & ~PRED_CMD_BITS) === 0n }],
  [0x8b, constant(0n, true)],
  [0xfe, constant(MTRR_CAPABILITIES)],
  [0x10a, constant(ARCH_CAPABILITIES)],
  [0x174, stored(state.msrSysenterCs, fitsRegister)],
  [0x175, stored(state.msrSysenterEsp, isCanonical)],
  [0x176, stored(state.msrSysenterEip, isCanonical)],
  // IA32_MCG_CAP: no banks, and no IA32_MCG_CTL
  [0x179, constant(0n)],
  [0x17a, stored(state.msrMcgStatus, (value) => (value & ~MCG_STATUS_BITS) === 0n)],
  [0x1a0, stored(state.msrMiscEnable, (value) => (value & ~MISC_ENABLE_BITS) === 0n)],
  // IA32_DEBUGCTL: last-branch records and stepping by branches are not there to be turned on.
  [0x1d9, { read: () => 0n, write: (_view, value) => (value & ~DEBUG_CONTROL_BITS) === 0n }],
  [0x277, stored(state.msrPat, (value) => everyByteIsMemoryType(value, true))],
  [
    0x2ff,
    stored(state.msrMtrrDefault, (value) => (value & ~0xcffn) === 0n && isMemoryType(value & 0xffn, false)),
  ],
  [0x6e1, { ...stored(state.msrPkrs, fitsRegister), feature: Cr4.pks }],
  // IA32_XSS, which comes with XSAVES, and that with XSAVE: there are no supervisor components.
  [0xda0, { read: () => 0n, write: (_view, value) => value === 0n, feature: Cr4.osxsave }],
  [0xc0000080, efer],
  [0xc0000081, stored(state.msrStar)],
  [0xc0000082, stored(state.msrLstar, isCanonical)],
  [0xc0000083, stored(state.msrCstar, isCanonical)],
  [0xc0000084, stored(state.msrSfmask, fitsRegister)],
  [0xc0000100, stored(state.segmentBase, isCanonical, Segment.fs)],
  [0xc0000101, stored(state.segmentBase, isCanonical, Segment.gs)],
  [0xc0000102, stored(state.msrKernelGsBase, isCanonical)],
  [0xc0000103, stored(state.msrTscAux, fitsRegister)],
]);
/** A range's base has a memory type in bits 7:0; its mask a valid bit, 11 (vol. 3 §12.11.2.3). */
const isRangeBase = (value: bigint): boolean =>
  fitsPhysical(value) && (value & 0xf00n) === 0n && isMemoryType(value & 0xffn, false);
const isRangeMask = (value: bigint): boolean => fitsPhysical(value) && (value & 0x7ffn) === 0n;
for (let n = 0; n < 2 * MTRR_COUNT; n++) {
  registers.set(0x200 + n, stored(state.msrMtrrVariable, n % 2 ? isRangeMask : isRangeBase, n));
}
MTRR_FIXED.forEach((address, n) => {
  registers.set(
    address,
    stored(state.msrMtrrFixed, (value) => everyByteIsMemoryType(value, false), n),
  );
});

/** AMD64's four performance counters, which software resets on any processor not made by Intel: they never count. */
for (let n = 0; n < 8; n++) registers.set(0xc0010000 + n, constant(0n, true));

/** The values after power-on that are not 0. MONITOR is enabled where the model has it, as CPUID tells. */
export function resetMsrs(view: StateView, model: CpuModel): void {
  view.set64(state.msrPat, 0x0007040600070406n);
  view.set64(
    state.msrMiscEnable,
    BigInt(FAST_STRINGS | (model.features.has('MONITOR') ? MONITOR_ENABLED : 0)),
  );
}

/** The register that ECX names, if this model has it. */
function chosen(view: StateView): Msr | undefined {
  const register = registers.get(view.low(state.gpr, Register.rcx));
  return view.low(state.cr4Reserved) & (register?.feature ?? 0) ? undefined : register;
}

/** RDMSR of ECX into `exchange[0]`; false if there is no such register. */
export function readMsr(view: StateView, cycles: Cycles): boolean {
  const register = chosen(view);
  const value = register?.read(view, cycles);
  if (value === undefined) return false;
  view.set64(state.exchange, value);
  return true;
}

/** What RDTSC reads. */
export function timeStamp(view: StateView, cycles: Cycles): bigint {
  return timeStampCounter.read(view, cycles);
}

/** WRMSR of `exchange[0]` to ECX; false if there is no such register or it refuses the value. */
export function writeMsr(view: StateView, cycles: Cycles): boolean {
  const register = chosen(view);
  return register?.write(view, view.get64(state.exchange), cycles) ?? false;
}
