/** A processor that shut down runs nothing more until it is reset. */
import { expect, test } from 'vitest';
import { Cpu } from '../../src/cpu/cpu.js';
import * as state from '../../src/cpu/state.js';
import { loadInterpreter } from '../../src/cpu/tiers/interpreter/load.js';
import { CODE, runCode, runOn } from '../support/run-code.js';

const NO_IDT = (cpu: Cpu): void => cpu.state.set32(state.idtrLimit, 0);

test('by an exception: the report is of the instruction, and running on does nothing', async () => {
  const { cpu, exit } = await runCode({ code: '90 0f0b 90', prepare: NO_IDT });
  expect(exit.kind).toBe('shutdown');
  expect(cpu.rip).toBe(BigInt(CODE + 1));
  const { retired } = cpu;
  expect(cpu.run(100).kind).toBe('shutdown');
  expect(cpu.retired).toBe(retired);
  expect(runOn(cpu, { code: '90' }).exit.kind).toBe('halt');
});

test('by an interrupt that cannot be delivered, before another instruction runs', async () => {
  const cpu = new Cpu({
    interpreter: await loadInterpreter(),
    ramSize: 4 << 20,
    bus: { readPort: () => 0, writePort: () => {}, readMemory: () => 0, writeMemory: () => {} },
    interrupts: { pending: () => true, acknowledge: () => 0x20 },
  });
  const { exit } = runOn(cpu, { code: 'b8 01000000', flags: 0x202n, registers: { 0: 0n }, prepare: NO_IDT });
  expect(exit.kind).toBe('shutdown');
  expect(cpu.state.get64(state.gpr)).toBe(0n);
  expect(cpu.rip).toBe(BigInt(CODE));
});
