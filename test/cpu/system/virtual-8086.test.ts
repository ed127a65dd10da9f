/** Virtual-8086 mode: in and out by IRET and interrupts, its segments, IOPL, and the virtual interrupt flag. */
import { describe, expect, it } from 'vitest';
import * as state from '../../../src/cpu/state.js';
import { Cr4, Segment, Xcr0 } from '../../../src/cpu/state.js';
import {
  KERNEL_STACK,
  RING_0_ENTRY_STACK,
  Selector,
  SystemWorld,
  type TrialOutcome,
  TSS,
} from '../../support/system-world.js';

const VM = 0x20000;
const VIF = 0x80000;
const VIP = 0x100000;
const IF = 0x200;
const IOPL_3 = 0x3000;
/** The program: CS 2000h, IP 10h. Its stack ends at 3000:8000. */
const CODE = 0x20010;
const STACK_TOP = 0x38000;
/** UD2, which ends each program. */
const END = '0f 0b';
const UNDEFINED = { vector: 6 };
const GP0 = { vector: 13, errorCode: 0 };

interface Program {
  readonly code: string;
  readonly flags?: number;
  readonly cr4?: number;
  readonly registers?: Readonly<Record<number, bigint>>;
  readonly prepare?: (world: SystemWorld) => void;
}

interface Outcome extends TrialOutcome {
  readonly world: SystemWorld;
  /** ES DS FS GS as the interrupt saved them. */
  readonly saved: readonly number[];
  /** RIP within the program. */
  readonly ip: number;
}

/** Enters the program by IRETD from ring 0 and runs it to an exception. */
async function run({ code, flags = 0, cr4 = 0, registers = {}, prepare }: Program): Promise<Outcome> {
  const world = await SystemWorld.create('protected');
  world.cpu.state.set64(state.cr4, BigInt(cr4));
  const bytes = `${code} ${END}`.match(/[0-9a-f]{2}/gi) ?? [];
  world.cpu.memory.write(
    CODE,
    Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 16)),
  );
  const frame = [0x10, 0x2000, VM | flags | 2, 0x8000, 0x3000, 0x1111, 0x2222, 0x3333, 0x4444];
  const top = KERNEL_STACK - 4 * frame.length;
  for (const [n, word] of frame.entries()) world.cpu.memory.store(top + 4 * n, 4, word);
  prepare?.(world);
  const outcome = world.run({ code: 'cf', registers: { ...registers, 4: BigInt(top) } });
  const saved = [20, 24, 28, 32].map(
    (depth) => world.cpu.memory.read(RING_0_ENTRY_STACK - 36 + depth, 4) ?? 0,
  );
  return { ...outcome, world, saved, ip: Number(outcome.frame.rip) - 0x10 };
}

/** A word of the program's stack, by bytes below its top. */
const stacked = ({ world }: Outcome, below: number): number =>
  world.cpu.memory.read(STACK_TOP - below, 2) ?? 0;

describe('an interrupt', () => {
  it('saves all segments and the flags with VM, and makes the data segments null', async () => {
    const outcome = await run({ code: '', flags: IF | IOPL_3 });
    expect(outcome).toMatchObject({ ...UNDEFINED, ip: 0, saved: [0x1111, 0x2222, 0x3333, 0x4444] });
    expect(outcome.frame).toEqual({
      rip: 0x10n,
      cs: 0x2000,
      flags: BigInt(VM | IF | IOPL_3 | 0x10002),
      rsp: 0x8000n,
      ss: 0x3000,
    });
    const view = outcome.world.cpu.state;
    for (const segment of [Segment.es, Segment.ds, Segment.fs, Segment.gs]) {
      expect(view.get32(state.segmentSelector, segment)).toBe(0);
    }
    expect(outcome.flags & BigInt(VM)).toBe(0n);
    expect(view.get32(state.cpl)).toBe(0);
    expect(outcome.registers[4]).toBe(BigInt(RING_0_ENTRY_STACK - 36));
  });
  it('through a gate to code that is not of level 0 is #GP with its selector', async () => {
    const outcome = await run({
      code: '',
      prepare: (world) => world.setGate(6, { selector: Selector.userCode32 | 3 }),
    });
    expect(outcome).toMatchObject({ vector: 13, errorCode: Selector.userCode32 | 1 });
  });
  it('goes back to where it was by IRET', async () => {
    // INT 41h, whose handler is IRETD
    const outcome = await run({
      code: 'cd 41 90',
      flags: IOPL_3,
      prepare: (world) => {
        world.setGate(0x41, { level: 3 });
        world.cpu.memory.store(0x6000 + 0x41 * 16, 1, 0xcf);
      },
    });
    expect(outcome).toMatchObject({ ...UNDEFINED, ip: 3, saved: [0x1111, 0x2222, 0x3333, 0x4444] });
  });
});

describe('segments', () => {
  it('are paragraphs of 64 KiB', async () => {
    // MOV DS,AX; MOV CX,[DI]
    const outcome = await run({
      code: '8e d8 8b 0d',
      registers: { 0: 0x1234n, 7: 0x10n },
      prepare: (world) => world.cpu.memory.store(0x12350, 2, 0xbeef),
    });
    expect(outcome).toMatchObject(UNDEFINED);
    expect(outcome.registers[1]).toBe(0xbeefn);
    expect(outcome.saved[1]).toBe(0x1234);
  });
  it('end at FFFFh', async () => {
    expect(await run({ code: '8b 0d', registers: { 7: 0xffffn } })).toMatchObject({ ...GP0, ip: 0 });
    expect(await run({ code: '67 8b 0f', registers: { 7: 0x10000n } })).toMatchObject({ ...GP0, ip: 0 });
  });
  it('are loaded by far jumps, calls and returns as in real mode', async () => {
    // CALL 2000:0040; there RETF
    const outcome = await run({
      code: '9a 40 00 00 20',
      prepare: (world) => world.cpu.memory.store(0x20040, 1, 0xcb),
    });
    expect(outcome).toMatchObject({ ...UNDEFINED, ip: 5 });
    expect([stacked(outcome, 2), stacked(outcome, 4)]).toEqual([0x2000, 0x15]);
  });
});

describe('instructions that need protected mode or ring 0', () => {
  const cases: readonly (readonly [string, string, object])[] = [
    ['LAR', '0f 02 c0', UNDEFINED],
    ['ARPL', '63 c0', UNDEFINED],
    ['LLDT', '0f 00 d0', UNDEFINED],
    ['HLT', 'f4', GP0],
    ['MOV CR0', '0f 22 c0', GP0],
    ['LIDT', '0f 01 1c', GP0],
  ];
  for (const [name, code, fault] of cases) {
    it(`refuse: ${name}`, async () => {
      expect(await run({ code, flags: IOPL_3 })).toMatchObject({ ...fault, ip: 0 });
    });
  }
});

describe('vectors', () => {
  const code = '0f 57 c0 c5 fc 57 c0';
  it('have no VEX encodings, even with AVX enabled', async () => {
    const outcome = await run({
      code,
      cr4: Cr4.osfxsr | Cr4.osxsave,
      prepare: ({ cpu }) => cpu.state.set64(state.xcr0, BigInt(Xcr0.x87 | Xcr0.sse | Xcr0.avx)),
    });
    expect(outcome).toMatchObject({ ...UNDEFINED, ip: 3 });
  });
});

describe('below IOPL 3 without VME', () => {
  for (const [name, code] of [
    ['CLI', 'fa'],
    ['STI', 'fb'],
    ['PUSHF', '9c'],
    ['POPF', '9d'],
    ['INT n', 'cd 41'],
    ['IRET', 'cf'],
  ] as const) {
    it(`${name} is #GP`, async () => {
      expect(await run({ code })).toMatchObject({ ...GP0, ip: 0 });
    });
  }
  it('IN goes by the bitmap, also at IOPL 3', async () => {
    const bitmap = (world: SystemWorld): void => {
      world.cpu.memory.store(TSS + 102, 2, 0x100);
      world.cpu.memory.write(TSS + 0x100, Uint8Array.of(0b10111111, 0xff));
    };
    expect((await run({ code: 'e4 06', prepare: bitmap })).registers[0]).toBe(6n);
    expect(await run({ code: 'e4 05', prepare: bitmap, flags: IOPL_3 })).toMatchObject({ ...GP0, ip: 0 });
  });
});

describe('at IOPL 3', () => {
  it('CLI, STI, PUSHF, POPF and IRET act on IF', async () => {
    // STI; PUSHF; CLI; PUSHF
    const outcome = await run({ code: 'fb 9c fa 9c', flags: IOPL_3 });
    expect([stacked(outcome, 2), stacked(outcome, 4)]).toEqual([0x3202, 0x3002]);
    // PUSH 0200h; POPF; PUSHF: IOPL stays
    expect(stacked(await run({ code: '68 00 02 9d 9c', flags: IOPL_3 }), 2)).toBe(0x3202);
    // PUSH 0202h; PUSH CS; PUSH 19h; IRET
    const returned = await run({ code: '68 02 02 0e 6a 19 cf 90 90', flags: IOPL_3 });
    expect([returned.vector, returned.ip, Number(returned.frame.flags) & 0x3200]).toEqual([6, 9, 0x3200]);
  });
});

describe('the virtual interrupt flag of VME', () => {
  const VME = Cr4.vme;
  it('is what CLI, STI, PUSHF and POPF see below IOPL 3', async () => {
    const outcome = await run({ code: 'fb 9c fa 9c fb', cr4: VME });
    expect([stacked(outcome, 2), stacked(outcome, 4)]).toEqual([0x3202, 0x3002]);
    expect(Number(outcome.frame.flags) & (VIF | IF | IOPL_3)).toBe(VIF);
    const popped = await run({ code: '68 00 02 9d', cr4: VME });
    expect(Number(popped.frame.flags) & (VIF | IF | IOPL_3)).toBe(VIF);
  });
  it('is what IRET sets', async () => {
    const outcome = await run({ code: '68 02 32 0e 6a 19 cf 90 90', cr4: VME });
    expect([outcome.vector, outcome.ip]).toEqual([6, 9]);
    expect(Number(outcome.frame.flags) & (VIF | IF | IOPL_3)).toBe(VIF);
  });
  it('is not set while an interrupt waits: #GP', async () => {
    for (const code of ['fb', '68 00 02 9d', '68 02 02 0e 6a 19 cf']) {
      const outcome = await run({ code, cr4: VME, flags: VIP });
      expect([code, outcome.vector, outcome.errorCode]).toEqual([code, 13, 0]);
    }
    expect(await run({ code: '68 00 01 9d', cr4: VME })).toMatchObject(GP0);
  });
  it('with an interrupt waiting, after IRET from ring 0: #GP before the first instruction', async () => {
    const outcome = await run({ code: '90', cr4: VME, flags: VIF | VIP });
    expect(outcome).toMatchObject({ ...GP0, ip: 0 });
    expect(Number(outcome.frame.flags) & (VM | VIF | VIP)).toBe(VM | VIF | VIP);
    expect(await run({ code: '90', cr4: VME, flags: VIF | VIP | IOPL_3 })).toMatchObject({
      ...UNDEFINED,
      ip: 1,
    });
    expect(await run({ code: '90', flags: VIF | VIP })).toMatchObject({ ...UNDEFINED, ip: 1 });
    expect(await run({ code: '90', cr4: VME, flags: VIF })).toMatchObject({ ...UNDEFINED, ip: 1 });
  });
  it('is not there for 32-bit operands', async () => {
    expect(await run({ code: '66 9c', cr4: VME })).toMatchObject({ ...GP0, ip: 0 });
    expect(await run({ code: '66 9d', cr4: VME })).toMatchObject({ ...GP0, ip: 0 });
  });

  /** INT 41h is redirected if its bit is clear. The program's handler is at 2000:0080. */
  const redirection = (bit: 0 | 1) => (world: SystemWorld) => {
    world.cpu.memory.store(TSS + 102, 2, 0x100);
    world.cpu.memory.store(TSS + 0x100 - 32 + 8, 1, bit << 1);
    world.cpu.memory.store(0x41 * 4, 4, 0x20000080);
    world.cpu.memory.write(0x20080, Uint8Array.of(0x0f, 0x0b));
    world.setGate(0x41, { level: 3 });
  };
  it('is saved as IF by an INT that the bitmap redirects, and cleared', async () => {
    const outcome = await run({ code: 'cd 41', cr4: VME, flags: VIF, prepare: redirection(0) });
    expect([outcome.vector, outcome.ip]).toEqual([6, 0x70]);
    expect([stacked(outcome, 2), stacked(outcome, 4), stacked(outcome, 6)]).toEqual([0x3202, 0x2000, 0x12]);
    expect(Number(outcome.frame.flags) & (VIF | IF)).toBe(0);
  });
  it('is left alone by one that is redirected at IOPL 3: IF is cleared', async () => {
    const outcome = await run({
      code: 'cd 41',
      cr4: VME,
      flags: VIF | IF | IOPL_3,
      prepare: redirection(0),
    });
    expect(stacked(outcome, 2)).toBe(0x3202);
    expect(Number(outcome.frame.flags) & (VIF | IF)).toBe(VIF);
  });
  it('does not matter to an INT that is not redirected', async () => {
    expect(await run({ code: 'cd 41', cr4: VME, prepare: redirection(1) })).toMatchObject({ ...GP0, ip: 0 });
    const through = await run({ code: 'cd 41', cr4: VME, flags: IOPL_3, prepare: redirection(1) });
    expect([through.vector, through.ip]).toEqual([0x41, 2]);
  });
});

describe('the virtual interrupt flag of PVI', () => {
  const ring3 = async (code: string, flags: bigint, cr4 = Cr4.pvi): Promise<TrialOutcome> => {
    const world = await SystemWorld.create('protected');
    world.cpu.state.set64(state.cr4, BigInt(cr4));
    return world.run({ code, ring: 3, flags: flags | 2n });
  };
  it('is what CLI and STI change at CPL 3 below IOPL 3', async () => {
    expect((await ring3('fb', 0n)).frame.flags & BigInt(VIF | IF)).toBe(BigInt(VIF));
    expect((await ring3('fa', BigInt(VIF | IF))).frame.flags & BigInt(VIF | IF)).toBe(BigInt(IF));
    expect(await ring3('fb', BigInt(VIP))).toMatchObject(GP0);
    expect(await ring3('fb', 0n, 0)).toMatchObject(GP0);
    expect((await ring3('fb', BigInt(IOPL_3))).frame.flags & BigInt(VIF | IF)).toBe(BigInt(IF));
  });

  /** From ring 0 to the UD2 at 5100h in ring 3, its stack at 8000h, in the ways that there are. */
  const push = (value: number): string => {
    const bytes = [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
    return `68 ${bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(' ')}`;
  };
  const [ss, cs] = [Selector.userData | 3, Selector.userCode32 | 3];
  const outward = async (code: string, flags: number, cr4: number): Promise<TrialOutcome> => {
    const world = await SystemWorld.create('protected');
    world.cpu.state.set64(state.cr4, BigInt(cr4));
    world.cpu.state.set64(state.msrSysenterCs, BigInt(Selector.kernelCode));
    world.cpu.memory.write(0x5100, Uint8Array.of(0x90, 0x0f, 0x0b));
    return world.run({ code, flags: BigInt(flags | 2), registers: { 1: 0x8000n, 2: 0x5100n } });
  };
  const iret = (flags: number): string =>
    [push(ss), push(0x8000), push(flags | 2), push(cs), push(0x5100), 'cf'].join(' ');
  const retf = [push(ss), push(0x8000), push(cs), push(0x5100), 'cb'].join(' ');
  it.each([
    ['IRET', iret(VIF | VIP), 0],
    ['RET', retf, VIF | VIP],
    ['SYSEXIT', '0f 35', VIF | VIP],
  ])(
    'with an interrupt waiting, after %s from ring 0: #GP before the first instruction',
    async (_name, code, flags) => {
      expect(await outward(code, flags, Cr4.pvi)).toMatchObject({ ...GP0, frame: { rip: 0x5100n } });
      expect(await outward(code, flags, 0)).toMatchObject({ ...UNDEFINED, frame: { rip: 0x5101n } });
    },
  );
});
