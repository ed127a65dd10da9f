/**
 * What every device is: the contract between a part and the machine that holds it.
 *
 * Leaves out how a device is found (buses), what it talks to (backends.ts) and how it is made (registry.ts).
 *
 * Promises every device keeps, checked by test/devices/conformance.ts:
 * - nothing a guest reads or writes throws, whatever the offset, width and value;
 * - reads are unsigned and fit the width;
 * - `restore(save())` gives a device that behaves the same from then on;
 * - `restore` of anything else either gives a valid device or throws DeviceStateError and changes nothing.
 */

/** Bytes moved by one access. A 64-bit MMIO access reaches a device as two of 4, the low half first. */
export type AccessWidth = 1 | 2 | 4;

/** Plain data that survives JSON. */
export type StateValue =
  | null
  | boolean
  | number
  | string
  | readonly StateValue[]
  | { readonly [key: string]: StateValue };

/** What a device saves. It is input when it comes back: `restore` checks every field. */
export type DeviceState = { readonly [key: string]: StateValue };

export interface Device {
  /** Unique in a machine; the key of its saved state. */
  readonly name: string;
  /** Keeps its state while the machine sleeps in S3; others are reset when it wakes. */
  readonly keepsPower?: boolean;
  /** The state after power-on. Cancels timers and lowers interrupt lines. */
  reset(): void;
  /** Times are saved as ages (nanoseconds before now), so a state does not depend on the clock's origin. */
  save(): DeviceState;
  /**
   * Takes over a saved state and drives lines and timers to match it.
   * The machine sets the clock first. Throws DeviceStateError and changes nothing if the state is malformed.
   */
  restore(state: DeviceState): void;
  /** Hands buffered output to the backend. The machine calls it at the end of every slice and before it stops. */
  flush?(): void;
}

export interface PortRegion {
  /** First port, 0–65535. */
  readonly base: number;
  /** Number of ports, at least 1. */
  readonly length: number;
  /** The widest access the part decodes, 4 if absent; the bus splits wider ones, as the ISA bus does. */
  readonly maxWidth?: AccessWidth;
}

/** A device in I/O port space. The bus only passes accesses that lie wholly inside one region. */
export interface PortDevice extends Device {
  readonly portRegions: readonly PortRegion[];
  /** `region` indexes portRegions, `offset` counts from its base. The result is unsigned, below 2^(8·width). */
  readPort(region: number, offset: number, width: AccessWidth): number;
  /** `value` is unsigned, below 2^(8·width). */
  writePort(region: number, offset: number, width: AccessWidth, value: number): void;
}

export interface MmioRegion {
  /** First physical address, below 2^52. */
  readonly base: number;
  /** Bytes, at least 1. */
  readonly length: number;
  /** As PortRegion.maxWidth. */
  readonly maxWidth?: AccessWidth;
}

/** A device in physical address space. The bus only passes accesses that lie wholly inside one region. */
export interface MmioDevice extends Device {
  readonly mmioRegions: readonly MmioRegion[];
  /** As PortDevice.readPort. */
  readMmio(region: number, offset: number, width: AccessWidth): number;
  /** As PortDevice.writePort. */
  writeMmio(region: number, offset: number, width: AccessWidth, value: number): void;
}

/** A device on a bus, or on both. */
export type BusDevice = PortDevice | MmioDevice | (PortDevice & MmioDevice);

/** A saved state that cannot be restored. */
export class DeviceStateError extends Error {
  readonly code = 'DEVICE_STATE';

  /** `field` is the path inside the state, `expected` says what would have been accepted. */
  constructor(
    readonly device: string,
    readonly field: string,
    readonly expected: string,
  ) {
    super(`saved state of ${device}: ${field} is not ${expected}`);
    this.name = 'DeviceStateError';
  }
}

/** All bits set: what an access of this width reads where nothing answers. */
export function allOnes(width: AccessWidth): number {
  return width === 4 ? 0xffffffff : width === 2 ? 0xffff : 0xff;
}
