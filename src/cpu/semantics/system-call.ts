/**
 * SYSCALL, SYSRET, SYSENTER, SYSEXIT (SDM vol. 2; vol. 3 §5.8.7–5.8.8): flat segments by fiat, no tables read. Outside
 * 64-bit code SYSCALL and SYSRET are as on AMD's processors (AMD64 Architecture Programmer's Manual vol. 3), since
 * kernels that do not find Intel's name may use them there.
 */
import { I32, I64 } from '../../wasm/values.js';
import { get32, get64 } from '../emitter.js';
import * as state from '../state.js';
import { Access, Cr0, Efer, Flag, Register, Segment, Vector } from '../state.js';
import { DR6_BS } from '../system/breakpoints.js';
import { deliverTaskFault } from '../system/delivery.js';
import { readFlags, writeFlags } from '../system/flags-register.js';
import { boundaryAfter } from '../system/instruction-count.js';
import { updateMode } from '../system/mode.js';
import { requireSupervisor } from '../system/privilege.js';
import { realSegments } from '../system/segments.js';
import { noteVirtualInterrupt } from '../system/virtual-8086.js';
import { type Context, define } from './context.js';
import { afterFlagsChange } from './flag-control.js';

/** RFLAGS bits that SYSRET takes from R11. */
const SYSRET_FLAGS = 0x3c7fd7;
const DATA =
  Access.present | Access.notSystem | Access.writable | Access.accessed | Access.granularity | Access.big;
const CODE_32 = DATA | Access.code;
const CODE_64 = (CODE_32 & ~Access.big) | Access.long;

/** Loads CS and SS with flat segments of a privilege level and enters it. */
function enterFlat(
  context: Context,
  segments: { code: I32; stack: I32; level: 0 | 3; codeAccess: I32 | number },
): void {
  const level = segments.level << Access.dplShift;
  const { codeAccess } = segments;
  const rights = typeof codeAccess === 'number' ? I32.const(codeAccess) : codeAccess;
  for (const [segment, selector, access] of [
    [Segment.cs, segments.code, rights],
    [Segment.ss, segments.stack, I32.const(DATA)],
  ] as const) {
    context.set32(state.segmentSelector, selector, segment);
    context.set64(state.segmentBase, 0, segment);
    context.set32(state.segmentLimit, -1, segment);
    context.set32(state.segmentAccess, access.or(level), segment);
  }
  context.set32(state.cpl, segments.level);
}

function requireSystemCalls(context: Context): void {
  context.raiseIf(get64(state.efer).and(Efer.sce).eqz(), Vector.ud);
}

function requireCanonical(context: Context, address: I64): void {
  context.raiseIf(address.shl(16).shrS(16).ne(address), Vector.gp, 0);
}

/** The single-step trap after SYSCALL and SYSRET goes by TF as they leave it, not as they found it. */
function stepAsOfNow(context: Context): void {
  const step = get32(state.systemFlags).and(Flag.tf).ne(0).mul(DR6_BS);
  context.set32(state.debugMet, get32(state.debugMet).or(step));
  context.set64(state.unsteppedAt, boundaryAfter(context));
}

/** SYSCALL where long mode is active: by LSTAR from 64-bit code, by CSTAR from compatibility mode. */
function callLong(context: Context, code: I32, stack: I32): void {
  const flags = readFlags(context);
  context.setRegister(Register.rcx, 64, context.nextRip());
  context.setRegister(Register.r11, 64, flags);
  enterFlat(context, { code, stack, level: 0, codeAccess: CODE_64 });
  writeFlags(context, context.code.let(flags.and(get64(state.msrSfmask).not())), I64.const(-1));
  context.set64(state.rip, get64(context.long ? state.msrLstar : state.msrCstar));
}

/** SYSCALL of protected mode: EIP from IA32_STAR, and of the flags IF and VM cleared. */
function callLegacy(context: Context, code: I32, stack: I32): void {
  context.setRegister(Register.rcx, 64, context.nextRip());
  enterFlat(context, { code, stack, level: 0, codeAccess: CODE_32 });
  context.set32(state.systemFlags, get32(state.systemFlags).and(~(Flag.vm | Flag.if)));
  context.set64(state.rip, get64(state.msrStar).and(0xffffffffn));
}

define('SYSCALL', 'Calls the kernel at IA32_LSTAR; RCX and R11 receive RIP and RFLAGS.', (context) => {
  const { code } = context;
  requireSystemCalls(context);
  if (!context.long) context.raiseIf(realSegments(), Vector.ud);
  const star = code.let(get64(state.msrStar).shrU(32).wrap().and(0xffff));
  const selectors = [code.let(star.and(0xfffc)), code.let(star.add(8).and(0xffff))] as const;
  if (context.long) callLong(context, ...selectors);
  else {
    code.if(
      get64(state.efer).and(Efer.lma).ne(0),
      () => callLong(context, ...selectors),
      () => callLegacy(context, ...selectors),
    );
  }
  context.call(updateMode);
  stepAsOfNow(context);
  context.resume();
});

define('SYSRET', 'Returns from SYSCALL to user code at RCX with RFLAGS from R11.', (context) => {
  const { code } = context;
  requireSystemCalls(context);
  if (!context.long) context.raiseIf(realSegments(), Vector.gp, 0);
  requireSupervisor(context);
  const wide = context.operandSize === 64;
  const target = context.register(Register.rcx, wide ? 64 : 32);
  if (wide) requireCanonical(context, target);
  const star = code.let(get64(state.msrStar).shrU(48).wrap());
  const codeSelector = code.let((wide ? star.add(16) : star).and(0xffff).or(3));
  const stack = code.let(star.add(8).and(0xffff).or(3));
  const codeAccess = wide ? CODE_64 : CODE_32;
  enterFlat(context, { code: codeSelector, stack, level: 3, codeAccess });
  if (context.long) {
    const flags = code.let(context.register(Register.r11, 64).and(SYSRET_FLAGS));
    writeFlags(context, flags, I64.const(-1));
  } else context.set32(state.systemFlags, get32(state.systemFlags).or(Flag.if));
  context.set64(state.rip, target);
  context.call(updateMode);
  context.call(noteVirtualInterrupt);
  context.call(deliverTaskFault);
  stepAsOfNow(context);
  afterFlagsChange(context);
  context.resume();
});

/** IA32_SYSENTER_CS, which must not be null. */
function sysenterSelector(context: Context): I32 {
  const selector = context.code.let(get64(state.msrSysenterCs).wrap().and(0xfffc));
  const isProtected = get64(state.cr0).and(Cr0.pe).ne(0);
  context.raiseIf(selector.eqz().or(isProtected.eqz()), Vector.gp, 0);
  return selector;
}

define('SYSENTER', 'Calls the kernel at IA32_SYSENTER_EIP on the stack at IA32_SYSENTER_ESP.', (context) => {
  const { code } = context;
  const selector = sysenterSelector(context);
  const active = code.let(get64(state.efer).and(Efer.lma).ne(0));
  const codeAccess = code.variable(I32, I32.const(CODE_32));
  const mask = code.variable(I64, I64.const(0xffffffffn));
  code.if(active, () => {
    codeAccess.set(I32.const(CODE_64));
    mask.set(I64.const(-1));
  });
  enterFlat(context, { code: selector, stack: selector.add(8), level: 0, codeAccess: codeAccess.get() });
  context.set32(state.systemFlags, get32(state.systemFlags).and(~(Flag.vm | Flag.if)));
  context.setRegister(Register.rsp, 64, get64(state.msrSysenterEsp).and(mask.get()));
  context.set64(state.rip, get64(state.msrSysenterEip).and(mask.get()));
  context.call(updateMode);
  context.resume();
});

define('SYSEXIT', 'Returns from SYSENTER to user code at RDX on the stack at RCX.', (context) => {
  const { code } = context;
  const selector = sysenterSelector(context);
  requireSupervisor(context);
  const wide = context.operandSize === 64;
  const target = context.register(Register.rdx, wide ? 64 : 32);
  const stack = context.register(Register.rcx, wide ? 64 : 32);
  if (wide) {
    requireCanonical(context, target);
    requireCanonical(context, stack);
  }
  const first = code.let(selector.add(wide ? 32 : 16).or(3));
  const codeAccess = wide ? CODE_64 : CODE_32;
  enterFlat(context, { code: first, stack: first.add(8), level: 3, codeAccess });
  context.setRegister(Register.rsp, 64, stack);
  context.set64(state.rip, target);
  context.call(updateMode);
  context.call(noteVirtualInterrupt);
  context.call(deliverTaskFault);
  context.resume();
});
