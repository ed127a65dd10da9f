/** Breakpoints in the debug registers, RF, and single-stepping through what changes TF or holds traps off. */
import { describe, expect, it } from 'vitest';
import * as state from '../../../src/cpu/state.js';
import {
  HANDLERS,
  KERNEL_CODE,
  SystemWorld,
  type Trial,
  type TrialOutcome,
  USER_CODE,
} from '../../support/system-world.js';

const DATA = 0x5000;
const RF = 0x10000n;
const TF = 0x100n;
const BS = 0x4000;

interface Breakpoint {
  readonly address: number;
  /** R/W: 0 execution, 1 writes, 2 ports, 3 reads and writes. */
  readonly kind: 0 | 1 | 2 | 3;
  /** 1, 2, 4 or 8. */
  readonly length?: number;
}

/** DR7 with each breakpoint enabled locally, in the order of the registers. */
function controlOf(breakpoints: readonly Breakpoint[]): bigint {
  return breakpoints.reduce((all, { kind, length = 1 }, n) => {
    const field = kind | (({ 1: 0, 2: 1, 4: 3, 8: 2 }[length] as number) << 2);
    return all | (1n << BigInt(2 * n)) | (BigInt(field) << BigInt(16 + 4 * n));
  }, 0x400n);
}

function setBreakpoints(world: SystemWorld, breakpoints: readonly Breakpoint[]): void {
  for (const [n, { address }] of breakpoints.entries()) world.cpu.state.set64(state.dr, BigInt(address), n);
  world.cpu.state.set64(state.dr, controlOf(breakpoints), 7);
}

const dr6 = (world: SystemWorld): number => Number(world.cpu.state.get64(state.dr, 6) & 0xe00fn);

async function run(
  breakpoints: readonly Breakpoint[],
  trial: Trial,
): Promise<TrialOutcome & { dr6: number }> {
  const world = await SystemWorld.create('long');
  setBreakpoints(world, breakpoints);
  return { ...world.run(trial), dr6: dr6(world) };
}

describe('a breakpoint on an instruction', () => {
  it('is met before the instruction, with RF clear', async () => {
    // INC EAX; INC EAX
    const outcome = await run([{ address: KERNEL_CODE + 2, kind: 0 }], { code: 'ff c0 ff c0' });
    expect(outcome).toMatchObject({ vector: 1, dr6: 1 });
    expect(outcome.frame.rip).toBe(BigInt(KERNEL_CODE + 2));
    expect(outcome.frame.flags & RF).toBe(0n);
    expect(outcome.registers[0]).toBe(1n);
  });

  it('is met in code that ran before the breakpoint was set', async () => {
    // loop: NOP; MOV DR0,RAX; MOV DR7,RBX; JMP loop
    const code = '90 0f 23 c0 0f 23 fb eb f7';
    const outcome = await run([], { code, registers: { 0: BigInt(KERNEL_CODE), 3: 0x401n } });
    expect([outcome.vector, outcome.frame.rip]).toEqual([1, BigInt(KERNEL_CODE)]);
  });

  it('is met at its linear address only, not at another that leads to the same memory', async () => {
    const world = await SystemWorld.create('long');
    world.setPage(0x50000, 3n);
    world.put64(0x103000 + 0x50 * 8, BigInt(KERNEL_CODE) | 3n);
    setBreakpoints(world, [{ address: 0x50003, kind: 0 }]);
    // INC EAX; NOP; NOP; JMP RDX
    const outcome = world.run({ code: 'ff c0 90 90 ff e2', registers: { 2: 0x50000n } });
    expect([outcome.vector, outcome.frame.rip, outcome.registers[0]]).toEqual([1, 0x50003n, 2n]);
  });

  it('is not met while RF is set, which an IRET sets for one instruction', async () => {
    const world = await SystemWorld.create('long');
    setBreakpoints(world, [{ address: KERNEL_CODE, kind: 0 }]);
    // the handler: INC R15; OR dword [RSP+16],10000h; IRETQ
    const handler = [0x49, 0xff, 0xc7, 0x81, 0x4c, 0x24, 0x10, 0, 0, 1, 0, 0x48, 0xcf];
    world.cpu.memory.write(HANDLERS + 16, Uint8Array.from(handler));
    // again: INC EAX; CMP EAX,3; JB again
    const outcome = world.run({ code: 'ff c0 83 f8 03 72 f9' });
    expect(outcome.done).toBe(true);
    expect([outcome.registers[0], outcome.registers[15]]).toEqual([3n, 3n]);
  });

  it('comes before the page fault of fetching the instruction', async () => {
    const world = await SystemWorld.create('long');
    world.setPage(0x50000, 0n);
    setBreakpoints(world, [{ address: 0x50000, kind: 0 }]);
    const outcome = world.run({ code: 'ff e2', registers: { 2: 0x50000n } });
    expect([outcome.vector, outcome.frame.rip]).toEqual([1, 0x50000n]);
  });

  it('is met on an instruction that goes on in the next page', async () => {
    const world = await SystemWorld.create('long');
    // MOV EAX,1 over two pages; HLT
    world.cpu.memory.write(0x50ffe, Uint8Array.of(0xb8, 1, 0, 0, 0, 0xf4));
    setBreakpoints(world, [{ address: 0x50ffe, kind: 0 }]);
    const outcome = world.run({ code: 'ff e2', registers: { 2: 0x50ffen } });
    expect([outcome.vector, outcome.frame.rip]).toEqual([1, 0x50ffen]);
  });

  it('is met after MOV SS too', async () => {
    const outcome = await run([{ address: KERNEL_CODE + 2, kind: 0 }], {
      code: '8e d3 90',
      registers: { 3: 0x10n },
    });
    expect([outcome.vector, outcome.frame.rip]).toEqual([1, BigInt(KERNEL_CODE + 2)]);
  });
});

describe('a breakpoint on data', () => {
  /** MOV [RBX],…: so many bytes at RBX */
  const WRITES = { 1: '88 03', 2: '66 89 03', 4: '89 03', 8: '48 89 03' } as const;
  const READS = { 1: '8a 03', 2: '66 8b 03', 4: '8b 03', 8: '48 8b 03' } as const;
  const cases: readonly (readonly [1 | 3, number, 'reads' | 'writes', 1 | 2 | 4 | 8, number, boolean])[] = [
    [1, 1, 'writes', 1, 0, true],
    [1, 1, 'writes', 1, 1, false],
    [1, 1, 'reads', 1, 0, false],
    [3, 1, 'reads', 1, 0, true],
    [1, 2, 'writes', 1, 1, true],
    [1, 2, 'writes', 1, 2, false],
    [1, 4, 'writes', 8, -7, true],
    [1, 4, 'writes', 8, -8, false],
    [1, 4, 'writes', 4, 3, true],
    [1, 4, 'writes', 4, 4, false],
    [3, 8, 'reads', 2, 7, true],
    [3, 8, 'reads', 2, -2, false],
    [3, 8, 'reads', 2, 8, false],
  ];
  for (const [kind, length, access, size, distance, met] of cases) {
    const where = distance < 0 ? `${-distance} bytes below` : `at byte ${distance}`;
    it(`${kind === 1 ? 'on writes' : 'on both'} of ${length} is ${met ? '' : 'not '}met by what ${access} ${size} ${where}`, async () => {
      const code = `${access === 'writes' ? WRITES[size] : READS[size]} 90`;
      const outcome = await run([{ address: DATA + 8, kind, length }], {
        code,
        registers: { 3: BigInt(DATA + 8 + distance) },
      });
      if (!met) {
        expect(outcome).toMatchObject({ done: true, dr6: 0 });
        return;
      }
      expect(outcome).toMatchObject({ vector: 1, dr6: 1 });
      expect(outcome.frame.rip).toBe(BigInt(KERNEL_CODE + code.split(' ').length - 1));
    });
  }

  it('is met by an access that reaches over from the page before', async () => {
    const outcome = await run([{ address: DATA, kind: 1 }], {
      code: '48 89 03',
      registers: { 3: BigInt(DATA - 4) },
    });
    expect(outcome).toMatchObject({ vector: 1, dr6: 1 });
  });

  it('leaves the address without its low bits, whatever they are', async () => {
    const outcome = await run([{ address: DATA + 7, kind: 1, length: 4 }], {
      code: '88 03',
      registers: { 3: BigInt(DATA + 4) },
    });
    expect(outcome.vector).toBe(1);
  });

  it('reports all breakpoints that one instruction meets', async () => {
    // MOVSQ from RSI to RDI
    const outcome = await run(
      [
        { address: DATA, kind: 3 },
        { address: DATA + 0x100, kind: 1 },
        { address: DATA + 0x200, kind: 1 },
      ],
      { code: '48 a5', registers: { 6: BigInt(DATA), 7: BigInt(DATA + 0x100) } },
    );
    expect(outcome).toMatchObject({ vector: 1, dr6: 3 });
  });

  it('stops a repeated instruction after the element, with RF set', async () => {
    // REP STOSB
    const outcome = await run([{ address: DATA + 2, kind: 1 }], {
      code: 'f3 aa',
      registers: { 1: 8n, 7: BigInt(DATA) },
    });
    expect(outcome.vector).toBe(1);
    expect([outcome.frame.rip, outcome.frame.flags & RF]).toEqual([BigInt(KERNEL_CODE), RF]);
    expect([outcome.registers[1], outcome.registers[7]]).toEqual([5n, BigInt(DATA + 3)]);
  });

  it('is forgotten when the instruction faults', async () => {
    // PUSH [RBX] with RSP where nothing can be written
    const world = await SystemWorld.create('long');
    world.setGate(14, { ist: 1 });
    setBreakpoints(world, [{ address: DATA, kind: 3 }]);
    world.setPage(0x7000, 0n);
    const outcome = world.run({ code: 'ff 33', registers: { 3: BigInt(DATA), 4: 0x8000n } });
    expect([outcome.vector, dr6(world)]).toEqual([14, 0]);
  });

  it('waits for the instruction after MOV SS', async () => {
    const world = await SystemWorld.create('long');
    world.put64(DATA, 0x10n);
    setBreakpoints(world, [{ address: DATA, kind: 3 }]);
    // MOV SS,[RBX]; NOP; NOP
    const outcome = world.run({ code: '8e 13 90 90', registers: { 3: BigInt(DATA) } });
    expect([outcome.vector, outcome.frame.rip, dr6(world)]).toEqual([1, BigInt(KERNEL_CODE + 3), 1]);
  });

  it('waits for an INT after MOV SS, and meets the first instruction of its handler (CVE-2018-8897)', async () => {
    const world = await SystemWorld.create('long');
    world.put64(USER_CODE + 0x100, 0x23n);
    world.setGate(0x41, { level: 3 });
    setBreakpoints(world, [{ address: USER_CODE + 0x100, kind: 3 }]);
    const outcome = world.run({
      code: '8e 13 cd 41',
      ring: 3,
      registers: { 3: BigInt(USER_CODE + 0x100) },
    });
    expect([outcome.vector, outcome.frame.rip, outcome.frame.cs]).toEqual([
      1,
      BigInt(HANDLERS + 0x41 * 16),
      8,
    ]);
  });
});

describe('INT1 after MOV SS', () => {
  it('reports what MOV SS met, and it is not reported again', async () => {
    const world = await SystemWorld.create('long');
    world.put64(DATA, 0x10n);
    // the handler: INC R15; IRETQ
    world.cpu.memory.write(HANDLERS + 16, Uint8Array.of(0x49, 0xff, 0xc7, 0x48, 0xcf));
    setBreakpoints(world, [{ address: DATA, kind: 3 }]);
    const outcome = world.run({ code: '8e 13 f1 90', registers: { 3: BigInt(DATA) } });
    expect([outcome.done, outcome.registers[15], dr6(world)]).toEqual([true, 1n, 1]);
  });
});

describe('a breakpoint on a port', () => {
  const trial: Trial = { code: 'e6 81 90' };
  const port: Breakpoint = { address: 0x80, kind: 2, length: 2 };
  it('is met after the access if CR4.DE is set', async () => {
    const world = await SystemWorld.create('long');
    world.cpu.state.set64(state.cr4, world.cpu.state.get64(state.cr4) | 8n);
    setBreakpoints(world, [port]);
    const outcome = world.run(trial);
    expect([outcome.vector, outcome.frame.rip, dr6(world)]).toEqual([1, BigInt(KERNEL_CODE + 2), 1]);
    expect(world.written).toEqual([{ port: 0x81, width: 1, value: 0 }]);
  });
  it('is not met if it is clear', async () => {
    expect(await run([port], trial)).toMatchObject({ done: true, dr6: 0 });
  });
});

describe('DR6', () => {
  it('has B0 to B3 set anew by each #DB, and the others kept', async () => {
    const world = await SystemWorld.create('long');
    world.cpu.state.set64(state.dr, 0xffff4ff2n, 6);
    setBreakpoints(world, [{ address: KERNEL_CODE, kind: 0 }]);
    world.run({ code: '90' });
    expect(dr6(world)).toBe(0x4001);
  });
  it('is left alone by INT1, whose frame has RF clear and the next RIP', async () => {
    const outcome = await run([], { code: 'f1 90', flags: 2n | TF });
    expect(outcome).toMatchObject({ vector: 1, dr6: 0 });
    expect([outcome.frame.rip, outcome.frame.flags & RF]).toEqual([BigInt(KERNEL_CODE + 1), 0n]);
  });
  it('has BD for a guarded access, a fault whose frame has RF set', async () => {
    const world = await SystemWorld.create('long');
    world.cpu.state.set64(state.dr, 0x2400n, 7);
    const outcome = world.run({ code: '0f 21 c0' });
    expect([dr6(world), outcome.frame.flags & RF]).toEqual([0x2000, RF]);
  });
});

describe('the single-step trap', () => {
  const systemCalls = async (): Promise<SystemWorld> => {
    const world = await SystemWorld.create('long');
    world.cpu.state.set64(state.msrStar, 0x0018000800000000n);
    world.cpu.state.set64(state.msrLstar, 0x5100n);
    world.cpu.memory.write(0x5100, Uint8Array.of(0x90, 0xf4));
    world.cpu.memory.write(USER_CODE + 0x100, Uint8Array.of(0x90, 0xcd, 0x40));
    return world;
  };
  it('does not come after a SYSCALL that masks TF', async () => {
    const world = await systemCalls();
    world.cpu.state.set64(state.msrSfmask, TF);
    world.run({ code: '0f 05', ring: 3, flags: 2n | TF });
    expect([world.cpu.rip, dr6(world)]).toEqual([0x5102n, 0]);
  });
  it('comes before the first instruction at the target of a SYSCALL that leaves TF', async () => {
    const world = await systemCalls();
    const outcome = world.run({ code: '0f 05', ring: 3, flags: 2n | TF });
    expect([outcome.vector, outcome.frame.rip, dr6(world)]).toEqual([1, 0x5100n, BS]);
  });
  it('comes before the first instruction at the target of a SYSRET that sets TF', async () => {
    const world = await systemCalls();
    const registers = { 1: BigInt(USER_CODE + 0x100), 11: 2n | TF };
    const outcome = world.run({ code: '48 0f 07', registers });
    expect([outcome.vector, outcome.frame.rip]).toEqual([1, BigInt(USER_CODE + 0x100)]);
  });
  it('does not come after a SYSRET that clears TF', async () => {
    const world = await systemCalls();
    const registers = { 1: BigInt(USER_CODE + 0x100), 11: 2n };
    expect(world.run({ code: '48 0f 07', registers, flags: 2n | TF }).done).toBe(true);
  });
  it('does not come between INT n and its handler', async () => {
    const outcome = await run([], { code: 'cd 41', flags: 2n | TF });
    expect(outcome).toMatchObject({ vector: 0x41, dr6: 0 });
    expect(outcome.frame.flags & TF).toBe(TF);
  });
  it('comes with what else the instruction met', async () => {
    const outcome = await run([{ address: DATA, kind: 1 }], {
      code: '88 03 90',
      flags: 2n | TF,
      registers: { 3: BigInt(DATA) },
    });
    expect(outcome).toMatchObject({ vector: 1, dr6: BS | 1 });
  });
});
