/**
 * Delivery of exceptions and interrupts (SDM vol. 3 ch. 6): through the IVT in real mode, the IDT with 8-byte gates
 * in protected mode, with 16-byte gates in long mode; double fault and shutdown. Task gates and virtual-8086 mode
 * are left out. `state.rip` is where to return to.
 */
import { I32, I64, select } from '../../wasm/values.js';
import { type Emitter, get32, get64 } from '../emitter.js';
import { systemLoad, systemStore } from '../mmu/access.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { Access, Cr0, Efer, ExitReason, Flag, Register, Segment, Vector } from '../state.js';
import { readFlags } from './flags-register.js';
import { updateMode } from './mode.js';
import {
  accessOf,
  dplOf,
  isNull,
  loadDescriptor,
  selectorError,
  setCodeSegment,
  setNullSegment,
  setRealSegment,
  setSegment,
} from './segments.js';

const GATE_INTERRUPT_32 = 14;
const GATE_TRAP_32 = 15;
const GATE_INTERRUPT_16 = 6;
const GATE_TRAP_16 = 7;
const CLEARED = ~(Flag.tf | Flag.nt | Flag.rf | Flag.vm);

/** Exceptions that are reported at the faulting instruction, and so push RF set (vol. 3 §17.3.1.1). */
const TRAPS = (1 << Vector.db) | (1 << Vector.bp) | (1 << Vector.of) | (1 << Vector.df) | (1 << Vector.nmi);

/** Error code for a bad gate or selector while delivering: EXT is set unless an INT instruction asked. */
function external(event: I32): I32 {
  return event.and(state.PENDING_SOFTWARE).eqz();
}
function gateError(event: I32): I32 {
  return event.and(0xff).shl(3).or(2).or(external(event));
}

function pushedFlags(e: Emitter, event: I32): I64 {
  const { code } = e;
  const trap = I32.const(TRAPS).shrU(event.and(31)).and(1);
  const outside = event
    .and(state.PENDING_SOFTWARE | state.PENDING_EXTERNAL)
    .ne(0)
    .or(event.and(0xff).gtU(31));
  const resume = trap.or(outside).eqz().extendU().mul(Flag.rf);
  return code.let(readFlags(e).or(resume));
}

/** Clears TF, NT, RF, VM, and IF for an interrupt gate. */
function clearFlags(e: Emitter, isInterrupt: I32): void {
  const kept = select(isInterrupt, I32.const(CLEARED & ~Flag.if), I32.const(CLEARED));
  e.set32(state.systemFlags, get32(state.systemFlags).and(kept));
}

/** (event, error code) through a 16-byte gate in long mode, §6.14 */
const deliverLong = routine(
  'deliverLong',
  { parameters: [I32, I32], mayFault: true },
  (e, event, errorCode) => {
    const { code } = e;
    const vector = event.and(0xff);
    e.raiseIf(vector.shl(4).add(15).gtU(get32(state.idtrLimit)), Vector.gp, gateError(event));
    const address = code.let(get64(state.idtrBase).add(vector.shl(4).extendU()));
    const gate = systemLoad(e, address, 64);
    const high = systemLoad(e, address.add(8), 64);
    const type = code.let(gate.shrU(40).wrap().and(31));
    e.raiseIf(type.ne(GATE_INTERRUPT_32).and(type.ne(GATE_TRAP_32)), Vector.gp, gateError(event));
    const cpl = e.read32(state.cpl);
    const gateDpl = gate.shrU(45).wrap().and(3);
    e.raiseIf(event.and(state.PENDING_SOFTWARE).ne(0).and(gateDpl.ltU(cpl)), Vector.gp, gateError(event));
    e.raiseIf(gate.shrU(47).and(1).eqz(), Vector.np, gateError(event));

    const selector = code.let(gate.shrU(16).wrap().and(0xffff));
    e.raiseIf(isNull(selector), Vector.gp, external(event));
    const selectorCode = selectorError(selector).or(external(event));
    const descriptor = loadDescriptorExternal(e, selector, event);
    const access = code.let(accessOf(descriptor));
    const isCode = access.and(Access.code | Access.notSystem).eq(Access.code | Access.notSystem);
    const dpl = code.let(dplOf(access));
    e.raiseIf(isCode.eqz().or(dpl.gtU(cpl)), Vector.gp, selectorCode);
    e.raiseIf(access.and(Access.present).eqz(), Vector.np, selectorCode);
    e.raiseIf(access.and(Access.long | Access.big).ne(Access.long), Vector.gp, selectorCode);
    const conforming = access.and(Access.expandDown).ne(0);
    const target = code.let(select(conforming, cpl, dpl));

    const stack = code.variable(I64, get64(state.gpr, Register.rsp));
    const ist = code.let(gate.shrU(32).wrap().and(7));
    const inner = code.let(target.ltU(cpl));
    code.if(ist.ne(0).or(inner), () => {
      const offset = code.let(select(ist.ne(0), ist.mul(8).add(0x1c), target.mul(8).add(4)));
      const limit = get32(state.segmentLimit, Segment.tr);
      const tss = selectorError(get32(state.segmentSelector, Segment.tr)).or(external(event));
      e.raiseIf(offset.add(7).gtU(limit), Vector.ts, tss);
      stack.set(systemLoad(e, get64(state.segmentBase, Segment.tr).add(offset.extendU()), 64));
    });
    const top = stack.get();
    e.raiseIf(top.shl(16).shrS(16).ne(top), Vector.ss, external(event));
    stack.set(top.and(-16n));
    const rip = code.let(gate.and(0xffff).or(gate.shrU(32).and(0xffff0000)).or(high.shl(32)));
    e.raiseIf(rip.shl(16).shrS(16).ne(rip), Vector.gp, external(event));

    const push = (value: I64): void => {
      stack.set(stack.get().sub(8));
      const slot = code.let(stack.get());
      systemStore(e, slot, 64, value);
    };
    const flags = pushedFlags(e, event);
    push(get32(state.segmentSelector, Segment.ss).extendU());
    push(get64(state.gpr, Register.rsp));
    push(flags);
    push(get32(state.segmentSelector, Segment.cs).extendU());
    push(get64(state.rip));
    code.if(event.and(state.PENDING_HAS_CODE), () => push(errorCode.extendU()));

    e.call(setCodeSegment, selector, descriptor, target);
    code.if(inner, () => {
      e.set32(state.cpl, target);
      e.call(setNullSegment, I32.const(Segment.ss), target);
    });
    e.set64(state.gpr, stack.get(), Register.rsp);
    e.set64(state.rip, rip);
    clearFlags(e, type.eq(GATE_INTERRUPT_32));
    e.call(updateMode);
  },
);

/** Like `loadDescriptor`, with EXT in the error code. */
function loadDescriptorExternal(e: Emitter, selector: I32, event: I32): I64 {
  const descriptor = e.attempt(loadDescriptor, selector);
  e.code.if(get32(state.pending), () => {
    const isSelector = get32(state.pending).and(0xff).ne(Vector.pf);
    const set = select(isSelector, external(event), I32.const(0));
    e.set32(state.pendingCode, get32(state.pendingCode).or(set));
    e.abort();
  });
  return descriptor;
}

/** (event, error code) through an 8-byte gate in protected mode, §6.12 */
const deliverProtected = routine(
  'deliverProtected',
  { parameters: [I32, I32], mayFault: true },
  (e, event, errorCode) => {
    const { code } = e;
    const vector = event.and(0xff);
    e.raiseIf(vector.shl(3).add(7).gtU(get32(state.idtrLimit)), Vector.gp, gateError(event));
    const gate = systemLoad(e, get64(state.idtrBase).add(vector.shl(3).extendU()), 64);
    const type = code.let(gate.shrU(40).wrap().and(31));
    const wide = code.let(type.eq(GATE_INTERRUPT_32).or(type.eq(GATE_TRAP_32)));
    const narrow = type.eq(GATE_INTERRUPT_16).or(type.eq(GATE_TRAP_16));
    e.raiseIf(wide.or(narrow).eqz(), Vector.gp, gateError(event));
    const cpl = e.read32(state.cpl);
    const gateDpl = gate.shrU(45).wrap().and(3);
    e.raiseIf(event.and(state.PENDING_SOFTWARE).ne(0).and(gateDpl.ltU(cpl)), Vector.gp, gateError(event));
    e.raiseIf(gate.shrU(47).and(1).eqz(), Vector.np, gateError(event));

    const selector = code.let(gate.shrU(16).wrap().and(0xffff));
    e.raiseIf(isNull(selector), Vector.gp, external(event));
    const selectorCode = selectorError(selector).or(external(event));
    const descriptor = loadDescriptorExternal(e, selector, event);
    const access = code.let(accessOf(descriptor));
    const isCode = access.and(Access.code | Access.notSystem).eq(Access.code | Access.notSystem);
    const dpl = code.let(dplOf(access));
    e.raiseIf(isCode.eqz().or(dpl.gtU(cpl)), Vector.gp, selectorCode);
    e.raiseIf(access.and(Access.present).eqz(), Vector.np, selectorCode);
    const target = code.let(select(access.and(Access.expandDown).ne(0), cpl, dpl));
    const inner = code.let(target.ltU(cpl));

    const stack = code.variable(I64, get64(state.gpr, Register.rsp).and(get64(state.stackMask)));
    const stackBase = code.variable(I64, get64(state.segmentBase, Segment.ss));
    const mask = code.variable(I64, get64(state.stackMask));
    const stackSelector = code.variable(I32, I32.const(0));
    const stackDescriptor = code.variable(I64, I64.const(0));
    code.if(inner, () => {
      const tr = code.let(get64(state.segmentBase, Segment.tr));
      const offset = code.let(target.mul(8).add(4).extendU());
      stack.set(systemLoad(e, tr.add(offset), 32));
      stackSelector.set(systemLoad(e, tr.add(offset).add(4), 16).wrap());
      const chosen = stackSelector.get();
      e.raiseIf(isNull(chosen), Vector.ts, external(event));
      stackDescriptor.set(loadDescriptorExternal(e, chosen, event));
      const stackAccess = code.let(accessOf(stackDescriptor.get()));
      const right = Access.notSystem | Access.writable;
      const usable = stackAccess
        .and(right | Access.code)
        .eq(right)
        .and(dplOf(stackAccess).eq(target));
      e.raiseIf(usable.eqz(), Vector.ts, selectorError(chosen).or(external(event)));
      e.raiseIf(stackAccess.and(Access.present).eqz(), Vector.ss, selectorError(chosen).or(external(event)));
      stackBase.set(stackDescriptor.get().shrU(16).and(0xffffff).or(stackDescriptor.get().shrU(56).shl(24)));
      mask.set(select(stackAccess.and(Access.big), I64.const(0xffffffff), I64.const(0xffff)));
    });
    const push = (value: I64): void => {
      code.if(
        wide,
        () => {
          stack.set(stack.get().sub(4).and(mask.get()));
          systemStore(e, stackBase.get().add(stack.get()).and(0xffffffff), 32, value);
        },
        () => {
          stack.set(stack.get().sub(2).and(mask.get()));
          systemStore(e, stackBase.get().add(stack.get()).and(0xffffffff), 16, value);
        },
      );
    };
    const flags = pushedFlags(e, event);
    code.if(inner, () => {
      push(get32(state.segmentSelector, Segment.ss).extendU());
      push(get64(state.gpr, Register.rsp));
    });
    push(flags);
    push(get32(state.segmentSelector, Segment.cs).extendU());
    push(get64(state.rip));
    code.if(event.and(state.PENDING_HAS_CODE), () => push(errorCode.extendU()));
    e.call(setCodeSegment, selector, descriptor, target);
    code.if(inner, () => {
      e.set32(state.cpl, target);
      e.call(setSegment, I32.const(Segment.ss), stackSelector.get(), stackDescriptor.get());
    });
    const unmasked = get64(state.gpr, Register.rsp).and(mask.get().not());
    e.set64(state.gpr, unmasked.or(stack.get()), Register.rsp);
    const low = gate.and(0xffff);
    e.set64(state.rip, select(wide, low.or(gate.shrU(32).and(0xffff0000)), low));
    clearFlags(e, type.eq(GATE_INTERRUPT_32).or(type.eq(GATE_INTERRUPT_16)));
    e.call(updateMode);
  },
);

/** (event) through the interrupt vector table of real mode, §20.1.4; there are no error codes */
const deliverReal = routine('deliverReal', { parameters: [I32], mayFault: true }, (e, event) => {
  const { code } = e;
  const vector = event.and(0xff);
  e.raiseIf(vector.shl(2).add(3).gtU(get32(state.idtrLimit)), Vector.gp);
  const entry = systemLoad(e, get64(state.idtrBase).add(vector.shl(2).extendU()), 32);
  const stack = code.variable(I64, get64(state.gpr, Register.rsp).and(0xffff));
  const push = (value: I64): void => {
    stack.set(stack.get().sub(2).and(0xffff));
    systemStore(e, get64(state.segmentBase, Segment.ss).add(stack.get()), 16, value);
  };
  push(readFlags(e));
  push(get32(state.segmentSelector, Segment.cs).extendU());
  push(get64(state.rip));
  const kept = get64(state.gpr, Register.rsp).and(-0x10000n);
  e.set64(state.gpr, kept.or(stack.get()), Register.rsp);
  e.set32(state.systemFlags, get32(state.systemFlags).and(~(Flag.if | Flag.tf | Flag.ac | Flag.rf)));
  e.call(setRealSegment, I32.const(Segment.cs), entry.shrU(16).wrap());
  e.set64(state.rip, entry.and(0xffff));
  e.call(updateMode);
});

/** (event) 1 if it is of the contributory class of Table 6-4: #DE #TS #NP #SS #GP */
function contributory(event: I32): I32 {
  const set = (1 << Vector.de) | (1 << Vector.ts) | (1 << Vector.np) | (1 << Vector.ss) | (1 << Vector.gp);
  const benign = event.and(state.PENDING_SOFTWARE | state.PENDING_EXTERNAL).ne(0);
  return event
    .and(0xff)
    .ltU(32)
    .and(I32.const(set).shrU(event.and(31)))
    .and(benign.eqz());
}
function isPageFault(event: I32): I32 {
  return event.and(0xff | state.PENDING_SOFTWARE | state.PENDING_EXTERNAL).eq(Vector.pf);
}

/**
 * Delivers the pending event, and what its delivery causes in turn, until a handler is entered or the processor
 * shuts down.
 */
export const deliverPending = routine('deliverPending', { parameters: [] }, (e) => {
  const { code } = e;
  code.loop((again) => {
    const event = e.read32(state.pending);
    const errorCode = e.read32(state.pendingCode);
    e.set32(state.pending, 0);
    code.if(
      get64(state.cr0).and(Cr0.pe).eqz(),
      () => e.attempt(deliverReal, event),
      () =>
        code.if(
          get64(state.efer).and(Efer.lma).ne(0),
          () => e.attempt(deliverLong, event, errorCode),
          () => e.attempt(deliverProtected, event, errorCode),
        ),
    );
    const second = e.read32(state.pending);
    code.if(second.eqz(), () => code.return());
    const serious = code.let(contributory(second).or(isPageFault(second)));
    code.if(event.and(0xff).eq(Vector.df).and(serious), () => {
      e.set32(state.pending, 0);
      e.set32(state.exitReason, ExitReason.shutdown);
      e.requestExit();
      code.return();
    });
    const both = contributory(event).and(contributory(second));
    code.if(both.or(isPageFault(event).and(serious)), () => {
      e.set32(state.pending, state.PENDING | state.PENDING_HAS_CODE | Vector.df);
      e.set32(state.pendingCode, 0);
    });
    code.branch(again);
  });
});

/** (vector) takes an external interrupt at `state.rip`. For the host, between runs. */
export const deliverInterrupt = routine('deliverInterrupt', { parameters: [I32] }, (e, vector) => {
  e.set32(state.pending, vector.or(state.PENDING | state.PENDING_EXTERNAL));
  e.call(deliverPending);
});
