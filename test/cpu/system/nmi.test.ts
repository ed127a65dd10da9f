/** Non-maskable interrupts: taken whatever IF is, held off by a shadow and until the handler's IRET; #DF's table. */
import { describe, expect, it } from 'vitest';
import * as state from '../../../src/cpu/state.js';
import { HANDLERS, KERNEL_CODE, SystemWorld } from '../../support/system-world.js';

const NMI_HANDLER = HANDLERS + 2 * 16;

/** RDMSR of a register that does not exist: #GP. */
const BAD_MSR = 'b9 ff ff ff 7f 0f 32';

/** A world in which a byte written to port 0x81 asserts NMI. */
async function create(): Promise<SystemWorld> {
  const world = await SystemWorld.create('long');
  world.onPort = (port) => {
    if (port === 0x81) world.cpu.nonMaskableInterrupt();
  };
  return world;
}

describe('NMI', () => {
  it('is taken after the instruction that is running, with IF clear', async () => {
    const outcome = (await create()).run({ code: 'e6 81 90' });
    expect([outcome.vector, outcome.frame.rip]).toEqual([2, BigInt(KERNEL_CODE + 2)]);
  });
  it('is held off by the shadows of MOV SS and STI', async () => {
    // MOV SS,EBX after the port: the shadow begins with the boundary at which the NMI would come
    const moved = await create();
    moved.cpu.nonMaskableInterrupt();
    const first = moved.run({ code: '90' });
    expect([first.vector, first.frame.rip]).toEqual([2, BigInt(KERNEL_CODE)]);
    const shadowed = await create();
    shadowed.cpu.state.set64(state.shadowAt, 0n);
    shadowed.cpu.nonMaskableInterrupt();
    const second = shadowed.run({ code: '90 90' });
    expect([second.vector, second.frame.rip]).toEqual([2, BigInt(KERNEL_CODE + 1)]);
  });
  it('is blocked until IRET, and one that came in between is taken then', async () => {
    const world = await create();
    // INC EBX; OUT 81h,AL once; IRETQ
    world.cpu.memory.write(
      NMI_HANDLER,
      Uint8Array.of(0xff, 0xc3, 0x83, 0xfb, 3, 0x73, 2, 0xe6, 0x81, 0x48, 0xcf),
    );
    const outcome = world.run({ code: 'e6 81 90' });
    expect(outcome.done).toBe(true);
    expect(outcome.registers[3]).toBe(3n);
    expect(outcome.registers[4]).toBe(0x18000n);
  });
  it('is no longer blocked after an IRET that faulted', async () => {
    const world = await create();
    // MOV QWORD [RSP+8],70h; IRETQ to a code segment that is none: #GP
    world.cpu.memory.write(NMI_HANDLER, Uint8Array.of(0x48, 0xc7, 0x44, 0x24, 8, 0x70, 0, 0, 0, 0x48, 0xcf));
    const outcome = world.run({ code: 'e6 81 90' });
    expect(outcome.vector).toBe(13);
    expect(world.cpu.state.get32(state.nmiBlocked)).toBe(0);
  });
  it('ends HLT', async () => {
    const world = await create();
    expect(world.run({ code: 'f4 90' }).exit.kind).toBe('halt');
    world.cpu.nonMaskableInterrupt();
    world.cpu.run(10);
    expect(world.cpu.rip).toBe(BigInt(NMI_HANDLER + 1));
  });
});

describe('a fault while delivering a fault', () => {
  /** Gates that are not present make #NP; ones outside the IDT #GP; a handler's segment that is absent #NP. */
  const cases: readonly (readonly [string, (world: SystemWorld) => void, string, number])[] = [
    ['#UD then #NP is #NP: benign first', (world) => world.setGate(6, { present: false }), '0f 0b', 11],
    ['#GP then #NP is #DF', (world) => world.setGate(13, { present: false }), BAD_MSR, 8],
    ['#DE then #GP is #DF', (world) => world.setGate(0, { type: 0 }), '31 c9 f7 f1', 8],
    [
      '#GP then #PF is #PF: it is handled on its own',
      (world) => {
        world.setGate(13, { ist: 1 });
        world.setGate(14, { ist: 2 });
        world.setPage(0x8000, 0n);
      },
      '48 b8 00 00 00 00 00 00 00 80 8b 00',
      14,
    ],
    [
      '#PF then #PF is #DF',
      (world) => {
        world.setGate(14, { ist: 1 });
        world.setGate(8, { ist: 2 });
        world.setPage(0x8000, 0n);
        world.setPage(0x50000, 0n);
      },
      '8b 04 25 00 00 05 00',
      8,
    ],
    [
      '#PF then #NP is #DF',
      (world) => {
        world.setGate(14, { present: false });
        world.setPage(0x50000, 0n);
      },
      '8b 04 25 00 00 05 00',
      8,
    ],
  ];
  for (const [what, prepare, code, vector] of cases) {
    it(what, async () => {
      const world = await SystemWorld.create('long');
      prepare(world);
      const outcome = world.run({ code });
      expect(outcome.vector).toBe(vector);
      if (vector === 8) expect(outcome.errorCode).toBe(0);
    });
  }
  it('of a double fault shuts the processor down', async () => {
    const world = await SystemWorld.create('long');
    world.setGate(13, { present: false });
    world.setGate(8, { present: false });
    expect(world.run({ code: BAD_MSR }).exit).toEqual({ kind: 'shutdown' });
  });
});
