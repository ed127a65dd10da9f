/**
 * Single accesses through random tables of every format, against the naive walker: physical address, error code, CR2,
 * and which accessed and dirty bits were set. UNIVISOR_WALKS multiplies the number of cases.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../../../fuzz/random.js';
import * as state from '../../../src/cpu/state.js';
import { Cr0, Cr4, Efer } from '../../../src/cpu/state.js';
import { PAGE_TABLE, PML4, SystemWorld, type TrialOutcome } from '../../support/system-world.js';
import { FORMATS, type Format, naiveWalk, type Outcome, outcomeOf, type Walk } from './naive-walker.js';
import type { Attempt, Machine } from './rights-reference.js';

const CASES = 3000 * Number(process.env.UNIVISOR_WALKS ?? '1');
/** Tables under test, and what maps the code: a directory and a table of 32-bit entries, pointers and a PAE directory. */
const POOL = 0x120000;
const LEGACY_DIRECTORY = 0x110000;
const LEGACY_TABLE = 0x111000;
const PAE_POINTERS = 0x112000;
const PAE_DIRECTORY = 0x113000;
/** Where pages lead to: every 16 bytes hold MOV EAX, their own address; RET. */
const DATA = 0x200000;
const RAM_END = 0x400000;

const CODE = { read: '8b 07', write: '89 07', fetch: 'ff d7' } as const;
const TOKEN = 0xfeedface;
const ACCESSED = 0x20n;
const DIRTY = 0x40n;

function slot(address: number): Uint8Array {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(1, address, true);
  bytes[0] = 0xb8;
  bytes[5] = 0xc3;
  return bytes;
}

function prepare(world: SystemWorld): void {
  const { memory } = world.cpu;
  const data = new Uint8Array(RAM_END - DATA);
  for (let at = DATA; at < RAM_END; at += 16) data.set(slot(at), at - DATA);
  memory.write(DATA, data);
  for (let page = 0; page < 1024; page++) {
    memory.store(LEGACY_TABLE + page * 4, 4, (page << 12) | (page >= 0x20 && page < 0x40 ? 7 : 3));
  }
  memory.store(LEGACY_DIRECTORY, 4, LEGACY_TABLE | 7);
  world.put64(PAE_POINTERS, BigInt(PAE_DIRECTORY) | 1n);
  world.put64(PAE_DIRECTORY, BigInt(PAGE_TABLE) | 7n);
}

interface Case {
  readonly format: Format;
  readonly machine: Machine;
  readonly keys: NonNullable<Machine['keys']>;
  readonly attempt: Attempt;
  readonly linear: bigint;
  readonly root: bigint;
}

/** Writes the entries on the way to one linear address; the first of them is in a table that also maps the code. */
function buildPath(world: SystemWorld, random: Random, format: Format): { linear: bigint; root: bigint } {
  const legacy = format.startsWith('32-bit');
  const slotOffset = BigInt(random.below(0x20000) * 16);
  let linear = slotOffset | (1n << 21n);
  const put = (address: number, entry: bigint): void => {
    if (legacy) world.cpu.memory.store(address, 4, Number(entry & 0xffffffffn));
    else world.put64(address, entry);
  };
  if (legacy) {
    const directory = 1 + random.below(1023);
    linear |= BigInt(directory) << 22n;
    put(LEGACY_DIRECTORY + directory * 4, randomEntry(random, format, 22, POOL));
    put(POOL + Number((linear >> 12n) & 0x3ffn) * 4, randomEntry(random, format, 12, 0));
    return { linear, root: BigInt(LEGACY_DIRECTORY) };
  }
  const pae = format === 'PAE';
  const pointer = BigInt(pae ? 1 + random.below(3) : random.below(4));
  linear |= pointer << 30n;
  if (pae) {
    world.put64(PAE_POINTERS + Number(pointer) * 8, random.oneIn(16) ? 0n : BigInt(POOL + 0x1000) | 1n);
  } else {
    linear |= 1n << 39n;
    put(PML4 + 8, randomEntry(random, format, 39, POOL));
    put(POOL + Number(pointer) * 8, randomEntry(random, format, 30, POOL + 0x1000));
  }
  put(POOL + 0x1000 + 8, randomEntry(random, format, 21, POOL + 0x2000));
  put(POOL + 0x2000 + Number((linear >> 12n) & 0x1ffn) * 8, randomEntry(random, format, 12, 0));
  return { linear, root: BigInt(pae ? PAE_POINTERS : PML4) };
}

/** Mostly such as lead somewhere. Large pages are the one at 0 or, of 2 MiB, that of the data; or some device's. */
function randomEntry(random: Random, format: Format, shift: number, next: number): bigint {
  const ignored = random.next() & 0xf78;
  const rights = (random.oneIn(5) ? 0 : 2) | (random.oneIn(5) ? 0 : 4);
  let entry = BigInt(ignored | rights | (random.oneIn(12) ? 0 : 1));
  const wide = !format.startsWith('32-bit');
  if (wide && random.oneIn(6)) entry |= 1n << 63n;
  if (wide && random.oneIn(16)) entry |= 1n << BigInt(40 + random.below(12));
  if (wide && random.oneIn(format === 'PAE' ? 16 : 2)) entry |= BigInt(random.below(0x800)) << 52n;
  const mayBeLarge = shift === 22 || shift === 21 || (shift === 30 && format === '4-level');
  // Bit 7 of a page's entry is PAT; of the root's it is reserved.
  if (shift === 12 ? random.oneIn(2) : mayBeLarge ? random.oneIn(3) : shift === 39 && random.oneIn(16)) {
    entry |= 0x80n;
  }
  if (shift === 12 || ((entry & 0x80n) !== 0n && mayBeLarge && format !== '32-bit')) {
    return entry | randomFrame(random, shift, wide);
  }
  return entry | BigInt(next);
}

function randomFrame(random: Random, shift: number, wide: boolean): bigint {
  const device = random.oneIn(8);
  const high = random.oneIn(2) ? 0n : BigInt(1 + random.below(255));
  if (shift === 12) {
    if (device) return (wide ? high << 32n : 0n) | 0xd0000000n;
    return BigInt(DATA + (random.below((RAM_END - DATA) >> 12) << 12));
  }
  const pat = random.oneIn(2) ? 1n << 12n : 0n;
  if (random.oneIn(16)) return pat | (1n << BigInt(shift === 22 ? 21 : 13 + random.below(shift - 13)));
  if (!device) return pat | (shift === 21 ? BigInt(DATA) : 0n);
  return pat | (shift === 22 ? (high << 13n) | 0xc0000000n : (high << 32n) | 0xc0000000n);
}

function randomCase(world: SystemWorld, random: Random, format: Format): Case {
  const flag = (): boolean => random.oneIn(2);
  const pae = !format.startsWith('32-bit');
  // All that the access needs besides has key 0, which is not refused.
  const keys = {
    ...(flag() && { user: random.next() & ~3 }),
    ...(flag() && { supervisor: random.next() & ~3 }),
  };
  return {
    format,
    keys,
    machine: {
      ...{ wp: flag(), smep: random.oneIn(3), smap: random.oneIn(3), nxe: pae && flag(), ac: flag() },
      ...(format === '4-level' && { keys }),
    },
    attempt: { kind: random.pick(['read', 'write', 'fetch'] as const), ring: random.pick([0, 3] as const) },
    ...buildPath(world, random, format),
  };
}

function run(world: SystemWorld, { format, machine, keys, attempt, linear, root }: Case): TrialOutcome {
  const view = world.cpu.state;
  const long = format === '4-level';
  world.setUp();
  const cr4 = { '32-bit': 0, '32-bit with 4 MiB pages': Cr4.pse, PAE: Cr4.pae, '4-level': Cr4.pae }[format];
  view.set64(state.cr0, BigInt((Cr0.pe | Cr0.et | Cr0.pg | (machine.wp ? Cr0.wp : 0)) >>> 0));
  const keyed = (keys.user === undefined ? 0 : Cr4.pke) | (keys.supervisor === undefined ? 0 : Cr4.pks);
  const guards = (machine.smep ? Cr4.smep : 0) | (machine.smap ? Cr4.smap : 0);
  view.set64(state.cr4, BigInt(cr4 | guards | keyed));
  // Out of force, both refuse all.
  view.set32(state.pkru, keys.user ?? -1);
  view.set64(state.msrPkrs, BigInt((keys.supervisor ?? -1) >>> 0));
  view.set64(state.efer, BigInt((long ? Efer.lma | Efer.lme : 0) | (machine.nxe ? Efer.nxe : 0)));
  view.set64(state.cr3, root);
  const { kind, ring } = attempt;
  const target = kind === 'fetch' ? linear : kind === 'read' ? linear + 1n : linear + 8n;
  const flags = machine.ac ? 0x40002n : 2n;
  return world.run({ code: CODE[kind], ring, flags, registers: { 0: BigInt(TOKEN), 7: target } });
}

/** What is wrong with what the CPU did, if anything. */
function judge(world: SystemWorld, one: Case, walk: Walk, expected: Outcome): string | undefined {
  const { cpu } = world;
  const { kind } = one.attempt;
  const outcome = run(world, one);
  const written = kind === 'write';
  if ('fault' in expected) {
    if (outcome.vector !== 14) return `vector ${outcome.vector}`;
    if (outcome.errorCode !== expected.fault) return `error code ${outcome.errorCode}`;
    if (outcome.cr2 >> 4n !== one.linear >> 4n) return `CR2 ${outcome.cr2.toString(16)}`;
  } else {
    const at = expected.physical;
    const ram = at < RAM_END;
    if (kind === 'fetch' && !ram) {
      if (outcome.vector !== 6) return `vector ${outcome.vector} for code of a device`;
    } else if (!outcome.done) return `vector ${outcome.vector}, error code ${outcome.errorCode}`;
    else if (written && ram) {
      if (cpu.memory.read(Number(at) + 8, 4) !== TOKEN) return 'nothing was written there';
      cpu.memory.write(Number(at), slot(Number(at)));
    } else if (!written && outcome.registers[0] !== (ram ? at : 0xffffffffn)) {
      return `read ${outcome.registers[0]?.toString(16)}`;
    }
  }
  for (const [n, step] of walk.steps.entries()) {
    const now = step.size === 4 ? BigInt(cpu.memory.read(step.address, 4) ?? 0) : world.get64(step.address);
    const last = n === walk.steps.length - 1 && walk.end !== 'absent';
    const pointer = one.format === 'PAE' && step.shift === 30;
    const marks = pointer ? 0n : ACCESSED | (last && written ? DIRTY : 0n);
    const full = step.entry | marks;
    // The accessed bit of a table's entry may be set or not when the walk ends in a fault; that of a page may not.
    const allowed = 'physical' in expected ? [full] : last ? [step.entry] : [step.entry, full];
    if (!allowed.includes(now)) return `entry of level ${step.shift} is ${now.toString(16)}`;
  }
  return undefined;
}

describe.each(FORMATS)('%s paging', (format) => {
  let world: SystemWorld;
  beforeAll(async () => {
    world = await SystemWorld.create(format === '4-level' ? 'long' : 'protected');
    prepare(world);
  });

  test('does what the naive walker says', { timeout: 600_000 }, () => {
    const random = new Random(20261123, FORMATS.indexOf(format));
    const seen = new Map<string, number>();
    const wrong: string[] = [];
    for (let n = 0; n < CASES; n++) {
      const one = randomCase(world, random, format);
      const read = (address: number, size: 4 | 8): bigint | undefined =>
        size === 8 ? world.get64(address) : BigInt(world.cpu.memory.read(address, 4) ?? 0);
      const walk = naiveWalk(format, one.root, one.linear, one.machine.nxe, read);
      const expected = outcomeOf(walk.end, one.linear, one.machine, one.attempt);
      const kind =
        'fault' in expected
          ? `fault ${expected.fault}`
          : `page of 2^${(walk.end as { shift: number }).shift}`;
      seen.set(kind, (seen.get(kind) ?? 0) + 1);
      const complaint = judge(world, one, walk, expected);
      if (complaint !== undefined) {
        const path = walk.steps.map(({ entry }) => entry.toString(16));
        wrong.push(
          `${complaint}; ${kind}, ${JSON.stringify(one, (_, v) => (typeof v === 'bigint' ? v.toString(16) : v))} ${path}`,
        );
      }
    }
    expect(wrong.slice(0, 5)).toEqual([]);
    const sizes = { '32-bit': 1, '32-bit with 4 MiB pages': 2, PAE: 2, '4-level': 3 }[format];
    expect([...seen.keys()].filter((kind) => kind.startsWith('page'))).toHaveLength(sizes);
    expect([...seen.keys()].filter((kind) => kind.startsWith('fault')).length).toBeGreaterThanOrEqual(
      { '32-bit': 12, '32-bit with 4 MiB pages': 12, PAE: 16, '4-level': 20 }[format],
    );
  });
});
