/** Bug 13: no side effect before a fault: registers, flags, stack pointer and memory are as they were. */
import { describe, expect, test } from 'vitest';
import * as state from '../../../src/cpu/state.js';
import { KERNEL_CODE, SystemWorld } from '../../support/system-world.js';

/** Is not there; RDI points to it. RSI points to memory that is. */
const ABSENT = 0x52000;
const THERE = 0x50100;
const FLAGS = 0x8d7n;

/** Instructions that reach [RDI] in some way. */
const CODES: readonly (readonly [string, string])[] = [
  ['MOV', '48 8b 07'],
  ['ADD [RDI], EAX', '01 07'],
  ['ADC EAX, [RDI]', '13 07'],
  ['XCHG', '48 87 07'],
  ['XADD', '48 0f c1 07'],
  ['CMPXCHG', '48 0f b1 1f'],
  ['CMPXCHG8B', '0f c7 0f'],
  ['INC', 'ff 07'],
  ['NEG', 'f7 1f'],
  ['MUL', '48 f7 27'],
  ['IMUL', '48 0f af 07'],
  ['DIV', 'f7 37'],
  ['SHL', 'd1 27'],
  ['RCL by CL', 'd3 17'],
  ['SHLD', '0f a4 07 03'],
  ['BTS', '0f ab 07'],
  ['BSF', '0f bc 07'],
  ['CMOVZ, not moved', '0f 45 07'],
  ['SETZ', '0f 94 07'],
  ['MOVSX', '0f be 07'],
  ['MOVBE', '0f 38 f0 07'],
  ['POPCNT', 'f3 0f b8 07'],
  ['CRC32', 'f2 0f 38 f0 07'],
  ['PUSH [RDI]', 'ff 37'],
  ['POP [RDI]', '8f 07'],
  ['CALL [RDI]', 'ff 17'],
  ['JMP [RDI]', 'ff 27'],
  ['far CALL [RDI]', '48 ff 1f'],
  ['MOVSB', 'a4'],
  ['CMPSQ', '48 a7'],
  ['SCASB', 'ae'],
  ['STOSW', '66 ab'],
  ['LSS', '48 0f b2 07'],
  ['LFS', '48 0f b4 07'],
  ['LAR', '0f 02 07'],
  ['LLDT', '0f 00 17'],
  ['LGDT', '0f 01 17'],
  ['SGDT', '0f 01 07'],
  ['SMSW', '0f 01 27'],
  ['LMSW', '0f 01 37'],
  ['MOV SS', '8e 17'],
  ['MOV FS', '8e 27'],
  ['ADDPS', '0f 58 07'],
  ['CVTSS2SI', 'f3 0f 2d 07'],
  ['COMISD', '66 0f 2f 07'],
  ['LDMXCSR', '0f ae 17'],
  ['STMXCSR', '0f ae 1f'],
  ['FXRSTOR', '0f ae 0f'],
  ['FLD', 'd9 07'],
  ['FSTP', 'd9 1f'],
  ['FSTP80', 'db 3f'],
  ['FLDENV', 'd9 27'],
  ['FRSTOR', 'dd 27'],
  ['FLDCW', 'd9 2f'],
  ['FNSTCW', 'd9 3f'],
  ['PADDB MM0', '0f fc 07'],
];
/** Instructions that use a stack that is not there. */
const STACK_CODES: readonly (readonly [string, string])[] = [
  ['PUSH RAX', '50'],
  ['PUSH [RSI]', 'ff 36'],
  ['PUSHFQ', '9c'],
  ['CALL', 'e8 00 00 00 00'],
  ['CALL RAX', 'ff d0'],
  ['far CALL [RSI]', '48 ff 1e'],
  ['ENTER', 'c8 10 00 00'],
  ['ENTER with a level', 'c8 10 00 02'],
  ['POP RAX', '58'],
  ['POP [RSI]', '8f 06'],
  ['POP FS', '0f a1'],
  ['POPFQ', '9d'],
  ['RET', 'c3'],
  ['RET 8', 'c2 08 00'],
  ['RETF', '48 cb'],
  ['IRETQ', '48 cf'],
];

/** All that a program can see but RIP. */
function seen(world: SystemWorld): unknown[] {
  const view = world.cpu.state;
  const all = (field: state.Field64): bigint[] =>
    Array.from({ length: field.count }, (_, n) => view.get64(field, n));
  const vectors = { ...state.gpr, address: state.xmm.address, stride: 8, count: 64 };
  const x87 = { ...state.gpr, address: state.fpr.address, stride: 8, count: 16 };
  return [
    all(state.gpr).slice(0, 4),
    all(state.gpr).slice(5),
    all(vectors),
    all(x87),
    [state.fpuControl, state.fpuStatus, state.fpuTag, state.mxcsr].map((field) => view.get32(field)),
    [0, 3, 4, 5, 6, 7].map((n) => view.get32(state.segmentSelector, n)),
    [view.get64(state.gdtrBase), view.get64(state.idtrBase), view.get64(state.cr0) & 0xffffn],
    [...(world.cpu.memory.bytes(0x50000, 0x1000) ?? [])].reduce((sum, byte, n) => sum + byte * (n + 1), 0),
  ];
}

describe('bug 13: a page fault leaves all as it was, in', () => {
  const cases = [
    ...CODES.map(([name, code]) => [name, code, 0x17f00n] as const),
    ...STACK_CODES.map(([name, code]) => [`${name} without a stack`, code, BigInt(ABSENT + 0x800)] as const),
  ];
  test.each(cases)('%s', async (_name, code, stack) => {
    const world = await SystemWorld.create('long');
    world.setPage(ABSENT, 0n);
    world.setGate(14, { ist: 1 });
    // What far CALL [RSI] reads: an offset and the code selector.
    world.put64(THERE, BigInt(KERNEL_CODE));
    world.cpu.memory.store(THERE + 8, 2, 8);
    const registers = {
      ...Object.fromEntries(Array.from({ length: 16 }, (_, n) => [n, BigInt(n) * 0x0123456789n + 1n])),
      1: 3n,
      4: stack,
      5: 0x17f80n,
      6: BigInt(THERE),
      7: BigInt(ABSENT + 0x200),
    };
    // The same registers with a NOP, to compare with.
    world.run({ code: '90', registers, flags: FLAGS });
    const before = seen(world);
    world.setUp();
    const outcome = world.run({ code, registers, flags: FLAGS });
    expect([outcome.vector, outcome.frame.rip]).toEqual([14, BigInt(KERNEL_CODE)]);
    expect(outcome.frame.flags & 0xfffn).toBe(FLAGS);
    expect(outcome.frame.rsp).toBe(stack);
    expect(seen(world)).toEqual(before);
  });
});
