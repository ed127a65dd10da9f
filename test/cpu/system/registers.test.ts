/** Control and debug registers, MSRs, descriptor-table registers: what is accepted, refused and read back. */
import { describe, expect, it } from 'vitest';
import { allOpcodes } from '../../../src/cpu/decode/decoder.js';
import { definitionOf } from '../../../src/cpu/semantics/context.js';
import '../../../src/cpu/semantics/all.js';
import * as state from '../../../src/cpu/state.js';
import { Access, Segment } from '../../../src/cpu/state.js';
import {
  GDT,
  KERNEL_CODE,
  LDT,
  Selector,
  SystemWorld,
  TSS,
  USER_CODE,
  type WorldMode,
} from '../../support/system-world.js';

const GP0 = { vector: 13, errorCode: 0 };
const UD = { vector: 6 };
const MOVE_TO = { cr0: '0f 22 c0', cr3: '0f 22 d8', cr4: '0f 22 e0', cr8: '44 0f 22 c0' } as const;

const FIELDS = { cr0: state.cr0, cr3: state.cr3, cr4: state.cr4, cr8: state.cr8 } as const;

describe('control registers', () => {
  const values: readonly (readonly [keyof typeof MOVE_TO, WorldMode, bigint, boolean])[] = [
    ['cr0', 'long', 0x80000011n, true],
    ['cr0', 'long', 0x80010031n, true],
    ['cr0', 'long', 0x1_80000011n, false],
    ['cr0', 'long', 0x80000010n, false],
    ['cr0', 'long', 0xa0000011n, false],
    ['cr0', 'long', 0xe0000011n, true],
    ['cr0', 'long', 0x00000011n, false],
    ['cr0', 'protected', 0x80000010n, false],
    ['cr0', 'protected', 0x20000011n, false],
    ['cr3', 'long', 0x100018n, true],
    ['cr3', 'long', 1n << 40n, false],
    ['cr4', 'long', 0x620n, true],
    ['cr4', 'long', 0x310fecn, true],
    ['cr4', 'long', 0x623n, true],
    ['cr4', 'long', 0x600n, false],
    ['cr4', 'long', 0x2620n, false],
    ['cr4', 'long', 0x40620n, true],
    ['cr4', 'long', 0x20620n, true],
    ['cr4', 'protected', 0x20620n, false],
    ['cr4', 'long', 0x1_00000620n, false],
    ['cr8', 'long', 15n, true],
    ['cr8', 'long', 16n, false],
  ];
  for (const [register, mode, value, accepted] of values) {
    it(`${register} ${accepted ? 'takes' : 'refuses'} ${value.toString(16)} in ${mode} mode`, async () => {
      const world = await SystemWorld.create(mode);
      const before = world.cpu.state.get64(FIELDS[register]);
      const outcome = world.run({ code: MOVE_TO[register], registers: { 0: value } });
      if (accepted) expect(outcome).toMatchObject({ done: true, vector: undefined });
      else expect(outcome).toMatchObject(GP0);
      expect(world.cpu.state.get64(FIELDS[register])).toBe(accepted ? value : before);
    });
  }

  it('CR0 keeps ET and ignores bits that are reserved', async () => {
    const world = await SystemWorld.create('protected');
    world.run({ code: '0f 22 c0 0f 20 c3', registers: { 0: 0x1ffaffc1n } });
    expect(world.cpu.state.get64(state.cr0)).toBe(0x11n);
  });

  it('paging with LME needs PAE', async () => {
    const world = await SystemWorld.create('protected');
    world.cpu.state.set64(state.efer, 0x100n);
    world.cpu.state.set64(state.cr4, 0n);
    expect(world.run({ code: MOVE_TO.cr0, registers: { 0: 0x80000011n } })).toMatchObject(GP0);
  });

  it('LMSW sets PE, MP, EM and TS, and cannot clear PE', async () => {
    const world = await SystemWorld.create('long');
    world.run({ code: '0f 01 f0', registers: { 0: 0xfffen } });
    expect(world.cpu.state.get64(state.cr0)).toBe(0x8001003fn);
  });

  it('SMSW stores 16 bits to memory, and the operand size to a register', async () => {
    const world = await SystemWorld.create('long');
    const outcome = world.run({
      code: '66 0f 01 e0 0f 01 e1 48 0f 01 e2 0f 01 27',
      registers: { 0: -1n, 7: 0x5000n },
    });
    expect(outcome.registers.slice(0, 3)).toEqual([0xffffffffffff0031n, 0x80010031n, 0x80010031n]);
    expect(world.cpu.memory.read(0x5000, 4)).toBe(0x31);
  });

  it('CLTS clears TS', async () => {
    const world = await SystemWorld.create('long');
    world.cpu.state.set64(state.cr0, 0x80000019n);
    world.run({ code: '0f 06' });
    expect(world.cpu.state.get64(state.cr0)).toBe(0x80000011n);
  });
});

describe('debug registers', () => {
  it('DR6 and DR7 keep their fixed bits', async () => {
    const world = await SystemWorld.create('long');
    const outcome = world.run({ code: '0f 23 f0 0f 23 f8 0f 21 f1 0f 21 fa', registers: { 0: 0xffffdfffn } });
    expect(outcome.registers.slice(1, 3)).toEqual([0xffffdfffn & 0xffffefffn, 0xffff07ffn]);
  });
  it('DR4 and DR5 are DR6 and DR7, or #UD with CR4.DE', async () => {
    const world = await SystemWorld.create('long');
    expect(world.run({ code: '0f 21 e8' }).registers[0]).toBe(0x400n);
    world.setUp();
    world.cpu.state.set64(state.cr4, 0x28n);
    expect(world.run({ code: '0f 21 e8' })).toMatchObject(UD);
  });
  it('refuse the upper half of DR6 and DR7', async () => {
    const world = await SystemWorld.create('long');
    expect(world.run({ code: '0f 23 f8', registers: { 0: 1n << 32n } })).toMatchObject(GP0);
  });
  it('GD makes an access #DB and is cleared', async () => {
    const world = await SystemWorld.create('long');
    world.cpu.state.set64(state.dr, 0x2400n, 7);
    expect(world.run({ code: '0f 21 c0' })).toMatchObject({ vector: 1 });
    expect(world.cpu.state.get64(state.dr, 7)).toBe(0x400n);
    expect(world.cpu.state.get64(state.dr, 6)).toBe(0xffff2ff0n);
  });
});

describe('model-specific registers', () => {
  const canonicalOnly = [0xc0000082, 0xc0000083, 0xc0000100, 0xc0000101, 0xc0000102, 0x175, 0x176];
  const values: readonly (readonly [number, bigint, boolean])[] = [
    ...canonicalOnly.flatMap((address) => [
      [address, 0xffff800000000000n, true] as const,
      [address, 0x0000800000000000n, false] as const,
    ]),
    [0xc0000080, 0xd01n, true],
    [0xc0000080, 0xd00n, true],
    [0xc0000080, 0xc01n, false],
    [0xc0000080, 0x4d01n, false],
    [0xc0000081, 0xffffffffffffffffn, true],
    [0xc0000084, 1n << 32n, false],
    [0x277, 0x0007040600070406n, true],
    [0x277, 0x0007040600070402n, false],
    [0x2ff, 0xc06n, true],
    [0x2ff, 0x1c06n, false],
    [0x250, 0x0606060606060606n, true],
    [0x250, 0x0607060606060606n, false],
    [0x200, 0x80000006n, true],
    [0x200, 0x80000002n, false],
    [0x200, 0x80000106n, false],
    [0x201, 0xff80000800n, true],
    [0x201, 0xff80000400n, false],
    [0x201, 1n << 40n, false],
    [0x17a, 5n, true],
    [0x17a, 8n, false],
    [0x179, 0n, false],
    [0x1d9, 4n, false],
    [0x1a0, 0x4_00c5_1889n, true],
    [0x1a0, 2n, false],
    [0x1a0, 1n << 35n, false],
    [0xda0, 0n, true],
    [0xda0, 1n, false],
    [0xfe, 0n, false],
    [0x123456, 0n, false],
  ];
  for (const [address, value, accepted] of values) {
    it(`${address.toString(16)} ${accepted ? 'takes' : 'refuses'} ${value.toString(16)}`, async () => {
      const world = await SystemWorld.create('long');
      const registers = { 0: value & 0xffffffffn, 1: BigInt(address), 2: value >> 32n };
      // WRMSR; MOV ESI,EAX … RDMSR
      const outcome = world.run({ code: '0f 30 31 c0 31 d2 0f 32', registers });
      if (!accepted) {
        expect(outcome).toMatchObject(GP0);
        return;
      }
      expect(outcome.done).toBe(true);
      expect(outcome.registers[0]! | (outcome.registers[2]! << 32n)).toBe(value);
    });
  }

  it('the time-stamp counter counts instructions from what was written', async () => {
    const world = await SystemWorld.create('long');
    // WRMSR 10h with 1000h; NOP; NOP; RDTSC
    const outcome = world.run({ code: '0f 30 90 90 0f 31', registers: { 0: 0x1000n, 1: 0x10n } });
    expect(outcome.registers[0]).toBe(0x1003n);
  });

  it('IA32_TSC_ADJUST moves the counter, and follows what is written to it', async () => {
    const world = await SystemWorld.create('long');
    // WRMSR 3Bh with 5000h; RDTSC; MOV EBX,EAX
    const moved = world.run({ code: '0f 30 0f 31 89 c3', registers: { 0: 0x5000n, 1: 0x3bn } });
    expect(moved.registers[3]).toBe(0x5002n);
    // WRMSR 10h with 9000h; MOV ECX,3Bh; RDMSR
    const other = await SystemWorld.create('long');
    const registers = { 0: 0x9000n, 1: 0x10n };
    const followed = other.run({ code: '90 90 0f 30 b9 3b 00 00 00 0f 32', registers });
    expect(followed.registers[0]).toBe(0x9000n - 3n);
  });

  it('a processor without banks of machine-check registers has no IA32_MCG_CTL', async () => {
    const world = await SystemWorld.create('long');
    expect(world.run({ code: '0f 32', registers: { 1: 0x179n } }).registers[0]).toBe(0n);
    expect(world.run({ code: '0f 32', registers: { 1: 0x17bn } })).toMatchObject(GP0);
    expect(world.run({ code: '0f 32', registers: { 1: 0x400n } })).toMatchObject(GP0);
  });

  it('RDTSC and RDTSCP are refused to ring 3 by CR4.TSD', async () => {
    const world = await SystemWorld.create('long');
    expect(world.run({ code: '0f 31', ring: 3 }).done).toBe(true);
    world.setUp();
    world.cpu.state.set64(state.cr4, 0x24n);
    expect(world.run({ code: '0f 01 f9', ring: 3 })).toMatchObject(GP0);
  });

  it('RDTSCP and RDPID read TSC_AUX', async () => {
    const world = await SystemWorld.create('long');
    world.cpu.state.set64(state.msrTscAux, 77n);
    const outcome = world.run({ code: '0f 01 f9 f3 0f c7 fb' });
    expect([outcome.registers[1], outcome.registers[3]]).toEqual([77n, 77n]);
  });

  it('a change of EFER.NXE takes effect at once', async () => {
    const world = await SystemWorld.create('long');
    world.setPage(0x50000, 3n | (1n << 63n));
    // MOV AL,[RDI]; WRMSR; MOV AL,[RDI]
    const registers = { 0: 0x501n, 1: 0xc0000080n, 7: 0x50000n };
    const outcome = world.run({ code: '8a 1f 0f 30 8a 1f', registers });
    expect(outcome).toMatchObject({ vector: 14, errorCode: 9 });
  });
});

describe('descriptor tables', () => {
  it('LGDT and LIDT load limit and base, SGDT and SIDT store them', async () => {
    const world = await SystemWorld.create('long');
    world.put64(0x5000, (0xffff800012345678n << 16n) | 0x7ffn);
    world.put64(0x5008, 0xffff800012345678n >> 48n);
    const registers = { 7: 0x5000n, 6: 0x5010n, 3: 0x5020n };
    // SIDT [RBX]; LIDT [RDI]; SIDT [RSI]; LIDT [RBX]
    const outcome = world.run({ code: '0f 01 0b 0f 01 1f 0f 01 0e 0f 01 1b', registers });
    expect(outcome.done).toBe(true);
    expect([world.get64(0x5010), world.get64(0x5018)]).toEqual([world.get64(0x5000), world.get64(0x5008)]);
  });
  it('LGDT refuses a base that is not canonical', async () => {
    const world = await SystemWorld.create('long');
    world.put64(0x5002, 1n << 60n);
    expect(world.run({ code: '0f 01 17', registers: { 7: 0x5000n } })).toMatchObject(GP0);
    expect(world.cpu.state.get64(state.gdtrBase)).toBe(BigInt(GDT));
  });
  it('LGDT takes 24 bits of the base with a 16-bit operand', async () => {
    const world = await SystemWorld.create('protected');
    world.put64(0x5000, 0x0000_ff002000_00afn);
    const outcome = world.run({ code: '66 0f 01 17', registers: { 7: 0x5000n } });
    expect(outcome.done).toBe(true);
    expect(world.cpu.state.get64(state.gdtrBase)).toBe(0x2000n);
  });
  it('SGDT across a page that is not mapped writes nothing', async () => {
    const world = await SystemWorld.create('long');
    world.setPage(0x51000, 0n);
    const outcome = world.run({ code: '0f 01 07', registers: { 7: 0x50ffcn } });
    expect(outcome).toMatchObject({ vector: 14, errorCode: 2, cr2: 0x51000n });
    expect(world.cpu.memory.read(0x50ffc, 4)).toBe(0);
  });

  it('LTR marks the TSS busy and takes its 64-bit base', async () => {
    const world = await SystemWorld.create('long');
    world.setDescriptor(Selector.tss, world.get64(GDT + Selector.tss) & ~(2n << 40n), 0xffff8000n);
    const outcome = world.run({ code: '0f 00 d8 0f 00 cb', registers: { 0: BigInt(Selector.tss) } });
    expect(outcome.registers[3]).toBe(BigInt(Selector.tss));
    expect(world.cpu.state.get64(state.segmentBase, Segment.tr)).toBe(0xffff800000000000n | BigInt(TSS));
    expect((world.get64(GDT + Selector.tss) >> 40n) & 15n).toBe(11n);
  });
  const taskErrors: readonly (readonly [string, number, number, number])[] = [
    ['a busy TSS', Selector.tss, 13, Selector.tss],
    ['null', 0, 13, 0],
    ['code', Selector.kernelCode, 13, Selector.kernelCode],
    ['the LDT', 0x0c, 13, 0x0c],
    ['beyond the GDT', Selector.beyond, 13, Selector.beyond],
  ];
  for (const [what, selector, vector, errorCode] of taskErrors) {
    it(`LTR refuses ${what}`, async () => {
      const world = await SystemWorld.create('long');
      const outcome = world.run({ code: '0f 00 d8', registers: { 0: BigInt(selector) } });
      expect([outcome.vector, outcome.errorCode]).toEqual([vector, errorCode]);
    });
  }
  it('LLDT loads the LDT, or none', async () => {
    const world = await SystemWorld.create('long');
    world.run({ code: '0f 00 d0', registers: { 0: 0n } });
    expect(world.cpu.state.get32(state.segmentAccess, Segment.ldtr) & Access.null).not.toBe(0);
    world.setUp();
    const again = world.run({ code: '0f 00 d0', registers: { 0: BigInt(Selector.ldt) } });
    expect(again.done).toBe(true);
    expect(world.cpu.state.get64(state.segmentBase, Segment.ldtr)).toBe(BigInt(LDT));
    world.setUp();
    expect(world.run({ code: '0f 00 d0', registers: { 0: BigInt(Selector.tss) } })).toMatchObject({
      vector: 13,
      errorCode: Selector.tss,
    });
  });
  it('LLDT and SLDT are #UD in real mode', async () => {
    const world = await SystemWorld.create('real');
    for (const code of ['0f 00 d0', '0f 00 c0', '0f 00 d8', '0f 00 c8', '0f 02 c0', '0f 00 e0', '63 c0']) {
      world.setUp();
      expect(world.run({ code })).toMatchObject(UD);
    }
  });
});

describe('in ring 3', () => {
  const refused = {
    HLT: 'f4',
    CLI: 'fa',
    STI: 'fb',
    CLTS: '0f 06',
    INVD: '0f 08',
    WBINVD: '0f 09',
    INVLPG: '0f 01 3f',
    LMSW: '0f 01 f0',
    LGDT: '0f 01 17',
    LIDT: '0f 01 1f',
    LLDT: '0f 00 d0',
    LTR: '0f 00 d8',
    RDMSR: '0f 32',
    WRMSR: '0f 30',
    RDPMC: '0f 33',
    SWAPGS: '0f 01 f8',
    SYSRET: '48 0f 07',
    'MOV from CR0': '0f 20 c0',
    'MOV to CR8': '44 0f 22 c0',
    'MOV from DR7': '0f 21 f8',
    IN: 'ec',
    OUT: 'e6 80',
  };
  for (const [name, code] of Object.entries(refused)) {
    it(`${name} is #GP(0)`, async () => {
      const world = await SystemWorld.create('long');
      const outcome = world.run({ code, ring: 3 });
      expect(outcome).toMatchObject(GP0);
      expect(outcome.frame.rip).toBe(BigInt(USER_CODE));
    });
  }
  it('CLAC and STAC are #UD', async () => {
    const world = await SystemWorld.create('long');
    expect(world.run({ code: '0f 01 ca', ring: 3 })).toMatchObject(UD);
    world.setUp();
    expect(world.run({ code: '0f 01 cb', ring: 3 })).toMatchObject(UD);
  });
  it('UMIP keeps SGDT, SIDT, SLDT, STR and SMSW to ring 0', async () => {
    const world = await SystemWorld.create('long');
    for (const code of ['0f 01 07', '0f 01 0f', '0f 00 c0', '0f 00 c8', '0f 01 e0']) {
      world.setUp();
      expect(world.run({ code, ring: 3, registers: { 7: 0x28000n } }).done).toBe(true);
      world.setUp();
      world.cpu.state.set64(state.cr4, 0x820n);
      expect(world.run({ code, ring: 3, registers: { 7: 0x28000n } })).toMatchObject(GP0);
    }
  });
});

it('every instruction that the decoder knows has a meaning', () => {
  const missing = allOpcodes().filter(({ mnemonic }) => !definitionOf(mnemonic));
  expect(missing.map(({ mnemonic }) => mnemonic)).toEqual([]);
});

it('what the processor does not have is #UD and not reported as missing', async () => {
  const world = await SystemWorld.create('long');
  for (const code of ['0f 0b', '0f b9 c0', '0f ff c0', '0f 01 c1', '0f aa']) {
    world.setUp();
    const outcome = world.run({ code });
    expect(outcome).toMatchObject(UD);
    expect(outcome.frame.rip).toBe(BigInt(KERNEL_CODE));
    expect(world.unimplemented).toEqual([]);
  }
});
