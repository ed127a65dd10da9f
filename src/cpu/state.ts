/**
 * The register file's layout: one table that TypeScript and WebAssembly both read. A field is an address in the
 * WebAssembly memory with a type; arrays have a stride. Architectural registers are the Intel SDM's (vol. 1
 * ch. 3, vol. 3 ch. 2); what is ours is said so.
 */
const STATE_BASE = 0x1000;

export interface Field {
  readonly name: string;
  /** Address in the WebAssembly memory of element 0. */
  readonly address: number;
  /** Size in bytes of one element. */
  readonly size: 4 | 8 | 16;
  readonly count: number;
  /** Bytes from one element to the next. */
  readonly stride: number;
}
export interface Field32 extends Field {
  readonly size: 4;
}
export interface Field64 extends Field {
  readonly size: 8;
}

const fields: Field[] = [];
let next = STATE_BASE;

function allocate<S extends 4 | 8 | 16>(
  name: string,
  size: S,
  count: number,
  stride: number,
): Field & { size: S } {
  next = Math.ceil(next / size) * size;
  const field = { name, address: next, size, count, stride };
  next += stride * count;
  fields.push(field);
  return field;
}
const i32 = (name: string): Field32 => allocate(name, 4, 1, 4);
const i64 = (name: string, count = 1, stride = 8): Field64 => allocate(name, 8, count, stride);

/** General registers in encoding order: RAX RCX RDX RBX RSP RBP RSI RDI R8 … R15. */
export const gpr = i64('gpr', 16);
/** Ours: always 0; stands for the base or index that an address does not have. */
export const zeroRegister = i64('zeroRegister');
/** Ours: always two pages; the index of an operand whose displacement a record cannot hold (record-writer.ts). */
export const pairOfPages = i64('pairOfPages');

/** The next instruction, exact only while no tier runs and when an instruction says so. */
export const rip = i64('rip');
/** Ours: RIP of the first byte of the physical page that the running instruction begins in. */
export const pageBase = i64('pageBase');

/**
 * Ours: the six arithmetic flags, lazily. ZF is `flagZero == 0`. SF is bit 63 of `flagSign` and PF the parity of
 * its low byte. In `flagCarry`, CF is bit 63, OF bit 63 xor bit 62, and AF bit 3: the carries out of each bit
 * of an addition, shifted up so that the operand's top bit is bit 63.
 */
export const flagZero = i64('flagZero');
export const flagSign = i64('flagSign');
export const flagCarry = i64('flagCarry');
/** RFLAGS without the arithmetic flags: TF, IF, DF, IOPL, NT, RF, VM, AC, VIF, VIP, ID; bit 1 is set. */
export const systemFlags = i32('systemFlags');

/**
 * Segment registers in encoding order ES CS SS DS FS GS, then LDTR and TR: the hidden parts.
 * `segmentLimit` counts bytes. `segmentAccess` is bits 8–23 of a descriptor's upper half (vol. 3 §3.4.5), the
 * limit's bits cleared, with bit 16 set when the selector is null.
 */
export const segmentBase = i64('segmentBase', 8);
export const segmentLimit = allocate('segmentLimit', 4, 8, 4);
export const segmentAccess = allocate('segmentAccess', 4, 8, 4);
export const segmentSelector = allocate('segmentSelector', 4, 8, 4);
export const gdtrBase = i64('gdtrBase');
export const gdtrLimit = i32('gdtrLimit');
export const idtrBase = i64('idtrBase');
export const idtrLimit = i32('idtrLimit');

export const cr0 = i64('cr0');
export const cr2 = i64('cr2');
/** Ours: CR2 as it was before the last fetch, which a fetch that faulted and is then forgotten gives back. */
export const cr2BeforeFetch = i64('cr2BeforeFetch');
export const cr3 = i64('cr3');
export const cr4 = i64('cr4');
/** The page-directory-pointer registers of PAE paging (vol. 3 §4.4.1). */
export const pdpte = i64('pdpte', 4);
export const cr8 = i64('cr8');
export const xcr0 = i64('xcr0');
/** Rights by protection key: two bits each, AD and WD, for user pages and for supervisor pages. */
export const pkru = i32('pkru');
export const msrPkrs = i64('msrPkrs');
/** Ours: the CR4 bits that this processor's model does not have. */
export const cr4Reserved = i64('cr4Reserved');
export const efer = i64('efer');
export const dr = i64('dr', 8);

/** MSRs that instructions read (vol. 4). */
export const msrStar = i64('msrStar');
export const msrLstar = i64('msrLstar');
export const msrCstar = i64('msrCstar');
export const msrSfmask = i64('msrSfmask');
export const msrKernelGsBase = i64('msrKernelGsBase');
export const msrSysenterCs = i64('msrSysenterCs');
export const msrSysenterEsp = i64('msrSysenterEsp');
export const msrSysenterEip = i64('msrSysenterEip');
export const msrTscAux = i64('msrTscAux');
/** Kept for the guest and without effect: PAT, miscellaneous enables, MTRRs. */
export const msrPat = i64('msrPat');
export const msrMiscEnable = i64('msrMiscEnable');
export const msrSpecCtrl = i64('msrSpecCtrl');
export const msrMcgStatus = i64('msrMcgStatus');
export const msrMtrrDefault = i64('msrMtrrDefault');
export const msrMtrrVariable = i64('msrMtrrVariable', 16);
export const msrMtrrFixed = i64('msrMtrrFixed', 11);
/** Ours: what RDTSC adds to the cycles since reset. */
export const tscOffset = i64('tscOffset');

/** Ours: the state of the generator behind RDRAND and RDSEED. */
export const randomState = i64('randomState');

export const mxcsr = i32('mxcsr');
/**
 * Ours: derived from MXCSR by the routine `updateMxcsr`. Bit 31: an ordinary operation may change MXCSR or depends
 * on it; 0 when rounding is to nearest, all exceptions are masked, DAZ and FTZ are off and PE is already set.
 * Bit 0: the same but for PE.
 */
export const mxcsrSlow = i32('mxcsrSlow');
/** Ours: exception flags that the running SSE instruction has met so far. */
export const mxcsrRaised = i32('mxcsrRaised');
/** Vector registers, with room for YMM. */
export const xmm = allocate('xmm', 16, 16, 32);
/** Ours: elements that the running instruction has loaded so far. */
export const vectorElements = allocate('vectorElements', 16, 2, 16);

/**
 * x87 and MMX registers by physical number (vol. 1 ch. 8): significand, then sign and exponent, 16 bytes each; the six
 * bytes left over are 0.
 */
export const fpr = allocate('fpr', 16, 8, 16);
export const fpuControl = i32('fpuControl');
/** ES and B tell whether a flag is set whose mask is clear. */
export const fpuStatus = i32('fpuStatus');
/** A bit for each physical register that is not empty, as FXSAVE has it; the full tags are computed when asked for. */
export const fpuTag = i32('fpuTag');
/** FOP and FDP of the last instruction that met an unmasked exception; FIP of the last that was not for control. */
export const fpuOpcode = i32('fpuOpcode');
export const fpuInstruction = i64('fpuInstruction');
export const fpuData = i64('fpuData');
/** Ours: exception flags and condition codes, at their places in the status word, of the running x87 instruction. */
export const fpuRaised = i32('fpuRaised');

/** Ours: instructions that may yet begin before the run ends; see `deferred`. */
export const budget = i32('budget');
/** Ours: instructions taken out of the budget to end the run early. */
export const deferred = i32('deferred');
/** Ours: retired count when the current run's budget was set, and what that budget was. */
export const retired = i64('retired');
export const granted = i32('granted');

/** Ours: instructions that regions have run since reset. */
export const regionInstructions = i64('regionInstructions');
/** Ours: how often regions were left since reset, by `RegionExit`. */
export const regionExits = i64('regionExits', 5);
/** Ours: 0, or `RegionKey.watched` while no region may be entered so that each instruction can be noted. */
export const watching = i32('watching');
/** Ours: how many instructions were noted (see `WATCHED_BASE` in memory/layout.ts). */
export const watched = i32('watched');
/** Ours: counts the times that translations were forgotten: what was found out about a mapping holds until it moves. */
export const mappings = i32('mappings');

/** Ours: an exception on its way: 0, or `PENDING` with the vector, and `PENDING_HAS_CODE` if it has an error code. */
export const pending = i32('pending');
export const pendingCode = i32('pendingCode');
export const PENDING = 0x80000000;
export const PENDING_HAS_CODE = 0x100;
/** Ours: the pending event is a software interrupt (INT n, INT3, INTO), which checks the gate's DPL. */
export const PENDING_SOFTWARE = 0x200;
/** Ours: the pending event comes from outside the instruction stream: error codes get EXT, bit 0. */
export const PENDING_EXTERNAL = 0x400;

/** Ours: a #DB that is no fault, so that RF is pushed as it stands. */
export const PENDING_TRAP = 0x800;

/** Ours: what `pending` would hold of a fault on the way into a new task, whose own it is; 0 if there was none. */
export const taskFault = i32('taskFault');

/** Ours: counts the deliveries of exceptions and interrupts, so that a step can tell whether it met one. */
export const deliveries = i32('deliveries');

/** Ours: what MONITOR has armed, or 0: 1 + `deliveries` then. */
export const monitorArmed = i64('monitorArmed');

/** Ours: the last event that was to be delivered, as it stood in `pending`, and its error code. */
export const lastEvent = i32('lastEvent');
export const lastEventCode = i32('lastEventCode');

/** Ours: `ExitReason`, 0 while running. */
export const exitReason = i32('exitReason');
/** Ours: set by the host while an interrupt waits, so that enabling interrupts ends the run. */
export const interruptWaiting = i32('interruptWaiting');
/** Ours: the retired count at which interrupts are held off by STI or MOV SS, or −1. */
export const shadowAt = i64('shadowAt');
/** Ours: the retired count at which MOV SS or POP SS holds off single-step traps too, or −1. */
export const trapShadowAt = i64('trapShadowAt');
/** Ours: the retired count at which no single-step trap is due though TF was set: after SYSCALL and SYSRET; or −1. */
export const unsteppedAt = i64('unsteppedAt');
/** Ours: RF is set while the retired count is this: for one instruction, or none if −1. */
export const resumeAt = i64('resumeAt');
/** Ours: DR6 bits of the debug traps that the running instruction has met. */
export const debugMet = i32('debugMet');
/** Ours: DR6 bits of the debug traps that are due at the next instruction boundary without a shadow. */
export const debugDue = i32('debugDue');
/** Ours: derived from DR7 and CR4.DE: whether there are breakpoints on data, and on ports. */
export const watchesData = i32('watchesData');
export const watchesPorts = i32('watchesPorts');
/** Ours: whether an NMI waits, and whether NMIs are held off until an IRET. */
export const nmiWaiting = i32('nmiWaiting');
export const nmiBlocked = i32('nmiBlocked');

/** Ours: derived from CS, CR0, CR4, EFER and CPL by the routine `updateMode`. */
export const cpl = i32('cpl');
/** 16, 32 or 64. */
export const codeSize = i32('codeSize');
/** What RIP is xored with to key the jump cache; tells modes apart. */
export const modeKey = i64('modeKey');
/** Tells apart what a region's code depends on: mode, privilege, alignment checks, and units that may not be used. */
export const regionKey = i32('regionKey');
/** The code segment's base and limit for which the jump cache holds 16- and 32-bit RIPs. */
export const jumpCacheBase = i64('jumpCacheBase');
export const jumpCacheLimit = i32('jumpCacheLimit');
/** The TLB in force: supervisor or user. */
export const tlbBase = i32('tlbBase');
/** What the stack pointer is masked with: 64, 32 or 16 ones. */
export const stackMask = i64('stackMask');
/** What SSE instructions raise just now: 0 nothing, else `Vector.ud` or `Vector.nm` (vol. 3 Table 2-2, §13.1). */
export const vectorFault = i32('vectorFault');
/** What VEX-encoded vector instructions raise just now: likewise (vol. 3 §14.3, vol. 2 §2.4). */
export const vexFault = i32('vexFault');
/** What x87 instructions raise just now: 0, or `Vector.nm`. */
export const fpuFault = i32('fpuFault');
/** What MMX instructions raise just now: 0, `Vector.ud` or `Vector.nm` (vol. 3 Table 12-1). */
export const mmxFault = i32('mmxFault');
/** What RIP is masked with: all its bits in 64-bit code, else 32, for IP does not wrap at 64 KiB by itself. */
export const ripMask = i64('ripMask');

/**
 * Ours: TLB entries and jump-cache slots that were filled since the last flush, by address; a count above the list's
 * length means that some are not in it. A flush clears those listed, so that who flushes often does not pay for the
 * whole.
 */
export const tlbFills = i32('tlbFills');
export const tlbFilled = allocate('tlbFilled', 4, 64, 4);
export const jumpFills = i32('jumpFills');
export const jumpFilled = allocate('jumpFilled', 4, 256, 4);

/** Ours: log2 of the largest page of which a translation was made since the last flush; 0 if none exceeded 4 KiB. */
export const largestPage = i32('largestPage');
/** Ours: 1 when the last walk ended at a page larger than 4 KiB, else 0. */
export const pageIsLarge = i32('pageIsLarge');
/** Ours: a walk that only looked met an entry without the accessed or dirty bit that an access would set. */
export const unmarked = i32('unmarked');
/** 1 if the mapping has changed under the code that runs: the next instruction is to be fetched anew. */
export const refetch = i32('refetch');
/** Ours: the linear address at which the window begins (see cpu/mmu/window-map.ts). */
export const windowBase = i64('windowBase');

/** Ours: an access that could not be made in place, held here until `commitAccess` (see cpu/mmu/access.ts). */
export const bounce = allocate('bounce', 16, 2, 16);
export const bounceSize = i32('bounceSize');
/** How many of its bytes lie in the first page. */
export const bounceSplit = i32('bounceSplit');
export const bouncePhysical = i64('bouncePhysical', 2);
/** Ours: values handed to and from the host's functions. */
export const exchange = i64('exchange', 2);

export const stateFields: readonly Field[] = fields;
export const stateEnd = next;

/** Address of element `n`. */
export function at(field: Field, n: number): number {
  return field.address + n * field.stride;
}

export const Register = { rax: 0, rcx: 1, rdx: 2, rbx: 3, rsp: 4, rbp: 5, rsi: 6, rdi: 7, r11: 11 } as const;
export const Segment = { es: 0, cs: 1, ss: 2, ds: 3, fs: 4, gs: 5, ldtr: 6, tr: 7 } as const;

/** RFLAGS bits (vol. 1 §3.4.3). */
export const Flag = {
  cf: 1 << 0,
  pf: 1 << 2,
  af: 1 << 4,
  zf: 1 << 6,
  sf: 1 << 7,
  tf: 1 << 8,
  if: 1 << 9,
  df: 1 << 10,
  of: 1 << 11,
  iopl: 3 << 12,
  nt: 1 << 14,
  rf: 1 << 16,
  vm: 1 << 17,
  ac: 1 << 18,
  vif: 1 << 19,
  vip: 1 << 20,
  id: 1 << 21,
} as const;

/** Control-register bits that matter here (vol. 3 §2.5). */
export const Cr0 = {
  pe: 1 << 0,
  mp: 1 << 1,
  em: 1 << 2,
  ts: 1 << 3,
  et: 1 << 4,
  ne: 1 << 5,
  wp: 1 << 16,
  am: 1 << 18,
  nw: 1 << 29,
  cd: 1 << 30,
  pg: 0x80000000,
} as const;
export const Cr4 = {
  vme: 1 << 0,
  pvi: 1 << 1,
  tsd: 1 << 2,
  de: 1 << 3,
  pse: 1 << 4,
  pae: 1 << 5,
  mce: 1 << 6,
  pge: 1 << 7,
  pce: 1 << 8,
  osfxsr: 1 << 9,
  osxmmexcpt: 1 << 10,
  umip: 1 << 11,
  fsgsbase: 1 << 16,
  pcide: 1 << 17,
  osxsave: 1 << 18,
  smep: 1 << 20,
  smap: 1 << 21,
  pke: 1 << 22,
  pks: 1 << 24,
} as const;
export const Efer = { sce: 1 << 0, lme: 1 << 8, lma: 1 << 10, nxe: 1 << 11 } as const;

/** Exception vectors (vol. 3 §6.3.1). */
export const Vector = {
  de: 0,
  db: 1,
  nmi: 2,
  bp: 3,
  of: 4,
  br: 5,
  ud: 6,
  nm: 7,
  df: 8,
  ts: 10,
  np: 11,
  ss: 12,
  gp: 13,
  pf: 14,
  mf: 16,
  ac: 17,
  mc: 18,
  xm: 19,
} as const;

/** XCR0 bits: state that XSAVE knows and that instructions may use (vol. 1 §13.3). */
export const Xcr0 = { x87: 1 << 0, sse: 1 << 1, avx: 1 << 2, pkru: 1 << 9 } as const;

/** Why a region was left. */
export const RegionExit = {
  /** Control went where the region does not, to another region perhaps. */
  elsewhere: 0,
  /** Fewer instructions were left in the budget than the way ahead may take. */
  budget: 1,
  /** An instruction that the region cannot run this time: an access to a device or across pages, a fault. */
  interpret: 2,
  /** An exception in the midst of an instruction. */
  exception: 3,
  /** The host wants the run to end. */
  hurry: 4,
} as const;

/** Ours: `regionKey`'s low bits are `codeSize`; then these. */
export const RegionKey = { user: 1 << 7, alignment: 1 << 8, watched: 1 << 13 } as const;
/** Ours: and a bit for each unit that may not be used just now. */
export const REGION_UNITS: readonly (readonly [fault: Field32, bit: number])[] = [
  [vectorFault, 1 << 9],
  [vexFault, 1 << 10],
  [fpuFault, 1 << 11],
  [mmxFault, 1 << 12],
];

/** Why a run ended. */
export const ExitReason = { none: 0, halt: 1, shutdown: 2, requested: 3 } as const;

/** Segment access bits (vol. 3 §3.4.5). */
export const Access = {
  accessed: 1 << 0,
  /** Data: writable. Code: readable. */
  writable: 1 << 1,
  /** Of data segments. */
  expandDown: 1 << 2,
  /** Of code segments: the same bit. */
  conforming: 1 << 2,
  code: 1 << 3,
  /** 1 for code and data, 0 for system segments. */
  notSystem: 1 << 4,
  dplShift: 5,
  present: 1 << 7,
  long: 1 << 13,
  big: 1 << 14,
  granularity: 1 << 15,
  null: 1 << 16,
} as const;
