/**
 * Task switches (SDM vol. 3 §7.3) by far jump and call, IRET and task gates, between 16- and 32-bit TSSs in protected
 * mode. Up to the commit faults are the old task's and leave nothing changed; what is wrong with the new task's segments
 * is left in `taskFault` for the new task (Table 7-1). The trap of a TSS's T bit is noted like any debug trap.
 */
import { I32, I64, select } from '../../wasm/values.js';
import { type Emitter, get32, get64 } from '../emitter.js';
import { breakpointsChanged } from '../externals.js';
import { systemLoad, systemPlace, systemStore } from '../mmu/access.js';
import { loadDirectoryPointersFor } from '../mmu/directory-pointers.js';
import { flushTlb } from '../mmu/tlb.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { Access, Cr0, Flag, Segment, Vector } from '../state.js';
import { DR6_BT } from './breakpoints.js';
import { external, pushedFlags } from './event.js';
import { writeFlags } from './flags-register.js';
import { loadDescriptorFor } from './inner-stack.js';
import { boundaryAfter } from './instruction-count.js';
import { updateMode } from './mode.js';
import {
  accessOf,
  baseOf,
  descriptorAddress,
  dplOf,
  limitOf,
  selectorError,
  setSegment,
} from './segments.js';
import { setStackPointer, storeOnStack } from './stack-access.js';
import { loadTaskSegments } from './task-segments.js';
import { noteVirtualInterrupt } from './virtual-8086.js';

/** What asks for a switch. */
export const TaskSource = { jump: 0, call: 1, interrupt: 2, return: 3 } as const;

const TASK_GATE = 5;
const WIDE = 8;
const BUSY = 2;
/** Bits 40 on of a descriptor. */
const BUSY_IN_DESCRIPTOR = BigInt(BUSY) << 40n;
/** DR7: L0–L3 and LE, which a switch clears. */
const LOCAL_BREAKPOINTS = 0x155n;
const TI = 4;
const REGISTERS = 8;

/** Where a field is in a 32-bit TSS, and in a 16-bit one (Figures 7-2 and 7-10). */
interface Offsets {
  readonly wide: number;
  /** Absent if a 16-bit TSS has no such field. */
  readonly narrow?: number;
}
const CR3 = { wide: 0x1c };
const EIP = { wide: 0x20, narrow: 0x0e };
const EFLAGS = { wide: 0x24, narrow: 0x10 };
const LDT = { wide: 0x60, narrow: 0x2a };
const DEBUG_TRAP = { wide: 0x64 };
const register = (n: number): Offsets => ({ wide: 0x28 + 4 * n, narrow: 0x12 + 2 * n });
const segmentOf = (n: number): Offsets =>
  n < 4 ? { wide: 0x48 + 4 * n, narrow: 0x22 + 2 * n } : { wide: 0x48 + 4 * n };
const SEGMENTS = [Segment.es, Segment.cs, Segment.ss, Segment.ds, Segment.fs, Segment.gs];
/** First and last byte of what is saved. */
const SAVED = [
  { wide: 0x20, narrow: 0x0e },
  { wide: 0x5f, narrow: 0x29 },
] as const;
const SMALLEST_LIMIT = { wide: 0x67, narrow: 0x2b };

interface Task {
  readonly base: I64;
  readonly wide: I32;
}

function offsetOf({ wide: is32 }: Task, { wide, narrow = 0 }: Offsets): I32 {
  return select(is32, I32.const(wide), I32.const(narrow));
}

const loadField = routine(
  'loadTaskField',
  { parameters: [I64, I32], result: I64, mayFault: true },
  (e, linear, wide) => {
    e.code.if(wide, () => e.code.return(systemLoad(e, linear, 32)));
    e.code.return(systemLoad(e, linear, 16));
  },
);

const storeField = routine(
  'storeTaskField',
  { parameters: [I64, I32, I64], mayFault: true },
  (e, linear, wide, value) => {
    e.code.if(
      wide,
      () => systemStore(e, linear, 32, value),
      () => systemStore(e, linear, 16, value),
    );
  },
);

/** (linear) raises what a store there would */
const probeStore = routine('probeTaskStore', { parameters: [I64], mayFault: true }, (e, linear) => {
  systemPlace(e, linear, 1, 'write');
});

/** A field, or 0 where a 16-bit TSS has none. */
function read(e: Emitter, task: Task, offsets: Offsets): I64 {
  const { code } = e;
  const value = code.variable(I64, I64.const(0));
  const present = offsets.narrow === undefined ? task.wide : I32.const(1);
  code.if(present, () => {
    const linear = task.base.add(offsetOf(task, offsets).extendU());
    value.set(e.call(loadField, code.let(linear), task.wide));
  });
  return value.get();
}

/** (selector, what asks, RIP to come back to, event or `PENDING_SOFTWARE`) */
const switchTask = routine(
  'switchTask',
  { parameters: [I32, I32, I64, I32], mayFault: true },
  (e, selector, source, returnTo, event) => {
    const { code } = e;
    const outside = code.let(external(event));
    const error = code.let(selectorError(selector).or(outside));
    const returns = code.let(source.eq(TaskSource.return));
    const nests = code.let(source.eq(TaskSource.call).or(source.eq(TaskSource.interrupt)));
    const refusal = code.let(select(returns, I32.const(Vector.ts), I32.const(Vector.gp)));
    e.raiseIf(selector.and(TI), refusal, error);
    const descriptor = e.call(loadDescriptorFor, selector, outside, refusal);
    const access = code.let(accessOf(descriptor));
    const isTask = access.and(Access.notSystem | 5).eq(1);
    e.raiseIf(isTask.eqz().or(access.and(BUSY).ne(0).ne(returns)), refusal, error);
    e.raiseIf(access.and(Access.present).eqz(), Vector.np, error);

    const next: Task = { base: code.let(baseOf(descriptor)), wide: code.let(access.and(WIDE).ne(0)) };
    const smallest = code.let(offsetOf(next, SMALLEST_LIMIT));
    e.raiseIf(limitOf(descriptor).ltU(smallest.extendU()), Vector.ts, error);
    const oldAccess = get32(state.segmentAccess, Segment.tr);
    const old: Task = {
      base: e.read64(state.segmentBase, Segment.tr),
      wide: code.let(oldAccess.and(WIDE).ne(0)),
    };
    const oldSelector = e.read32(state.segmentSelector, Segment.tr);
    const tooShort = get32(state.segmentLimit, Segment.tr).ltU(offsetOf(old, SAVED[1]));
    e.raiseIf(tooShort, Vector.ts, code.let(selectorError(oldSelector).or(outside)));

    const cr3 = read(e, next, CR3);
    const rip = read(e, next, EIP);
    const image = read(e, next, EFLAGS);
    const registers = Array.from({ length: REGISTERS }, (_, n) => read(e, next, register(n)));
    const segments = SEGMENTS.map((_segment, n) => read(e, next, segmentOf(n)));
    const table = code.let(read(e, next, LDT).wrap().and(0xffff));
    const traps = read(e, next, DEBUG_TRAP);

    for (const bound of SAVED) e.call(probeStore, code.let(old.base.add(offsetOf(old, bound).extendU())));
    code.if(nests, () => e.call(probeStore, next.base));
    const oldEntry = e.call(descriptorAddress, oldSelector, I32.const(8));
    const newEntry = e.call(descriptorAddress, selector, I32.const(8));
    e.call(probeStore, oldEntry);
    e.call(probeStore, newEntry);
    const loadsCr3 = code.let(
      next.wide.and(
        get64(state.cr0)
          .and(Cr0.pg >>> 0)
          .ne(0),
      ),
    );
    code.if(loadsCr3, () => loadDirectoryPointersFor(e, get64(state.cr0), cr3, get64(state.cr4)));

    // The commit: nothing below faults in the old task.
    code.if(nests.eqz(), () => {
      systemStore(e, oldEntry, 64, code.let(systemLoad(e, oldEntry, 64).and(~BUSY_IN_DESCRIPTOR)));
    });
    const kept = select(returns, I64.const(~Flag.nt), I64.const(-1));
    save(e, old, EIP, returnTo);
    save(e, old, EFLAGS, code.let(pushedFlags(e, event).and(kept)));
    for (let n = 0; n < REGISTERS; n++) save(e, old, register(n), get64(state.gpr, n));
    SEGMENTS.forEach((segment, n) => {
      const { wide, narrow } = segmentOf(n);
      const value = get32(state.segmentSelector, segment).extendU();
      if (narrow !== undefined) save16(e, old, { wide, narrow }, value);
      else code.if(old.wide, () => save16(e, old, { wide }, value));
    });
    code.if(nests, () => systemStore(e, next.base, 16, oldSelector.extendU()));
    const busy = code.let(descriptor.or(BUSY_IN_DESCRIPTOR));
    code.if(returns.eqz(), () => systemStore(e, newEntry, 64, busy));
    e.call(setSegment, I32.const(Segment.tr), selector, busy);
    e.set64(state.cr0, get64(state.cr0).or(Cr0.ts));
    code.if(loadsCr3, () => {
      e.set64(state.cr3, cr3);
      e.call(flushTlb);
    });
    e.set64(state.rip, rip);
    writeFlags(e, code.let(image.or(nests.extendU().mul(Flag.nt))), I64.const(-1));
    const resumed = next.wide.and(image.and(Flag.rf).ne(0));
    e.set64(state.resumeAt, code.let(select(resumed, boundaryAfter(e), I64.const(-1))));
    e.set64(state.unsteppedAt, boundaryAfter(e));
    registers.forEach((value, n) => {
      e.set64(state.gpr, value, n);
    });
    e.set64(state.dr, code.let(get64(state.dr, 7).and(~LOCAL_BREAKPOINTS)), 7);
    e.call(breakpointsChanged);
    SEGMENTS.forEach((segment, n) => {
      e.set32(state.segmentSelector, (segments[n] as I64).wrap().and(0xffff), segment);
      e.set32(state.segmentAccess, Access.null, segment);
    });
    e.attempt(loadTaskSegments, table, outside);
    park(e);
    e.call(noteVirtualInterrupt);
    e.call(updateMode);
    const trap = traps.wrap().and(1).mul(DR6_BT);
    e.set32(state.debugMet, get32(state.debugMet).or(trap));
    e.requestExit();
  },
);

function save(e: Emitter, task: Task, offsets: Offsets, value: I64): void {
  const linear = e.code.let(task.base.add(offsetOf(task, offsets).extendU()));
  e.call(storeField, linear, task.wide, e.code.let(value));
}

function save16(e: Emitter, task: Task, offsets: Offsets, value: I64): void {
  systemStore(e, e.code.let(task.base.add(offsetOf(task, offsets).extendU())), 16, value);
}

/** Puts a pending fault aside as the new task's. */
function park(e: Emitter): void {
  const fault = e.read32(state.pending);
  e.set32(state.taskFault, fault);
  e.set32(state.pending, 0);
}

const pushWide = routine('pushTaskError32', { parameters: [I32], mayFault: true }, (e, errorCode) => {
  setStackPointer(e, storeOnStack(e, 32, [errorCode.extendU()]));
});
const pushNarrow = routine('pushTaskError16', { parameters: [I32], mayFault: true }, (e, errorCode) => {
  setStackPointer(e, storeOnStack(e, 16, [errorCode.extendU()]));
});

/** (selector in a task gate of the IDT, event, error code) */
export const interruptTask = routine(
  'interruptTask',
  { parameters: [I32, I32, I32], mayFault: true },
  (e, selector, event, errorCode) => {
    const { code } = e;
    e.call(switchTask, selector, I32.const(TaskSource.interrupt), get64(state.rip), event);
    const pushes = event.and(state.PENDING_HAS_CODE).ne(0).and(get32(state.taskFault).eqz());
    code.if(pushes, () => {
      const wide = get32(state.segmentAccess, Segment.tr).and(WIDE);
      code.if(
        wide,
        () => e.attempt(pushWide, errorCode),
        () => e.attempt(pushNarrow, errorCode),
      );
      park(e);
    });
  },
);

/** Whether a far jump or call to this system descriptor switches tasks, outside long mode. */
export function isTaskOrGate(descriptor: I64): I32 {
  const type = accessOf(descriptor).and(15);
  return type.eq(TASK_GATE).or(type.and(5).eq(1));
}

/** (selector of a TSS or task gate, its descriptor, what asks, RIP to come back to) */
export const transferToTask = routine(
  'transferToTask',
  { parameters: [I32, I64, I32, I64], mayFault: true },
  (e, selector, descriptor, source, returnTo) => {
    const { code } = e;
    const access = code.let(accessOf(descriptor));
    const level = code.let(dplOf(access));
    const allowed = level.geU(get32(state.cpl)).and(level.geU(selector.and(3)));
    e.raiseIf(allowed.eqz(), Vector.gp, selectorError(selector));
    const target = code.variable(I32, selector);
    code.if(access.and(15).eq(TASK_GATE), () => {
      e.raiseIf(access.and(Access.present).eqz(), Vector.np, selectorError(selector));
      target.set(descriptor.shrU(16).wrap().and(0xffff));
    });
    e.call(switchTask, target.get(), source, returnTo, I32.const(state.PENDING_SOFTWARE));
  },
);

/** (RIP after the IRET) goes back to the task that the TSS links to */
export const returnToTask = routine('returnToTask', { parameters: [I64], mayFault: true }, (e, returnTo) => {
  const link = systemLoad(e, get64(state.segmentBase, Segment.tr), 16).wrap();
  e.call(
    switchTask,
    e.code.let(link),
    I32.const(TaskSource.return),
    returnTo,
    I32.const(state.PENDING_SOFTWARE),
  );
});
