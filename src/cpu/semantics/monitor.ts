/**
 * MONITOR and MWAIT (SDM vol. 2; vol. 3 §9.10.4). With one processor nothing else stores to what is monitored but devices,
 * which interrupt, and handlers. So MWAIT stops like HLT if interrupts are enabled and none was taken since MONITOR;
 * else it goes on at once, which it always may. There are no extensions: ECX is 0.
 */
import { I64 } from '../../wasm/values.js';
import { get32, get64 } from '../emitter.js';
import { place } from '../mmu/access.js';
import { AccessKind } from '../mmu/walk.js';
import * as state from '../state.js';
import { Flag, Register, Segment, Vector } from '../state.js';
import { MONITOR_ENABLED } from '../system/features.js';
import { type Context, define } from './context.js';
import { halt } from './processor.js';

/** #UD above CPL 0 or while IA32_MISC_ENABLE forbids it, #GP(0) for an extension. */
function begin(context: Context): void {
  context.raiseIf(get32(state.cpl).ne(0), Vector.ud);
  context.raiseIf(get64(state.msrMiscEnable).and(MONITOR_ENABLED).eqz(), Vector.ud);
  context.raiseIf(context.register(Register.rcx, context.long ? 64 : 32).ne(0), Vector.gp, 0);
}

/** Never 0, and another after each exception or interrupt. */
function moment(): I64 {
  return get32(state.deliveries).extendU().add(1);
}

define('MONITOR', 'Watches the line at rAX for stores, for MWAIT to wait for.', (context) => {
  const { code } = context;
  begin(context);
  const offset = code.let(context.register(Register.rax, 64).and(context.addressMask()));
  const linear = code.let(context.linear(context.segment(), offset, 1, 'read'));
  const access = code.let(context.segment().eq(Segment.ss).mul(AccessKind.stack));
  place(context, linear, 1, 'read', access);
  context.set64(state.monitorArmed, moment());
});

define('MWAIT', 'Waits for a store to what MONITOR watches, or an interrupt.', (context) => {
  const { code } = context;
  begin(context);
  const armed = code.let(get64(state.monitorArmed).eq(moment()));
  context.set64(state.monitorArmed, I64.const(0));
  const interruptible = get32(state.systemFlags).and(Flag.if).ne(0);
  code.if(armed.and(interruptible), () => halt(context));
});
