/**
 * VMCALL and VMMCALL: calls to the hypervisor around this processor, by either maker's instruction. There is no
 * virtualisation on it, so what is passed and answered is an agreement of software: KVM's (Linux, Documentation/virt/kvm/
 * x86/hypercalls), with the number in RAX, arguments in RBX, RCX, RDX and RSI, and the answer in RAX. Without a hypervisor
 * that answers they are #UD, as on silicon (SDM vol. 3 §31.1).
 */
import { hypercall } from '../externals.js';
import { Vector } from '../state.js';
import { define } from './context.js';

for (const name of ['VMCALL', 'VMMCALL']) {
  define(name, 'Calls the hypervisor: RAX says what for, and receives the answer.', (context) => {
    context.raiseIf(context.call(hypercall).eqz(), Vector.ud);
  });
}
