/**
 * Far transfers between 64-bit and compatibility mode: what becomes of RSP and RIP, and by which mode's stack a call
 * pushes. The manual leaves most of it undefined (SDM vol. 1 §3.4.1.1); what is expected here is what a Xeon did with the
 * same transfers in ring 3 (signature c06f2), its stack and code segments from an LDT.
 */
import { describe, expect, it } from 'vitest';
import * as state from '../../../src/cpu/state.js';
import { Segment } from '../../../src/cpu/state.js';
import {
  descriptor,
  KERNEL_CODE,
  LDT,
  Selector,
  SystemWorld,
  type Trial,
  type TrialOutcome,
} from '../../support/system-world.js';

const TARGET = 0x5100;
/** JMP and CALL FAR [0x5000] */
const JUMP = 'ff 2c 25 00 50 00 00';
const CALL = 'ff 1c 25 00 50 00 00';
const JUMP_64 = `48 ${JUMP}`;
const CALL_64 = `48 ${CALL}`;
const HIGH = 0xffffffff00000000n;
const UD2 = [0x0f, 0x0b];
/** A stack segment in the LDT, at 0x10000. */
const LDT_STACK = 0x0c;
const RSP = 4;

interface Transfer extends Trial {
  readonly to: number;
  readonly offset?: bigint;
  /** What is at `TARGET`. */
  readonly atTarget?: readonly number[];
  readonly prepare?: (world: SystemWorld) => void;
}

async function transfer(trial: Transfer): Promise<{ world: SystemWorld; outcome: TrialOutcome }> {
  const world = await SystemWorld.create('long');
  const { to, offset = BigInt(TARGET), atTarget = UD2 } = trial;
  const wide = trial.code.endsWith(CALL_64) || trial.code.endsWith(JUMP_64);
  world.put64(0x5000, wide ? offset : offset | (BigInt(to) << 32n));
  if (wide) world.put64(0x5008, BigInt(to));
  world.cpu.memory.write(TARGET, Uint8Array.from(atTarget));
  trial.prepare?.(world);
  return { world, outcome: world.run(trial) };
}

/** Loads SS from the LDT as 64-bit code would, where its descriptor means nothing yet. */
function stackSegment(base: number, limit: number, access: number): string {
  const value = descriptor(base, limit, access);
  // MOV RAX,value; MOV [LDT+8],RAX; MOV EAX,0x0c; MOV SS,EAX
  const bytes = [0x48, 0xb8, ...words(value, 8), 0x48, 0x89, 0x04, 0x25, ...words(BigInt(LDT + 8), 4)];
  return [...bytes, 0xb8, LDT_STACK, 0, 0, 0, 0x8e, 0xd0]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join(' ');
}
function words(value: bigint, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, n) => Number((value >> BigInt(8 * n)) & 255n));
}
const BIG_DATA = 0x4093;
const SMALL_DATA = 0x0093;

describe('into compatibility mode', () => {
  it.each([
    ['JMP', JUMP, 0x17000n],
    ['JMP m16:64', JUMP_64, 0x17000n],
    ['CALL', CALL, 0x16ff8n],
    ['CALL m16:64', CALL_64, 0x16ff0n],
  ])('%s clears the upper half of RSP alone', async (_name, code, expected) => {
    const registers = Object.fromEntries(
      Array.from({ length: 16 }, (_, n) => [n, 0xa1b2c3d400000000n + BigInt(n)]),
    );
    registers[RSP] = HIGH + 0x17000n;
    const { outcome } = await transfer({ code, to: Selector.kernelCode32, registers });
    expect(outcome.vector).toBe(6);
    expect(outcome.frame).toMatchObject({
      rip: BigInt(TARGET),
      cs: Selector.kernelCode32,
      rsp: expected,
    });
    for (let n = 0; n < 16; n++) if (n !== RSP) expect(outcome.registers[n]).toBe(registers[n]);
  });

  it('RSP stays so on the way back', async () => {
    // JMP FAR 8:0x5200; there HLT
    const { world, outcome } = await transfer({
      code: JUMP,
      to: Selector.kernelCode32,
      atTarget: [0xea, 0x00, 0x52, 0, 0, 8, 0],
      registers: { [RSP]: HIGH + 0x17000n },
      prepare: (w) => w.cpu.memory.write(0x5200, Uint8Array.of(0xf4)),
    });
    expect([world.cpu.rip, outcome.registers[RSP]]).toEqual([0x5201n, 0x17000n]);
  });

  it('a jump from 64-bit to 64-bit code, and one that is refused, leave RSP', async () => {
    const registers = { [RSP]: 0xffff900000017000n };
    const same = await transfer({ code: JUMP, to: Selector.kernelCode, atTarget: [0xf4], registers });
    expect(same.outcome.registers[RSP]).toBe(registers[RSP]);
    const { outcome } = await transfer({
      code: JUMP,
      to: Selector.kernelCode32,
      registers,
      prepare: (world) => {
        world.setDescriptor(Selector.kernelCode32, 0x00409b0000001fffn);
        world.setGate(13, { ist: 1 });
      },
    });
    expect([outcome.vector, outcome.frame.rsp]).toEqual([13, registers[RSP]]);
  });

  const frame = (words: readonly bigint[]) => (world: SystemWorld) => {
    for (const [n, word] of words.entries()) world.put64(0x17000 + 8 * n, word);
  };
  const registers = { [RSP]: 0x17000n };

  it('IRETQ takes the lower halves of RIP and RSP', async () => {
    const { outcome } = await transfer({
      code: '48 cf',
      to: 0,
      registers,
      prepare: frame([0x100005100n, 0x30n, 2n, 0x1234567800016800n, 0x10n]),
    });
    expect([outcome.vector, outcome.frame.rip, outcome.frame.rsp]).toEqual([6, 0x5100n, 0x16800n]);
  });

  it('IRETQ to a 16-bit stack keeps bits 31:16 of RSP', async () => {
    const { outcome } = await transfer({
      code: '48 cf',
      to: 0,
      registers,
      prepare: frame([0x5100n, 0x30n, 2n, 0x1234567890026800n, BigInt(Selector.smallData)]),
    });
    expect([outcome.vector, outcome.frame.rsp]).toEqual([6, 0x16800n]);
  });

  it('RETFQ and the far jump through m16:64 take the lower half of RIP', async () => {
    const prepare = frame([0x100005100n, 0x30n]);
    const back = await transfer({ code: '48 cb', to: 0, registers, prepare });
    expect([back.outcome.vector, back.outcome.frame.rip, back.outcome.frame.rsp]).toEqual([
      6,
      0x5100n,
      0x17010n,
    ]);
    const jump = await transfer({
      code: JUMP_64,
      to: Selector.kernelCode32,
      offset: 0x100005100n,
    });
    expect([jump.outcome.vector, jump.outcome.frame.rip]).toEqual([6, 0x5100n]);
  });
});

describe('the stack that a transfer uses', () => {
  it('is compatibility mode’s for a call that goes there: base, and 16 bits of SP', async () => {
    const based = await transfer({
      code: `${stackSegment(0x10000, 0x1ffff, BIG_DATA)} ${CALL_64}`,
      to: Selector.kernelCode32,
      registers: { [RSP]: HIGH + 0x7000n },
    });
    expect([based.outcome.vector, based.outcome.frame.rsp]).toEqual([6, 0x6ff0n]);
    expect(based.world.get64(0x16ff8)).toBe(BigInt(Selector.kernelCode));
    const small = await transfer({
      code: `${stackSegment(0x10000, 0xffff, SMALL_DATA)} ${CALL_64}`,
      to: Selector.kernelCode32,
      registers: { [RSP]: HIGH + 0x10008n },
    });
    expect([small.outcome.vector, small.outcome.frame.rsp]).toEqual([6, 0x1fff8n]);
    expect(small.world.get64(0x10000)).toBe(BigInt(Selector.kernelCode));
  });

  it('has its limit checked, and nothing is changed by the fault', async () => {
    const setUp = stackSegment(0x10000, 0x6fff, BIG_DATA);
    const { outcome } = await transfer({
      code: `${setUp} ${CALL_64}`,
      to: Selector.kernelCode32,
      registers: { [RSP]: 0x8000n },
    });
    expect([outcome.vector, outcome.errorCode]).toEqual([12, 0]);
    expect(outcome.frame).toMatchObject({
      rip: BigInt(KERNEL_CODE + setUp.split(' ').length),
      cs: Selector.kernelCode,
      rsp: 0x8000n,
      ss: LDT_STACK,
    });
  });

  it('faults at the address in its own mode, with RSP whole in the frame', async () => {
    const { world, outcome } = await transfer({
      code: CALL_64,
      to: Selector.kernelCode32,
      registers: { [RSP]: HIGH + 0x2000008n },
      prepare: (w) => w.setGate(14, { ist: 1 }),
    });
    expect([outcome.vector, outcome.cr2]).toEqual([14, 0x2000000n]);
    expect(outcome.frame).toMatchObject({ rip: BigInt(KERNEL_CODE), rsp: HIGH + 0x2000008n });
    expect(world.cpu.state.get32(state.codeSize)).toBe(64);
  });

  it('is 64-bit mode’s for a call that goes there', async () => {
    // In compatibility mode CALL FAR [0x5010]
    const { world, outcome } = await transfer({
      code: `${stackSegment(0x4000, 0xfffff, BIG_DATA)} ${JUMP}`,
      to: Selector.kernelCode32,
      atTarget: [0xff, 0x1d, 0x10, 0x50, 0, 0],
      registers: { [RSP]: 0x17000n },
      prepare: (w) => {
        w.put64(0x5010, 0x5200n | (BigInt(Selector.kernelCode) << 32n));
        w.cpu.memory.write(0x5200, Uint8Array.of(0xf4));
      },
    });
    expect([world.cpu.rip, outcome.registers[RSP]]).toEqual([0x5201n, 0x16ff8n]);
    expect(world.get64(0x16ff8)).toBe(BigInt(TARGET + 6) | (BigInt(Selector.kernelCode32) << 32n));
  });

  it.each([
    ['RETF', 0xcb, 0xfff8n, [0x5200n | (BigInt(Selector.kernelCode) << 32n)]],
    ['IRETD', 0xcf, 0xfff0n, [0x5200n | (BigInt(Selector.kernelCode) << 32n), 2n]],
  ] as const)(
    'is popped by %s as it was, and RSP counted on as in the mode returned to',
    async (_name, opcode, sp, words) => {
      const { world, outcome } = await transfer({
        code: `${stackSegment(0x10000, 0xffff, SMALL_DATA)} ${JUMP}`,
        to: Selector.kernelCode32,
        atTarget: [opcode],
        registers: { [RSP]: 0xabcd0000n + sp },
        prepare: (w) => {
          for (const [n, word] of words.entries()) w.put64(0x10000 + Number(sp) + 8 * n, word);
          w.cpu.memory.write(0x5200, Uint8Array.of(0xf4));
        },
      });
      const popped = opcode === 0xcf ? 12n : 8n;
      expect([world.cpu.rip, outcome.registers[RSP]]).toEqual([0x5201n, 0xabcd0000n + sp + popped]);
      expect(world.cpu.state.get32(state.segmentSelector, Segment.ss)).toBe(LDT_STACK);
    },
  );
});

describe('a call whose offset is outside its segment', () => {
  it.each([
    ['32-bit', CALL, Selector.kernelCode32, 0x2000n, 0x17ff8, 0x800010007n],
    ['64-bit', CALL_64, Selector.kernelCode, 0x800000000000n, 0x17ff0, 0x10008n],
  ] as const)('has pushed already: %s', async (_name, code, to, offset, at, pushed) => {
    const { world, outcome } = await transfer({
      code,
      to,
      offset,
      prepare: (w) => {
        w.setDescriptor(Selector.kernelCode32, 0x00409b0000001fffn);
        w.setGate(13, { ist: 1 });
      },
    });
    expect([outcome.vector, outcome.errorCode, outcome.frame.rsp]).toEqual([13, 0, 0x18000n]);
    expect(world.get64(at)).toBe(pushed);
  });
});
