/**
 * Page tables that change and nobody makes it known: the very next access goes by the new entry, in either tier and
 * whatever each had remembered. A processor may go by the old one, but then the tiers would not be the same. What the
 * tables map is read many times between two changes, so that it is remembered and regions run.
 */
import { describe, expect, test } from 'vitest';
import * as state from '../../../../src/cpu/state.js';
import { assemble } from '../../../support/listing.js';
import { KERNEL_CODE, PAGE_TABLE, PML4 } from '../../../support/system-world.js';
import { TwinWorlds } from '../../../support/twin-worlds.js';

/** Two pages with a number each at their start. */
const [FIRST, SECOND] = [0x24000, 0x25000];
const [ONE, OTHER] = [3n, 1000n];
const POINTERS = PML4 + 0x1000;
const DIRECTORY = PML4 + 0x2000;
/** Two more tables, of linear 2–4 MiB. */
const TABLES = [0x110000, 0x111000] as const;
/** Where linear 2–4 MiB is a large page, this is the first number's page in either of two. */
const LARGE = 0x200000;
const ALIAS = 0x50000;
const [ROUNDS, READS] = [60n, 40n];
const SUM = (ROUNDS / 2n) * READS * (ONE + OTHER);

/** 40 reads at RSI, then a change, ECX times. */
const reading = (change: string): string => `
      round:  ba 28 00 00 00            ; MOV EDX, 40
      read:   48 03 1e                  ; ADD RBX, [RSI]
              ff ca                     ; DEC EDX
              75 >read                  ; JNZ read
              ${change}
              4d 31 c8                  ; XOR R8, R9
              ff c9                     ; DEC ECX
              75 >round                 ; JNZ round`;

const STORE = '4c 89 07                  ; MOV [RDI], R8';
const STORE_STRING = `4c 89 c0            ; MOV RAX, R8
              48 ab                     ; STOSQ
              48 83 ef 08               ; SUB RDI, 8`;
/** Bytes 1 to 3 alone: the entry's present bit is not among them. */
const STORE_PART = `4c 89 c0              ; MOV RAX, R8
              c1 e8 08                  ; SHR EAX, 8
              66 89 47 01               ; MOV [RDI + 1], AX`;
const OUT = 'e6 10                     ; OUT 0x10, AL';

interface Change {
  /** Where the entry is, and where the guest writes it. */
  readonly entry: number;
  readonly seen?: number;
  readonly before: number;
  readonly after: number;
  /** What is read by way of it. */
  readonly target: number;
}

const LEAF: Change = {
  entry: PAGE_TABLE + (FIRST >> 12) * 8,
  before: FIRST | 3,
  after: SECOND | 3,
  target: FIRST,
};
const INNER: Change = { entry: DIRECTORY + 8, before: TABLES[0] | 3, after: TABLES[1] | 3, target: LARGE };
const WHOLE: Change = { entry: DIRECTORY + 8, before: LARGE | 0x83, after: 0x83, target: LARGE + SECOND };

async function worldsFor({ entry, before }: Change): Promise<TwinWorlds> {
  const worlds = await TwinWorlds.create();
  worlds.each((world) => {
    world.put64(FIRST, ONE);
    world.put64(SECOND, OTHER);
    world.put64(LARGE + SECOND, ONE);
    world.put64(TABLES[0], BigInt(FIRST | 3));
    world.put64(TABLES[1], BigInt(SECOND | 3));
    world.put64(PAGE_TABLE + (ALIAS >> 12) * 8, BigInt(PAGE_TABLE | 3));
    world.put64(entry, BigInt(before));
  });
  return worlds;
}

async function sumFor(change: Change, by: string): Promise<bigint> {
  const { entry, seen = entry, before, after, target } = change;
  const worlds = await worldsFor(change);
  worlds.each((world) => {
    let next = after;
    world.onPort = () => {
      world.cpu.memory.store(entry, 4, next);
      next ^= before ^ after;
    };
  });
  const registers = {
    ...{ 1: ROUNDS, 6: BigInt(target), 7: BigInt(seen) },
    ...{ 8: BigInt(after), 9: BigInt(before ^ after) },
  };
  const { bytes } = assemble(KERNEL_CODE, reading(by));
  const outcome = worlds.run(bytes, { registers, limit: 100_000 });
  expect(outcome.done).toBe(true);
  expect(worlds.inRegions).toBeGreaterThan(Number(ROUNDS * READS) / 2);
  return outcome.registers[3] as bigint;
}

const ways: readonly (readonly [name: string, change: Change, by: string])[] = [
  ['a page’s entry', LEAF, STORE],
  ['a page’s entry, by another address', { ...LEAF, seen: ALIAS + (FIRST >> 12) * 8 }, STORE],
  ['a page’s entry, by a string instruction', LEAF, STORE_STRING],
  ['the middle of a page’s entry', LEAF, STORE_PART],
  ['a table’s entry', INNER, STORE],
  ['a large page’s entry', WHOLE, STORE],
  ['a large page’s entry, by a string instruction', WHOLE, STORE_STRING],
  ['a page’s entry, by a device', LEAF, OUT],
  ['a table’s entry, by a device', INNER, OUT],
  ['a large page’s entry, by a device', WHOLE, OUT],
];

test.each(ways)('%s', async (_name, change, by) => {
  expect(await sumFor(change, by)).toBe(SUM);
});

test.each([LEAF, INNER, WHOLE])('an entry at $entry, by a debugger', async (change) => {
  const worlds = await worldsFor(change);
  const { bytes } = assemble(KERNEL_CODE, 'again: 48 8b 1e eb >again  ; MOV RBX, [RSI]; JMP again');
  worlds.run(bytes, { registers: { 6: BigInt(change.target) }, limit: 1 });
  for (let round = 0; round < 10; round++) {
    worlds.goOn(2000);
    expect(worlds.plain.cpu.state.get64(state.gpr, 3)).toBe(round % 2 === 0 ? ONE : OTHER);
    const entry = round % 2 === 0 ? change.after : change.before;
    worlds.each(({ cpu }) => cpu.memory.store(change.entry, 4, entry));
  }
  expect(worlds.inRegions).toBeGreaterThan(5000);
});

describe('what only the walk is seen by', () => {
  const levels = [PML4, POINTERS, DIRECTORY, PAGE_TABLE + (KERNEL_CODE >> 12) * 8, LEAF.entry] as const;

  test.each(levels)(
    'the accessed bit of the entry at %i, cleared, is set by the next walk',
    async (entry) => {
      const worlds = await worldsFor(LEAF);
      // AND BYTE [RDI], ~A; MOV RAX, [RSI]; AND R12, [RDI]
      const { bytes } = assemble(KERNEL_CODE, reading('80 27 df 48 8b 06 4c 23 27'));
      const registers = { 1: ROUNDS, 6: BigInt(FIRST), 7: BigInt(entry), 12: 0xffffffffffffffffn };
      const outcome = worlds.run(bytes, { registers, limit: 100_000 });
      expect((outcome.registers[12] as bigint) & 0x20n).toBe(0x20n);
      expect(worlds.inRegions).toBeGreaterThan(Number(ROUNDS * READS) / 2);
    },
  );
});

describe('code that changes its own page', () => {
  const [CODE, ELSEWHERE] = [0x22000, 0x2a000];
  // A jump within the page that the interpreter links, so that it does not ask where it leads.
  const PROGRAM = `
      again:  ?                         ; the change, after which the other page's code goes on
              4d 31 c8                  ; XOR R8, R9
              eb 02 0f 0b               ; JMP over; UD2
              83 c3 %                   ; ADD EBX, what is the page's own
              ff c9                     ; DEC ECX
              75 >again                 ; JNZ again
              f4                        ; HLT`;

  test.each([
    ['a store', STORE],
    ['a string instruction', STORE_STRING],
    ['a device', OUT],
  ])('by %s goes on in the new one', async (_name, change) => {
    const worlds = await TwinWorlds.create();
    const entry = PAGE_TABLE + (CODE >> 12) * 8;
    worlds.each((world) => {
      for (const [page, number] of [
        [CODE, '01'],
        [ELSEWHERE, '64'],
      ] as const) {
        const listing = PROGRAM.replace(/\?.*/, change).replace('%', number);
        world.cpu.memory.write(page, assemble(page, listing).bytes);
      }
      world.put64(entry, BigInt(CODE | 3));
      let next = ELSEWHERE | 3;
      world.onPort = () => {
        world.cpu.memory.store(entry, 4, next);
        next ^= CODE ^ ELSEWHERE;
      };
    });
    const registers = {
      ...{ 0: BigInt(CODE), 1: ROUNDS, 7: BigInt(entry) },
      ...{ 8: BigInt(ELSEWHERE | 3), 9: BigInt(CODE ^ ELSEWHERE) },
    };
    const outcome = worlds.run(Uint8Array.of(0xff, 0xe0), { registers, limit: 10_000 });
    expect(outcome.registers[3]).toBe((ROUNDS / 2n) * 101n);
    expect(outcome.registers[1]).toBe(0n);
  });
});
