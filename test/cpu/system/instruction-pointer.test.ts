/**
 * EIP in 16-bit code: it has 32 bits, and only branches with 16-bit operands and the segment's limit keep it below
 * 64 KiB (SDM vol. 1 §3.5; JMP in vol. 2). The outcomes are those of a Xeon of the Sapphire Rapids family, in a 16-bit
 * segment of 1 MiB.
 */
import { expect, test } from 'vitest';
import * as state from '../../../src/cpu/state.js';
import { CODE, runCode } from '../../support/run-code.js';
import { SystemWorld } from '../../support/system-world.js';

const HLT = [0xf4];

test.each([
  ['goes on above 64 KiB', CODE, 'b8 34 12', CODE + 3, CODE + 3],
  ['is truncated by a short jump', CODE, 'eb 10', 0x12, 0x12],
  ['is truncated by a near jump', CODE, 'e9 40 00', 0x43, 0x43],
  ['is not truncated by a jump with a 32-bit operand', CODE, '66 e9 00 00 02 00', 0x30006, 0x30006],
  ['passes 64 KiB within an instruction', 0xffff, '34 12', CODE + 2, CODE + 2],
])('EIP %s', async (_what, start, code, halts, expected) => {
  const { cpu, exit } = await runCode({
    code,
    mode: 16,
    memory: [
      { address: 0xffff, bytes: [0xb8] },
      { address: halts, bytes: HLT },
    ],
    prepare: (each) => each.state.set64(state.rip, BigInt(start)),
  });
  expect(exit.kind).toBe('halt');
  expect(cpu.rip).toBe(BigInt(expected + 1));
});

test('running past the limit of 64 KiB in real mode is #GP', async () => {
  const world = await SystemWorld.create('real');
  // JMP to the last byte of the segment, where a NOP is.
  world.cpu.memory.store(0x1ffff, 1, 0x90);
  const outcome = world.run({ code: 'e9 fc ff' });
  expect(outcome.vector).toBe(13);
});
