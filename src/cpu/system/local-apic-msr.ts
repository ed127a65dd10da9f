/**
 * RDMSR and WRMSR where it matters whose register it is: those of the local APIC are a device's, and setting the
 * time-stamp counter moves that device's deadline. All others are in msr.ts.
 */
import type { LocalApicAccess } from '../bus.js';
import * as state from '../state.js';
import { Register } from '../state.js';
import type { StateView } from '../state-view.js';
import { type Cycles, readMsr, writeMsr } from './msr.js';

const APIC_BASE = 0x1b;
const TSC_DEADLINE = 0x6e0;
const X2APIC_FIRST = 0x800;
const X2APIC_LAST = 0x8ff;

function isLocalApicMsr(address: number): boolean {
  return (
    address === APIC_BASE || address === TSC_DEADLINE || (address >= X2APIC_FIRST && address <= X2APIC_LAST)
  );
}

/** RDMSR of ECX into `exchange[0]`; false is #GP. */
export function readAnyMsr(view: StateView, cycles: Cycles, apic: LocalApicAccess | undefined): boolean {
  const address = view.low(state.gpr, Register.rcx);
  if (!isLocalApicMsr(address)) return readMsr(view, cycles);
  const value = apic?.readMsr(address);
  if (value === undefined) return false;
  view.set64(state.exchange, value);
  return true;
}

/** WRMSR of `exchange[0]` to ECX; false is #GP. */
export function writeAnyMsr(view: StateView, cycles: Cycles, apic: LocalApicAccess | undefined): boolean {
  const address = view.low(state.gpr, Register.rcx);
  if (isLocalApicMsr(address)) return apic?.writeMsr(address, view.get64(state.exchange)) ?? false;
  const offset = view.get64(state.tscOffset);
  if (!writeMsr(view, cycles)) return false;
  if (view.get64(state.tscOffset) !== offset) apic?.timeStampChanged();
  return true;
}
