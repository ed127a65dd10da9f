/**
 * What this processor has, where more than one place must agree on it: CPUID promises it, and control registers and
 * MSRs accept exactly its bits (SDM vol. 3 §2.5 and §2.2.1).
 */
import { Cr0, Cr4, Efer, Xcr0 } from '../state.js';

/** Bits of a physical address. */
export const PHYSICAL_ADDRESS_BITS = 40;

/** CR0 bits that software changes; ET is always 1, and the others are ignored. */
export const CR0_WRITABLE =
  Cr0.pe | Cr0.mp | Cr0.em | Cr0.ts | Cr0.ne | Cr0.wp | Cr0.am | Cr0.nw | Cr0.cd | Cr0.pg;

/** CR4 bits that may be set if the model has their features; any other is #GP. */
export const CR4_SUPPORTED =
  Cr4.vme |
  Cr4.pvi |
  Cr4.tsd |
  Cr4.de |
  Cr4.pse |
  Cr4.pae |
  Cr4.mce |
  Cr4.pge |
  Cr4.pce |
  Cr4.osfxsr |
  Cr4.osxmmexcpt |
  Cr4.umip |
  Cr4.fsgsbase |
  Cr4.pcide |
  Cr4.osxsave |
  Cr4.smep |
  Cr4.smap |
  Cr4.pke |
  Cr4.pks;

/** EFER bits that WRMSR may set; LMA follows from CR0.PG and is kept. */
export const EFER_SUPPORTED = Efer.sce | Efer.lme | Efer.nxe;

/**
 * Thousands of cycles of the time-stamp counter a second. Above 1 GHz, as every processor's that guests know: some
 * keep the nanoseconds of a cycle as a 32-bit fraction.
 */
export const TSC_KILOHERTZ = 2_000_000;

/** The core crystal clock, which also drives the local APIC's timer (SDM vol. 3 §11.5.4). */
export const CRYSTAL_KILOHERTZ = 1_000_000;

/** Components that XCR0 may enable. */
export const XCR0_SUPPORTED = Xcr0.x87 | Xcr0.sse | Xcr0.avx | Xcr0.pkru;
/** Where XSAVE puts bits 255:128 of the vector registers (SDM vol. 1 §13.5.2); before that is the header's end. */
export const XSAVE_AVX_OFFSET = 576;
export const XSAVE_AVX_SIZE = 256;
/** Where PKRU is if not compacted: behind AVX-512's state, where debuggers that do not ask CPUID look for it. */
export const XSAVE_PKRU_OFFSET = 2688;
export const XSAVE_PKRU_SIZE = 8;

/** IA32_MISC_ENABLE: MONITOR and MWAIT may be used. */
export const MONITOR_ENABLED = 1 << 18;
/** Bytes of a cache line, which is what MONITOR watches. */
export const CACHE_LINE = 64;
