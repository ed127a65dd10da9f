/** Hardware task switches: what is saved and loaded, busy bits and links, and whose each fault is. */
import { describe, expect, it } from 'vitest';
import * as state from '../../../src/cpu/state.js';
import { Cr0, Segment } from '../../../src/cpu/state.js';
import {
  descriptor,
  GDT,
  KERNEL_CODE,
  KERNEL_STACK,
  Selector,
  SystemWorld,
  TSS,
  USER_CODE,
  type WorldMode,
} from '../../support/system-world.js';

/** The other task: its TSS, selectors in the GDT, code (HLT unless a test writes it) and stack. */
const OTHER_TSS = 0x5000;
const OTHER = 0xb0;
const TASK_GATE = 0xb8;
const OTHER_CODE = 0x11000;
const OTHER_STACK = 0x16000;
const NT = 0x4000;

const AVAILABLE_32 = 0x89;
const AVAILABLE_16 = 0x81;
const BUSY = 2;

interface Task {
  /** Access byte of the TSS's descriptor. */
  readonly access?: number;
  readonly limit?: number;
  readonly flags?: number;
  readonly cs?: number;
  readonly ss?: number;
  readonly ds?: number;
  readonly ldt?: number;
  readonly eip?: number;
  readonly code?: readonly number[];
  /** Of the task gate. */
  readonly gate?: { readonly level?: number; readonly present?: boolean };
}

/** General registers of the other task in encoding order. */
const REGISTERS = [0xa0a0, 0xa1a1, 0xa2a2, 0xa3a3, OTHER_STACK, 0xa5a5, 0xa6a6, 0xa7a7];

async function create(task: Task = {}, mode: WorldMode = 'protected'): Promise<SystemWorld> {
  const world = await SystemWorld.create(mode);
  const { memory, state: view } = world.cpu;
  const { access = AVAILABLE_32, flags = 2, cs = Selector.kernelCode, ldt = 0 } = task;
  const { ss = Selector.kernelData, ds = Selector.kernelData, eip = OTHER_CODE, gate = {} } = task;
  const wide = (access & 8) !== 0;
  view.set32(state.gdtrLimit, 0xff);
  world.setDescriptor(OTHER, descriptor(OTHER_TSS, task.limit ?? (wide ? 0x67 : 0x2b), access));
  const gateAccess = 5 | ((gate.level ?? 0) << 5) | (gate.present === false ? 0 : 0x80);
  world.setDescriptor(TASK_GATE, (BigInt(OTHER) << 16n) | (BigInt(gateAccess) << 40n));
  const words = [...REGISTERS, Selector.kernelData, cs, ss, ds];
  if (wide) {
    const fields = [eip, flags, ...words, 0, 0, ldt];
    for (const [n, word] of fields.entries()) memory.store(OTHER_TSS + 0x20 + 4 * n, 4, word);
  } else {
    const fields = [eip, flags, ...words, ldt];
    for (const [n, word] of fields.entries()) memory.store(OTHER_TSS + 0x0e + 2 * n, 2, word);
  }
  memory.write(OTHER_CODE, Uint8Array.from(task.code ?? [0xf4]));
  return world;
}

const far = (opcode: string, selector: number): string => `${opcode} 00 00 00 00 ${selector.toString(16)} 00`;
const JUMP = far('ea', OTHER);
const CALL = far('9a', OTHER);
const accessOf = (world: SystemWorld, selector: number): number =>
  world.cpu.memory.read(GDT + selector + 5, 1) ?? 0;
const fieldOf = (world: SystemWorld, tss: number, offset: number, size: 2 | 4 = 4): number =>
  (world.cpu.memory.read(tss + offset, size) ?? 0) >>> 0;

describe('a jump to a TSS', () => {
  it('saves this task and loads the other', async () => {
    const world = await create({ flags: 0xed7 });
    const registers = { 0: 0x11111111n, 3: 0x33333333n, 7: 0x77777777n };
    const outcome = world.run({ code: JUMP, registers, flags: 0x46n });
    expect(world.cpu.rip).toBe(BigInt(OTHER_CODE + 1));
    expect(outcome.registers.slice(0, 8)).toEqual(REGISTERS.map(BigInt));
    expect(outcome.flags).toBe(0xed7n);
    const view = world.cpu.state;
    expect(view.get32(state.segmentSelector, Segment.tr)).toBe(OTHER);
    expect(view.get64(state.segmentBase, Segment.tr)).toBe(BigInt(OTHER_TSS));
    expect(view.get64(state.cr0) & BigInt(Cr0.ts)).toBe(BigInt(Cr0.ts));
    expect([accessOf(world, Selector.tss), accessOf(world, OTHER)]).toEqual([
      AVAILABLE_32,
      AVAILABLE_32 | BUSY,
    ]);
    const saved = [0x20, 0x24, 0x28, 0x34, 0x38, 0x44].map((offset) => fieldOf(world, TSS, offset));
    expect(saved).toEqual([KERNEL_CODE + 7, 0x46, 0x11111111, 0x33333333, KERNEL_STACK, 0x77777777]);
    const selectors = [0x48, 0x4c, 0x50, 0x54].map((offset) => fieldOf(world, TSS, offset));
    expect(selectors).toEqual([
      Selector.kernelData,
      Selector.kernelCode,
      Selector.kernelData,
      Selector.kernelData,
    ]);
    expect(fieldOf(world, OTHER_TSS, 0, 2)).toBe(0);
  });
  it('goes through a task gate too, which ring 3 may use if the gate lets it', async () => {
    const world = await create({ gate: { level: 3 } });
    const outcome = world.run({ code: far('ea', TASK_GATE), ring: 3 });
    expect([outcome.exit.kind, world.cpu.rip]).toEqual(['halt', BigInt(OTHER_CODE + 1)]);
    expect(world.cpu.state.get32(state.cpl)).toBe(0);
  });
  it('loads a 16-bit TSS, and saves one', async () => {
    // The other task jumps back.
    const back = [0x66, 0xea, 0, 0, 0, 0, Selector.tss, 0];
    const world = await create({ access: AVAILABLE_16, eip: 0x5100, cs: Selector.kernelCode16 });
    world.cpu.memory.write(0x5100, Uint8Array.from(back));
    const outcome = world.run({ code: JUMP, registers: { 0: 0x12345678n } });
    expect([outcome.done, outcome.registers[0]]).toEqual([true, 0x12345678n]);
    const saved = [0x0e, 0x12, 0x1a, 0x24].map((offset) => fieldOf(world, OTHER_TSS, offset, 2));
    expect(saved).toEqual([0x5108, 0xa0a0, OTHER_STACK & 0xffff, Selector.kernelCode16]);
  });
  it('enters virtual-8086 mode if the new EFLAGS says so', async () => {
    const world = await create({ flags: 0x20002, cs: 0x1000, ss: 0x1000, ds: 0x1234, eip: 0x1000 });
    world.cpu.memory.write(OTHER_CODE, Uint8Array.of(0x0f, 0x0b));
    world.cpu.memory.store(OTHER_TSS + 4, 4, 0x8000);
    world.cpu.memory.store(OTHER_TSS + 8, 4, Selector.kernelData);
    const outcome = world.run({ code: JUMP });
    expect([outcome.vector, outcome.frame.cs, outcome.frame.rip]).toEqual([6, 0x1000, 0x1000n]);
  });
  it('clears the local breakpoints and meets the T bit as a trap', async () => {
    const world = await create();
    world.cpu.state.set64(state.dr, 0x7ffn, 7);
    world.cpu.memory.store(OTHER_TSS + 0x64, 2, 1);
    const outcome = world.run({ code: JUMP });
    expect([outcome.vector, outcome.frame.rip]).toEqual([1, BigInt(OTHER_CODE)]);
    expect(world.cpu.state.get64(state.dr, 7)).toBe(0x6aan);
    expect(world.cpu.state.get64(state.dr, 6)).toBe(0xffff8ff0n);
  });
});

describe('a call of a TSS', () => {
  it('links back and sets NT; IRET goes back and clears it', async () => {
    const inside = await create();
    const outcome = inside.run({ code: CALL });
    expect(outcome.flags & BigInt(NT)).toBe(BigInt(NT));
    expect(fieldOf(inside, OTHER_TSS, 0, 2)).toBe(Selector.tss);
    expect([accessOf(inside, Selector.tss), accessOf(inside, OTHER)]).toEqual([0x8b, 0x8b]);
    // INC EAX; IRET; and a second call goes on after the IRET: JMP to the start
    const world = await create({ code: [0x40, 0xcf, 0xeb, 0xfc] });
    expect(world.run({ code: `${CALL} ${CALL}`, registers: { 0: 5n } })).toMatchObject({ done: true });
    expect([accessOf(world, Selector.tss), accessOf(world, OTHER)]).toEqual([0x8b, AVAILABLE_32]);
    expect(fieldOf(world, OTHER_TSS, 0x28)).toBe((REGISTERS[0] as number) + 2);
    expect(fieldOf(world, OTHER_TSS, 0x24) & NT).toBe(0);
  });
});

describe('an exception through a task gate', () => {
  async function gated(vector: number, task: Task = {}): Promise<SystemWorld> {
    const world = await create(task);
    world.put64(0x1000 + vector * 8, (BigInt(OTHER) << 16n) | (0x85n << 40n));
    return world;
  }
  it('saves the faulting instruction with RF, and pushes the error code on the new stack', async () => {
    const world = await gated(13);
    const outcome = world.run({ code: 'b9 ff ff ff 7f 0f 32' });
    expect(world.cpu.rip).toBe(BigInt(OTHER_CODE + 1));
    expect(outcome.registers[4]).toBe(BigInt(OTHER_STACK - 4));
    expect(world.word(OTHER_STACK - 4)).toBe(0n);
    expect(fieldOf(world, TSS, 0x20)).toBe(KERNEL_CODE + 5);
    expect(fieldOf(world, TSS, 0x24)).toBe(0x10002);
  });
  it('takes a double fault out of a broken stack', async () => {
    const world = await gated(8);
    // MOV ESP,0; the stack's limit is 64 KiB: PUSH is #SS, and so is its delivery
    world.setDescriptor(Selector.smallData, descriptor(0, 3, 0x4093));
    const outcome = world.run({ code: 'b8 88 00 00 00 8e d0 bc 00 10 00 00 50' });
    expect(world.cpu.rip).toBe(BigInt(OTHER_CODE + 1));
    expect(outcome.registers[4]).toBe(BigInt(OTHER_STACK - 4));
    expect(fieldOf(world, TSS, 0x20)).toBe(KERNEL_CODE + 12);
  });
  it('comes back by IRET', async () => {
    const world = await gated(0x41, { code: [0xcf] });
    expect(world.run({ code: 'cd 41 90' }).done).toBe(true);
  });
  it('has its gate checked: level and presence', async () => {
    const world = await gated(0x41);
    expect(world.run({ code: 'cd 41', ring: 3 })).toMatchObject({ vector: 13, errorCode: 0x41 * 8 + 2 });
    world.put64(0x1000 + 0x41 * 8, (BigInt(OTHER) << 16n) | (0x05n << 40n));
    expect(world.run({ code: 'cd 41' })).toMatchObject({ vector: 11, errorCode: 0x41 * 8 + 2 });
  });
  it('has EXT in the error code of a fault on the way', async () => {
    const world = await gated(6, { access: AVAILABLE_32 | BUSY });
    expect(world.run({ code: '0f 0b' })).toMatchObject({ vector: 13, errorCode: OTHER | 1 });
  });
});

describe('in the old task', () => {
  const cases: readonly (readonly [string, Task, string, { vector: number; errorCode: number }, 0 | 3])[] = [
    ['a busy TSS is #GP', { access: AVAILABLE_32 | BUSY }, JUMP, { vector: 13, errorCode: OTHER }, 0],
    ['an absent one is #NP', { access: 0x09 }, JUMP, { vector: 11, errorCode: OTHER }, 0],
    ['a short one is #TS', { limit: 0x66 }, JUMP, { vector: 10, errorCode: OTHER }, 0],
    [
      'a short one of 16 bits is #TS',
      { access: AVAILABLE_16, limit: 0x2a },
      CALL,
      { vector: 10, errorCode: OTHER },
      0,
    ],
    ['a TSS of a higher level is #GP', {}, JUMP, { vector: 13, errorCode: OTHER }, 3],
    ['a gate of a higher level is #GP', {}, far('9a', TASK_GATE), { vector: 13, errorCode: TASK_GATE }, 3],
    [
      'an absent gate is #NP',
      { gate: { present: false } },
      far('9a', TASK_GATE),
      { vector: 11, errorCode: TASK_GATE },
      0,
    ],
  ];
  for (const [what, task, code, fault, ring] of cases) {
    it(what, async () => {
      const world = await create(task);
      const outcome = world.run({ code, ring });
      expect(outcome).toMatchObject(fault);
      expect(outcome.frame.rip).toBe(BigInt(ring === 3 ? USER_CODE : KERNEL_CODE));
      expect(accessOf(world, Selector.tss)).toBe(0x8b);
    });
  }
  it('a link to what is no busy TSS is #TS', async () => {
    const world = await create();
    world.cpu.memory.store(TSS, 2, OTHER);
    expect(world.run({ code: 'cf', flags: BigInt(NT | 2) })).toMatchObject({ vector: 10, errorCode: OTHER });
  });
  it('long mode knows no tasks: #GP', async () => {
    const world = await create({}, 'long');
    world.cpu.state.set32(state.gdtrLimit, 0xff);
    world.cpu.memory.store(0x5100, 4, 0x11000);
    world.cpu.memory.store(0x5104, 2, OTHER);
    // JMP FAR [RBX]
    expect(world.run({ code: 'ff 2b', registers: { 3: 0x5100n } })).toMatchObject({
      vector: 13,
      errorCode: OTHER,
    });
    expect(world.run({ code: '48 cf', flags: BigInt(NT | 2) })).toMatchObject({ vector: 13, errorCode: 0 });
  });
});

describe('in the new task', () => {
  const cases: readonly (readonly [string, Task, { vector: number; errorCode: number }])[] = [
    [
      'a data segment that is not there',
      { ds: Selector.absentData },
      { vector: 11, errorCode: Selector.absentData },
    ],
    [
      'a data segment that cannot be read',
      { ds: Selector.executeOnlyCode },
      { vector: 10, errorCode: Selector.executeOnlyCode },
    ],
    ['an EIP beyond the segment', { cs: Selector.kernelCode16, eip: 0x200000 }, { vector: 13, errorCode: 0 }],
  ];
  for (const [what, task, fault] of cases) {
    it(`${what} faults before its first instruction`, async () => {
      const world = await create(task);
      if (task.eip) world.setDescriptor(Selector.kernelCode16, descriptor(0, 0xfffff, 0x9b));
      const outcome = world.run({ code: JUMP });
      const { eip = OTHER_CODE } = task;
      expect(outcome).toMatchObject(fault);
      expect([outcome.frame.rip, outcome.registers[7]]).toEqual([BigInt(eip), 0xa7a7n]);
      expect(world.cpu.state.get32(state.segmentSelector, Segment.tr)).toBe(OTHER);
    });
  }
  const broken: readonly (readonly [string, Task, number])[] = [
    ['a stack segment of another level', { ss: Selector.userData | 3 }, Selector.userData],
    ['a code segment that is none', { cs: Selector.kernelData }, Selector.kernelData],
    ['an LDT that is none', { ldt: Selector.kernelData }, Selector.kernelData],
  ];
  for (const [what, task, errorCode] of broken) {
    it(`${what} is #TS, which a task gate can take`, async () => {
      const world = await create(task);
      world.setDescriptor(0xc0, descriptor(0x5800, 0x67, AVAILABLE_32));
      const words = [OTHER_CODE + 0x100, 2, 0, 0, 0, 0, 0x17000, 0, 0, 0, 0x10, 8, 0x10, 0x10, 0, 0, 0];
      for (const [n, word] of words.entries()) world.cpu.memory.store(0x5820 + 4 * n, 4, word);
      world.cpu.memory.store(OTHER_CODE + 0x100, 1, 0xf4);
      world.put64(0x1000 + 10 * 8, (0xc0n << 16n) | (0x85n << 40n));
      world.run({ code: JUMP });
      expect(world.cpu.rip).toBe(BigInt(OTHER_CODE + 0x101));
      expect(world.word(0x17000 - 4)).toBe(BigInt(errorCode));
      expect(fieldOf(world, OTHER_TSS, 0x20)).toBe(OTHER_CODE);
    });
    it(`${what} is #TS, whose handler gets the stack that the new TSS has for its level`, async () => {
      const world = await create(task);
      world.cpu.memory.store(OTHER_TSS + 4, 4, 0x9000);
      world.cpu.memory.store(OTHER_TSS + 8, 4, Selector.kernelData);
      const outcome = world.run({ code: JUMP });
      expect(outcome).toMatchObject({ vector: 10, errorCode });
      const { cs = Selector.kernelCode, ss = Selector.kernelData } = task;
      expect(outcome.frame).toMatchObject({ rip: BigInt(OTHER_CODE), cs, rsp: BigInt(OTHER_STACK), ss });
      expect(outcome.registers[4]).toBe(0x9000n - 24n);
    });
    it(`${what} without any stack for the handler is a shutdown`, async () => {
      const world = await create(task);
      expect(world.run({ code: JUMP }).exit.kind).toBe('shutdown');
    });
  }
});
