/** The other two formats of page tables: 32-bit entries with 4 MiB pages, and PAE (SDM vol. 3 §4.3 and §4.4). */
import { describe, expect, it } from 'vitest';
import * as state from '../../../src/cpu/state.js';
import { Cr0, Cr4, Efer } from '../../../src/cpu/state.js';
import { SystemWorld } from '../../support/system-world.js';

const DIRECTORY = 0x110000;
const TABLE = 0x111000;
/** MOV EAX,[EDI]; MOV EAX,[ESI]; MOV [EDI],EAX; CALL EDI */
const READ = '8b 07';
const READ_SOURCE = '8b 06';
const WRITE = '89 07';
const CALL = 'ff d7';

/** What is read at a linear address before and after a store to the tables: 1 is at 50000h, 2 at 51000h. */
function readAround(world: SystemWorld, entry: number, value: bigint, linear: bigint): bigint[] {
  world.put64(0x50000, 1n);
  world.put64(0x51000, 2n);
  // MOV EAX,[ESI]; MOV [EDI],ECX; MOV EBX,[ESI]
  const registers = { 1: value, 6: linear, 7: BigInt(entry) };
  const outcome = world.run({ code: `${READ_SOURCE} 89 0f 8b 1e`, registers });
  expect(outcome.done).toBe(true);
  return [outcome.registers[0] as bigint, outcome.registers[3] as bigint];
}

function enablePaging(world: SystemWorld, cr3: number, cr4: number): void {
  const view = world.cpu.state;
  view.set64(state.cr3, BigInt(cr3));
  view.set64(state.cr4, BigInt(cr4));
  view.set64(state.cr0, BigInt((Cr0.pg | Cr0.wp | Cr0.pe | Cr0.et) >>> 0));
}

/** Pages below 4 MiB as they are, those at 0x20000–0x3FFFF for ring 3 too; from 4 MiB on the same by one large page. */
async function world32(cr4: number = Cr4.pse): Promise<SystemWorld> {
  const world = await SystemWorld.create('protected');
  const { memory } = world.cpu;
  for (let page = 0; page < 1024; page++) {
    memory.store(TABLE + page * 4, 4, (page << 12) | (page >= 0x20 && page < 0x40 ? 7 : 3));
  }
  memory.store(DIRECTORY, 4, TABLE | 7);
  memory.store(DIRECTORY + 4, 4, 0x83);
  memory.store(DIRECTORY + 8, 4, 0);
  enablePaging(world, DIRECTORY, cr4);
  return world;
}

describe('32-bit paging', () => {
  it('maps pages of 4 KiB and 4 MiB', async () => {
    const world = await world32();
    world.cpu.memory.store(0x5678, 4, 0xcafe);
    expect(world.run({ code: READ, registers: { 7: 0x405678n } }).registers[0]).toBe(0xcafen);
    expect(world.cpu.memory.read(DIRECTORY + 4, 4)).toBe(0xa3);
  });
  it('sets accessed and dirty bits', async () => {
    const world = await world32();
    world.run({ code: `${READ} 89 47 ff`, registers: { 7: 0x50ffen } });
    expect(world.cpu.memory.read(TABLE + 0x50 * 4, 1)).toBe(0x63);
    expect(world.cpu.memory.read(TABLE + 0x51 * 4, 1)).toBe(0x63);
    expect(world.cpu.memory.read(DIRECTORY, 1)).toBe(0x27);
  });
  it('faults', async () => {
    const cases: readonly (readonly [string, bigint, 0 | 3, number])[] = [
      [READ, 0x800000n, 0, 0],
      [WRITE, 0x800000n, 3, 6],
      [WRITE, 0x50000n, 3, 7],
      [READ, 0x405000n, 3, 5],
      [CALL, 0x800000n, 0, 0],
      [CALL, 0x50000n, 3, 5],
    ];
    for (const [code, target, ring, errorCode] of cases) {
      const world = await world32();
      const outcome = world.run({ code, ring, registers: { 7: target } });
      expect([outcome.vector, outcome.errorCode, outcome.cr2]).toEqual([14, errorCode, target]);
    }
  });
  it('has no large pages without CR4.PSE, and reserves their bit 21', async () => {
    const small = await world32(0);
    // The directory entry is then that of a table at 0, whose entry 0x60 is at 0x180.
    small.cpu.memory.store(0x180, 4, 0x7003);
    small.cpu.memory.store(0x7010, 4, 0xbeef);
    expect(small.run({ code: READ, registers: { 7: 0x460010n } }).registers[0]).toBe(0xbeefn);
    const world = await world32();
    world.cpu.memory.store(DIRECTORY + 4, 4, 0x200083);
    expect(world.run({ code: READ, registers: { 7: 0x405000n } })).toMatchObject({
      vector: 14,
      errorCode: 9,
    });
  });
  it.each([
    ['a page', TABLE + 0x50 * 4, 0x51003n, 0x50000n],
    ['a large page', DIRECTORY + 4, 0x114003n, 0x450000n],
  ])('goes by a new entry of %s at once', async (_name, entry, value, linear) => {
    const world = await world32();
    world.cpu.memory.store(0x114000 + 0x50 * 4, 4, 0x51003);
    expect(readAround(world, entry, value, linear)).toEqual([1n, 2n]);
  });
});

describe('PAE paging', () => {
  const POINTERS = 0x112000;
  const MIDDLE = 0x113000;
  async function worldPae(noExecute = true): Promise<SystemWorld> {
    const world = await SystemWorld.create('protected');
    world.put64(POINTERS, BigInt(MIDDLE) | 1n);
    world.put64(POINTERS + 8, 0n);
    world.put64(MIDDLE, 0x87n);
    world.put64(MIDDLE + 8, BigInt(TABLE) | 7n);
    world.put64(TABLE, 0x5003n);
    world.put64(TABLE + 8, 0x5003n | (1n << 63n));
    world.cpu.state.set64(state.efer, noExecute ? BigInt(Efer.nxe) : 0n);
    enablePaging(world, POINTERS, Cr4.pae);
    return world;
  }
  it.each([
    ['a page', TABLE, 0x51003n, 0x200000n],
    ['a large page', MIDDLE + 16, BigInt(TABLE) | 3n, 0x450000n],
  ])('goes by a new entry of %s at once', async (_name, entry, value, linear) => {
    const world = await worldPae();
    world.put64(TABLE, 0x50003n);
    world.put64(TABLE + 0x50 * 8, 0x51003n);
    world.put64(MIDDLE + 16, 0x83n);
    expect(readAround(world, entry, value, linear)).toEqual([1n, 2n]);
  });
  it('maps pages of 2 MiB and 4 KiB', async () => {
    const world = await worldPae();
    world.cpu.memory.store(0x5678, 4, 0xcafe);
    const outcome = world.run({ code: `${READ} 8b 1e`, registers: { 7: 0x200678n, 6: 0x5678n } });
    expect([outcome.registers[0], outcome.registers[3]]).toEqual([0xcafen, 0xcafen]);
  });
  it('faults', async () => {
    const cases: readonly (readonly [string, bigint, 0 | 3, number])[] = [
      [READ, 0x40000000n, 0, 0],
      [CALL, 0x40000000n, 0, 16],
      [CALL, 0x201000n, 0, 17],
      [WRITE, 0x200000n, 3, 7],
    ];
    for (const [code, target, ring, errorCode] of cases) {
      const world = await worldPae();
      const outcome = world.run({ code, ring, registers: { 7: target } });
      expect([outcome.vector, outcome.errorCode, outcome.cr2]).toEqual([14, errorCode, target]);
    }
    const world = await worldPae(false);
    expect(world.run({ code: READ, registers: { 7: 0x201000n } })).toMatchObject({
      vector: 14,
      errorCode: 9,
    });
  });

  /** MOV [EDI],ESI; MOV EAX,[EBP]; the second by the entry that the first makes */
  const USE_AT_ONCE = '89 37 8b 45 00';
  const RELOAD = '0f 20 d8 0f 22 d8';
  it('keeps its directory pointers until CR3 is loaded', async () => {
    const registers = { 7: BigInt(POINTERS + 8), 6: BigInt(MIDDLE) | 1n, 5: 0x40005678n };
    const stale = await worldPae();
    expect(stale.run({ code: USE_AT_ONCE, registers })).toMatchObject({ vector: 14, errorCode: 0 });
    const reloaded = await worldPae();
    reloaded.cpu.memory.store(0x5678, 4, 0xcafe);
    const outcome = reloaded.run({ code: `89 37 ${RELOAD} 8b 45 00`, registers });
    expect([outcome.done, outcome.registers[0]]).toEqual([true, 0xcafen]);
  });
  it('refuses a CR3, CR0 or CR4 that would load a pointer with reserved bits, and stays as it was', async () => {
    const bad = { 7: BigInt(POINTERS + 8), 6: BigInt(MIDDLE) | 3n };
    const cases: readonly (readonly [string, string])[] = [
      ['CR3', RELOAD],
      ['CR4.PGE', '0f 20 e0 0c 80 0f 22 e0'],
      ['CR0.CD', '0f 20 c0 0d 00 00 00 40 0f 22 c0'],
    ];
    for (const [what, code] of cases) {
      const world = await worldPae();
      const before = [state.cr0, state.cr3, state.cr4].map((field) => world.cpu.state.get64(field));
      const outcome = world.run({ code: `89 37 ${code}`, registers: bad });
      expect([what, outcome.vector, outcome.errorCode]).toEqual([what, 13, 0]);
      expect([state.cr0, state.cr3, state.cr4].map((field) => world.cpu.state.get64(field))).toEqual(before);
    }
    // A change of CR4.TSD loads nothing.
    const world = await worldPae();
    expect(world.run({ code: '89 37 0f 20 e0 0c 04 0f 22 e0', registers: bad }).done).toBe(true);
  });
  it('reserves bits 62:52 of an entry, which 4-level paging ignores', async () => {
    const world = await worldPae();
    world.put64(TABLE, 0x5003n | (1n << 52n));
    expect(world.run({ code: READ, registers: { 7: 0x200000n } })).toMatchObject({
      vector: 14,
      errorCode: 9,
    });
  });
});
