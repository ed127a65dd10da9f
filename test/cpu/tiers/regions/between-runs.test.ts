/** What regions must keep to between two runs of the processor, and at a run's very end. */
import { expect, test } from 'vitest';
import type { Bus } from '../../../../src/cpu/bus.js';
import { Cpu } from '../../../../src/cpu/cpu.js';
import * as state from '../../../../src/cpu/state.js';
import { Flag } from '../../../../src/cpu/state.js';
import { loadInterpreter } from '../../../../src/cpu/tiers/interpreter/load.js';
import { EAGER, RegionTier } from '../../../../src/cpu/tiers/regions/region-tier.js';
import { CODE, runOn } from '../../../support/run-code.js';

/** ADD RAX, RCX; DEC RCX; JNZ: 3 instructions a round. */
const LOOP = '48 01 c8  48 ff c9  75 f8';
const RCX = 1;

const bus: Bus = { readPort: () => 0, writePort: () => {}, readMemory: () => 0, writeMemory: () => {} };
let tier: RegionTier | undefined;

async function withRegions(interrupts: { pending: () => boolean; acknowledge: () => number }): Promise<Cpu> {
  const cpu = new Cpu({
    interpreter: await loadInterpreter(),
    ramSize: 4 << 20,
    bus,
    interrupts,
  });
  cpu.useRegions((host) => {
    tier = new RegionTier(host, EAGER);
    return tier;
  });
  return cpu;
}

const NO_INTERRUPTS = { pending: () => false, acknowledge: () => 0 };

test('code gets hot after a reset as before', async () => {
  const cpu = await withRegions(NO_INTERRUPTS);
  for (let run = 0; run < 3; run++) {
    const { registers } = runOn(cpu, { code: LOOP, registers: { [RCX]: 5000n }, limit: 20_000 });
    expect(registers[0]).toBe(12_502_500n);
    expect(cpu.regionStatistics?.instructions).toBeGreaterThan(10_000n);
  }
});

test('a run that ends while code is looked at takes no interrupt at its end', async () => {
  let waiting = false;
  let limit = 0;
  const cpu = await withRegions({ pending: () => waiting, acknowledge: () => 32 });
  const setup = { registers: { [RCX]: 5000n }, flags: BigInt(Flag.if) | 2n };
  const raised: number[] = [];
  const onPort = (): void => {
    if (cpu.retired !== limit) return;
    waiting = true;
    raised.push(limit);
    cpu.interruptRaised();
  };
  bus.writePort = onPort;
  for (limit = 560; limit < 640; limit++) {
    waiting = false;
    // The same with OUT DX, AL.
    runOn(cpu, { ...setup, code: '48 01 c8  ee  48 ff c9  75 f7', limit });
    expect(cpu.state.get32(state.deliveries)).toBe(0);
  }
  expect(raised.length).toBe(20);
});

test('code that leads into a region goes on when that is gone', async () => {
  const cpu = await withRegions(NO_INTERRUPTS);
  // A NOP before the loop, which at first is jumped over.
  const setup = { code: `90 ${LOOP}`, registers: { [RCX]: 5000n }, limit: 20_000 };
  const skip = (): void => cpu.state.set64(state.rip, BigInt(CODE + 1));
  runOn(cpu, { ...setup, prepare: skip });
  expect(cpu.regionStatistics?.regions).toBe(1);
  // Not written anew, which would drop the region.
  const again = (rip: number): bigint => {
    cpu.state.set64(state.rip, BigInt(rip));
    cpu.state.set64(state.gpr, 0n, 0);
    cpu.state.set64(state.gpr, 1000n, RCX);
    cpu.synchronise();
    expect(cpu.run(20_000).kind).toBe('halt');
    return cpu.state.get64(state.gpr, 0);
  };
  expect(again(CODE)).toBe(500_500n);
  tier?.reset();
  expect(again(CODE)).toBe(500_500n);
});
