/** Page walks: permissions against a plain reference, accessed and dirty bits, reserved bits, TLB flushes. */
import { describe, expect, it } from 'vitest';
import * as state from '../../../src/cpu/state.js';
import { Cr0, Cr4, Efer } from '../../../src/cpu/state.js';
import { KERNEL_CODE, PAGE_TABLE, PML4, SystemWorld, USER_CODE } from '../../support/system-world.js';
import { type Attempt, expectedFault, type Machine, type Rights } from '../mmu/rights-reference.js';

const PRESENT = 1n;
const WRITABLE = 2n;
const USER = 4n;
const ACCESSED = 0x20n;
const DIRTY = 0x40n;
const LARGE = 0x80n;
const NO_EXECUTE = 1n << 63n;
/** A page in the 4 KiB table, and the middle of it. */
const PAGE = 0x50000;
const TARGET = BigInt(PAGE + 0x100);
const ENTRY = PAGE_TABLE + (PAGE >> 12) * 8;
const PD = PML4 + 0x2000;

const BOTH = [false, true];
const KINDS = ['read', 'write', 'fetch'] as const;
const RINGS = [0, 3] as const;
/** MOV AL,[RDI]; MOV [RDI],AL; CALL RDI */
const CODE = { read: '8a 07', write: '88 07', fetch: 'ff d7' } as const;

function* everyMachine(): Generator<Machine> {
  for (const wp of BOTH)
    for (const smep of BOTH)
      for (const smap of BOTH)
        for (const nxe of BOTH) for (const ac of BOTH) yield { wp, smep, smap, nxe, ac };
}
function* everyRights(): Generator<Rights> {
  for (const writable of BOTH)
    for (const user of BOTH) for (const noExecute of BOTH) yield { writable, user, noExecute };
}

function configure(world: SystemWorld, machine: Machine): void {
  const view = world.cpu.state;
  world.setUp();
  view.set64(state.cr0, BigInt((Cr0.pe | Cr0.et | Cr0.pg | (machine.wp ? Cr0.wp : 0)) >>> 0));
  view.set64(state.cr4, BigInt(Cr4.pae | (machine.smep ? Cr4.smep : 0) | (machine.smap ? Cr4.smap : 0)));
  view.set64(state.efer, BigInt(Efer.lma | Efer.lme | (machine.nxe ? Efer.nxe : 0)));
}

function entryBits(rights: Rights): bigint {
  return (
    PRESENT |
    (rights.writable ? WRITABLE : 0n) |
    (rights.user ? USER : 0n) |
    (rights.noExecute ? NO_EXECUTE : 0n)
  );
}

describe('permissions', () => {
  for (const ring of RINGS) {
    it(`agree with the reference for every right, mode and access from ring ${ring}`, async () => {
      const world = await SystemWorld.create('long');
      const wrong: string[] = [];
      world.cpu.memory.store(PAGE + 0x100, 1, 0xc3);
      for (const machine of everyMachine()) {
        for (const rights of everyRights()) {
          if (rights.noExecute && !machine.nxe) continue;
          for (const kind of KINDS) {
            const attempt: Attempt = { kind, ring };
            configure(world, machine);
            world.setPage(PAGE, entryBits(rights));
            const flags = machine.ac ? 0x40002n : 2n;
            const outcome = world.run({ code: CODE[kind], ring, flags, registers: { 0: 0xc3n, 7: TARGET } });
            const fault = expectedFault(rights, machine, attempt);
            const got = outcome.vector === 14 ? outcome.errorCode : outcome.done ? undefined : 'other';
            if (got !== fault) wrong.push(JSON.stringify({ machine, rights, attempt, got, fault }));
            else if (fault !== undefined && outcome.cr2 !== TARGET) wrong.push(`CR2 ${outcome.cr2}`);
          }
        }
      }
      expect(wrong).toEqual([]);
    });
  }

  /** A second path to the page: by entry 1 of the PML4. */
  const PATH = [PML4 + 8, PML4 + 0x4000, PML4 + 0x5000, PML4 + 0x6000 + (PAGE >> 12) * 8];
  const restrictions: readonly (readonly [string, bigint, 'read' | 'write' | 'fetch', 0 | 3, number])[] = [
    ['writable', 5n, 'write', 0, 3],
    ['user', 3n, 'read', 3, 5],
    ['executable', 7n | NO_EXECUTE, 'fetch', 0, 17],
  ];
  for (const [what, bits, kind, ring, errorCode] of restrictions) {
    it(`need every level to be ${what}`, async () => {
      for (let level = 0; level < 4; level++) {
        const world = await SystemWorld.create('long');
        PATH.forEach((address, n) => {
          const next = n === 3 ? PAGE : PML4 + 0x4000 + n * 0x1000;
          world.put64(address, BigInt(next) | (n === level ? bits : 7n));
        });
        const outcome = world.run({ code: CODE[kind], ring, registers: { 7: (1n << 39n) | TARGET } });
        expect([level, outcome.vector, outcome.errorCode]).toEqual([level, 14, errorCode]);
      }
    });
  }
});

describe('accessed and dirty bits', () => {
  const marks = async (code: string): Promise<bigint> => {
    const world = await SystemWorld.create('long');
    world.setPage(PAGE, 3n);
    world.run({ code, registers: { 7: TARGET, 0: 0xc3n } });
    return world.get64(ENTRY) & (ACCESSED | DIRTY);
  };
  it('are set by use only', async () => {
    expect(await marks('90')).toBe(0n);
    expect(await marks(CODE.read)).toBe(ACCESSED);
    expect(await marks(CODE.write)).toBe(ACCESSED | DIRTY);
    expect(await marks(`${CODE.read} ${CODE.write}`)).toBe(ACCESSED | DIRTY);
  });
  it('are set at every level', async () => {
    const world = await SystemWorld.create('long');
    world.run({ code: CODE.write, registers: { 7: TARGET } });
    for (const table of [PML4, PML4 + 0x1000, PD]) {
      expect(world.get64(table) & (ACCESSED | DIRTY)).toBe(ACCESSED);
    }
  });
  it('are not set by an access that faults for want of rights', async () => {
    const world = await SystemWorld.create('long');
    world.setPage(PAGE, 1n);
    expect(world.run({ code: CODE.write, registers: { 7: TARGET } }).vector).toBe(14);
    expect(world.get64(ENTRY) & (ACCESSED | DIRTY)).toBe(0n);
  });
});

describe('reserved bits', () => {
  const cases: readonly (readonly [string, number, bigint, number])[] = [
    ['bit 40 of a page entry', ENTRY, 3n | (1n << 40n), 9],
    ['bit 51 of a page entry', ENTRY, 3n | (1n << 51n), 9],
    ['bit 7 of a PML4 entry', PML4, BigInt(PML4 + 0x1000) | 7n | LARGE, 9],
    ['bit 13 of a 2 MiB page', PD, 3n | LARGE | (1n << 13n), 9],
    ['bit 21 of a 1 GiB page', PML4 + 0x1000, 3n | LARGE | (1n << 21n), 9],
  ];
  for (const [what, address, value, errorCode] of cases) {
    it(`fault: ${what}`, async () => {
      const world = await SystemWorld.create('long');
      // The code runs from the 1 GiB page at 1 << 39, which is not touched by the case.
      world.put64(PML4 + 8, BigInt(PML4 + 0x4000) | 7n);
      world.put64(PML4 + 0x4000, LARGE | 3n);
      const high = 1n << 39n;
      const view = world.cpu.state;
      for (let vector = 0; vector < 32; vector++)
        world.setGate(vector, { target: high + 0x6000n + BigInt(vector * 16) });
      world.setGate(0x31, { target: high + 0x5200n });
      // MOV [address], value; then read the page
      view.set64(state.idtrBase, high + 0x1000n);
      view.set64(state.gdtrBase, high + 0x2000n);
      const write = Uint8Array.of(0x48, 0x89, 0x03, 0x0f, 0x20, 0xd9, 0x0f, 0x22, 0xd9, 0x8a, 0x07, 0xf4);
      world.cpu.memory.write(0x5200, write);
      const outcome = world.run({
        code: 'cd 31',
        registers: { 0: value, 3: high + BigInt(address), 7: TARGET, 4: high + 0x18000n },
      });
      expect(world.cpu.rip).toBe(high + 0x6000n + 14n * 16n + 1n);
      expect(world.get64(Number(outcome.registers[4]! - high))).toBe(BigInt(errorCode));
    });
  }
  it('fault: no-execute while EFER.NXE is clear', async () => {
    const world = await SystemWorld.create('long');
    world.cpu.state.set64(state.efer, BigInt(Efer.lma | Efer.lme));
    world.setPage(PAGE, 3n | NO_EXECUTE);
    expect(world.run({ code: CODE.read, registers: { 7: TARGET } })).toMatchObject({
      vector: 14,
      errorCode: 9,
    });
  });
});

describe('the TLB', () => {
  /** MOV AL,[RDI]; clear the entry at RSI; the flush; MOV BL,[RDI] */
  const use = (flush: string): string => `8a 07 48 c7 06 00 00 00 00 ${flush} 8a 1f`;
  const flushes: readonly (readonly [string, string])[] = [
    ['MOV CR3', '0f 20 d8 0f 22 d8'],
    ['INVLPG', '0f 01 3f'],
    ['CR4.PGE', '0f 20 e0 48 0d 80 00 00 00 0f 22 e0'],
    ['CR0.WP', '0f 20 c0 48 25 ff ff fe ff 0f 22 c0'],
  ];
  for (const [what, flush] of flushes) {
    it(`forgets a page by ${what}`, async () => {
      const world = await SystemWorld.create('long');
      const outcome = world.run({ code: use(flush), registers: { 7: TARGET, 6: BigInt(ENTRY) } });
      expect(outcome).toMatchObject({ vector: 14, errorCode: 0 });
    });
  }

  it('forgets that user pages were open to the supervisor when AC is cleared', async () => {
    const world = await SystemWorld.create('long');
    world.setPage(PAGE, 7n);
    world.cpu.state.set64(state.cr4, BigInt(Cr4.pae | Cr4.smap));
    // STAC; MOV AL,[RDI]; CLAC; MOV AL,[RDI]
    const outcome = world.run({ code: '0f 01 cb 8a 07 0f 01 ca 8a 07', registers: { 7: TARGET } });
    expect(outcome).toMatchObject({ vector: 14, errorCode: 1 });
    expect(outcome.frame.rip).toBe(BigInt(KERNEL_CODE + 8));
  });

  it('does not let ring 3 use what ring 0 used', async () => {
    const world = await SystemWorld.create('long');
    world.setGate(0x30, { level: 3, target: 0x5200n });
    // MOV AL,[RDI]; IRETQ
    world.cpu.memory.write(0x5200, Uint8Array.of(0x8a, 0x07, 0x48, 0xcf));
    const outcome = world.run({ code: 'cd 30 8a 07', ring: 3, registers: { 7: TARGET } });
    expect(outcome).toMatchObject({ vector: 14, errorCode: 5 });
    expect(outcome.frame.rip).toBe(BigInt(USER_CODE + 2));
  });
});

describe('accesses that the processor makes itself', () => {
  it('are the supervisor’s from ring 3, and SMAP holds for them', async () => {
    const world = await SystemWorld.create('long');
    world.setPage(0x7000, 7n);
    world.cpu.state.set64(state.cr4, BigInt(Cr4.pae | Cr4.smap));
    world.setGate(14, { ist: 1 });
    const outcome = world.run({ code: '0f 0b', ring: 3, flags: 0x40002n });
    expect(outcome).toMatchObject({ vector: 14, errorCode: 3, cr2: 0x7ff8n });
  });
});

describe('a flush', () => {
  /** The list of what was filled has room for 64. */
  for (const pages of [1, 63, 64, 65, 300]) {
    it(`forgets each of ${pages} pages`, async () => {
      const world = await SystemWorld.create('long');
      const first = 0x80;
      world.cpu.memory.store(0x5000, 1, 0x77);
      for (const changed of [0, pages - 1]) {
        for (let page = first; page < first + pages; page++) world.setPage(page << 12, PRESENT | WRITABLE);
        // next: MOV AL,[RDI]; ADD RDI,4096; DEC ECX; JNZ next; MOV [RBX],RDX; MOV RAX,CR3; MOV CR3,RAX; MOV AL,[RSI]
        const outcome = world.run({
          code: '8a 07 48 81 c7 00 10 00 00 ff c9 75 f3 48 89 13 0f 20 d8 0f 22 d8 8a 06',
          registers: {
            1: BigInt(pages),
            2: 0x5003n,
            3: BigInt(PAGE_TABLE + (first + changed) * 8),
            6: BigInt((first + changed) << 12),
            7: BigInt(first << 12),
          },
        });
        expect([outcome.done, (outcome.registers[0] ?? 0n) & 0xffn]).toEqual([true, 0x77n]);
      }
    });
  }
});
