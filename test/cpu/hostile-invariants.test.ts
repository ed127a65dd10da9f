/** The hostile fuzzer would notice: each invariant of fuzz/hostile fails when what it guards is broken. */
import { beforeEach, expect, test } from 'vitest';
import { Invariants } from '../../fuzz/hostile/invariants.js';
import { Cpu } from '../../src/cpu/cpu.js';
import * as state from '../../src/cpu/state.js';
import { Cr0, Efer, Flag, Segment } from '../../src/cpu/state.js';
import type { StateView } from '../../src/cpu/state-view.js';
import { cpuModel } from '../../src/cpu/system/cpu-model.js';
import { loadInterpreter } from '../../src/cpu/tiers/interpreter/load.js';
import {
  CODE_MASK_BASE,
  JUMP_CACHE_BASE,
  MOST_REGIONS,
  PAGE_KIND_BASE,
  RAM_BASE,
  RECORDS_BASE,
  RECORDS_END,
  REGION_VALIDITY,
  STATE_END,
  STATIC_RECORDS,
  TABLE_FILLS_BASE,
  TABLE_MASK_BASE,
  TLB_BASE,
  TLB_SIZE,
  WINDOW_FILLS_SIZE,
  WINDOW_LOSSES,
  WINDOW_MAP_BASE,
  WINDOW_RANGE_SIZE,
  WINDOW_RANGES_BASE,
} from '../../src/memory/layout.js';

const MODEL = cpuModel('v3');
const RAM = 2 << 20;
const CODE_SPACE = 160 << 10;

let cpu: Cpu;
let view: StateView;
let memory: DataView;
let invariants: Invariants;

beforeEach(async () => {
  cpu = new Cpu({
    interpreter: await loadInterpreter(),
    model: MODEL,
    ramSize: RAM,
    codeSpace: CODE_SPACE,
    bus: { readPort: () => 0, writePort: () => {}, readMemory: () => 0, writeMemory: () => {} },
    interrupts: { pending: () => false, acknowledge: () => 0 },
  });
  view = cpu.state;
  memory = new DataView((cpu.memory.bytes(0, 1) as Uint8Array<ArrayBuffer>).buffer);
  invariants = new Invariants(cpu, MODEL, CODE_SPACE);
});

test('a processor just made breaks none', () => {
  expect([...invariants.caches(), ...invariants.afterRun(), ...invariants.memory()]).toEqual([]);
});

test('nor does one that has run', () => {
  // At 10000h: MOV [20000h], AX; JMP to itself; two lines are decoded, a page written and one read.
  cpu.memory.write(0xff0, Uint8Array.of(0xa3, 0x00, 0x20, 0xeb, 0xfb));
  view.set64(state.rip, 0xff0n);
  view.set64(state.segmentBase, 0n, Segment.cs);
  cpu.synchronise();
  expect(cpu.run(100)).toEqual({ kind: 'limit' });
  expect(memory.getBigUint64(TLB_BASE + 2 * 32 + 8, true)).toBe(0x2000n);
  expect([...invariants.caches(), ...invariants.afterRun(), ...invariants.memory()]).toEqual([]);
});

const MODES = Cr0.et | Cr0.pe;
const states: readonly (readonly [message: RegExp, break_: () => void])[] = [
  [/the zero register is not 0/, () => view.set64(state.zeroRegister, 1n)],
  [/CR0 is 0/, () => view.set64(state.cr0, 0n)],
  [/CR0 is 160000010/, () => view.setHigh(state.cr0, 1)],
  [/paging without protection/, () => view.set64(state.cr0, BigInt(Cr0.pg | Cr0.et))],
  [/CR4 is 8000000/, () => view.set64(state.cr4, 0x8000000n)],
  [/EFER is 2/, () => view.set64(state.efer, 2n)],
  [/EFER.LMA does not follow/, () => view.set64(state.efer, BigInt(Efer.lma))],
  [
    /long mode without PAE/,
    () => {
      view.set64(state.cr0, BigInt((MODES | Cr0.pg) >>> 0));
      view.set64(state.efer, BigInt(Efer.lme | Efer.lma));
    },
  ],
  [/RFLAGS are 0/, () => view.set32(state.systemFlags, 0)],
  [/RFLAGS are 8002/, () => view.set32(state.systemFlags, 0x8002)],
  [/CPL is 4/, () => view.set32(state.cpl, 4)],
  [/real mode with a CPL/, () => view.set32(state.cpl, 3)],
  [/virtual-8086 mode without ring 3/, () => view.set32(state.systemFlags, Flag.vm | 2)],
  [/MXCSR is 11f80/, () => view.set32(state.mxcsr, 0x11f80)],
  [/RIP is 10000000fff0/, () => view.set64(state.rip, 0x10000000fff0n)],
  [/an exception is pending/, () => view.set32(state.pending, state.PENDING)],
  [/the budget is -1/, () => view.set32(state.budget, 0xffffffff)],
  [/the budget is 1/, () => view.set32(state.budget, 1)],
  [/of 3 instructions 4 were put off/, () => putOff(4, 3)],
  [/codeSize was 32/, () => view.set32(state.codeSize, 32)],
  [/modeKey was 5/, () => view.set64(state.modeKey, 5n)],
  [/tlbBase was 0/, () => view.set32(state.tlbBase, 0)],
  [/mxcsrSlow was 7/, () => view.set32(state.mxcsrSlow, 7)],
];

function putOff(deferred: number, granted: number): void {
  view.set32(state.deferred, deferred);
  view.set32(state.granted, granted);
}

test.for(states)('state: %s', ([message, break_]) => {
  break_();
  expect([...invariants.afterRun()].join('\n')).toMatch(message);
});

/** A TLB entry of page 0 that leads to a host address. */
function fillTlb(read: bigint, write: bigint, host: number): void {
  memory.setBigUint64(TLB_BASE, read, true);
  memory.setBigUint64(TLB_BASE + 8, write, true);
  memory.setInt32(TLB_BASE + 16, host - Number(read), true);
}
function fillJump(record: number): void {
  memory.setBigUint64(JUMP_CACHE_BASE + 16, 1n, true);
  memory.setUint32(JUMP_CACHE_BASE + 16 + 8, record, true);
}
/** A range of one page that the map has. */
function fillRange(number: number, page: number): void {
  const range = WINDOW_RANGES_BASE + number * WINDOW_RANGE_SIZE;
  memory.setBigUint64(range, BigInt(page) * 4096n, true);
  memory.setUint32(range + 8, 4096 - 63, true);
  memory.setUint8(WINDOW_MAP_BASE + page, 3);
}
const EMPTY = 0xffffffffffffffffn;
const caches: readonly (readonly [message: RegExp, break_: () => void])[] = [
  [/TLB entry 0 can be written and not read/, () => fillTlb(EMPTY, 0n, RAM_BASE)],
  [/TLB entry 0 leads to 24a0000/, () => fillTlb(0n, EMPTY, RAM_BASE + 0xa0000)],
  [/TLB entry 0 leads to 23ff000/, () => fillTlb(0n, EMPTY, RAM_BASE - 4096)],
  [/TLB entry 0 leads to 2600000/, () => fillTlb(0n, EMPTY, RAM_BASE + RAM)],
  [/TLB entry 0 leads to 2400001/, () => fillTlb(0n, EMPTY, RAM_BASE + 1)],
  [/TLB entry 0 is filled, and no flush knows/, () => fillTlb(0n, EMPTY, RAM_BASE)],
  [
    /TLB entry 0 lets decoded code or tables be written/,
    () => {
      fillTlb(0n, 0n, RAM_BASE);
      memory.setUint32(CODE_MASK_BASE, 1, true);
    },
  ],
  [
    /range 0 has a page that is not in the map, 5/,
    () => {
      fillRange(0, 5);
      memory.setUint8(WINDOW_MAP_BASE + 5, 2);
    },
  ],
  [
    /range 3 has a page that is not in the map, 6/,
    () => {
      fillRange(3, 5);
      memory.setUint32(WINDOW_RANGES_BASE + 3 * WINDOW_RANGE_SIZE + 8, 2 * 4096 - 63, true);
    },
  ],
  [/range 4 has a page that is not in the map, 5/, () => fillRange(4, 5)],
  [/range 0 leads out of RAM/, () => fillRange(0, 0xa0)],
  [
    /range 1 lets decoded code or tables be written/,
    () => {
      fillRange(1, 5);
      memory.setUint32(CODE_MASK_BASE + 5 * 4, 1, true);
    },
  ],
  [
    /range 3 lets decoded code or tables be written/,
    () => {
      fillRange(3, 5);
      memory.setUint32(TABLE_MASK_BASE + 5 * 4, 1, true);
    },
  ],
  [
    /range 2 is not of pages/,
    () => memory.setUint32(WINDOW_RANGES_BASE + 2 * WINDOW_RANGE_SIZE + 8, 1, true),
  ],
  [/jump 1 leads to c28000/, () => fillJump(RECORDS_BASE + CODE_SPACE)],
  [/jump 1 leads to bfffe0/, () => fillJump(RECORDS_BASE - 32)],
  [/jump 1 leads to c00010/, () => fillJump(RECORDS_BASE + 16)],
  [/jump 1 is filled, and no flush knows/, () => fillJump(RECORDS_BASE)],
];

test.for(caches)('caches: %s', ([message, break_]) => {
  break_();
  expect([...invariants.caches()].join('\n')).toMatch(message);
});

const places: readonly (readonly [name: string, address: number])[] = [
  ['what is below the state', 0],
  ['what is below the state', 0xfff],
  ['what is behind the state', STATE_END - 1],
  ['what is before the window fills', STATIC_RECORDS + 0x100],
  ['what is before the TLBs', TLB_BASE - 1],
  ['what is before the TLBs', TABLE_FILLS_BASE + WINDOW_FILLS_SIZE],
  ['what is before the table fills', WINDOW_LOSSES + 4],
  ['the TLB that is never filled', TLB_BASE + 2 * TLB_SIZE],
  ['what is behind the regions', REGION_VALIDITY + 4 * MOST_REGIONS],
  ['the table of kinds of pages', PAGE_KIND_BASE + 0xa0],
  ['the table of kinds of pages', PAGE_KIND_BASE + 0xfee00],
  ['the code masks of what is no RAM', CODE_MASK_BASE + (RAM / 4096) * 4],
  ['the window map of what is no RAM', WINDOW_MAP_BASE + RAM / 4096],
  ['the table masks of what is no RAM', TABLE_MASK_BASE + (RAM / 4096) * 4],
  ['the table masks of what is no RAM', RECORDS_BASE - 1],
  ['the user window map of what is no RAM', TABLE_MASK_BASE - 1],
  ['what is behind the decoded code', RECORDS_BASE + CODE_SPACE],
  ['what is behind the decoded code', RECORDS_END - 1],
  ['the video window', RAM_BASE + 0xa0000],
  ['the video window', RAM_BASE + 0xbffff],
];

test.for(places)('memory: %s, at %i', ([name, address]) => {
  memory.setUint8(address, memory.getUint8(address) ^ 1);
  expect([...invariants.memory()]).toEqual([`${name} was written, at ${address.toString(16)}`]);
});
