/** The registers of a hypercall, as KVM passes them: 64 bits wide in 64-bit code, 32 elsewhere. */
import type { Hypercall } from '../bus.js';
import * as state from '../state.js';
import { Register } from '../state.js';
import type { StateView } from '../state-view.js';

const ARGUMENTS = [Register.rbx, Register.rcx, Register.rdx, Register.rsi] as const;

export function callHypervisor(view: StateView, answer: Hypercall): void {
  const width = view.get32(state.codeSize) === 64 ? 64 : 32;
  const argument = (register: number): bigint => BigInt.asUintN(width, view.get64(state.gpr, register));
  const [a0, a1, a2, a3] = ARGUMENTS.map(argument) as [bigint, bigint, bigint, bigint];
  const result = answer({
    number: argument(Register.rax),
    arguments: [a0, a1, a2, a3],
    privileged: view.get32(state.cpl) === 0,
  });
  view.set64(state.gpr, BigInt.asUintN(width, result), Register.rax);
}
