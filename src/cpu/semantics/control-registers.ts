/**
 * MOV to and from control and debug registers, CLTS, SMSW, LMSW (SDM vol. 2, vol. 3 §2.5 and §17.2). Breakpoints
 * are acted on elsewhere (system/breakpoints.ts).
 */
import { I32, I64 } from '../../wasm/values.js';
import { get64 } from '../emitter.js';
import { breakpointsChanged, taskPriorityWritten } from '../externals.js';
import * as state from '../state.js';
import { Cr0, Cr4, Vector } from '../state.js';
import { DR6_BD, DR7_GD, reportDebug } from '../system/breakpoints.js';
import { writeCr0, writeCr3, writeCr4 } from '../system/control-registers.js';
import { updateMode } from '../system/mode.js';
import { checkUserModePrevention, requireSupervisor } from '../system/privilege.js';
import { type Context, define, type Operand } from './context.js';

/** DR6: bits that read as 1, and those that can be set: B0–B3, BD, BS, BT. */
const DR6_ONES = 0xffff0ff0;
const DR6_WRITABLE = 0xe00f;
/** DR7: bit 10 reads as 1; bits 11, 12, 14 and 15 as 0. */
const DR7_ONES = 0x400;
const DR7_ZEROS = 0xd800;

/** The meaning of MOV where one operand is a control or debug register. */
export function moveControl(context: Context, destination: Operand, source: Operand): void {
  requireSupervisor(context);
  if (destination.kind === 'control') writeControl(context, destination.number(), source.read());
  else if (source.kind === 'control') destination.write(readControl(context, source.number()));
  else if (destination.kind === 'debug') writeDebug(context, destination.number(), source.read());
  else destination.write(readDebug(context, source.number()));
}

function readControl(context: Context, register: I32): I64 {
  const { code } = context;
  const number = code.let(register);
  const value = code.variable(I64, get64(state.cr0));
  const others = [
    [2, state.cr2],
    [3, state.cr3],
    [4, state.cr4],
    [8, state.cr8],
  ] as const;
  for (const [n, field] of others) code.if(number.eq(n), () => value.set(get64(field)));
  return value.get();
}

function writeControl(context: Context, register: I32, value: I64): void {
  const { code } = context;
  const number = code.let(register);
  code.if(number.eq(0), () => context.call(writeCr0, value));
  code.if(number.eq(2), () => context.set64(state.cr2, value));
  code.if(number.eq(3), () => context.call(writeCr3, value));
  code.if(number.eq(4), () => context.call(writeCr4, value));
  code.if(number.eq(8), () => {
    context.raiseIf(value.gtU(15), Vector.gp, 0);
    context.set64(state.cr8, value);
    context.call(taskPriorityWritten, value.wrap());
  });
  context.resumeNext();
}

/** DR4 and DR5 stand for DR6 and DR7 unless CR4.DE is set; GD makes any access #DB. */
function debugNumber(context: Context, register: I32): I32 {
  const { code } = context;
  const number = code.variable(I32, register);
  code.if(number.get().and(-2).eq(4), () => {
    context.raiseIf(get64(state.cr4).and(Cr4.de).ne(0), Vector.ud);
    number.set(number.get().add(2));
  });
  code.if(get64(state.dr, 7).and(DR7_GD).ne(0), () => {
    reportDebug(context, DR6_BD);
    context.raise(Vector.db);
  });
  return number.get();
}

function readDebug(context: Context, register: I32): I64 {
  const number = debugNumber(context, register);
  return context.code.let(I64.load(context.element(state.dr, number)));
}

function writeDebug(context: Context, register: I32, value: I64): void {
  const { code } = context;
  const number = debugNumber(context, register);
  context.raiseIf(number.geU(6).and(value.shrU(32).ne(0)), Vector.gp, 0);
  const stored = code.variable(I64, value);
  code.if(number.eq(6), () => stored.set(value.and(DR6_WRITABLE).or(DR6_ONES)));
  code.if(number.eq(7), () => stored.set(value.and(~DR7_ZEROS).or(DR7_ONES)));
  code.store(context.element(state.dr, number), stored.get());
  code.if(number.ne(6), () => context.call(breakpointsChanged));
}

define('CLTS', 'Clears CR0.TS, so that the FPU and SSE may be used.', (context) => {
  requireSupervisor(context);
  context.set64(state.cr0, get64(state.cr0).and(~Cr0.ts));
  context.call(updateMode);
});

define('SMSW', 'Stores the low part of CR0.', (context) => {
  const [destination] = context.operands as [Operand];
  checkUserModePrevention(context);
  destination.write(context.code.let(get64(state.cr0)));
});

define('LMSW', 'Loads TS, EM, MP and PE of CR0; PE cannot be cleared so.', (context) => {
  const { code } = context;
  const [source] = context.operands as [Operand];
  requireSupervisor(context);
  const loaded = code.let(source.read().and(Cr0.pe | Cr0.mp | Cr0.em | Cr0.ts));
  const kept = get64(state.cr0).and(~(Cr0.mp | Cr0.em | Cr0.ts));
  context.call(writeCr0, code.let(kept.or(loaded)));
  context.resumeNext();
});
