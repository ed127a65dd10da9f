/** Instructions on flags alone: CLC STC CMC, CLD STD, LAHF SAHF, SALC (SDM vol. 2). CLI and STI are not here. */
import { I32, I64 } from '../../wasm/values.js';
import { get32 } from '../emitter.js';
import * as state from '../state.js';
import { Flag, Register } from '../state.js';
import { define } from './context.js';

define('CLC', 'Clears CF.', (context) => context.flags.setCf(I64.const(0)));
define('STC', 'Sets CF.', (context) => context.flags.setCf(I64.const(1)));
define('CMC', 'Inverts CF.', (context) => {
  context.flags.setCf(context.code.let(context.flags.cf().xor(1)));
});

define('CLD', 'Clears DF: strings go upwards.', (context) => {
  context.set32(state.systemFlags, get32(state.systemFlags).and(I32.const(~Flag.df)));
});
define('STD', 'Sets DF: strings go downwards.', (context) => {
  context.set32(state.systemFlags, get32(state.systemFlags).or(Flag.df));
});

const BIT_1 = 2;
const LOW_FLAGS = Flag.cf | Flag.pf | Flag.af | Flag.zf | Flag.sf;

define('LAHF', 'Copies SF, ZF, AF, PF and CF to AH.', (context) => {
  const flags = context.flags.image().and(LOW_FLAGS).or(BIT_1);
  const low = context.register(Register.rax, 8);
  context.setRegister(Register.rax, 16, context.code.let(flags.shl(8).or(low)));
});

define('SAHF', 'Copies AH to SF, ZF, AF, PF and CF.', (context) => {
  const { code } = context;
  const high = context.register(Register.rax, 16).shrU(8).and(LOW_FLAGS);
  context.flags.setImage(code.let(context.flags.image().and(Flag.of).or(high)));
});

define('SALC', 'Fills AL with CF.', (context) => {
  context.setRegister(Register.rax, 8, context.code.let(I64.const(0).sub(context.flags.cf())));
});
