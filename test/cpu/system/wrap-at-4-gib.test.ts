/**
 * Where linear addresses have 32 bits, what reaches beyond 4 GiB goes on at 0: areas that one instruction moves, and
 * structures of the processor. Page 0xfffff and the page at 4 GiB are mapped, the latter never to be touched.
 */
import { describe, expect, it } from 'vitest';
import * as state from '../../../src/cpu/state.js';
import { Cr4, Segment } from '../../../src/cpu/state.js';
import { setVector, vectorOf } from '../../support/run-code.js';
import {
  descriptor,
  GDT,
  HANDLERS,
  IDT,
  PML4,
  RING_0_ENTRY_STACK,
  Selector,
  SystemWorld,
  TSS,
} from '../../support/system-world.js';

const TOP_PAGE = 0x40000;
const BEYOND_PAGE = 0x41000;
const BOTTOM_PAGE = 0x0000;
const UNTOUCHED = 0xcc;

describe('areas in compatibility mode', () => {
  const BASE = 0xffffff80;

  async function create(): Promise<SystemWorld> {
    const world = await SystemWorld.create('long');
    const { memory, state: view } = world.cpu;
    const tables = PML4 + 0x10000;
    world.put64(PML4 + 0x1000 + 3 * 8, BigInt(tables) | 7n);
    world.put64(PML4 + 0x1000 + 4 * 8, BigInt(tables + 0x2000) | 7n);
    world.put64(tables + 511 * 8, BigInt(tables + 0x1000) | 7n);
    world.put64(tables + 0x1000 + 511 * 8, BigInt(TOP_PAGE) | 7n);
    world.put64(tables + 0x2000, BigInt(tables + 0x3000) | 7n);
    world.put64(tables + 0x3000, BigInt(BEYOND_PAGE) | 7n);
    for (const page of [TOP_PAGE, BEYOND_PAGE, BOTTOM_PAGE]) {
      memory.write(page, new Uint8Array(4096).fill(UNTOUCHED));
    }
    world.setDescriptor(Selector.smallData, descriptor(BASE, 0xfffff, 0xc093));
    view.set64(state.cr4, view.get64(state.cr4) | BigInt(Cr4.osxsave));
    view.set64(state.xcr0, 7n);
    // Code of 64 bits reaches the page at 4 GiB, which then is known to the TLB.
    const touched = world.run({ code: '8a 03  88 03', registers: { 3: 0x1_0000_0000n } });
    expect(touched.done).toBe(true);
    return world;
  }

  const run = (world: SystemWorld, code: string) =>
    // MOV ES, DX; the code, with ES: and EBX.
    world.run({
      code: `8e c2 ${code}`,
      selector: Selector.kernelCode32,
      registers: { 0: 7n, 2: BigInt(Selector.smallData) },
    });

  const changed = (world: SystemWorld, page: number): number[] => {
    const bytes = world.cpu.memory.bytes(page, 4096) ?? new Uint8Array();
    return Array.from(bytes.keys()).filter((n) => bytes[n] !== UNTOUCHED);
  };

  // The counts are a Sapphire Rapids': code of 32 bits, ES with this base from the LDT, the same bytes filled in before.
  for (const [name, code, atTop, atBottom] of [
    ['FXSAVE', '31 db 26 0f ae 03', 128, 160],
    ['FNSAVE whose environment is split from its registers', 'b3 28 26 dd 33', 88, 20],
    ['FNSAVE', 'b3 7e 26 dd 33', 2, 106],
    ['FNSTENV', 'b3 70 26 d9 33', 16, 12],
    ['FSTP m80', 'db e3 d9 e8 b3 7a 26 db 3b', 6, 4],
    ['MOVUPS', 'b3 78 26 0f 11 03', 8, 8],
    ['MOV', 'b3 7e 26 89 03', 2, 2],
  ] as const) {
    it(`${name} goes on at 0`, async () => {
      const world = await create();
      expect(run(world, code).done).toBe(true);
      expect(changed(world, TOP_PAGE)).toHaveLength(atTop);
      expect(changed(world, BOTTOM_PAGE)).toHaveLength(atBottom);
      expect(changed(world, BEYOND_PAGE)).toEqual([]);
    });
  }

  it('XSAVE and XRSTOR go on at 0', async () => {
    const world = await create();
    // The header begins 128 bytes behind 4 GiB less 0x180, and is 0.
    world.setDescriptor(Selector.smallData, descriptor(0xfffffe80, 0xfffff, 0xc093));
    world.cpu.memory.write(0x80, new Uint8Array(64));
    for (let n = 0; n < 16; n++) setVector(world.cpu, n, BigInt(0x100 + n), 2);
    const values = () => Array.from({ length: 8 }, (_, n) => vectorOf(world.cpu, n, 2));
    const before = values();
    // XOR EDX, EDX; XOR EBX, EBX; XSAVE ES:[EBX]; PXOR all; XRSTOR ES:[EBX]
    const cleared = Array.from({ length: 8 }, (_, n) => `66 0f ef ${(0xc0 + 9 * n).toString(16)}`).join(' ');
    expect(run(world, `31 d2 31 db 26 0f ae 23 ${cleared} 26 0f ae 2b`).done).toBe(true);
    expect(values()).toEqual(before);
    expect(changed(world, BEYOND_PAGE)).toEqual([]);
    expect(world.get64(0x80)).not.toBe(0n);
  });
});

/** Without paging, and with no RAM below 4 GiB. */
describe('structures of the processor outside long mode', () => {
  const copy = (world: SystemWorld, from: number, to: number, length: number): void => {
    world.cpu.memory.write(to, world.cpu.memory.bytes(from, length)?.slice() ?? new Uint8Array());
  };

  it('the GDT and the LDT', async () => {
    const world = await SystemWorld.create('protected');
    copy(world, GDT + 8, BOTTOM_PAGE, 0x100);
    world.cpu.state.set64(state.gdtrBase, 0xfffffff8n);
    // MOV DS, DX of the entry at 0; VERW DX; LLDT CX
    const { done, flags } = world.run({
      code: '8e da  0f 00 ea  0f 00 d1',
      registers: { 2: BigInt(Selector.kernelData), 1: BigInt(Selector.ldt) },
    });
    expect(done).toBe(true);
    expect(flags & 0x40n).toBe(0x40n);
  });

  it('the IDT, and the stack for ring 0 in the TSS', async () => {
    const world = await SystemWorld.create('protected');
    world.setGate(0x41, { level: 3 });
    copy(world, IDT + 0x41 * 8, 0x40, 8);
    const { state: view } = world.cpu;
    view.set64(state.idtrBase, 0x1_0000_0040n - 0x41n * 8n);
    copy(world, TSS + 4, BOTTOM_PAGE, 8);
    view.set64(state.segmentBase, 0xfffffffcn, Segment.tr);
    const { vector, frame } = world.run({ code: 'cd 41', ring: 3 });
    expect(vector).toBe(0x41);
    expect(frame.cs).toBe(Selector.userCode32 | 3);
    expect(Number(view.get64(state.gpr, 4))).toBe(RING_0_ENTRY_STACK - 20);
  });

  it('a TSS', async () => {
    const world = await SystemWorld.create('protected');
    const { memory, state: view } = world.cpu;
    const base = 0xffffffe4;
    const put = (offset: number, value: number): void => {
      memory.store(base + offset - 2 ** 32, 4, value);
    };
    for (let offset = 0x1c; offset < 104; offset += 4) put(offset, 0);
    put(0x20, HANDLERS + 0x55 * 16);
    put(0x24, 2);
    put(0x28, 0x12345678);
    put(0x38, RING_0_ENTRY_STACK);
    put(0x44, 0xdddddddd);
    for (let segment = 0; segment < 4; segment++) {
      put(0x48 + 4 * segment, segment === 1 ? Selector.kernelCode : Selector.kernelData);
    }
    view.set32(state.gdtrLimit, 0xff);
    world.setDescriptor(0xb0, descriptor(base, 0x67, 0x89));
    // JMP 0xb0:0 from a TSS that lies the same way.
    view.set64(state.segmentBase, 0xffffffe0n, Segment.tr);
    const { vector, registers } = world.run({ code: 'ea 00 00 00 00 b0 00', registers: { 3: 0xbbbbn } });
    expect(vector).toBe(0x55);
    expect(registers[0]).toBe(0x12345678n);
    expect(registers[7]).toBe(0xddddddddn);
  });
});
