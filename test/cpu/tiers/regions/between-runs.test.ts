/** What regions must keep to between two runs of the processor, and at a run's very end. */
import { expect, test } from 'vitest';
import * as state from '../../../../src/cpu/state.js';
import { Flag } from '../../../../src/cpu/state.js';
import { hotCpu } from '../../../support/hot-code.js';
import { CODE, runOn } from '../../../support/run-code.js';

/** ADD RAX, RCX; DEC RCX; JNZ: 3 instructions a round. */
const LOOP = '48 01 c8  48 ff c9  75 f8';
const RCX = 1;

test('code gets hot after a reset as before', async () => {
  const { cpu, inRegions } = await hotCpu();
  for (let run = 0; run < 3; run++) {
    const { registers } = runOn(cpu, { code: LOOP, registers: { [RCX]: 5000n }, limit: 20_000 });
    expect(registers[0]).toBe(12_502_500n);
    expect(inRegions()).toBeGreaterThan(10_000);
  }
});

test('a run that ends while code is looked at takes no interrupt at its end', async () => {
  let waiting = false;
  let limit = 0;
  let raised = 0;
  const writePort = (): void => {
    if (cpu.retired !== limit) return;
    waiting = true;
    raised++;
    cpu.interruptRaised();
  };
  const { cpu } = await hotCpu({ writePort }, { pending: () => waiting, acknowledge: () => 32 });
  for (limit = 560; limit < 640; limit++) {
    waiting = false;
    // The same with OUT DX, AL.
    const code = '48 01 c8  ee  48 ff c9  75 f7';
    runOn(cpu, { code, registers: { [RCX]: 5000n }, flags: BigInt(Flag.if) | 2n, limit });
    expect(cpu.state.get32(state.deliveries)).toBe(0);
  }
  expect(raised).toBe(20);
});

test('code that leads into a region goes on when that is gone', async () => {
  const { cpu, evict } = await hotCpu();
  // A NOP before the loop, which at first is jumped over.
  const setup = { code: `90 ${LOOP}`, registers: { [RCX]: 5000n }, limit: 20_000 };
  runOn(cpu, { ...setup, prepare: () => cpu.state.set64(state.rip, BigInt(CODE + 1)) });
  expect(cpu.regionStatistics?.regions).toBe(1);
  // Not written anew, which would drop the region.
  const again = (): bigint => {
    cpu.state.set64(state.rip, BigInt(CODE));
    cpu.state.set64(state.gpr, 0n, 0);
    cpu.state.set64(state.gpr, 1000n, RCX);
    cpu.synchronise();
    expect(cpu.run(20_000).kind).toBe('halt');
    return cpu.state.get64(state.gpr, 0);
  };
  expect(again()).toBe(500_500n);
  evict();
  expect(again()).toBe(500_500n);
});
