/**
 * IA32_APIC_BASE: where the registers are and in which of three modes the local APIC is: disabled, xAPIC or x2APIC
 * (SDM vol. 3, 11.4.4 and 11.12.5 "x2APIC State Transitions").
 */

const BOOT_PROCESSOR = 0x100n;
const X2APIC = 0x400n;
const ENABLED = 0x800n;
const FLAGS = BOOT_PROCESSOR | X2APIC | ENABLED;

/** After power-on, on the processor that boots. */
export const INITIAL_BASE = 0xfee00000n | ENABLED | BOOT_PROCESSOR;

export type ApicMode = 'disabled' | 'xapic' | 'x2apic';

export function modeOf(base: bigint): ApicMode {
  if ((base & ENABLED) === 0n) return 'disabled';
  return (base & X2APIC) === 0n ? 'xapic' : 'x2apic';
}

/** The physical address of the registers' page, below 2^52. */
export function addressOf(base: bigint): number {
  return Number(base & ~0xfffn);
}

/** Whether a value exists at all: no reserved bit is set, nor the x2APIC flag alone. */
export function isBase(value: bigint, physicalAddressBits: number): boolean {
  const address = ((1n << BigInt(physicalAddressBits)) - 1n) & ~0xfffn;
  return (value & ~(address | FLAGS)) === 0n && (value & (X2APIC | ENABLED)) !== X2APIC;
}

/** x2APIC mode is entered from xAPIC mode only, and left only by disabling. */
export function mayChange(from: ApicMode, to: ApicMode): boolean {
  return !(from === 'x2apic' && to === 'xapic') && !(from === 'disabled' && to === 'x2apic');
}
