/** Delivery of exceptions and software interrupts: what is pushed where, error codes, double fault (SDM vol. 3 ch. 6). */
import { describe, expect, it } from 'vitest';
import * as state from '../../../src/cpu/state.js';
import { Flag, Segment } from '../../../src/cpu/state.js';
import {
  GDT,
  HANDLERS,
  IST1,
  KERNEL_CODE,
  KERNEL_STACK,
  RING_0_ENTRY_STACK,
  Selector,
  SystemWorld,
  TSS,
  USER_CODE,
  USER_STACK,
} from '../../support/system-world.js';

const RF = BigInt(Flag.rf);

describe('in long mode', () => {
  it('pushes SS, RSP, RFLAGS, CS and RIP on an aligned stack', async () => {
    const world = await SystemWorld.create('long');
    const outcome = world.run({ code: '0f 0b', flags: 0x203n, registers: { 4: BigInt(KERNEL_STACK - 4) } });
    expect(outcome.vector).toBe(6);
    expect(outcome.registers[4]).toBe(BigInt(KERNEL_STACK - 16 - 40));
    expect(outcome.frame).toEqual({
      rip: BigInt(KERNEL_CODE),
      cs: Selector.kernelCode,
      flags: 0x203n | RF,
      rsp: BigInt(KERNEL_STACK - 4),
      ss: Selector.kernelData,
    });
    expect(outcome.flags & BigInt(Flag.if)).toBe(0n);
  });

  it('changes to RSP0 and a null SS from ring 3', async () => {
    const world = await SystemWorld.create('long');
    const outcome = world.run({ code: '0f 0b', ring: 3 });
    expect(outcome.vector).toBe(6);
    expect(outcome.registers[4]).toBe(BigInt(RING_0_ENTRY_STACK - 40));
    expect(outcome.frame).toEqual({
      rip: BigInt(USER_CODE),
      cs: Selector.userCode64 | 3,
      flags: 2n | RF,
      rsp: BigInt(USER_STACK),
      ss: Selector.userData | 3,
    });
    expect(world.cpu.state.get32(state.segmentSelector, Segment.ss)).toBe(0);
    expect(world.cpu.state.get32(state.cpl)).toBe(0);
  });

  it('takes the stack that the gate names from the interrupt stack table', async () => {
    const world = await SystemWorld.create('long');
    world.setGate(6, { ist: 1 });
    expect(world.run({ code: '0f 0b' }).registers[4]).toBe(BigInt(IST1 - 40));
    world.setUp();
    expect(world.run({ code: '0f 0b', ring: 3 }).registers[4]).toBe(BigInt(IST1 - 40));
  });

  it('keeps IF through a trap gate', async () => {
    const world = await SystemWorld.create('long');
    world.setGate(0x30, { type: 15 });
    const outcome = world.run({ code: 'cd 30', flags: 0x202n });
    expect(outcome.vector).toBe(0x30);
    expect(outcome.flags & BigInt(Flag.if)).toBe(BigInt(Flag.if));
    expect(outcome.frame.rip).toBe(BigInt(KERNEL_CODE + 2));
    expect(outcome.frame.flags).toBe(0x202n);
  });

  it('stays at CPL 3 for a gate to conforming ring-0 code', async () => {
    const world = await SystemWorld.create('long');
    world.setGate(0x30, { selector: Selector.conformingCode, level: 3, target: BigInt(USER_CODE + 0x100) });
    world.cpu.memory.write(USER_CODE + 0x100, Uint8Array.of(0xcd, 0x40));
    const outcome = world.run({ code: 'cd 30', ring: 3 });
    expect(outcome.done).toBe(true);
    expect(outcome.frame.cs).toBe(Selector.conformingCode | 3);
    expect(outcome.frame.rsp).toBe(BigInt(USER_STACK - 40));
  });

  /** What the gate of INT 0x30 is, and which exception using it from ring 0 gives. */
  const bad: readonly (readonly [string, Parameters<SystemWorld['setGate']>[1], number, number])[] = [
    ['of a wrong type', { type: 5 }, 13, 0x182],
    ['of 16 bits', { type: 6 }, 13, 0x182],
    ['that is not present', { present: false }, 11, 0x182],
    ['with a null selector', { selector: 0 }, 13, 0],
    ['with a selector beyond the GDT', { selector: Selector.beyond }, 13, Selector.beyond],
    ['to data', { selector: Selector.kernelData }, 13, Selector.kernelData],
    ['to ring-3 code', { selector: Selector.userCode64 }, 13, Selector.userCode64],
    ['to 32-bit code', { selector: Selector.kernelCode32 }, 13, Selector.kernelCode32],
    ['to absent code', { selector: Selector.absentCode }, 11, Selector.absentCode],
    ['to a RIP that is not canonical', { target: 1n << 60n }, 13, 0],
  ];
  for (const [what, gate, vector, errorCode] of bad) {
    it(`refuses a gate ${what}, with EXT only if no INT asked`, async () => {
      const world = await SystemWorld.create('long');
      world.setGate(0x30, gate);
      const asked = world.run({ code: 'cd 30' });
      expect([asked.vector, asked.errorCode, asked.frame.rip]).toEqual([
        vector,
        errorCode,
        BigInt(KERNEL_CODE),
      ]);
      world.setUp();
      const raised = world.run({ code: 'b0 30 e6 80 90', flags: 0x202n });
      expect([raised.vector, raised.errorCode]).toEqual([vector, errorCode | 1]);
    });
  }

  it('lets INT n from ring 3 use gates of DPL 3 only', async () => {
    const world = await SystemWorld.create('long');
    const refused = world.run({ code: 'cd 30', ring: 3 });
    expect([refused.vector, refused.errorCode, refused.frame.rip]).toEqual([13, 0x182, BigInt(USER_CODE)]);
    world.setUp();
    world.setGate(0x30, { level: 3 });
    const allowed = world.run({ code: 'cd 30', ring: 3 });
    expect([allowed.vector, allowed.frame.rip]).toEqual([0x30, BigInt(USER_CODE + 2)]);
  });

  it('lets INT3 from ring 3 use gates of DPL 3 only, and INT1 any', async () => {
    const world = await SystemWorld.create('long');
    const refused = world.run({ code: 'cc', ring: 3 });
    expect([refused.vector, refused.errorCode]).toEqual([13, 0x1a]);
    world.setUp();
    const trap = world.run({ code: 'f1', ring: 3 });
    expect([trap.vector, trap.frame.rip, trap.frame.flags]).toEqual([1, BigInt(USER_CODE + 1), 2n]);
  });

  it('raises #GP for a vector beyond the IDT', async () => {
    const world = await SystemWorld.create('long');
    world.cpu.state.set32(state.idtrLimit, 0x30 * 16 + 14);
    const outcome = world.run({ code: 'cd 30' });
    expect([outcome.vector, outcome.errorCode]).toEqual([13, 0x182]);
  });

  it('raises #TS if the TSS is too short for the stack', async () => {
    const world = await SystemWorld.create('long');
    world.setGate(0x30, { ist: 7 });
    world.cpu.state.set32(state.segmentLimit, 0x5a, Segment.tr);
    const outcome = world.run({ code: 'cd 30' });
    expect([outcome.vector, outcome.errorCode]).toEqual([10, Selector.tss]);
  });

  it('raises #SS(0) if the stack from the TSS is not canonical', async () => {
    const world = await SystemWorld.create('long');
    world.setGate(0x30, { ist: 2 });
    world.put64(TSS + 0x2c, 1n << 50n);
    const outcome = world.run({ code: 'cd 30' });
    expect([outcome.vector, outcome.errorCode]).toEqual([12, 0]);
  });
});

describe('double faults', () => {
  const absent = { present: false };
  /** The gates that are absent, what is run, and the vector that is reached in the end with its error code. */
  const cases: readonly (readonly [string, readonly number[], string, number | 'shutdown', number])[] = [
    ['#GP then #NP', [13], 'f4', 8, 0],
    ['#UD then #NP: only #NP', [6], '0f 0b', 11, 0x33],
    ['#UD then #NP then #NP', [6, 11], '0f 0b', 8, 0],
    ['#DE then #NP', [0], '31 c9 f7 f1', 8, 0],
    ['#PF then #NP', [14], 'a1 00 00 40 00 00 00 00 00', 8, 0],
    ['#GP then #NP then #NP', [13, 8], 'f4', 'shutdown', 0],
    ['INT 13 then #NP: only #NP', [13], 'cd 0d', 11, 0x6a],
    ['INT 8 then #NP: only #NP', [8], 'cd 08', 11, 0x42],
  ];
  for (const [what, gates, code, vector, errorCode] of cases) {
    it(what, async () => {
      const world = await SystemWorld.create('long');
      for (const gate of gates) world.setGate(gate, { ...absent, level: 3 });
      const ring = code === 'f4' ? 3 : 0;
      const outcome = world.run({ code, ring });
      if (vector === 'shutdown') expect(outcome.exit.kind).toBe('shutdown');
      else expect([outcome.vector, outcome.errorCode]).toEqual([vector, errorCode]);
    });
  }

  it('delivers #PF that comes from the delivery of a benign or contributory exception', async () => {
    const world = await SystemWorld.create('long');
    world.setGate(13, { ist: 2 });
    world.put64(TSS + 0x2c, 0x600000n);
    const outcome = world.run({ code: 'f4', ring: 3 });
    expect([outcome.vector, outcome.errorCode, outcome.cr2]).toEqual([14, 2, 0x5ffff8n]);
  });

  it('shuts down when the stack is not mapped', async () => {
    const world = await SystemWorld.create('long');
    const outcome = world.run({ code: '50', registers: { 4: 0x500000n } });
    expect(outcome.exit.kind).toBe('shutdown');
  });
});

describe('in protected mode', () => {
  it('pushes EFLAGS, CS, EIP and the error code', async () => {
    const world = await SystemWorld.create('protected');
    const outcome = world.run({ code: 'b8 b0 00 00 00 8e d8' });
    expect([outcome.vector, outcome.errorCode]).toEqual([13, Selector.beyond]);
    expect(outcome.registers[4]).toBe(BigInt(KERNEL_STACK - 16));
    expect(outcome.frame).toMatchObject({
      rip: BigInt(KERNEL_CODE + 5),
      cs: Selector.kernelCode,
      flags: 2n | RF,
    });
  });

  it('changes to SS0:ESP0 from ring 3', async () => {
    const world = await SystemWorld.create('protected');
    const outcome = world.run({ code: '0f 0b', ring: 3 });
    expect(outcome.vector).toBe(6);
    expect(outcome.registers[4]).toBe(BigInt(RING_0_ENTRY_STACK - 20));
    expect(outcome.frame).toEqual({
      rip: BigInt(USER_CODE),
      cs: Selector.userCode32 | 3,
      flags: 2n | RF,
      rsp: BigInt(USER_STACK),
      ss: Selector.userData | 3,
    });
    expect(world.cpu.state.get32(state.segmentSelector, Segment.ss)).toBe(Selector.kernelData);
  });

  it('pushes 16-bit words through a 16-bit gate', async () => {
    const world = await SystemWorld.create('protected');
    world.setGate(0x30, { type: 6, target: BigInt(HANDLERS + 0x300) });
    const outcome = world.run({ code: 'cd 30', flags: 0x202n });
    expect(outcome.vector).toBe(0x30);
    expect(outcome.registers[4]).toBe(BigInt(KERNEL_STACK - 6));
    expect(world.cpu.memory.read(KERNEL_STACK - 6, 2)).toBe((KERNEL_CODE + 2) & 0xffff);
    expect(world.cpu.memory.read(KERNEL_STACK - 4, 2)).toBe(Selector.kernelCode);
  });

  const stacks: readonly (readonly [string, number, number, number])[] = [
    ['null', 0, 10, 0],
    ['of another level', Selector.userData | 3, 10, Selector.userData],
    ['read-only', Selector.readOnlyData, 10, Selector.readOnlyData],
    ['not present', Selector.absentData, 12, Selector.absentData],
    ['beyond the GDT', Selector.beyond, 10, Selector.beyond],
  ];
  for (const [what, selector, vector, errorCode] of stacks) {
    it(`refuses a stack segment in the TSS that is ${what}`, async () => {
      const world = await SystemWorld.create('protected');
      world.cpu.memory.store(TSS + 8, 2, selector);
      // The exception comes in ring 3 too, so its own stack must be good: ring 1's handler.
      world.setDescriptor(Selector.gate, world.get64(GDT + Selector.kernelCode) | (1n << 45n));
      world.setDescriptor(Selector.gate + 8, world.get64(GDT + Selector.kernelData) | (1n << 45n));
      world.setGate(vector, { selector: Selector.gate | 1 });
      world.cpu.memory.store(TSS + 12, 4, RING_0_ENTRY_STACK);
      world.cpu.memory.store(TSS + 16, 4, (Selector.gate + 8) | 1);
      world.setGate(0x30, { level: 3 });
      world.cpu.memory.write(HANDLERS + vector * 16, Uint8Array.of(0xcd, 0x40));
      world.setGate(0x40, { level: 3, selector: Selector.conformingCode });
      world.cpu.memory.write(HANDLERS + 0x400, Uint8Array.of(0xeb, 0xfe));
      const outcome = world.run({ code: 'cd 30', ring: 3, limit: 20 });
      expect(outcome.exit.kind).toBe('limit');
      const top = RING_0_ENTRY_STACK - 24;
      expect(world.word(top)).toBe(BigInt(errorCode));
      expect(world.word(top + 4)).toBe(BigInt(USER_CODE));
    });
  }
});

describe('in real mode', () => {
  it('pushes FLAGS, CS and IP and goes through the vector table', async () => {
    const world = await SystemWorld.create('real');
    const outcome = world.run({ code: 'cd 21', flags: 0x246n });
    expect(outcome.vector).toBe(0x21);
    expect(outcome.frame).toMatchObject({ rip: 2n, cs: 0x1000, flags: 0x246n });
    expect(outcome.registers[4]).toBe(BigInt(RING_0_ENTRY_STACK - 6));
    expect(outcome.flags).toBe(0x46n);
  });

  it('reports a fault at the instruction, without an error code', async () => {
    const world = await SystemWorld.create('real');
    const outcome = world.run({ code: '90 31 c9 f7 f1' });
    expect(outcome.vector).toBe(0);
    expect(outcome.frame.rip).toBe(3n);
  });

  it('shuts down when the vector table is too short', async () => {
    const world = await SystemWorld.create('real');
    world.cpu.state.set32(state.idtrLimit, 3);
    expect(world.run({ code: 'cd 21' }).exit.kind).toBe('shutdown');
  });
});
