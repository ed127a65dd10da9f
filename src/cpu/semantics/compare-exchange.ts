/** CMPXCHG8B and CMPXCHG16B (SDM vol. 2). The destination is written in either case, as on silicon. */
import { I64, select } from '../../wasm/values.js';
import { commit, place } from '../mmu/access.js';
import { Register } from '../state.js';
import { define, type Operand } from './context.js';

define('CMPXCHG8B', 'Stores ECX:EBX if EDX:EAX equals the destination, else loads EDX:EAX.', (context) => {
  const { code } = context;
  const [destination] = context.operands as [Operand];
  const target = destination.part(0, 64).modify();
  const pair = (high: number, low: number): I64 =>
    context.register(high, 32).shl(32).or(context.register(low, 32));
  const equal = code.let(target.value.eq(pair(Register.rdx, Register.rax)));
  target.write(code.let(select(equal, pair(Register.rcx, Register.rbx), target.value)));
  context.flags.setZf(equal.extendU());
  code.if(equal.eqz(), () => {
    context.setRegister(Register.rax, 32, target.value);
    context.setRegister(Register.rdx, 32, target.value.shrU(32));
  });
});

define('CMPXCHG16B', 'Stores RCX:RBX if RDX:RAX equals the destination, else loads RDX:RAX.', (context) => {
  const { code } = context;
  const [destination] = context.operands as [Operand];
  const linear = code.let(destination.linearAddress(16, 'modify', true));
  const host = place(context, linear, 16, 'modify');
  const low = code.let(I64.load(host));
  const high = code.let(I64.load(host, 8));
  const sameLow = low.eq(context.register(Register.rax, 64));
  const equal = code.let(sameLow.and(high.eq(context.register(Register.rdx, 64))));
  code.store(host, select(equal, context.register(Register.rbx, 64), low));
  code.store(host, select(equal, context.register(Register.rcx, 64), high), 8);
  commit(context, host);
  context.flags.setZf(equal.extendU());
  code.if(equal.eqz(), () => {
    context.setRegister(Register.rax, 64, low);
    context.setRegister(Register.rdx, 64, high);
  });
});
