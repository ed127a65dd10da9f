/**
 * How an x87 instruction begins and ends: what it met gathers in `state.fpuRaised`, and the end writes results and the
 * status word as the masks say (SDM vol. 1 §8.5, §8.7). Invalid operation, denormal operand and division by zero, where
 * not masked, keep the operands; the others come with a result. FIP is that of the last instruction which was not for
 * control, FDP and FOP those of the last unmasked exception (CPUID's FDP_EXCPTN_ONLY, fopcode compatibility mode off).
 */
import { I32 } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import { type Emitter, get32 } from '../../emitter.js';
import { routine } from '../../routine.js';
import * as state from '../../state.js';
import { type Context, define } from '../context.js';
import { waitForX87 } from './availability.js';
import { INDEFINITE } from './extended.js';
import { isPresent, popStack, pushStack, writeStack } from './stack.js';
import { EXCEPTIONS, Status } from './words.js';

const FROM_OPERANDS = Status.ie | Status.de | Status.ze;

/** Those of `flags` that are raised and not masked. */
export function unmasked(flags: number): I32 {
  return get32(state.fpuRaised)
    .and(get32(state.fpuControl).xor(-1))
    .and(flags & EXCEPTIONS);
}

/** Moves what was raised to the status word. */
export function commitStatus(e: Emitter): void {
  e.code.if(get32(state.fpuRaised), () => {
    const error = unmasked(EXCEPTIONS)
      .ne(0)
      .mul(Status.error | Status.busy);
    e.set32(state.fpuStatus, get32(state.fpuStatus).or(get32(state.fpuRaised)).or(error));
  });
}

/** 1 if an exception from the operands is not masked; then those found later are forgotten. */
const isRefused = routine('x87IsRefused', { parameters: [], result: I32 }, (e) => {
  const refused = e.code.let(unmasked(FROM_OPERANDS).ne(0));
  e.code.if(refused, () => {
    e.set32(state.fpuRaised, get32(state.fpuRaised).and(~(Status.oe | Status.ue | Status.pe)));
    e.code.if(get32(state.fpuRaised).and(Status.stackFault).eqz(), () => {
      e.set32(state.fpuRaised, get32(state.fpuRaised).and(~Status.c1));
    });
  });
  e.code.return(refused);
});

/** (n, value, pops): ST(n) = value unless refused, then pops so many times, and the status word follows */
export const finishWrite = routine(
  'x87FinishWrite',
  { parameters: [I32, V128, I32] },
  (e, n, value, pops) => {
    const { code } = e;
    code.if(get32(state.fpuRaised), () =>
      code.if(e.call(isRefused), () => {
        commitStatus(e);
        code.return();
      }),
    );
    writeStack(e, n, value);
    code.if(pops, () => popStack(e));
    commitStatus(e);
  },
);

/** (value): clears C1 and pushes it unless that is an unmasked invalid operation; a full stack gets the indefinite NaN */
export const finishPush = routine('x87FinishPush', { parameters: [V128] }, (e, given) => {
  const { code } = e;
  clearStatus(e, Status.c1);
  const value = code.variable(V128, given);
  const underflown = get32(state.fpuRaised).and(Status.stackFault);
  code.if(isPresent(7).and(underflown.eqz()), () => {
    e.set32(state.fpuRaised, Status.ie | Status.stackFault | Status.c1);
    value.set(INDEFINITE);
  });
  code.if(unmasked(Status.ie).eqz(), () => pushStack(e, value.get()));
  commitStatus(e);
});

/** (first, second): ST(0) = first and second is pushed, unless refused; the status word follows */
export const finishTwo = routine('x87FinishTwo', { parameters: [V128, V128] }, (e, first, second) => {
  e.code.if(e.call(isRefused).eqz(), () => {
    writeStack(e, 0, first);
    pushStack(e, second);
  });
  commitStatus(e);
});

/** Stack underflow: an operand that is empty. */
export function underflow(e: Emitter): V128 {
  e.set32(state.fpuRaised, Status.ie | Status.stackFault);
  return INDEFINITE;
}

export function clearStatus(e: Emitter, bits: number): void {
  e.set32(state.fpuStatus, get32(state.fpuStatus).and(~bits));
}

/** What is read or found out before anything is written: what can fault has faulted then. */
export type Prepare<T> = (context: Context) => T;

/**
 * Gives a waiting x87 instruction its meaning; C1 stays unless the instruction raises it.
 * @param prepare reaches memory @param carryOut does the rest
 */
export function defineX87KeepingC1<T>(
  mnemonic: string,
  summary: string,
  prepare: Prepare<T>,
  carryOut: (context: Context, prepared: T) => void,
): void {
  define(mnemonic, summary, (context) => {
    waitForX87(context);
    // What it has met is no part of the guest's state: it can still be begun again.
    context.code.store(I32.const(state.fpuRaised.address), I32.const(0));
    const prepared = prepare(context);
    context.set64(state.fpuInstruction, context.currentRip());
    carryOut(context, prepared);
    context.code.if(get32(state.fpuStatus).and(Status.error), () => {
      context.set32(state.fpuOpcode, context.x87Opcode());
      const memory = context.operands.find((operand) => operand.kind === 'memory');
      if (memory) context.set64(state.fpuData, memory.effectiveAddress());
    });
  });
}

/** Like `defineX87KeepingC1`, with C1 cleared first as nearly all instructions do. */
export function defineX87<T>(
  mnemonic: string,
  summary: string,
  prepare: Prepare<T>,
  carryOut: (context: Context, prepared: T) => void,
): void {
  defineX87KeepingC1(mnemonic, summary, prepare, (context, prepared) => {
    clearStatus(context, Status.c1);
    carryOut(context, prepared);
  });
}

export const nothing: Prepare<undefined> = () => undefined;
