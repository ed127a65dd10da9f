/** Runs machine code in the world of run-code.ts on a processor that makes regions of whatever runs twice. */
import type { Bus, InterruptSource } from '../../src/cpu/bus.js';
import { Cpu } from '../../src/cpu/cpu.js';
import { loadInterpreter } from '../../src/cpu/tiers/interpreter/load.js';
import { EAGER, type Pace } from '../../src/cpu/tiers/regions/pace.js';
import { RegionTier } from '../../src/cpu/tiers/regions/region-tier.js';

const NO_INTERRUPTS: InterruptSource = { pending: () => false, acknowledge: () => 0 };

export interface HotCpu {
  readonly cpu: Cpu;
  /** Drops all regions. */
  evict(): void;
  /** Instructions that regions have run. */
  inRegions(): number;
}

/** @param pace of the regions; or to have none, to compare with */
export async function hotCpu(
  bus: Partial<Bus> = {},
  interrupts = NO_INTERRUPTS,
  pace: Pace | 'interpreter' = EAGER,
): Promise<HotCpu> {
  const cpu = new Cpu({
    interpreter: await loadInterpreter(),
    ramSize: 4 << 20,
    bus: {
      readPort: () => 0,
      writePort: () => {},
      readMemory: () => 0,
      writeMemory: () => {},
      ...bus,
    },
    interrupts,
  });
  let regions: RegionTier | undefined;
  if (pace !== 'interpreter') {
    cpu.useRegions((host) => {
      regions = new RegionTier(host, pace);
      return regions;
    });
  }
  return {
    cpu,
    evict: () => regions?.reset(),
    inRegions: () => Number(cpu.regionStatistics?.instructions ?? 0n),
  };
}

/** 32-bit displacement, little-endian, in hexadecimal. */
export function displacement(value: number): string {
  const bytes = [0, 8, 16, 24].map((shift) => (value >> shift) & 0xff);
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
}
