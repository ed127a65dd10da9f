/**
 * Where straight-line code ends: at the code segment's limit, also within an instruction; 16-bit code goes on past
 * 64 KiB and 32-bit code from 4 GiB to 0. And operands and branches as far from RIP as 32 bits reach.
 */
import { describe, expect, it } from 'vitest';
import * as state from '../../../src/cpu/state.js';
import { Segment } from '../../../src/cpu/state.js';
import { descriptor, KERNEL_CODE, PML4, Selector, SystemWorld } from '../../support/system-world.js';

const CODE_32 = 0x409b;

async function limited(limit: number): Promise<SystemWorld> {
  const world = await SystemWorld.create('protected');
  world.setDescriptor(Selector.kernelCode32, descriptor(0, limit, CODE_32));
  return world;
}

describe('the limit of a code segment', () => {
  const cases: readonly (readonly [string, string, number, number])[] = [
    ['stops at the instruction that begins beyond it', '90 90 90 90 90', 2, 3],
    ['stops at an instruction that it cuts', '90 90 b8 01 00 00 00', 5, 2],
    ['lets an instruction end at it', '90 90 b8 01 00 00 00 90', 6, 7],
    ['stops at a byte that is no instruction', '90 d6', 0, 1],
  ];
  for (const [what, code, limit, fault] of cases) {
    it(what, async () => {
      const world = await limited(KERNEL_CODE + limit);
      const outcome = world.run({ code, selector: Selector.kernelCode32 });
      expect(outcome).toMatchObject({ vector: 13, errorCode: 0 });
      expect(outcome.frame.rip).toBe(BigInt(KERNEL_CODE + fault));
    });
  }
  it('counts for code that ran before in a larger segment', async () => {
    const world = await limited(KERNEL_CODE);
    // NOP; NOP; JMP 30h:10000h
    const outcome = world.run({ code: '90 90 ea 00 00 01 00 30 00' });
    expect([outcome.vector, outcome.frame.rip]).toEqual([13, BigInt(KERNEL_CODE + 1)]);
  });
  it('stops real-mode code at 64 KiB', async () => {
    const world = await SystemWorld.create('real');
    world.cpu.memory.write(0x1fffe, Uint8Array.of(0x90, 0x90));
    const outcome = world.run({ code: 'e9 fb ff' });
    // IP is 10000h, of which 16 bits are saved.
    expect([outcome.vector, outcome.frame.rip]).toEqual([13, 0n]);
  });
  it('lets 16-bit code go on past 64 KiB where it is higher', async () => {
    const world = await SystemWorld.create('real');
    world.cpu.state.set32(state.segmentLimit, 0xffffffff, Segment.cs);
    world.cpu.memory.write(0x1fffe, Uint8Array.of(0x90, 0x90, 0xf4));
    expect(world.run({ code: 'e9 fb ff' }).exit.kind).toBe('halt');
    expect(world.cpu.rip).toBe(0x10001n);
  });
  it('lets 32-bit code wrap at 4 GiB where it is highest', async () => {
    const world = await SystemWorld.create('protected');
    world.setDescriptor(Selector.kernelCode32, descriptor(0x20000, 0xfffff, CODE_32 | 0x8000));
    world.cpu.memory.write(0x1fffe, Uint8Array.of(0x90, 0x90, 0xf4));
    // JMP 30h:FFFFFFFEh
    world.run({ code: 'ea fe ff ff ff 30 00' });
    expect(world.cpu.rip).toBe(1n);
  });
});

describe('2 GiB from RIP', () => {
  async function aliased(): Promise<SystemWorld> {
    const world = await SystemWorld.create('long');
    world.put64(PML4 + 0x1000 + 16, BigInt(PML4 + 0x2000) | 7n);
    return world;
  }
  it('an operand is found', async () => {
    // MOV EAX,[RIP+7FFFFFFFh]: its own last byte and HLT
    const outcome = (await aliased()).run({ code: '8b 05 ff ff ff 7f' });
    expect([outcome.done, outcome.registers[0]]).toEqual([true, 0xf47fn]);
  });
  it('a branch is found', async () => {
    const world = await aliased();
    world.cpu.memory.write(KERNEL_CODE + 0xf00, Uint8Array.of(0xe9, 0, 0xf1, 0xff, 0x7f));
    // JMP RDX, to JMP +7FFFF100h, to HLT
    world.run({ code: 'ff e2 90 90 90', registers: { 2: BigInt(KERNEL_CODE + 0xf00) } });
    expect(world.cpu.rip).toBe(0x80010006n);
  });
});
