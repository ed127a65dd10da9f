/**
 * MOVS STOS LODS SCAS CMPS with their repeat prefixes (SDM vol. 1 §7.3.9). A repeated one does one run of elements
 * a pass (string-run.ts) and begins again while elements are left, so that interrupts come between passes.
 * INS and OUTS are in port-string.ts.
 */
import { type I32, I64, select } from '../../wasm/values.js';
import { get64 } from '../emitter.js';
import * as state from '../state.js';
import { Register } from '../state.js';
import { boundaryAfter } from '../system/instruction-count.js';
import { type Context, define, type Operand } from './context.js';
import type { Width } from './flags.js';
import { compareRun, fillRun, goesDown, moveRun, scanRun } from './string-run.js';

const { rax, rcx, rsi, rdi } = Register;

export interface Pass {
  /** Ones in the bits of an offset. */
  readonly mask: I64;
  /** Elements left. */
  readonly count: I64;
  /** 0 none, 1 REP or REPE, 2 REPNE. */
  readonly repeat: I32;
}

/** Writes a pointer or the counter at the address size. */
function setByAddressSize(context: Context, register: number, value: I64, mask: I64): void {
  const wide = (): void => context.setRegister(register, 64, value.and(mask));
  if (context.long) wide();
  else context.code.if(mask.eq(0xffff), () => context.setRegister(register, 16, value), wide);
}

/** A pointer's offset at the address size. */
export function pointer(context: Context, register: number, { mask }: Pass): I64 {
  return context.code.let(context.register(register, 64).and(mask));
}

interface StringInstruction {
  /** Registers that point at elements. */
  readonly pointers: readonly number[];
  /** Bits of an element. */
  readonly width: number;
  /** What one pass does; answers how many elements that were. */
  run(pass: Pass): I64;
  /** Whether the repetition continues after the run; absent, it does while elements are left. */
  goOn?(pass: Pass): I32;
  /** Sets the flags by the last element. Not before the repetition ends: faults and single steps in it find them as they
   * were (SDM vol. 2, REP). */
  settle?(): void;
  /** Whether a count of 0 cuts the pointers to the address size too, as it does with MOVS and STOS on silicon. */
  readonly cutsPointers?: boolean;
}

/** One pass of a string instruction, and the next one if elements are left. */
export function stringPass(context: Context, instruction: StringInstruction): void {
  const { code } = context;
  const mask = code.let(context.addressMask());
  const repeat = code.let(context.repeat());
  const counter = code.let(context.register(rcx, 64).and(mask));
  const count = code.let(select(repeat, counter, I64.const(1)));
  const pass = { mask, count, repeat };
  const moveBy = (register: number, distance: I64 | number): void => {
    setByAddressSize(context, register, context.register(register, 64).add(distance), mask);
  };
  code.if(
    count.eqz(),
    () => {
      for (const register of [rcx, ...(instruction.cutsPointers ? instruction.pointers : [])]) {
        moveBy(register, 0);
      }
    },
    () => {
      // Silicon has cut them when the first element faults, too.
      if (instruction.cutsPointers) {
        code.if(repeat, () => {
          for (const register of instruction.pointers) moveBy(register, 0);
        });
      }
      const done = instruction.run(pass);
      const bytes = done.mul(instruction.width / 8);
      const distance = code.let(select(goesDown(), I64.const(0).sub(bytes), bytes));
      for (const register of instruction.pointers) moveBy(register, distance);
      code.if(repeat, () => {
        const left = code.let(count.sub(done));
        setByAddressSize(context, rcx, left, mask);
        const more = left.ne(0);
        code.if(instruction.goOn ? more.and(instruction.goOn(pass)) : more, () => {
          context.set64(state.resumeAt, boundaryAfter(context));
          context.restart();
        });
      });
      instruction.settle?.();
    },
  );
}

function widthOf(operand: Operand | undefined): Width {
  return (operand as Operand).width as Width;
}

define('MOVS', 'Copies elements from the source segment:RSI to ES:RDI.', (context) => {
  const width = widthOf(context.operands[0]);
  stringPass(context, {
    pointers: [rsi, rdi],
    width,
    cutsPointers: true,
    run: (pass) => {
      const [from, to] = [pointer(context, rsi, pass), pointer(context, rdi, pass)];
      return context.call(moveRun[width], context.segment(), from, to, pass.mask, pass.count);
    },
  });
});

define('STOS', 'Stores rAX to the elements at ES:RDI.', (context) => {
  const width = widthOf(context.operands[0]);
  stringPass(context, {
    pointers: [rdi],
    width,
    cutsPointers: true,
    run: (pass) => {
      const value = context.register(rax, width);
      return context.call(fillRun[width], pointer(context, rdi, pass), pass.mask, pass.count, value);
    },
  });
});

define('LODS', 'Loads the element at the source segment:RSI into rAX; one a pass.', (context) => {
  const width = widthOf(context.operands[0]);
  stringPass(context, {
    pointers: [rsi],
    width,
    run: (pass) => {
      const offset = pointer(context, rsi, pass);
      const linear = context.linear(context.segment(), offset, width / 8, 'read');
      context.setRegister(rax, width, context.load(linear, width));
      return I64.const(1);
    },
  });
});

/** REPE goes on while elements are equal, REPNE while they differ. */
function whileEqual({ repeat }: Pass): I32 {
  return repeat.and(1);
}

function subtract(context: Context, left: I64, right: I64, width: number): void {
  context.flags.subtract(left, right, context.code.let(left.sub(right)), width);
}

define('SCAS', 'Compares rAX with the elements at ES:RDI.', (context) => {
  const width = widthOf(context.operands[0]);
  stringPass(context, {
    pointers: [rdi],
    width,
    run: (pass) => {
      const value = context.register(rax, width);
      const offset = pointer(context, rdi, pass);
      return context.call(scanRun[width], offset, pass.mask, pass.count, value, whileEqual(pass));
    },
    goOn: (pass) => context.register(rax, width).eq(get64(state.exchange, 1)).eq(whileEqual(pass)),
    settle: () => {
      const element = context.code.let(get64(state.exchange, 1));
      subtract(context, context.register(rax, width), element, width);
    },
  });
});

define('CMPS', 'Compares the elements at the source segment:RSI with those at ES:RDI.', (context) => {
  const { code } = context;
  const width = widthOf(context.operands[0]);
  stringPass(context, {
    pointers: [rsi, rdi],
    width,
    run: (pass) => {
      const [from, to] = [pointer(context, rsi, pass), pointer(context, rdi, pass)];
      const segment = context.segment();
      const equal = whileEqual(pass);
      return context.call(compareRun[width], segment, from, to, pass.mask, pass.count, equal);
    },
    goOn: (pass) => get64(state.exchange, 0).eq(get64(state.exchange, 1)).eq(whileEqual(pass)),
    settle: () => {
      const [left, right] = [code.let(get64(state.exchange, 0)), code.let(get64(state.exchange, 1))];
      subtract(context, left, right, width);
    },
  });
});
