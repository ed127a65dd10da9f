/**
 * The environment's layouts outside protected mode (SDM vol. 1 figures 8-9 to 8-12), and what faults leave: memory and
 * registers as they were.
 */
import { describe, expect, it } from 'vitest';
import * as state from '../../../../src/cpu/state.js';
import { Cr0, Flag, Vector } from '../../../../src/cpu/state.js';
import { SystemWorld } from '../../../support/system-world.js';

const RDI = 7;
const IMAGE = 0x1c000;
const OPCODE = 0x5a5;
const POINTER = 0x12345n;

function prepared(world: SystemWorld): void {
  const view = world.cpu.state;
  view.set32(state.fpuControl, 0x37f);
  view.set32(state.fpuStatus, 0x3800);
  view.set32(state.fpuTag, 0x80);
  view.set32(state.fpuOpcode, OPCODE);
  view.set64(state.fpuInstruction, POINTER);
  view.set64(state.fpuData, POINTER + 1n);
}

function words(world: SystemWorld, bytes: 2 | 4, count: number): number[] {
  return Array.from({ length: count }, (_, n) => world.cpu.memory.read(IMAGE + n * bytes, bytes) ?? -1);
}

describe('in real mode', () => {
  /** An offset of 0xC000 in DS at 0x10000. */
  async function real(): Promise<SystemWorld> {
    const world = await SystemWorld.create('real');
    const view = world.cpu.state;
    view.set64(state.segmentBase, 0x10000n, state.Segment.ds);
    prepared(world);
    return world;
  }
  const registers = { [RDI]: 0xc000n };

  it('FNSTENV with 16 bits keeps 20 bits of the pointers beside the opcode', async () => {
    const world = await real();
    expect(world.run({ code: 'd9 35', registers }).done).toBe(true);
    expect(words(world, 2, 7)).toEqual([0x37f, 0x3800, 0x7fff, 0x2345, 0x15a5, 0x2346, 0x1000]);
  });

  it('FNSTENV with 32 bits keeps 32', async () => {
    const world = await real();
    world.cpu.state.set64(state.fpuInstruction, 0x89abcdefn);
    expect(world.run({ code: '66 d9 35', registers }).done).toBe(true);
    const reserved = 0xffff0000;
    expect(words(world, 4, 7)).toEqual([
      reserved + 0x37f,
      reserved + 0x3800,
      reserved + 0x7fff,
      reserved + 0xcdef,
      0x089ab5a5,
      reserved + 0x2346,
      0x1000,
    ]);
  });

  it.each(['d9 35 db e3 d9 25', '66 d9 35 db e3 66 d9 25'])('FLDENV is its inverse: %s', async (code) => {
    const world = await real();
    expect(world.run({ code, registers }).done).toBe(true);
    const view = world.cpu.state;
    expect(view.get32(state.fpuStatus)).toBe(0x3800);
    expect(view.get32(state.fpuTag)).toBe(0x80);
    expect(view.get32(state.fpuOpcode)).toBe(OPCODE);
    expect([view.get64(state.fpuInstruction), view.get64(state.fpuData)]).toEqual([POINTER, POINTER + 1n]);
  });
});

describe('a page that is not there', () => {
  const PRESENT = 0x7n;
  /** The page after `EDGE` is absent. */
  const EDGE = 0x1d000;

  async function world(): Promise<SystemWorld> {
    const made = await SystemWorld.create('long');
    made.setPage(EDGE, 0n);
    for (let n = 0; n < 128; n += 4) made.cpu.memory.store(EDGE - 128 + n, 4, 0xcccccccc);
    prepared(made);
    made.cpu.state.set32(state.fpuTag, 0xff);
    return made;
  }

  it.each([
    ['FNSAVE', 'dd 37', 107],
    ['FNSTENV', 'd9 37', 27],
    ['FSTP m80', 'db 3f', 7],
    ['FBSTP', 'df 37', 7],
    ['FSTP m64', 'dd 1f', 7],
    ['FISTP m16', 'df 1f', 1],
    ['FRSTOR', 'dd 27', 107],
    ['FLDENV', 'd9 27', 27],
    ['FLD m80', 'db 2f', 9],
  ])('%s changes nothing', async (_name, code, before) => {
    const made = await world();
    const view = made.cpu.state;
    const fields = [state.fpuControl, state.fpuStatus, state.fpuTag, state.fpuOpcode];
    const snapshot = () => [...fields.map((field) => view.get32(field)), view.get64(state.fpuInstruction)];
    const first = snapshot();
    const outcome = made.run({ code, registers: { [RDI]: BigInt(EDGE - before) } });
    expect(outcome).toMatchObject({ vector: Vector.pf, cr2: BigInt(EDGE) });
    expect(snapshot()).toEqual(first);
    expect(made.cpu.memory.read(EDGE - 4, 4)).toBe(0xcccccccc);
    expect(made.cpu.memory.read(EDGE - before, 1)).toBe(0xcc);
    made.setPage(EDGE, PRESENT);
    expect(made.run({ code, registers: { [RDI]: BigInt(EDGE - before) } }).done).toBe(true);
  });
});

describe('ten bytes of which the last lie in an absent page', () => {
  const EDGE = 0x1d000;

  it.each([
    ['FSTP m80', 'db 3f', 0x80000000],
    ['FBSTP', 'df 37', 0],
  ])('%s leaves the first eight written, and pops nothing', async (_name, code, high) => {
    for (const before of [8, 9]) {
      const world = await SystemWorld.create('long');
      const view = world.cpu.state;
      world.setPage(EDGE, 0n);
      view.set32(state.fpuTag, 0);
      view.set32(state.fpuControl, 0x37f);
      world.cpu.memory.store(EDGE - 1, 1, 0xcc);
      const { vector, cr2 } = world.run({
        code: `d9 e8 ${code}`,
        registers: { [RDI]: BigInt(EDGE - before) },
      });
      expect([vector, cr2]).toEqual([Vector.pf, BigInt(EDGE)]);
      expect(world.cpu.memory.read(EDGE - before + 4, 4)).toBe(high);
      if (before === 9) expect(world.cpu.memory.read(EDGE - 1, 1)).toBe(0xcc);
      expect(view.get32(state.fpuStatus) >> 11).toBe(7);
    }
  });
});

describe('an area whose second page is absent', () => {
  const EDGE = 0x1d000;

  it.each([
    ['d9 37', 28, 4],
    ['66 d9 37', 14, 2],
    ['d9 27', 28, 4],
    ['dd 37', 108, 4],
    ['66 dd 27', 94, 2],
  ])('faults at its last byte, unless its first word crosses: %s', async (code, bytes, word) => {
    for (const before of [1, 2, 3, 4, 5, bytes - 1]) {
      const world = await SystemWorld.create('long');
      world.setPage(EDGE, 0n);
      const start = EDGE - before;
      const { cr2 } = world.run({ code, registers: { [RDI]: BigInt(start) } });
      expect(cr2, `${before} bytes before`).toBe(BigInt(before < word ? EDGE : start + bytes - 1));
    }
  });
});

describe('a store that an unmasked exception forbids', () => {
  it.each(['db 3f', 'dd 1f', 'd9 17', 'df 1f', 'db 0f', 'df 37'])(
    'does not touch memory: %s',
    async (code) => {
      const world = await SystemWorld.create('long');
      world.setPage(IMAGE, 0n);
      world.cpu.state.set32(state.fpuTag, 0);
      world.cpu.state.set32(state.fpuControl, 0x37e);
      expect(world.run({ code, registers: { [RDI]: BigInt(IMAGE) } }).done).toBe(true);
      expect(world.cpu.state.get32(state.fpuStatus)).toBe(0x80c1);
      expect(world.cpu.state.get64(state.fpuData)).toBe(BigInt(IMAGE));
    },
  );
});

describe('with alignment checks', () => {
  it.each([
    ['FLD m80', 'db 2f', 8],
    ['FSTP m80', 'db 3f', 8],
    ['FBLD', 'df 27', 8],
    ['FLD m64', 'dd 07', 8],
    ['FLD m32', 'd9 07', 4],
    ['FILD m16', 'df 07', 2],
    ['FNSTENV', 'd9 37', 4],
    ['FNSAVE', 'dd 37', 4],
    ['FRSTOR', 'dd 27', 4],
    ['FNSTENV, 16 bits', '66 d9 37', 2],
    ['FNSAVE, 16 bits', '66 dd 37', 2],
  ])('%s wants a multiple of %s', async (_name, code, alignment) => {
    for (const offset of [1, 2, 4, 8]) {
      const world = await SystemWorld.create('long');
      world.cpu.state.set64(state.cr0, world.cpu.state.get64(state.cr0) | BigInt(Cr0.am));
      world.cpu.state.set32(state.fpuControl, 0x37f);
      const outcome = world.run({
        code,
        ring: 3,
        flags: BigInt(Flag.ac) | 2n,
        registers: { [RDI]: BigInt(0x28000 + offset) },
      });
      expect(outcome.vector, `offset ${offset}`).toBe(offset % alignment ? Vector.ac : undefined);
    }
  });
});
