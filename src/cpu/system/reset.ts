/**
 * The state after power-on (SDM vol. 3 Table 9-1), and those that a kernel is handed over in: flat 32-bit protected mode
 * without paging (Multiboot 0.6.96 §3.2; Xen's PVH start-up ABI), or 64-bit mode (Linux, Documentation/arch/x86/boot.rst).
 */
import { GUEST_PAGE_SIZE } from '../../memory/layout.js';
import * as state from '../state.js';
import { Access, Cr0, Cr4, Efer, Register, Segment } from '../state.js';
import type { StateView } from '../state-view.js';
import type { CpuModel } from './cpu-model.js';
import { PROCESSOR_SIGNATURE } from './cpuid.js';
import { resetMsrs } from './msr.js';

/** The registers that a kernel finds. */
export type FirstRegisters = ProtectedRegisters | LongRegisters;

/** Those left out are 0. Values are 32 bits wide. */
export interface ProtectedRegisters {
  readonly mode?: 'protected32';
  readonly eip: number;
  readonly eax?: number;
  readonly ebx?: number;
  readonly ecx?: number;
  readonly edx?: number;
  readonly esi?: number;
  readonly edi?: number;
  readonly ebp?: number;
  readonly esp?: number;
}

/** Those left out are 0. Values are below 2^53; `cr3` is the physical address of 4-level page tables. */
export interface LongRegisters {
  readonly mode: 'long64';
  readonly rip: number;
  readonly rsi: number;
  readonly cr3: number;
  readonly gdt: { readonly base: number; readonly limit: number };
}

const DATA = Access.present | Access.notSystem | Access.writable | Access.accessed;
const CODE = DATA | Access.code;
const LDT = Access.present | 2;
const BUSY_TSS_32 = Access.present | 11;
const DATA_SEGMENTS = [Segment.es, Segment.ss, Segment.ds, Segment.fs, Segment.gs];

interface HiddenPart {
  readonly selector: number;
  readonly base: bigint;
  readonly limit: number;
  readonly access: number;
}

/** Writes a segment register, hidden part and all. */
export function writeSegment(view: StateView, segment: number, part: HiddenPart): void {
  view.set32(state.segmentSelector, part.selector, segment);
  view.set64(state.segmentBase, part.base, segment);
  view.set32(state.segmentLimit, part.limit, segment);
  view.set32(state.segmentAccess, part.access, segment);
}

/** What is filled is not known any more: the next flush clears all. */
export function forgetFilled(view: StateView): void {
  view.set32(state.tlbFills, state.tlbFilled.count + 1);
  view.set32(state.jumpFills, state.jumpFilled.count + 1);
}

/** Power-on: real mode, the first instruction at FFFF:FFF0 with CS's base still at FFFF0000. */
export function resetState(view: StateView, model: CpuModel): void {
  for (const field of state.stateFields) view.clear(field);
  writeFlagsImage(view);
  const real = { selector: 0, base: 0n, limit: 0xffff };
  for (const segment of DATA_SEGMENTS) writeSegment(view, segment, { ...real, access: DATA });
  writeSegment(view, Segment.cs, { selector: 0xf000, base: 0xffff0000n, limit: 0xffff, access: DATA });
  writeSegment(view, Segment.ldtr, { ...real, access: LDT });
  writeSegment(view, Segment.tr, { ...real, access: BUSY_TSS_32 });
  view.set32(state.gdtrLimit, 0xffff);
  view.set32(state.idtrLimit, 0xffff);
  view.set64(state.rip, 0xfff0n);
  view.set64(state.gpr, BigInt(PROCESSOR_SIGNATURE), Register.rdx);
  view.set64(state.cr0, BigInt(Cr0.et | Cr0.nw | Cr0.cd));
  view.set64(state.xcr0, 1n);
  view.set64(state.dr, 0xffff0ff0n, 6);
  view.set64(state.dr, 0x400n, 7);
  view.set32(state.mxcsr, 0x1f80);
  view.set32(state.fpuControl, 0x40);
  view.set32(state.fpuTag, 0xff);
  forgetFilled(view);
  view.set64(state.pairOfPages, BigInt(2 * GUEST_PAGE_SIZE));
  view.set64(state.shadowAt, -1n);
  view.set64(state.trapShadowAt, -1n);
  view.set64(state.unsteppedAt, -1n);
  view.set64(state.resumeAt, -1n);
  resetMsrs(view, model);
}

/** From the reset state on: a kernel's first instruction in flat 32-bit protected mode. */
export function startProtected(view: StateView, registers: ProtectedRegisters): void {
  writeFlatSegments(view, { code: 0x8, codeSize: Access.big, data: 0x10 });
  view.set32(state.gdtrLimit, 0);
  view.set64(state.cr0, BigInt(Cr0.pe | Cr0.et));
  const { eax, ecx, edx, ebx, esp, ebp, esi, edi } = registers;
  [eax, ecx, edx, ebx, esp, ebp, esi, edi].forEach((value = 0, n) => {
    view.set64(state.gpr, BigInt(value >>> 0), n);
  });
  view.set64(state.rip, BigInt(registers.eip >>> 0));
}

/** From the reset state on: a kernel's first instruction in 64-bit mode. */
export function startLong(view: StateView, { rip, rsi, cr3, gdt }: LongRegisters): void {
  writeFlatSegments(view, { code: 0x10, codeSize: Access.long, data: 0x18 });
  view.set64(state.gdtrBase, BigInt(gdt.base));
  view.set32(state.gdtrLimit, gdt.limit);
  view.set64(state.cr3, BigInt(cr3));
  view.set64(state.cr4, BigInt(Cr4.pae));
  view.set64(state.efer, BigInt(Efer.lme | Efer.lma));
  view.set64(state.cr0, BigInt(Cr0.pg | Cr0.et | Cr0.pe));
  for (let n = 0; n < state.gpr.count; n++) view.set64(state.gpr, n === Register.rsi ? BigInt(rsi) : 0n, n);
  view.set64(state.rip, BigInt(rip));
}

/** Ring 0 with segments of base 0 and 4 GiB, no LDT, no IDT and no task. */
function writeFlatSegments(
  view: StateView,
  selectors: { code: number; codeSize: number; data: number },
): void {
  const flat = { base: 0n, limit: 0xffffffff };
  const { code, codeSize, data } = selectors;
  writeSegment(view, Segment.cs, { ...flat, selector: code, access: CODE | codeSize | Access.granularity });
  for (const segment of DATA_SEGMENTS) {
    writeSegment(view, segment, { ...flat, selector: data, access: DATA | Access.big | Access.granularity });
  }
  writeSegment(view, Segment.tr, { selector: 0, base: 0n, limit: 0x67, access: BUSY_TSS_32 });
  view.set32(state.idtrLimit, 0);
  view.set32(state.cpl, 0);
  writeFlagsImage(view);
}

/** From the reset state on: the first instruction in real mode. @param address below 1 MiB */
export function startReal(view: StateView, address: number): void {
  const segment = (address >>> 4) & 0xffff;
  writeSegment(view, Segment.cs, {
    selector: segment,
    base: BigInt(segment * 16),
    limit: 0xffff,
    access: DATA,
  });
  view.set32(state.idtrLimit, 0x3ff);
  view.set64(state.rip, BigInt(address & 0xf));
}

/** RFLAGS with every flag clear: only bit 1 is set. */
function writeFlagsImage(view: StateView): void {
  view.set64(state.flagZero, 1n);
  view.set64(state.flagSign, 1n);
  view.set64(state.flagCarry, 0n);
  view.set32(state.systemFlags, 2);
}
