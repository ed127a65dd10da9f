/** What a region knows of the flags behind an instruction that sets them on one path only. */
import { expect, test } from 'vitest';
import { EAGER } from '../../../../src/cpu/tiers/regions/pace.js';
import { hotCpu } from '../../../support/hot-code.js';
import { runOn } from '../../../support/run-code.js';

const RDX = 2;
const RBX = 3;

test.each([
  ['REPNE CMPSB', 'f2 a6'],
  ['REPE SCASB', 'f3 ae'],
])('%s of nothing leaves the flags as they were', async (_name, compare) => {
  const { cpu, inRegions } = await hotCpu({}, undefined, EAGER);
  // OR AL, 0xBC; MOV ECX, 0; the comparison; JE over INC RDX; DEC RBX; JNZ back.
  const code = `0c bc  b9 00 00 00 00  ${compare}  74 03  48 ff c2  48 ff cb  75 ed`;
  const { registers, exit } = runOn(cpu, { code, registers: { [RDX]: 0n, [RBX]: 3000n }, limit: 30_000 });
  expect(exit.kind).toBe('halt');
  expect(registers[RDX]).toBe(3000n);
  expect(inRegions()).toBeGreaterThan(5000);
});
