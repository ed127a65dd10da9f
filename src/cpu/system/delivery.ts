/**
 * Delivery of exceptions and interrupts in whatever mode is in force, double fault and shutdown (SDM vol. 3 §6.15,
 * interrupt 8). `state.rip` is where to return to.
 */
import { I32 } from '../../wasm/values.js';
import { type Emitter, get32, get64 } from '../emitter.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { Cr0, Efer, ExitReason, Vector } from '../state.js';
import { deliverLong } from './deliver-long.js';
import { deliverProtected } from './deliver-protected.js';
import { deliverReal } from './deliver-real.js';

const NOT_EXCEPTION = state.PENDING_SOFTWARE | state.PENDING_EXTERNAL;
/** #DE #TS #NP #SS #GP, the contributory class of Table 6-4. */
const CONTRIBUTORY =
  (1 << Vector.de) | (1 << Vector.ts) | (1 << Vector.np) | (1 << Vector.ss) | (1 << Vector.gp);

/**
 * Events that follow one another in a delivery. A benign exception may cause itself again for ever, #AC by its own frame:
 * processors hang then (CVE-2015-5307). Here that is a shutdown.
 */
const LONGEST_CHAIN = 16;

/** Goes on even if the delivery faulted. */
function attemptDelivery(e: Emitter, event: I32, errorCode: I32): void {
  e.set32(state.deliveries, get32(state.deliveries).add(1));
  e.code.if(
    get64(state.cr0).and(Cr0.pe).eqz(),
    () => e.attempt(deliverReal, event),
    () =>
      e.code.if(
        get64(state.efer).and(Efer.lma).ne(0),
        () => e.attempt(deliverLong, event, errorCode),
        () => e.attempt(deliverProtected, event, errorCode),
      ),
  );
}

/** 1 if the event is the exception `vector`, not an interrupt that has its number. */
function isException(event: I32, vector: number): I32 {
  return event.and(NOT_EXCEPTION | 0xff).eq(vector);
}

function isContributory(event: I32): I32 {
  const number = event.and(NOT_EXCEPTION | 0xff);
  return number.ltU(32).and(I32.const(CONTRIBUTORY).shrU(number.and(31)));
}

/** Makes a fault on the way into a new task the pending one. */
function takeTaskFault(e: Emitter): void {
  e.set32(state.pending, get32(state.taskFault));
  e.set32(state.taskFault, 0);
}

/**
 * Delivers the pending event, and what its delivery causes in turn, until a handler is entered or the processor
 * shuts down.
 */
export const deliverPending = routine('deliverPending', { parameters: [] }, (e) => {
  const { code } = e;
  e.set32(state.lastEvent, get32(state.pending));
  e.set32(state.lastEventCode, get32(state.pendingCode));
  const left = code.variable(I32, I32.const(LONGEST_CHAIN));
  const shutDown = (): void => {
    e.set32(state.pending, 0);
    e.set32(state.exitReason, ExitReason.shutdown);
    e.requestExit();
    code.return();
  };
  code.loop((again) => {
    const event = e.read32(state.pending);
    const errorCode = e.read32(state.pendingCode);
    e.set32(state.pending, 0);
    attemptDelivery(e, event, errorCode);
    code.if(get32(state.taskFault), () => takeTaskFault(e));
    const second = e.read32(state.pending);
    code.if(second.eqz(), () => code.return());
    const serious = code.let(isContributory(second).or(isException(second, Vector.pf)));
    left.set(left.get().sub(1));
    code.if(isException(event, Vector.df).and(serious).or(left.get().eqz()), shutDown);
    const both = isContributory(event).and(isContributory(second));
    code.if(both.or(isException(event, Vector.pf).and(serious)), () => {
      e.set32(state.pending, state.PENDING | state.PENDING_HAS_CODE | Vector.df);
      e.set32(state.pendingCode, 0);
    });
    code.branch(again);
  });
});

/**
 * (vector, `PENDING_SOFTWARE`, or `PENDING_TRAP` for INT1) enters a handler on behalf of an instruction. `state.rip` is the next
 * one's; a fault is left pending and belongs to the instruction itself.
 */
export const deliverTrap = routine(
  'deliverTrap',
  { parameters: [I32, I32], mayFault: true },
  (e, vector, kind) => {
    attemptDelivery(e, e.code.let(vector.or(kind)), I32.const(0));
  },
);

/** After what may have switched tasks: delivers a fault on the way into the new one, in the new one. */
export const deliverTaskFault = routine('deliverTaskFault', { parameters: [] }, (e) => {
  e.code.if(get32(state.taskFault), () => {
    takeTaskFault(e);
    e.call(deliverPending);
  });
});
