/** Bug 10: CR0.TS, EM and MP: which instructions raise #UD and which #NM (SDM vol. 3 §2.5, tables 2-2 and 13-1). */
import { describe, expect, test } from 'vitest';
import * as state from '../../../src/cpu/state.js';
import { Cr0 } from '../../../src/cpu/state.js';
import { SystemWorld } from '../../support/system-world.js';

const UD = 6;
const NM = 7;
const none = undefined;

/** With EM, TS, EM and TS, MP and TS. */
type Vector = number | undefined;
const CASES: readonly (readonly [string, string, Vector, Vector, Vector, Vector])[] = [
  ['FLD1', 'd9 e8', NM, NM, NM, NM],
  ['FADD DWORD [RDI]', 'd8 07', NM, NM, NM, NM],
  ['FNSTSW AX', 'df e0', NM, NM, NM, NM],
  ['FNINIT', 'db e3', NM, NM, NM, NM],
  ['WAIT', '9b', none, none, none, NM],
  ['FXSAVE [RDI]', '0f ae 07', NM, NM, NM, NM],
  ['FXRSTOR [RDI]', '0f ae 0f', NM, NM, NM, NM],
  ['PADDB MM0, MM1', '0f fc c1', UD, NM, UD, NM],
  ['EMMS', '0f 77', UD, NM, UD, NM],
  ['MOVD MM0, EAX', '0f 6e c0', UD, NM, UD, NM],
  ['ADDPS XMM0, XMM1', '0f 58 c1', UD, NM, UD, NM],
  ['MOVAPS XMM0, [RDI]', '0f 28 07', UD, NM, UD, NM],
  ['CVTPI2PS XMM0, MM1', '0f 2a c1', UD, NM, UD, NM],
  ['LDMXCSR [RDI]', '0f ae 17', UD, NM, UD, NM],
  ['PSHUFB XMM0, XMM1', '66 0f 38 00 c1', UD, NM, UD, NM],
  ['SFENCE', '0f ae f8', none, none, none, none],
  ['PREFETCHT0 [RDI]', '0f 18 0f', none, none, none, none],
  ['MOVNTI [RDI], EAX', '0f c3 07', none, none, none, none],
  ['POPCNT EAX, ECX', 'f3 0f b8 c1', none, none, none, none],
  ['CRC32 EAX, CL', 'f2 0f 38 f0 c1', none, none, none, none],
];

describe('bug 10: with CR0.EM, TS, both, and TS with MP', () => {
  test.each(CASES)('%s', async (_name, code, ...vectors) => {
    const world = await SystemWorld.create('long');
    const found: (number | undefined)[] = [];
    for (const bits of [Cr0.em, Cr0.ts, Cr0.em | Cr0.ts, Cr0.mp | Cr0.ts]) {
      world.setUp();
      // A frame that FXRSTOR and LDMXCSR take.
      world.cpu.memory.fill(0x50000, 512, 0);
      const view = world.cpu.state;
      view.set64(state.cr0, view.get64(state.cr0) | BigInt(bits));
      const outcome = world.run({ code, registers: { 7: 0x50000n } });
      found.push(outcome.vector);
      if (outcome.vector === undefined) expect(outcome.done).toBe(true);
    }
    expect(found).toEqual(vectors);
  });
});
