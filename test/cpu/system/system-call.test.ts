/** SYSCALL, SYSRET, SYSENTER, SYSEXIT: selectors, flags, privilege, canonical checks. */
import { describe, expect, it } from 'vitest';
import * as state from '../../../src/cpu/state.js';
import { Segment } from '../../../src/cpu/state.js';
import {
  RING_0_ENTRY_STACK,
  Selector,
  SystemWorld,
  USER_CODE,
  USER_STACK,
} from '../../support/system-world.js';

const ENTRY = 0x5200n;
const STAR = (BigInt(Selector.userCode32 | 3) << 48n) | (BigInt(Selector.kernelCode) << 32n);
const GP0 = { vector: 13, errorCode: 0 };

async function worldFor(handler: readonly number[]): Promise<SystemWorld> {
  const world = await SystemWorld.create('long');
  const view = world.cpu.state;
  world.cpu.memory.write(Number(ENTRY), Uint8Array.from(handler));
  view.set64(state.msrStar, STAR);
  view.set64(state.msrLstar, ENTRY);
  view.set64(state.msrSfmask, 0x4700n);
  view.set64(state.msrSysenterCs, BigInt(Selector.kernelCode));
  view.set64(state.msrSysenterEip, ENTRY);
  view.set64(state.msrSysenterEsp, BigInt(RING_0_ENTRY_STACK));
  return world;
}

describe('SYSCALL', () => {
  it('keeps RIP and RFLAGS in RCX and R11 and enters ring 0', async () => {
    const world = await worldFor([0xf4]);
    const outcome = world.run({ code: '0f 05', ring: 3, flags: 0x247n });
    const view = world.cpu.state;
    expect(world.cpu.rip).toBe(ENTRY + 1n);
    expect([outcome.registers[1], outcome.registers[11]]).toEqual([BigInt(USER_CODE + 2), 0x247n]);
    expect(outcome.flags).toBe(0x47n);
    expect(view.get32(state.cpl)).toBe(0);
    expect(view.get32(state.segmentSelector, Segment.cs)).toBe(Selector.kernelCode);
    expect(view.get32(state.segmentSelector, Segment.ss)).toBe(Selector.kernelData);
    expect(outcome.registers[4]).toBe(BigInt(USER_STACK));
  });
  it('and SYSRET return to 64-bit code', async () => {
    const world = await worldFor([0x48, 0x0f, 0x07]);
    const outcome = world.run({ code: '0f 05 90', ring: 3, flags: 0x246n });
    expect(outcome.done).toBe(true);
    expect(outcome.frame).toEqual({
      rip: BigInt(USER_CODE + 5),
      cs: Selector.userCode64 | 3,
      flags: 0x246n,
      rsp: BigInt(USER_STACK),
      ss: Selector.userData | 3,
    });
  });
  it('is #UD without EFER.SCE', async () => {
    const world = await worldFor([0xf4]);
    world.cpu.state.set64(state.efer, 0xd00n);
    expect(world.run({ code: '0f 05', ring: 3 })).toMatchObject({ vector: 6 });
    world.setUp();
    world.cpu.state.set64(state.efer, 0xd00n);
    expect(world.run({ code: '48 0f 07' })).toMatchObject({ vector: 6 });
  });
});

describe('SYSRET', () => {
  it('to 32-bit code takes ECX and the first selector', async () => {
    const world = await worldFor([]);
    world.cpu.memory.write(USER_CODE, Uint8Array.of(0x48, 0xcd, 0x40));
    const registers = {
      0: 5n,
      1: 0xffff_0000_0000_0000n | BigInt(USER_CODE),
      11: 0x3202n,
      4: BigInt(USER_STACK),
    };
    const outcome = world.run({ code: '0f 07', registers });
    expect(outcome.done).toBe(true);
    expect(outcome.registers[0]).toBe(4n);
    expect(outcome.frame).toMatchObject({ cs: Selector.userCode32 | 3, flags: 0x3202n });
  });
  it('to a RIP that is not canonical is #GP in ring 0', async () => {
    const world = await worldFor([]);
    const outcome = world.run({ code: '48 0f 07', registers: { 1: 1n << 47n } });
    expect(outcome).toMatchObject(GP0);
    expect(outcome.frame.cs).toBe(Selector.kernelCode);
  });
});

describe('SYSENTER and SYSEXIT', () => {
  it('enter and leave in long mode', async () => {
    // MOV RDX,RBX; MOV RCX,RSI; SYSEXIT
    const world = await worldFor([0x48, 0x89, 0xda, 0x48, 0x89, 0xf1, 0x48, 0x0f, 0x35]);
    world.cpu.state.set64(state.msrSysenterCs, BigInt(Selector.kernelCode));
    const registers = { 3: BigInt(USER_CODE + 2), 6: BigInt(USER_STACK - 64) };
    const outcome = world.run({ code: '0f 34', ring: 3, registers, flags: 0x202n });
    expect(outcome.done).toBe(true);
    expect(outcome.frame).toMatchObject({
      cs: (Selector.kernelCode + 32) | 3,
      ss: (Selector.kernelCode + 40) | 3,
      rsp: BigInt(USER_STACK - 64),
      flags: 2n,
    });
  });
  it('are #GP(0) while IA32_SYSENTER_CS is 0', async () => {
    const world = await worldFor([]);
    world.cpu.state.set64(state.msrSysenterCs, 3n);
    expect(world.run({ code: '0f 34', ring: 3 })).toMatchObject(GP0);
  });
  it('SYSEXIT checks both addresses, and the privilege', async () => {
    for (const registers of [{ 1: 1n << 47n }, { 2: 1n << 47n }]) {
      const world = await worldFor([]);
      expect(world.run({ code: '48 0f 35', registers })).toMatchObject(GP0);
    }
    const world = await worldFor([]);
    expect(world.run({ code: '48 0f 35', ring: 3 })).toMatchObject(GP0);
  });
});

describe('outside 64-bit code', () => {
  it('SYSCALL from compatibility mode goes to IA32_CSTAR, and SYSRET back', async () => {
    const world = await SystemWorld.create('long');
    world.cpu.state.set64(state.msrStar, 0x0018000800000000n);
    world.cpu.state.set64(state.msrCstar, 0x5100n);
    world.cpu.state.set64(state.msrSfmask, 0x200n);
    // SYSRETL with R11 as it is
    world.cpu.memory.write(0x5100, Uint8Array.of(0x89, 0xcb, 0x0f, 0x07));
    const outcome = world.run({ code: '0f 05', ring: 3, selector: Selector.userCode32 | 3, flags: 0x202n });
    expect(outcome).toMatchObject({ done: true });
    expect(outcome.registers[3]).toBe(BigInt(USER_CODE + 2));
    expect([outcome.frame.cs, outcome.frame.flags & 0x200n]).toEqual([0x1b, 0x200n]);
  });
  it('SYSCALL in protected mode goes to the EIP in IA32_STAR, with IF clear', async () => {
    const world = await SystemWorld.create('protected');
    world.cpu.state.set64(state.efer, 1n);
    world.cpu.state.set64(state.msrStar, 0x0018000800005100n);
    // MOV EBX,ECX; SYSRET, which sets IF
    world.cpu.memory.write(0x5100, Uint8Array.of(0x89, 0xcb, 0x9c, 0x58, 0x0f, 0x07));
    const outcome = world.run({
      code: '0f 05',
      ring: 3,
      flags: 0x202n,
      registers: { 4: 0x30000n },
    });
    expect(outcome).toMatchObject({ done: true });
    expect([outcome.registers[3], (outcome.registers[0] ?? 0n) & 0x200n]).toEqual([
      BigInt(USER_CODE + 2),
      0n,
    ]);
    expect(outcome.frame.flags & 0x200n).toBe(0x200n);
  });
  it('neither is there in real mode', async () => {
    const world = await SystemWorld.create('real');
    world.cpu.state.set64(state.efer, 1n);
    expect(world.run({ code: '0f 05' }).vector).toBe(6);
  });
});
