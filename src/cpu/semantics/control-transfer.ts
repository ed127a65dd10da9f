/** Near jumps, calls and returns, Jcc, LOOP and JCXZ (SDM vol. 1 §7.3.8). Far ones are in far-transfer.ts. */
import { I32, type I64 } from '../../wasm/values.js';
import { Register, Vector } from '../state.js';
import { type Context, define, defineHot, type Operand } from './context.js';
import { CONDITIONS } from './flags.js';
import { discard, peek, push, storeBelow } from './stack.js';

CONDITIONS.forEach((suffix, condition) => {
  defineHot(`J${suffix}`, `Jumps if the condition ${suffix} holds.`, (context) => {
    context.code.if(context.flags.condition(condition), () => context.jumpRelative());
  });
});

defineHot(
  'JMP',
  'Jumps near.',
  (context) => {
    const [target] = context.operands as [Operand];
    if (target.kind === 'implicit') context.jumpRelative();
    else context.jump(target.read());
  },
  { forms: 'near' },
);

/** CALL to an address that is not canonical: the return address is stored, though not dropped below, before #GP. */
function refuseAfterPush(context: Context, target: I64): void {
  if (!context.long) return;
  context.code.if(target.shl(16).shrS(16).ne(target), () => {
    if (!context.inPlace) storeBelow(context, context.operandSize, context.nextRip());
    context.raise(Vector.gp, 0);
  });
}

defineHot(
  'CALL',
  'Pushes the address of the next instruction and jumps near.',
  (context) => {
    const [target] = context.operands as [Operand];
    const pushReturn = (): void => push(context, context.operandSize, context.nextRip());
    if (target.kind === 'implicit') context.jumpRelative(pushReturn);
    else {
      const address = target.read();
      refuseAfterPush(context, address);
      context.jump(address, pushReturn);
    }
  },
  { forms: 'near' },
);

defineHot(
  'RET',
  'Pops the address to go on at; the operand says how many bytes of arguments to drop.',
  (context) => {
    const { operandSize } = context;
    const [dropped] = context.operands as [Operand?];
    const target = peek(context, operandSize);
    context.jump(target, () => {
      discard(
        context,
        dropped
          ? dropped
              .read()
              .and(0xffff)
              .add(operandSize / 8)
          : operandSize / 8,
      );
    });
  },
);

/** RCX, ECX or CX, by the address size. */
function counter(context: Context): I64 {
  return context.code.let(context.register(Register.rcx, 64).and(context.addressMask()));
}

/** Writes the counter at the width of the address size. */
function setCounter(context: Context, value: I64): void {
  const { code } = context;
  const mask = code.let(context.addressMask());
  code.if(
    mask.eq(0xffff),
    () => context.setRegister(Register.rcx, 16, value),
    () => context.setRegister(Register.rcx, 64, value.and(mask)),
  );
}

function loop(condition: (context: Context) => I32): (context: Context) => void {
  return (context) => {
    const { code } = context;
    const left = code.let(counter(context).sub(1).and(context.addressMask()));
    const count = (): void => setCounter(context, left);
    code.if(left.ne(0).and(condition(context)), () => context.jumpRelative(count));
    count();
  };
}
define(
  'LOOP',
  'Counts RCX down and jumps unless it is 0.',
  loop(() => I32.const(1)),
);
define(
  'LOOPE',
  'Counts RCX down and jumps unless it is 0 or ZF is clear.',
  loop((context) => context.flags.zf()),
);
define(
  'LOOPNE',
  'Counts RCX down and jumps unless it is 0 or ZF is set.',
  loop((context) => context.flags.zf().eqz()),
);

for (const [mnemonic, width] of [
  ['JCXZ', 16],
  ['JECXZ', 32],
  ['JRCXZ', 64],
] as const) {
  define(mnemonic, 'Jumps if the counter is 0.', (context) => {
    context.code.if(context.register(Register.rcx, width).eqz(), () => context.jumpRelative());
  });
}
