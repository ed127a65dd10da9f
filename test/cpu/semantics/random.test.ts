/** RDRAND and RDSEED: SplitMix64 from the machine's seed. */
import { expect, test } from 'vitest';
import * as state from '../../../src/cpu/state.js';
import { runCode } from '../../support/run-code.js';

// rdrand rax; rdrand rcx; rdseed rdx; rdrand bx
const CODE = '480fc7f0 480fc7f1 480fc7fa 660fc7f3';

test('gives the sequence that SplitMix64 gives from seed 0', async () => {
  const { registers, flags } = await runCode({ code: CODE, registers: { 3: -1n }, flags: 0x8d6n });
  expect(registers[0]).toBe(0xe220a8397b1dcdafn);
  expect(registers[1]).toBe(0x6e789e6aa1b965f4n);
  expect(registers[2]).toBe(0x06c45d188009454fn);
  expect(registers[3]).toBe(0xffffffffffff81ecn);
  expect(flags & 0x8d5n).toBe(1n);
});

test('another seed gives other numbers', async () => {
  const prepare = (cpu: Parameters<NonNullable<Parameters<typeof runCode>[0]['prepare']>>[0]): void =>
    cpu.state.set64(state.randomState, 1n);
  const { registers } = await runCode({ code: CODE, prepare });
  expect(registers[0]).toBe(0x910a2dec89025cc1n);
});
