/** MONITOR and MWAIT: who may run them, and when MWAIT stops (SDM vol. 3 §9.10.4). */
import { describe, expect, it, test } from 'vitest';
import type { Cpu } from '../../../src/cpu/cpu.js';
import * as state from '../../../src/cpu/state.js';
import { Vector } from '../../../src/cpu/state.js';
import { MONITOR_ENABLED } from '../../../src/cpu/system/features.js';
import { CODE, runCode } from '../../support/run-code.js';
import { SystemWorld } from '../../support/system-world.js';

const [RAX, RCX] = [0, 1] as const;
const MONITOR = '0f 01 c8';
const MWAIT = '0f 01 c9';
const IF = 0x202n;
const AT_DATA = { [RAX]: 0x20000n, [RCX]: 0n };

describe('MWAIT', () => {
  const cases: readonly (readonly [what: string, code: string, flags: bigint, stops: boolean])[] = [
    ['stops after MONITOR with interrupts enabled', `${MONITOR} ${MWAIT} 90`, IF, true],
    ['goes on without MONITOR', `90 90 90 ${MWAIT} 90`, IF, false],
    ['goes on with interrupts disabled', `${MONITOR} ${MWAIT} 90`, 2n, false],
  ];
  test.each(cases)('%s', async (_what, code, flags, stops) => {
    const { exit, rip } = await runCode({ code, flags, registers: AT_DATA });
    expect(exit.kind).toBe('halt');
    expect(rip).toBe(BigInt(CODE + (stops ? 6 : 7)));
  });

  // MONITOR; then as if a handler had run; MWAIT, NOP.
  it('goes on if something was delivered since MONITOR, whose handler may have stored', async () => {
    const armed = await runCode({ code: MONITOR, flags: IF, registers: AT_DATA });
    const before = armed.cpu.state.get64(state.monitorArmed);
    const { rip } = await runCode({
      code: `${MWAIT} 90`,
      flags: IF,
      registers: AT_DATA,
      prepare: (cpu) => {
        cpu.state.set64(state.monitorArmed, before);
        cpu.state.set32(state.deliveries, 1);
      },
    });
    expect(rip).toBe(BigInt(CODE + 4));
  });
});

describe('both', () => {
  it('are #UD above ring 0', async () => {
    for (const code of [MONITOR, MWAIT]) {
      const world = await SystemWorld.create('long');
      expect(world.run({ code, ring: 3, registers: { [RAX]: 0x28000n, [RCX]: 0n } }).vector).toBe(Vector.ud);
    }
  });

  it('have no extensions', async () => {
    for (const code of [MONITOR, MWAIT]) {
      const { exception } = await runCode({ code, registers: { ...AT_DATA, [RCX]: 1n } });
      expect(exception).toMatchObject({ vector: Vector.gp, errorCode: 0 });
    }
  });

  it('are #UD, and CPUID does not show them, when IA32_MISC_ENABLE says so', async () => {
    const prepare = (cpu: Cpu): void => {
      cpu.state.set64(state.msrMiscEnable, cpu.state.get64(state.msrMiscEnable) & ~BigInt(MONITOR_ENABLED));
    };
    for (const code of [MONITOR, MWAIT]) {
      const { exception } = await runCode({ code, prepare, registers: AT_DATA });
      expect(exception?.vector).toBe(Vector.ud);
    }
    const shown = async (setup: { prepare?: (cpu: Cpu) => void }): Promise<bigint> => {
      const { registers } = await runCode({ code: '0f a2', registers: { [RAX]: 1n, [RCX]: 0n }, ...setup });
      return ((registers[RCX] as bigint) >> 3n) & 1n;
    };
    expect([await shown({}), await shown({ prepare })]).toEqual([1n, 0n]);
  });
});

it('MONITOR reads the byte at rAX in its segment', async () => {
  const registers = { [RAX]: 1n << 60n, [RCX]: 0n };
  const inData = await runCode({ code: MONITOR, registers });
  expect(inData.exception).toMatchObject({ vector: Vector.gp, errorCode: 0 });
  const shortened = await runCode({ code: `67 ${MONITOR}`, registers });
  expect(shortened.exception).toBeUndefined();
});
