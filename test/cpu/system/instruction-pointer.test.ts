/**
 * EIP in 16-bit code: it has 32 bits, and only branches with 16-bit operands and the segment's limit keep it below
 * 64 KiB (SDM vol. 1 §3.5; JMP in vol. 2). The outcomes are those of a Xeon of the Sapphire Rapids family, in a 16-bit
 * segment of 1 MiB.
 */
import { expect, test } from 'vitest';
import * as state from '../../../src/cpu/state.js';
import { Segment } from '../../../src/cpu/state.js';
import { CODE, runCode } from '../../support/run-code.js';
import { GDT, PML4, Selector, SystemWorld } from '../../support/system-world.js';

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

// Over the edge of the segment, and of what is canonical: the Xeon is at the branch, and LOOP has not counted.
test.each([
  ['LOOP', 32, 'e2 40'],
  ['JMP', 32, 'eb 40'],
  ['CALL', 32, 'e8 00 10 00 00'],
])('a relative %s past the limit is #GP at itself, with nothing changed', async (_name, mode, code) => {
  const { exception, registers } = await runCode({
    code,
    mode: mode as 32,
    registers: { 1: 5n },
    prepare: ({ state: view }) => view.set32(state.segmentLimit, CODE + 0x3f, Segment.cs),
  });
  expect(exception).toEqual({ vector: 13, errorCode: 0, rip: BigInt(CODE) });
  expect(registers[1]).toBe(5n);
});

test.each([
  ['JMP', 'e9 00 20 00 00'],
  ['CALL', 'e8 00 20 00 00'],
  ['JNZ', '0f 85 00 20 00 00'],
  ['LOOP', 'e2 7f'],
])('a relative %s to what is not canonical is #GP at itself, with nothing changed', async (_name, code) => {
  const world = await SystemWorld.create('long');
  // The last page of the lower half is the one at 0x50000: by entry 255 of the PML4, 511 of the next two.
  const edge = 0x800000000000n;
  world.put64(PML4 + 255 * 8, BigInt(PML4 + 0x4000) | 7n);
  world.put64(PML4 + 0x4000 + 511 * 8, BigInt(PML4 + 0x5000) | 7n);
  world.put64(PML4 + 0x5000 + 511 * 8, BigInt(PML4 + 0x6000) | 7n);
  world.put64(PML4 + 0x6000 + 511 * 8, 0x50003n);
  const at = edge - 0x10n;
  world.cpu.memory.write(
    0x50ff0,
    Uint8Array.from(code.split(' '), (byte) => Number.parseInt(byte, 16)),
  );
  // JMP RAX
  const outcome = world.run({ code: 'ff e0', registers: { 0: at, 1: 5n } });
  expect(outcome).toMatchObject({ vector: 13, errorCode: 0 });
  expect(outcome.frame.rip).toBe(at);
  expect(outcome.registers[1]).toBe(5n);
});

/**
 * #GP for SS's selector, not #GP(0) for RIP: IRETQ as a Sapphire Rapids does at level 3, RETFQ by the order of the
 * manual's pseudocode (SDM vol. 2, RET) and as QEMU and Bochs do.
 */
test.each([
  ['IRETQ', '6a 13 54 6a 02 6a 2b 50 48 cf'],
  ['RETFQ', '6a 13 54 6a 2b 50 48 cb'],
])('%s to another level checks SS before RIP', async (_name, code) => {
  const world = await SystemWorld.create('long');
  const outcome = world.run({ code, registers: { 0: 0x900000000000n } });
  expect(outcome).toMatchObject({ vector: 13, errorCode: Selector.kernelData });
});

/** SDM vol. 2, IRET: RIP is looked at before SS is loaded, and with that its descriptor marked. */
test.each([
  ['IRETQ', '6a 23 54 6a 02 6a 2b 50 48 cf'],
  ['RETFQ', '6a 23 54 6a 2b 50 48 cb'],
])('%s to another level marks SS accessed only if RIP is canonical', async (_name, code) => {
  const accessed = 1n << 40n;
  const unmarked = async (): Promise<SystemWorld> => {
    const world = await SystemWorld.create('long');
    world.put64(GDT + Selector.userData, world.get64(GDT + Selector.userData) & ~accessed);
    return world;
  };
  const refused = await unmarked();
  const fault = refused.run({ code, registers: { 0: 0x900000000000n } });
  expect(fault).toMatchObject({ vector: 13, errorCode: 0 });
  expect(refused.get64(GDT + Selector.userData) & accessed).toBe(0n);

  const gone = await unmarked();
  // Where it returns to is not for level 3: #PF for a fetch.
  const there = gone.run({ code, registers: { 0: BigInt(CODE) } });
  expect(there).toMatchObject({ vector: 14, errorCode: 0x15 });
  expect(gone.get64(GDT + Selector.userData) & accessed).toBe(accessed);
});
