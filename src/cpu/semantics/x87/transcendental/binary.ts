/** The transcendental instructions of two operands: the result replaces ST(1), and ST(0) is popped. */
import { I32 } from '../../../../wasm/values.js';
import { V128 } from '../../../../wasm/vector.js';
import { type Routine, routine } from '../../../routine.js';
import { defineX87, finishWrite, nothing, underflow } from '../results.js';
import { isEmpty, stackRegister } from '../stack.js';

type Core = Routine<readonly [typeof V128, typeof V128], V128>;

/** Defines ST(1) = f(ST(0), ST(1)) and a pop. */
export function defineIntoSecond(mnemonic: string, summary: string, core: Core): void {
  const whole = routine(`${core.name}Top`, { parameters: [] }, (e) => {
    const value = e.code.variable(V128);
    e.code.if(
      isEmpty(0).or(isEmpty(1)),
      () => value.set(underflow(e)),
      () => value.set(e.call(core, stackRegister(e, 0), stackRegister(e, 1))),
    );
    e.call(finishWrite, I32.const(1), value.get(), I32.const(1));
  });
  defineX87(mnemonic, summary, nothing, (context) => context.call(whole));
}
