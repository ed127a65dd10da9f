/** PUSHF, POPF, CLI, STI, CLAC, STAC: the flags that privilege guards (SDM vol. 2; vol. 3 §6.8). */
import { get32 } from '../emitter.js';
import * as state from '../state.js';
import { Flag, Vector } from '../state.js';
import { changeableFlags, readFlags, writeFlags } from '../system/flags-register.js';
import { updateMode } from '../system/mode.js';
import { type Context, define } from './context.js';
import { holdInterrupts, offerInterrupt } from './interrupt-shadow.js';
import { discard, peek, push } from './stack.js';

/** After IF and TF may have been set: ends the run for an interrupt that waits, or to single-step. */
export function afterFlagsChange(context: Context): void {
  offerInterrupt(context);
  const stepping = get32(state.systemFlags).and(Flag.tf).ne(0);
  context.code.if(stepping, () => context.requestExit());
}

define('PUSHF', 'Pushes RFLAGS, with VM and RF clear.', (context) => {
  const image = readFlags(context).and(~(Flag.vm | Flag.rf));
  push(context, context.operandSize, context.code.let(image));
});

define('POPF', 'Pops RFLAGS, as far as the privilege allows.', (context) => {
  const { code, operandSize } = context;
  const image = peek(context, operandSize);
  discard(context, operandSize / 8);
  const virtual = operandSize === 16 ? 0 : Flag.vif | Flag.vip;
  const mask = changeableFlags(context, operandSize).or(virtual);
  writeFlags(context, code.let(image.and(~virtual)), mask);
  context.call(updateMode);
  afterFlagsChange(context);
  context.resumeNext();
});

/** #GP(0) unless CPL is at most IOPL. */
function requireInputOutputPrivilege(context: Context): void {
  const level = get32(state.systemFlags).shrU(12).and(3);
  context.raiseIf(get32(state.cpl).gtU(level), Vector.gp, 0);
}

define('CLI', 'Clears IF: no more interrupts are taken.', (context) => {
  requireInputOutputPrivilege(context);
  context.set32(state.systemFlags, get32(state.systemFlags).and(~Flag.if));
});

define('STI', 'Sets IF: interrupts are taken after the next instruction.', (context) => {
  requireInputOutputPrivilege(context);
  const flags = context.read32(state.systemFlags);
  context.code.if(flags.and(Flag.if).eqz(), () => {
    context.set32(state.systemFlags, flags.or(Flag.if));
    holdInterrupts(context);
    offerInterrupt(context, 1);
  });
});

define('CLAC', 'Clears AC: SMAP guards user pages again.', (context) => {
  context.raiseIf(get32(state.cpl).ne(0), Vector.ud);
  context.set32(state.systemFlags, get32(state.systemFlags).and(~Flag.ac));
});

define('STAC', 'Sets AC: the supervisor may use user pages despite SMAP.', (context) => {
  context.raiseIf(get32(state.cpl).ne(0), Vector.ud);
  context.set32(state.systemFlags, get32(state.systemFlags).or(Flag.ac));
});
