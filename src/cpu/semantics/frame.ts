/**
 * ENTER, PUSHA, POPA and BOUND (SDM vol. 2). ENTER and PUSHA, like silicon, may leave stores below the stack pointer
 * when a later one faults, and POPA the registers that it had popped. LEAVE is in stack.ts.
 */
import { I32, I64 } from '../../wasm/values.js';
import { place } from '../mmu/access.js';
import { AccessKind } from '../mmu/walk.js';
import { Register, Vector } from '../state.js';
import { type Context, define, type Operand } from './context.js';
import { signExtend } from './flags.js';
import { discard, peek, setStackPointer, stackAddress, stackPointer } from './stack.js';

/** Raises what a store to so many bytes of the stack would. */
function probe(context: Context, offset: I64, bytes: number): void {
  const linear = context.code.let(stackAddress(context, offset, bytes, 'write'));
  place(context, linear, bytes, 'write', I32.const(AccessKind.stack));
}

function storeAt(context: Context, offset: I64, width: number, value: I64): void {
  context.store(stackAddress(context, offset, width / 8, 'write'), width, value, true);
}

/** Pushes the frame pointers of the enclosing levels, then this frame's own. */
function pushLevels(
  context: Context,
  level: I32,
  frame: I64,
  top: { get(): I64; set(value: I64): void },
): void {
  const { code, operandSize } = context;
  const bytes = operandSize / 8;
  const outer = code.variable(I64, context.register(Register.rbp, 64));
  const left = code.variable(I32, level.sub(1));
  code.while(
    () => left.get(),
    () => {
      outer.set(outer.get().sub(bytes));
      const linear = code.let(stackAddress(context, code.let(outer.get()), bytes, 'read'));
      const pointer = context.load(linear, operandSize, true);
      top.set(top.get().sub(bytes));
      storeAt(context, code.let(top.get()), operandSize, pointer);
      left.set(left.get().sub(1));
    },
  );
  top.set(top.get().sub(bytes));
  storeAt(context, code.let(top.get()), operandSize, frame);
}

define(
  'ENTER',
  'Makes a stack frame: pushes frame pointers by nesting level and moves RSP down.',
  (context) => {
    const { code, operandSize } = context;
    const bytes = operandSize / 8;
    const immediate = code.let(context.immediate());
    const level = code.let(immediate.shrU(32).and(31).wrap());
    const frame = code.let(stackPointer(context).sub(bytes));
    storeAt(context, frame, operandSize, context.register(Register.rbp, operandSize));
    const top = code.variable(I64, frame);
    code.if(level, () => pushLevels(context, level, frame, top));
    const end = code.let(top.get().sub(immediate.and(0xffff)));
    probe(context, end, bytes);
    setStackPointer(context, end);
    context.setRegister(Register.rbp, operandSize, frame);
  },
);

const REGISTERS = [0, 1, 2, 3, Register.rsp, Register.rbp, Register.rsi, Register.rdi];

define('PUSHA', 'Pushes the eight general registers; SP as it was before.', (context) => {
  const { code, operandSize } = context;
  const bytes = operandSize / 8;
  const top = stackPointer(context);
  const slots = REGISTERS.map((_register, n) => code.let(top.sub(bytes * (n + 1))));
  REGISTERS.forEach((register, n) => {
    storeAt(context, slots[n] as I64, operandSize, context.register(register, operandSize));
  });
  setStackPointer(context, slots[7] as I64);
});

define('POPA', 'Pops seven general registers and drops the eighth, SP.', (context) => {
  const { operandSize } = context;
  const bytes = operandSize / 8;
  [...REGISTERS].reverse().forEach((register, n) => {
    const value = peek(context, operandSize, bytes * n);
    if (register !== Register.rsp) context.setRegister(register, operandSize, value);
  });
  discard(context, 8 * bytes);
});

define('BOUND', 'Raises #BR unless the first operand lies between the two bounds in memory.', (context) => {
  const { code, operandSize } = context;
  const [index, bounds] = context.operands as [Operand, Operand];
  const bound = (n: number): I64 => {
    const value = bounds.part((n * operandSize) / 8, operandSize).read();
    return code.let(signExtend(value, operandSize));
  };
  const value = code.let(signExtend(index.read(), operandSize));
  context.raiseIf(value.ltS(bound(0)), Vector.br);
  context.raiseIf(value.gtS(bound(1)), Vector.br);
});
