/** Far jumps, calls and returns, IRET and call gates, between modes and privileges (SDM vol. 3 §5.8). */
import { describe, expect, it } from 'vitest';
import * as state from '../../../src/cpu/state.js';
import { Segment } from '../../../src/cpu/state.js';
import {
  KERNEL_CODE,
  KERNEL_STACK,
  LDT,
  RING_0_ENTRY_STACK,
  Selector,
  SystemWorld,
  TSS,
  USER_CODE,
  USER_STACK,
} from '../../support/system-world.js';

/** Little-endian hexadecimal. */
function hex(value: number | bigint, bytes: number): string {
  let rest = BigInt(value);
  let text = '';
  for (let n = 0; n < bytes; n++, rest >>= 8n)
    text += ` ${Number(rest & 0xffn)
      .toString(16)
      .padStart(2, '0')}`;
  return text;
}
/** PUSH imm32 */
const push = (value: number): string => `68 ${hex(value, 4)}`;
const RETFQ = '48 cb';
const IRETQ = '48 cf';
/** JMP FAR [0x5000] and CALL FAR [0x5000] in 64-bit code */
const JUMP = 'ff 2c 25 00 50 00 00';
const CALL = 'ff 1c 25 00 50 00 00';
const POINTER = 0x5000;

async function longWorld(pointer?: { offset: number; selector: number }): Promise<SystemWorld> {
  const world = await SystemWorld.create('long');
  if (pointer) world.put64(POINTER, BigInt(pointer.offset) | (BigInt(pointer.selector) << 32n));
  return world;
}

function codeSize(world: SystemWorld): number {
  return world.cpu.state.get32(state.codeSize);
}

describe('direct transfers', () => {
  it('jump from 64-bit to 32-bit and 16-bit code and back', async () => {
    for (const [selector, size] of [
      [Selector.kernelCode32, 32],
      [Selector.kernelCode16, 16],
    ] as const) {
      const world = await longWorld({ offset: 0x5100, selector });
      world.cpu.memory.write(0x5100, Uint8Array.of(0xf4));
      const outcome = world.run({ code: JUMP });
      expect(outcome.exit.kind).toBe('halt');
      expect([world.cpu.rip, codeSize(world)]).toEqual([0x5101n, size]);
      expect(world.cpu.state.get32(state.segmentSelector, Segment.cs)).toBe(selector);
    }
    const world = await longWorld({ offset: 0x5100, selector: Selector.kernelCode32 });
    // JMP FAR 8:0x5200; at 0x5200 64-bit code: INC RAX; HLT
    world.cpu.memory.write(0x5100, Uint8Array.of(0xea, 0x00, 0x52, 0, 0, 8, 0));
    world.cpu.memory.write(0x5200, Uint8Array.of(0x48, 0xff, 0xc0, 0xf4));
    const outcome = world.run({ code: JUMP, registers: { 0: 0xffffffffn } });
    expect([world.cpu.rip, codeSize(world), outcome.registers[0]]).toEqual([0x5204n, 64, 0x100000000n]);
  });

  it('call pushes CS and RIP at the operand size', async () => {
    for (const [prefix, bytes] of [
      ['', 4],
      ['48', 8],
      ['66', 2],
    ] as const) {
      const world = await SystemWorld.create('long');
      const selector = BigInt(Selector.kernelCode);
      world.put64(POINTER, 0x5100n | (selector << BigInt(8 * bytes)));
      if (bytes === 8) world.put64(POINTER + 8, selector);
      world.cpu.memory.write(0x5100, Uint8Array.of(0xf4));
      const outcome = world.run({ code: `${prefix} ${CALL}` });
      expect(outcome.registers[4]).toBe(BigInt(KERNEL_STACK - 2 * bytes));
      const mask = (1n << BigInt(8 * bytes)) - 1n;
      const length = prefix ? 8 : 7;
      expect(world.get64(KERNEL_STACK - 2 * bytes) & mask).toBe(BigInt(KERNEL_CODE + length) & mask);
      expect(world.get64(KERNEL_STACK - bytes) & mask).toBe(selector);
    }
  });

  it('call and return', async () => {
    const world = await longWorld({ offset: 0x5100, selector: Selector.conformingCode });
    world.cpu.memory.write(0x5100, Uint8Array.of(0x48, 0xff, 0xc0, 0xcb));
    const outcome = world.run({ code: CALL });
    expect(outcome.done).toBe(true);
    expect([outcome.registers[0], outcome.registers[4]]).toEqual([1n, BigInt(KERNEL_STACK)]);
  });

  const refused: readonly (readonly [string, number, number, number])[] = [
    ['null', 0, 13, 0],
    ['beyond the GDT', Selector.beyond, 13, Selector.beyond],
    ['data', Selector.kernelData, 13, Selector.kernelData],
    ['ring-3 code', Selector.userCode64, 13, Selector.userCode64],
    ['ring-0 code with RPL 3', Selector.kernelCode | 3, 13, Selector.kernelCode],
    ['not present', Selector.absentCode, 11, Selector.absentCode],
    ['both long and big', Selector.longAndBigCode, 13, Selector.longAndBigCode],
    ['a TSS', Selector.tss, 13, Selector.tss],
    ['an LDT', Selector.ldt, 13, Selector.ldt],
  ];
  for (const [what, selector, vector, errorCode] of refused) {
    it(`refuse a selector that is ${what}`, async () => {
      for (const code of [JUMP, CALL]) {
        const world = await longWorld({ offset: 0x5100, selector });
        const outcome = world.run({ code });
        expect([outcome.vector, outcome.errorCode, outcome.frame.rip]).toEqual([
          vector,
          errorCode,
          BigInt(KERNEL_CODE),
        ]);
        expect(outcome.frame.rsp).toBe(BigInt(KERNEL_STACK));
      }
    });
  }

  it('refuse an offset beyond the limit, and one that is not canonical', async () => {
    const world = await longWorld({ offset: 0x2000, selector: Selector.kernelCode32 });
    world.setDescriptor(Selector.kernelCode32, 0x00409b0000001fffn);
    expect(world.run({ code: JUMP })).toMatchObject({ vector: 13, errorCode: 0 });
    const other = await SystemWorld.create('long');
    other.put64(POINTER, 0x800000000000n);
    other.put64(POINTER + 8, BigInt(Selector.kernelCode));
    expect(other.run({ code: `48 ${JUMP}` })).toMatchObject({ vector: 13, errorCode: 0 });
  });

  it('mark the descriptor as accessed', async () => {
    const world = await longWorld({ offset: 0x5100, selector: Selector.kernelCode32 });
    world.setDescriptor(Selector.kernelCode32, 0x00cf9a000000ffffn);
    world.cpu.memory.write(0x5100, Uint8Array.of(0xf4));
    world.run({ code: JUMP });
    expect(world.get64(0x2000 + Selector.kernelCode32)).toBe(0x00cf9b000000ffffn);
  });

  it('find code in the LDT', async () => {
    const world = await longWorld({ offset: 0x5100, selector: 0x0c });
    world.put64(LDT + 8, 0x00cf9b000000ffffn);
    world.cpu.memory.write(0x5100, Uint8Array.of(0xf4));
    world.run({ code: JUMP });
    expect([world.cpu.rip, codeSize(world)]).toEqual([0x5101n, 32]);
  });
});

describe('returns to ring 3', () => {
  const frame = [
    push(Selector.userData | 3),
    push(USER_STACK),
    push(0x202),
    push(Selector.userCode64 | 3),
    push(USER_CODE),
  ];

  it('IRET loads everything, drops ring-0 data segments and applies RFLAGS', async () => {
    const world = await SystemWorld.create('long');
    world.cpu.memory.write(USER_CODE, Uint8Array.of(0xcd, 0x40));
    const outcome = world.run({ code: [...frame, IRETQ].join(' ') });
    expect(outcome.done).toBe(true);
    expect(outcome.frame).toEqual({
      rip: BigInt(USER_CODE + 2),
      cs: Selector.userCode64 | 3,
      flags: 0x202n,
      rsp: BigInt(USER_STACK),
      ss: Selector.userData | 3,
    });
    expect(world.cpu.state.get32(state.segmentSelector, Segment.ds)).toBe(0);
    expect(outcome.registers[4]).toBe(BigInt(RING_0_ENTRY_STACK - 40));
  });

  it('IRET keeps the base of a segment that it makes null', async () => {
    const world = await SystemWorld.create('long');
    world.cpu.memory.write(USER_CODE, Uint8Array.of(0xcd, 0x40));
    world.cpu.state.set32(state.segmentSelector, Selector.kernelData, Segment.gs);
    world.cpu.state.set64(state.segmentBase, 0xffff800000001000n, Segment.gs);
    expect(world.run({ code: [...frame, IRETQ].join(' ') }).done).toBe(true);
    expect(world.cpu.state.get32(state.segmentSelector, Segment.gs)).toBe(0);
    expect(world.cpu.state.get64(state.segmentBase, Segment.gs)).toBe(0xffff800000001000n);
  });

  it('IRET makes a null selector with an RPL 0, and keeps the base', async () => {
    const world = await SystemWorld.create('long');
    world.cpu.memory.write(USER_CODE, Uint8Array.of(0xcd, 0x40));
    // MOV EAX,3; MOV GS,EAX; then the base by WRMSR of IA32_GS_BASE
    const base = 'b8 00 50 34 12 31 d2 b9 01 01 00 c0 0f 30';
    const code = ['b8 03 00 00 00 8e e8', base, ...frame, IRETQ].join(' ');
    expect(world.run({ code }).done).toBe(true);
    expect(world.cpu.state.get32(state.segmentSelector, Segment.gs)).toBe(0);
    expect(world.cpu.state.get64(state.segmentBase, Segment.gs)).toBe(0x12345000n);
  });

  it('RETF does the same without RFLAGS', async () => {
    const world = await SystemWorld.create('long');
    world.cpu.memory.write(USER_CODE, Uint8Array.of(0xcd, 0x40));
    const outcome = world.run({ code: [...frame.filter((_, n) => n !== 2), RETFQ].join(' ') });
    expect(outcome.done).toBe(true);
    expect(outcome.frame).toMatchObject({ cs: Selector.userCode64 | 3, rsp: BigInt(USER_STACK), flags: 2n });
  });

  it('IRET to 32-bit code runs it as such', async () => {
    const world = await SystemWorld.create('long');
    // DEC EAX is one byte here; INT 0x40
    world.cpu.memory.write(USER_CODE, Uint8Array.of(0x48, 0xcd, 0x40));
    const code = [
      push(Selector.userData | 3),
      push(USER_STACK),
      push(2),
      push(Selector.userCode32 | 3),
      push(USER_CODE),
      IRETQ,
    ];
    const outcome = world.run({ code: code.join(' '), registers: { 0: 5n } });
    expect(outcome.done).toBe(true);
    expect([outcome.registers[0], outcome.frame.cs]).toEqual([4n, Selector.userCode32 | 3]);
  });

  it('IRET in ring 3 cannot raise IOPL, nor IF above it', async () => {
    const world = await SystemWorld.create('long');
    const code = [
      push(Selector.userData | 3),
      push(USER_STACK),
      push(0x3202),
      push(Selector.userCode64 | 3),
      push(USER_CODE + 27),
      IRETQ,
    ];
    const outcome = world.run({ code: code.join(' '), ring: 3 });
    expect(outcome.done).toBe(true);
    expect(outcome.frame.flags).toBe(2n);
  });

  const bad: readonly (readonly [string, number, number, number, number])[] = [
    ['null CS', 0, Selector.userData | 3, 13, 0],
    ['data as CS', Selector.userData | 3, Selector.userData | 3, 13, Selector.userData],
    ['CS whose DPL is not its RPL', Selector.userCode64, Selector.userData | 3, 13, Selector.userCode64],
    ['absent CS', Selector.absentCode, Selector.kernelData, 11, Selector.absentCode],
    ['null SS for ring 3', Selector.userCode64 | 3, 3, 13, 0],
    ['SS of ring 0', Selector.userCode64 | 3, Selector.kernelData, 13, Selector.kernelData],
    ['SS with RPL 0', Selector.userCode64 | 3, Selector.userData, 13, Selector.userData],
    ['code as SS', Selector.userCode64 | 3, Selector.userCode32 | 3, 13, Selector.userCode32],
    ['absent SS', Selector.kernelCode, Selector.absentData, 12, Selector.absentData],
  ];
  for (const [what, cs, ss, vector, errorCode] of bad) {
    it(`IRET refuses ${what}`, async () => {
      const world = await SystemWorld.create('long');
      const code = [push(ss), push(USER_STACK), push(2), push(cs), push(USER_CODE), IRETQ].join(' ');
      const outcome = world.run({ code });
      expect([outcome.vector, outcome.errorCode]).toEqual([vector, errorCode]);
      expect(outcome.frame).toMatchObject({ rip: BigInt(KERNEL_CODE + 25), rsp: BigInt(KERNEL_STACK - 40) });
    });
  }

  it('IRET accepts a null SS for 64-bit code of ring 0', async () => {
    const world = await SystemWorld.create('long');
    world.cpu.memory.write(0x5100, Uint8Array.of(0xf4));
    const code = [push(0), push(0x7008), push(2), push(Selector.kernelCode), push(0x5100), IRETQ].join(' ');
    const outcome = world.run({ code });
    expect([world.cpu.rip, outcome.registers[4]]).toEqual([0x5101n, 0x7008n]);
  });

  it('IRET refuses NT and a RIP that is not canonical', async () => {
    const world = await SystemWorld.create('long');
    expect(world.run({ code: IRETQ, flags: 0x4002n })).toMatchObject({ vector: 13, errorCode: 0 });
    const other = await SystemWorld.create('long');
    // MOV RAX, 1 << 47; PUSH RAX
    const odd = '48 b8 00 00 00 00 00 80 00 00 50';
    const code = [
      push(Selector.kernelData),
      push(0x7008),
      push(2),
      push(Selector.kernelCode),
      odd,
      IRETQ,
    ].join(' ');
    expect(other.run({ code })).toMatchObject({ vector: 13, errorCode: 0 });
  });
});

describe('protected mode', () => {
  it('IRET to the same level pops three words', async () => {
    const world = await SystemWorld.create('protected');
    world.cpu.memory.write(0x5100, Uint8Array.of(0xf4));
    const code = [push(0x202), push(Selector.kernelCode), push(0x5100), 'cf'].join(' ');
    const outcome = world.run({ code });
    expect([world.cpu.rip, outcome.registers[4], outcome.flags]).toEqual([
      0x5101n,
      BigInt(KERNEL_STACK),
      0x202n,
    ]);
  });

  it('IRET to ring 3 and back by INT', async () => {
    const world = await SystemWorld.create('protected');
    world.cpu.memory.write(USER_CODE, Uint8Array.of(0x40, 0xcd, 0x40));
    const code = [
      push(Selector.userData | 3),
      push(USER_STACK),
      push(2),
      push(Selector.userCode32 | 3),
      push(USER_CODE),
      'cf',
    ];
    const outcome = world.run({ code: code.join(' ') });
    expect(outcome.done).toBe(true);
    expect(outcome.frame).toMatchObject({ rip: BigInt(USER_CODE + 3), rsp: BigInt(USER_STACK) });
  });

  it('IRET to virtual-8086 mode is refused', async () => {
    const world = await SystemWorld.create('protected');
    const code = [push(0x20202), push(Selector.kernelCode), push(0x5100), 'cf'].join(' ');
    expect(world.run({ code })).toMatchObject({ vector: 13, errorCode: 0 });
  });

  it('call gates copy parameters to the inner stack, and RETF n drops them on both', async () => {
    const world = await SystemWorld.create('protected');
    const gate = 0x5100n | (BigInt(Selector.kernelCode) << 16n) | (2n << 32n) | (0xecn << 40n);
    world.setDescriptor(Selector.gate, gate);
    // MOV EAX,[ESP+8]; MOV EBX,[ESP+12]; MOV ESI,ESP; RETF 8
    world.cpu.memory.write(
      0x5100,
      Uint8Array.of(0x8b, 0x44, 0x24, 8, 0x8b, 0x5c, 0x24, 12, 0x89, 0xe6, 0xca, 8, 0),
    );
    const code = `${push(0x1111)} ${push(0x2222)} 9a 00 00 00 00 ${hex(Selector.gate, 2)}`;
    const outcome = world.run({ code, ring: 3 });
    expect(outcome.done).toBe(true);
    expect([outcome.registers[0], outcome.registers[3]]).toEqual([0x2222n, 0x1111n]);
    expect(outcome.registers[6]).toBe(BigInt(RING_0_ENTRY_STACK - 24));
    expect(outcome.frame).toMatchObject({ cs: Selector.userCode32 | 3, rsp: BigInt(USER_STACK) });
  });
});

describe('call gates in long mode', () => {
  it('change to ring 0 and its stack, and RETF returns', async () => {
    const world = await longWorld({ offset: 0, selector: Selector.gate });
    world.setDescriptor(Selector.gate, 0x5100n | (BigInt(Selector.kernelCode) << 16n) | (0xecn << 40n));
    world.put64(0x2000 + Selector.gate + 8, 0n);
    world.put64(TSS + 4, BigInt(RING_0_ENTRY_STACK));
    // MOV RSI,RSP; RETFQ
    world.cpu.memory.write(0x5100, Uint8Array.of(0x48, 0x89, 0xe6, 0x48, 0xcb));
    world.setPage(POINTER, 7n);
    const outcome = world.run({ code: CALL, ring: 3 });
    expect(outcome.done).toBe(true);
    expect(outcome.registers[6]).toBe(BigInt(RING_0_ENTRY_STACK - 32));
    expect(outcome.frame).toMatchObject({ cs: Selector.userCode64 | 3, rsp: BigInt(USER_STACK) });
  });

  it('refuse a gate whose DPL is below CPL, and jumps to an inner level', async () => {
    const world = await longWorld({ offset: 0, selector: Selector.gate });
    world.setPage(POINTER, 7n);
    world.setDescriptor(Selector.gate, 0x5100n | (BigInt(Selector.kernelCode) << 16n) | (0x8cn << 40n));
    expect(world.run({ code: CALL, ring: 3 })).toMatchObject({ vector: 13, errorCode: Selector.gate });
    world.setUp();
    world.setDescriptor(Selector.gate, 0x5100n | (BigInt(Selector.kernelCode) << 16n) | (0xecn << 40n));
    expect(world.run({ code: JUMP, ring: 3 })).toMatchObject({ vector: 13, errorCode: Selector.kernelCode });
  });
});

describe('real mode', () => {
  it('far call and return', async () => {
    const world = await SystemWorld.create('real');
    // at 2000:0010: INC AX; RETF
    world.cpu.memory.write(0x20010, Uint8Array.of(0x40, 0xcb));
    const outcome = world.run({ code: '9a 10 00 00 20' });
    expect(outcome.done).toBe(true);
    expect([outcome.registers[0], outcome.registers[4]]).toEqual([1n, BigInt(RING_0_ENTRY_STACK)]);
  });

  it('IRET pops IP, CS and FLAGS', async () => {
    const world = await SystemWorld.create('real');
    world.cpu.memory.write(0x20010, Uint8Array.of(0xf4));
    // PUSH 0x0246; PUSH 0x2000; PUSH 0x10; IRET
    const outcome = world.run({ code: '68 46 02 68 00 20 6a 10 cf' });
    expect([world.cpu.rip, outcome.flags, outcome.registers[4]]).toEqual([
      0x11n,
      0x246n,
      BigInt(RING_0_ENTRY_STACK),
    ]);
  });
});

describe('the way from real mode to long mode and back', () => {
  it('switches by CR0, CR4, EFER and far jumps', async () => {
    const tables = await SystemWorld.create('long');
    const world = await SystemWorld.create('real');
    for (const [from, length] of [
      [0x2000, 0x1000],
      [0x100000, 0x5000],
    ] as const) {
      world.cpu.memory.write(from, tables.cpu.memory.bytes(from, length) as Uint8Array);
    }
    world.cpu.memory.write(POINTER, Uint8Array.of(0xff, 0x00, 0x00, 0x20, 0, 0));
    const code = [
      '66 0f 01 16 00 50', // LGDT [0x5000]
      '66 b8 21 00 00 00 0f 22 c0', // CR0 = PE | NE | ET's place
      '66 ea 00 52 00 00 30 00', // JMP FAR 0x30:0x5200
    ];
    const protectedCode = [
      'b8 20 00 00 00 0f 22 e0', // CR4 = PAE
      'b8 00 00 10 00 0f 22 d8', // CR3
      'b9 80 00 00 c0 b8 00 01 00 00 31 d2 0f 30', // EFER = LME
      'b8 21 00 00 80 0f 22 c0', // CR0 = PG | NE | PE
      'ea 00 53 00 00 08 00', // JMP FAR 8:0x5300
    ];
    const longCode = ['48 b8 88 77 66 55 44 33 22 11', 'f4'];
    const write = (address: number, parts: readonly string[]): void => {
      const bytes = parts.join(' ').match(/[0-9a-f]{2}/g) ?? [];
      world.cpu.memory.write(address, Uint8Array.from(bytes.map((pair) => Number.parseInt(pair, 16))));
    };
    write(0x5200, protectedCode);
    write(0x5300, longCode);
    const outcome = world.run({ code: code.join(' ') });
    expect(outcome.exit.kind).toBe('halt');
    expect([codeSize(world), outcome.registers[0]]).toEqual([64, 0x1122334455667788n]);
    expect(world.cpu.state.get64(state.efer)).toBe(0x500n);
  });
});
