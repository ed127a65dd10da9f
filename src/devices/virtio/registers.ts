/**
 * What a virtio device's registers hold, and the same as a saved state. Leaves out what the registers do, which is
 * virtio-core.ts.
 *
 * Virtio 1.2, 2.1 and chapter 6.
 */
import { type DeviceState, DeviceStateError } from '../device.js';
import { boolean, integer, list, nanoseconds, nullable, record, type Shape } from '../state-schema.js';

/** 2.1 "Device Status Field". */
export const Status = {
  acknowledge: 1,
  driver: 2,
  driverOk: 4,
  featuresOk: 8,
  needsReset: 64,
  failed: 128,
} as const;

/** Chapter 6 "Reserved Feature Bits". */
export const Feature = {
  indirectDescriptors: 1n << 28n,
  eventIndex: 1n << 29n,
  version1: 1n << 32n,
  ringPacked: 1n << 34n,
  ringReset: 1n << 40n,
} as const;

/** Why the driver is interrupted: the bits of a transport's ISR. */
export const Cause = { queue: 1, configuration: 2 } as const;

export const STATUS_BITS = 0xff;
/** A queue as its registers show it. */
export interface QueueRegisters {
  size: number;
  ready: boolean;
  /** Physical addresses as the driver wrote them, 64 bits each. */
  descriptors: bigint;
  driver: bigint;
  device: bigint;
}

export type QueueAddress = 'descriptors' | 'driver' | 'device';

const half = integer(0, 0xffff_ffff);
/** 64 bits as two halves, the low one first. */
const wide: Shape<number[]> = list(half, 2, 2);
const counters = record({
  available: integer(0, 0xffff),
  used: integer(0, 0xffff),
  considered: integer(0, 0xffff),
});
const queueShape = record({
  size: integer(1, 32768),
  ready: boolean,
  descriptors: wide,
  driver: wide,
  device: wide,
  counters: nullable(counters),
  resumesIn: nullable(nanoseconds),
});
/** What a class saves is its own affair. */
const classState: Shape<DeviceState> = (value, path, device) => {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as DeviceState;
  throw new DeviceStateError(device, path, 'an object');
};
/** What `VirtioCore.save` gives. */
export const coreShape = record({
  device: classState,
  status: integer(0, STATUS_BITS),
  accepted: wide,
  generation: integer(0, 0xff),
  isr: integer(0, 3),
  queues: list(queueShape, 0, 64),
});
export type CoreState = ReturnType<typeof coreShape>;

export function freshRegisters(size: number): QueueRegisters {
  return { size, ready: false, descriptors: 0n, driver: 0n, device: 0n };
}

/** Nanoseconds, or null for no pause. */
export function untilPause(deadline: bigint | undefined, now: bigint): number | null {
  if (deadline === undefined) return null;
  return deadline > now ? Number(deadline - now) : 0;
}

export function halves(value: bigint): number[] {
  return [Number(value & 0xffff_ffffn), Number(value >> 32n)];
}

export function joined([low = 0, high = 0]: readonly number[]): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}
