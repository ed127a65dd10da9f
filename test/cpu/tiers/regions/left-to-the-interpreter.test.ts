/** Code that no region can be made of, or whose region must end: the interpreter runs it, and the host is unharmed. */
import { expect, test } from 'vitest';
import * as state from '../../../../src/cpu/state.js';
import { EAGER, type Pace } from '../../../../src/cpu/tiers/regions/pace.js';
import { displacement, hotCpu } from '../../../support/hot-code.js';
import { CODE, runOn } from '../../../support/run-code.js';

const RCX = 1;

/** The same code on either tier. */
async function both(code: string, limit: number, registers: Record<number, bigint>, pace: Pace) {
  const [plain, hot] = await Promise.all([hotCpu({}, undefined, 'interpreter'), hotCpu({}, undefined, pace)]);
  const outcomes = [plain, hot].map(({ cpu }) => {
    const { registers: after, flags, rip, exit, exception } = runOn(cpu, { code, registers, limit });
    return { after, flags, rip, exit, exception, retired: cpu.retired };
  });
  expect(outcomes[1]).toEqual(outcomes[0]);
  return { outcome: outcomes[0] as (typeof outcomes)[0], inRegions: hot.inRegions() };
}

test('loops nested as deeply as a region can hold', async () => {
  const depth = 310;
  // MOV RDI, RBP; MOV ECX, depth; MOV EAX, 1; REP STOSD: a counter for each loop, which goes round once.
  let code = `48 89 ef  b9 ${displacement(depth)}  b8 01 00 00 00  f3 ab  ${'90 '.repeat(depth)}`;
  const heads = 15;
  // DEC dword [RBP + 4 n]; JNS to the n-th NOP.
  for (let n = depth - 1; n >= 0; n--) {
    const after = heads + depth + (depth - n) * 12;
    code += `ff 8d ${displacement(4 * n)}  0f 89 ${displacement(heads + n - after)} `;
  }
  // DEC RBX; JNZ.
  code += `48 ff cb  0f 85 ${displacement(-(heads + depth + depth * 12 + 9))}`;
  const pace: Pace = { ...EAGER, grain: 50_000, soon: 1000, late: 1000, watched: 400_000 };
  const { outcome, inRegions } = await both(code, 3_000_000, { 3: 6n, 5: 0x80000n }, pace);
  expect(outcome.after[3]).toBe(0n);
  expect(outcome.exit.kind).toBe('halt');
  expect(inRegions).toBeGreaterThan(5000);
});

test('a branch out of the canonical addresses that is not taken', async () => {
  const top = 0x7ffffffff000n;
  const results = await Promise.all(
    (['interpreter', EAGER] as const).map(async (tier) => {
      const { cpu, inRegions } = await hotCpu({}, undefined, tier);
      // The last page below what is not canonical is that of CODE, all else as it was.
      const prepare = (): void => {
        const put = (address: number, value: bigint): void => {
          cpu.memory.store(address, 4, Number(value & 0xffffffffn));
          cpu.memory.store(address + 4, 4, Number(value >> 32n));
        };
        put(0x100000, 0x101003n);
        put(0x100000 + 255 * 8, 0x103003n);
        put(0x101000, 0x102003n);
        put(0x102000, 0x83n);
        put(0x102008, 0x200083n);
        put(0x103000 + 511 * 8, 0x104003n);
        put(0x104000 + 511 * 8, 0x105003n);
        put(0x105000 + 511 * 8, BigInt(CODE) | 3n);
        cpu.state.set64(state.cr3, 0x100000n);
        cpu.state.set64(state.cr4, cpu.state.get64(state.cr4) | BigInt(state.Cr4.pae));
        cpu.state.set64(state.cr0, cpu.state.get64(state.cr0) | BigInt(state.Cr0.pg));
        cpu.state.set64(state.rip, top);
      };
      // JC far beyond; ADD RAX, RCX; DEC RCX; JNZ.
      const code = '0f 82 00 00 00 10  48 01 c8  48 ff c9  75 f2';
      const { registers } = runOn(cpu, { code, registers: { [RCX]: 3000n }, limit: 20_000, prepare });
      return { rax: registers[0], retired: cpu.retired, regions: inRegions() };
    }),
  );
  const [plain, hot] = results;
  expect(hot?.rax).toBe((3000n * 3001n) / 2n);
  expect(hot?.rax).toBe(plain?.rax);
  expect(hot?.retired).toBe(plain?.retired);
});
