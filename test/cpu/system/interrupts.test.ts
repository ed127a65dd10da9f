/** When interrupts are taken: IF, shadows of STI and MOV SS, HLT, TF; and the flags that POPF may change; ports. */
import { describe, expect, it } from 'vitest';
import * as state from '../../../src/cpu/state.js';
import { HANDLERS, KERNEL_CODE, SystemWorld, TSS, USER_CODE } from '../../support/system-world.js';

/** MOV AL,30h; OUT 80h,AL: asserts INTR with vector 30h. */
const RAISE = 'b0 30 e6 80';
const AFTER = KERNEL_CODE + 4;
const IF = 0x202n;

describe('an external interrupt', () => {
  const taken: readonly (readonly [string, string, bigint, number | undefined])[] = [
    ['is taken at the next instruction', `${RAISE} 90 90`, IF, AFTER],
    ['waits while IF is clear', `${RAISE} 90 90`, 2n, undefined],
    ['is taken after the instruction that follows STI', `${RAISE} fb 90 90`, 2n, AFTER + 2],
    ['is not taken between STI and CLI', `${RAISE} fb fa 90`, 2n, undefined],
    ['is taken after POPF sets IF', `${RAISE} 68 02 02 00 00 9d 90 90`, 2n, AFTER + 6],
    ['STI with IF set has no shadow', `90 fb ${RAISE} 90`, IF, AFTER + 2],
  ];
  for (const [what, code, flags, rip] of taken) {
    it(what, async () => {
      const world = await SystemWorld.create('long');
      const outcome = world.run({ code, flags });
      expect(outcome.vector).toBe(rip === undefined ? undefined : 0x30);
      if (rip !== undefined) expect(outcome.frame.rip).toBe(BigInt(rip));
      else expect(outcome.done).toBe(true);
    });
  }

  it('is held off between MOV SS and the next instruction', async () => {
    const world = await SystemWorld.create('long');
    // MOV EBX,SS; STI; MOV SS,EBX; NOP; NOP: both shadows, one after the other
    const outcome = world.run({ code: `${RAISE} 8c d3 fb 8e d3 90 90`, flags: 2n });
    expect(outcome.vector).toBe(0x30);
    expect(outcome.frame.rip).toBe(BigInt(AFTER + 6));
  });

  it('is taken by IRET that sets IF, at its target', async () => {
    const world = await SystemWorld.create('long');
    world.cpu.memory.write(0x5100, Uint8Array.of(0x90, 0x90, 0xf4));
    const outcome = world.run({
      code: `${RAISE} 6a 10 68 00 80 01 00 68 02 02 00 00 6a 08 68 00 51 00 00 48 cf`,
    });
    expect([outcome.vector, outcome.frame.rip]).toEqual([0x30, 0x5100n]);
  });

  it('is taken by SYSRET that sets IF', async () => {
    const world = await SystemWorld.create('long');
    world.cpu.state.set64(state.msrStar, 0x001b000800000000n);
    world.cpu.memory.write(USER_CODE, Uint8Array.of(0x90, 0xcd, 0x40));
    const outcome = world.run({ code: `${RAISE} 48 0f 07`, registers: { 1: BigInt(USER_CODE), 11: IF } });
    expect([outcome.vector, outcome.frame.rip]).toEqual([0x30, BigInt(USER_CODE)]);
  });

  it('is followed at once by the next one if its gate leaves IF set', async () => {
    const world = await SystemWorld.create('protected');
    world.setGate(0x30, { type: 0xf });
    world.laterInterrupts.push(0x31);
    const outcome = world.run({ code: `${RAISE} 90 90`, flags: IF });
    // The frame is that of the first handler, of which nothing has run.
    expect([outcome.vector, outcome.frame.rip]).toEqual([0x31, BigInt(HANDLERS + 0x30 * 16)]);
  });

  it('comes before the fault of the fetch at its boundary, with CR2 as it was', async () => {
    const world = await SystemWorld.create('long');
    world.setPage(0x50000, 0n);
    world.cpu.state.set64(state.cr2, 0x1234n);
    // MOV EAX,50000h; JMP RAX, with the interrupt waiting for the boundary after it
    const outcome = world.run({ code: `${RAISE} b8 00 00 05 00 fb ff e0` });
    expect([outcome.vector, outcome.frame.rip, outcome.cr2]).toEqual([0x30, 0x50000n, 0x1234n]);
  });

  it('ends HLT', async () => {
    const world = await SystemWorld.create('long');
    const outcome = world.run({ code: `${RAISE} fb f4 90` });
    expect([outcome.vector, outcome.frame.rip]).toEqual([0x30, BigInt(AFTER + 2)]);
  });
});

describe('single-stepping', () => {
  it('traps after the instruction that follows the one that set TF', async () => {
    const world = await SystemWorld.create('long');
    const outcome = world.run({ code: '68 02 01 00 00 9d 90 90' });
    expect([outcome.vector, outcome.frame.rip, outcome.frame.flags]).toEqual([
      1,
      BigInt(KERNEL_CODE + 7),
      0x102n,
    ]);
    expect(world.cpu.state.get64(state.dr, 6) & 0x4000n).toBe(0x4000n);
  });
  it('traps after the POPF that clears TF, and not after an instruction that faults', async () => {
    const world = await SystemWorld.create('long');
    const popped = world.run({ code: '9d 90', flags: 0x102n });
    expect([popped.vector, popped.frame.rip, popped.frame.flags & 0x100n]).toEqual([
      1,
      BigInt(KERNEL_CODE + 1),
      0n,
    ]);
    const faulted = world.run({ code: '0f 0b', flags: 0x102n });
    expect(faulted.vector).toBe(6);
  });
  it('does not trap between MOV SS and the next instruction, but after STI', async () => {
    const world = await SystemWorld.create('long');
    // MOV SS,EBX; NOP; NOP
    const moved = world.run({ code: '8e d3 90 90', flags: 0x102n, registers: { 3: 0x10n } });
    expect([moved.vector, moved.frame.rip]).toEqual([1, BigInt(KERNEL_CODE + 3)]);
    const enabled = world.run({ code: 'fb 90 90', flags: 0x102n });
    expect([enabled.vector, enabled.frame.rip]).toEqual([1, BigInt(KERNEL_CODE + 1)]);
  });
  it('traps after the first instruction at the target of IRET', async () => {
    const world = await SystemWorld.create('long');
    world.cpu.memory.write(0x5100, Uint8Array.of(0x90, 0x90, 0xf4));
    const outcome = world.run({ code: '6a 10 68 00 80 01 00 68 02 01 00 00 6a 08 68 00 51 00 00 48 cf' });
    expect([outcome.vector, outcome.frame.rip]).toEqual([1, 0x5101n]);
  });
});

describe('PUSHF and POPF', () => {
  /** PUSH imm32; POPF at the operand size; PUSHF; POP RBX */
  const popped = async (ring: 0 | 3, image: number, flags: bigint, prefix = ''): Promise<bigint> => {
    const world = await SystemWorld.create('long');
    const bytes = [0, 8, 16, 24].map((n) => ((image >>> n) & 255).toString(16).padStart(2, '0')).join(' ');
    const push = prefix ? `66 68 ${bytes.slice(0, 5)}` : `68 ${bytes}`;
    const outcome = world.run({ code: `${push} ${prefix} 9d 9c 5b`, ring, flags });
    return outcome.registers[3] as bigint;
  };
  it('in ring 0 set all but RF, VM, VIF and VIP', async () => {
    expect(await popped(0, 0x3ffed7, 2n)).toBe(0x247ed7n);
  });
  it('in ring 3 leave IOPL, and IF unless IOPL is 3', async () => {
    expect(await popped(3, 0x247ed7, 2n)).toBe(0x244cd7n);
    expect(await popped(3, 0x240cd7, 0x3202n)).toBe(0x243cd7n);
  });
  it('of 16 bits leave the upper half', async () => {
    expect(await popped(0, 0xcd7, 0x240002n, '66')).toBe(0x240cd7n);
  });
});

describe('ports', () => {
  it('hand over every width, by immediate and DX', async () => {
    const world = await SystemWorld.create('long');
    // IN AL,21h; IN AX,DX; IN EAX,DX; OUT DX,AL; OUT DX,AX; OUT 22h,EAX
    const code = 'e4 21 88 c3 66 ed 66 89 c6 ed 89 c7 ee 66 ef e7 22';
    const outcome = world.run({ code, registers: { 2: 0x1234n, 0: -1n } });
    expect(outcome.registers[3]).toBe(0x21n);
    expect(outcome.registers[6]).toBe(0x3434n);
    expect([outcome.registers[7], outcome.registers[0]]).toEqual([0x34343434n, 0x34343434n]);
    expect(world.written).toEqual([
      { port: 0x1234, width: 1, value: 0x34 },
      { port: 0x1234, width: 2, value: 0x3434 },
      { port: 0x22, width: 4, value: 0x34343434 },
    ]);
  });

  /** Of IN AL/AX/EAX,DX from ring 3 with bit 0x45 alone set in the bitmap. */
  const access: readonly (readonly [string, string, number, boolean])[] = [
    ['a byte beside a refused port', 'ec', 0x44, true],
    ['the refused port', 'ec', 0x45, false],
    ['a word that ends in it', '66 ed', 0x44, false],
    ['a doubleword that ends in it', 'ed', 0x42, false],
    ['a doubleword after it', 'ed', 0x46, true],
    ['a port beyond the bitmap', 'ec', 0xcc8, false],
  ];
  for (const [what, code, port, allowed] of access) {
    it(`in ring 3, ${what}`, async () => {
      const world = await SystemWorld.create('long');
      world.cpu.memory.store(TSS + 102, 2, 0x68);
      world.cpu.memory.store(TSS + 0x68 + 8, 1, 0x20);
      const outcome = world.run({ code, ring: 3, registers: { 2: BigInt(port) } });
      if (allowed) expect(outcome.done).toBe(true);
      else expect(outcome).toMatchObject({ vector: 13, errorCode: 0 });
    });
  }
  it('are open to ring 3 with IOPL 3', async () => {
    const world = await SystemWorld.create('long');
    expect(world.run({ code: 'ec fa fb', ring: 3, flags: 0x3002n }).done).toBe(true);
  });
});
