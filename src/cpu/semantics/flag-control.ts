/** PUSHF, POPF, CLI, STI, CLAC, STAC: the flags that privilege guards (SDM vol. 2; vol. 3 §6.8). */
import { I64, select } from '../../wasm/values.js';
import { get32 } from '../emitter.js';
import * as state from '../state.js';
import { Flag, Vector } from '../state.js';
import { changeableFlags, writeFlags } from '../system/flags-register.js';
import { updateMode } from '../system/mode.js';
import { virtual8086 } from '../system/segments.js';
import {
  changesVirtualFlag,
  checkVirtualFlags,
  hasIoPrivilege,
  requireVirtualInterrupts,
  setVirtualFlags,
  virtualFlags,
} from '../system/virtual-8086.js';
import { type Context, define } from './context.js';
import { holdInterrupts, offerInterrupt } from './interrupt-shadow.js';
import { discard, peek, push } from './stack.js';

/** After IF and TF may have been set: ends the run for an interrupt that waits, or to single-step. */
export function afterFlagsChange(context: Context): void {
  offerInterrupt(context);
  const stepping = get32(state.systemFlags).and(Flag.tf).ne(0);
  context.code.if(stepping, () => context.requestExit());
}

/** In virtual-8086 mode below IOPL 3, does something by VIF instead, which needs CR4.VME and 16 bits, else #GP(0). */
function unlessVirtual(context: Context, virtual: () => void, ordinary: () => void): void {
  if (context.long) {
    ordinary();
    return;
  }
  const isVirtual = virtual8086().and(hasIoPrivilege().eqz());
  context.code.if(
    isVirtual,
    () => {
      requireVirtualInterrupts(context, context.operandSize);
      virtual();
    },
    ordinary,
  );
}

define('PUSHF', 'Pushes RFLAGS, with VM and RF clear.', (context) => {
  const { operandSize } = context;
  unlessVirtual(
    context,
    () => push(context, operandSize, virtualFlags(context)),
    () => {
      const image = context.flags.image().or(get32(state.systemFlags).extendU());
      push(context, operandSize, context.code.let(image.and(~(Flag.vm | Flag.rf))));
    },
  );
});

define('POPF', 'Pops RFLAGS, as far as the privilege allows.', (context) => {
  const { code, operandSize } = context;
  const image = peek(context, operandSize);
  unlessVirtual(
    context,
    () => {
      checkVirtualFlags(context, image);
      setVirtualFlags(context, image);
    },
    () => {
      const virtual = operandSize === 16 ? 0 : Flag.vif | Flag.vip;
      const cleared = select(virtual8086(), I64.const(0), I64.const(virtual));
      const mask = code.let(changeableFlags(context, operandSize).or(cleared));
      writeFlags(context, code.let(image.and(~(Flag.vif | Flag.vip))), mask);
    },
  );
  discard(context, operandSize / 8);
  context.call(updateMode);
  afterFlagsChange(context);
  context.resumeNext();
});

/** What CLI and STI change: IF, VIF where that stands for it, or #GP(0) if CPL is above IOPL. */
function interruptFlag(context: Context, virtual: () => void, ordinary: () => void): void {
  context.code.if(changesVirtualFlag(context), virtual, () => {
    const level = get32(state.systemFlags).shrU(12).and(3);
    context.raiseIf(get32(state.cpl).gtU(level), Vector.gp, 0);
    ordinary();
  });
}

function clearFlag(context: Context, flag: number): void {
  context.set32(state.systemFlags, get32(state.systemFlags).and(~flag));
}

function setFlag(context: Context, flag: number): void {
  context.set32(state.systemFlags, get32(state.systemFlags).or(flag));
}

define('CLI', 'Clears IF: no more interrupts are taken.', (context) => {
  interruptFlag(
    context,
    () => clearFlag(context, Flag.vif),
    () => clearFlag(context, Flag.if),
  );
});

define('STI', 'Sets IF: interrupts are taken after the next instruction.', (context) => {
  interruptFlag(
    context,
    () => {
      context.raiseIf(get32(state.systemFlags).and(Flag.vip), Vector.gp, 0);
      setFlag(context, Flag.vif);
    },
    () => {
      context.code.if(get32(state.systemFlags).and(Flag.if).eqz(), () => {
        setFlag(context, Flag.if);
        holdInterrupts(context);
        offerInterrupt(context, 1);
      });
    },
  );
});

define('CLAC', 'Clears AC: SMAP guards user pages again.', (context) => {
  context.raiseIf(get32(state.cpl).ne(0), Vector.ud);
  clearFlag(context, Flag.ac);
});

define('STAC', 'Sets AC: the supervisor may use user pages despite SMAP.', (context) => {
  context.raiseIf(get32(state.cpl).ne(0), Vector.ud);
  setFlag(context, Flag.ac);
});
