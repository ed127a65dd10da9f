/**
 * HLT, CPUID, RDMSR, WRMSR, RDTSC, RDTSCP, RDPID, RDPMC, the cache instructions, and those that this processor does not
 * have and CPUID does not offer, which are #UD (SDM vol. 2).
 */
import type { I64 } from '../../wasm/values.js';
import { get32, get64 } from '../emitter.js';
import { cpuid, readMsr, readTimeStamp, writeMsr } from '../externals.js';
import { flushTlb } from '../mmu/tlb.js';
import * as state from '../state.js';
import { Cr4, ExitReason, Register, Vector } from '../state.js';
import { updateMode } from '../system/mode.js';
import { requireSupervisor } from '../system/privilege.js';
import { type Context, define, type Operand } from './context.js';

const EFER = 0xc0000080;
const PKRS = 0x6e1;

/** Stops after this instruction until an interrupt. */
export function halt(context: Context): void {
  context.set32(state.exitReason, ExitReason.halt);
  context.requestExit();
}

define('HLT', 'Stops until an interrupt.', (context) => {
  requireSupervisor(context);
  halt(context);
});

define('CPUID', 'Describes the processor: EAX and ECX choose what, EAX to EDX receive it.', (context) => {
  context.call(cpuid);
});

/** EDX:EAX. */
function setPair(context: Context, value: I64): void {
  context.setRegister(Register.rax, 32, value);
  context.setRegister(Register.rdx, 32, value.shrU(32));
}

define('RDMSR', 'Reads the model-specific register that ECX names into EDX:EAX.', (context) => {
  requireSupervisor(context);
  context.raiseIf(context.call(readMsr).eqz(), Vector.gp, 0);
  setPair(context, context.read64(state.exchange));
});

define('WRMSR', 'Writes EDX:EAX to the model-specific register that ECX names.', (context) => {
  requireSupervisor(context);
  const high = context.register(Register.rdx, 32).shl(32);
  context.set64(state.exchange, high.or(context.register(Register.rax, 32)));
  context.raiseIf(context.call(writeMsr).eqz(), Vector.gp, 0);
  const written = context.code.let(context.register(Register.rcx, 32));
  context.code.if(written.eq(EFER).or(written.eq(PKRS)), () => {
    context.call(flushTlb);
    context.call(updateMode);
    context.resumeNext();
  });
});

function timeStamp(context: Context): I64 {
  const forbidden = get64(state.cr4).and(Cr4.tsd).ne(0).and(get32(state.cpl).ne(0));
  context.raiseIf(forbidden, Vector.gp, 0);
  context.call(readTimeStamp);
  return context.read64(state.exchange);
}

define('RDTSC', 'Reads the time-stamp counter into EDX:EAX.', (context) => {
  setPair(context, timeStamp(context));
});

define('RDTSCP', 'Reads the time-stamp counter into EDX:EAX and IA32_TSC_AUX into ECX.', (context) => {
  setPair(context, timeStamp(context));
  context.setRegister(Register.rcx, 32, get64(state.msrTscAux));
});

define('RDPID', 'Reads IA32_TSC_AUX.', (context) => {
  const [destination] = context.operands as [Operand];
  destination.write(context.code.let(get64(state.msrTscAux)));
});

define('RDPMC', 'Refused: there are no performance counters.', (context) => {
  context.raise(Vector.gp, 0);
});

for (const name of ['INVD', 'WBINVD', 'WBNOINVD']) {
  define(name, 'Does nothing: memory has no caches that a guest could tell.', requireSupervisor);
}

define('INVLPG', 'Forgets the translation of the operand’s page.', (context) => {
  requireSupervisor(context);
  context.call(flushTlb);
  context.resumeNext();
});

define('INVPCID', 'Forgets translations by process-context identifier: here all of them.', (context) => {
  const { code } = context;
  const [kind, description] = context.operands as [Operand, Operand];
  requireSupervisor(context);
  const type = code.let(kind.read());
  context.raiseIf(type.gtU(3), Vector.gp, 0);
  const pcid = description.part(0, 64).read();
  const address = description.part(8, 64).read();
  const reserved = pcid.shrU(12).ne(0);
  const untagged = get64(state.cr4).and(Cr4.pcide).eqz();
  const named = type.leU(1).and(pcid.ne(0)).and(untagged);
  const outside = type.eqz().and(address.shl(16).shrS(16).ne(address));
  context.raiseIf(reserved.or(named).or(outside), Vector.gp, 0);
  context.call(flushTlb);
  context.resumeNext();
});

define(
  'RDSSP',
  'Does nothing: there are no shadow stacks, and its encoding is a NOP without them.',
  () => {},
);

/**
 * Those of features that this processor is not to have, by the feature. What is only missing so far stays undefined, so
 * that the user is told of it.
 */
const ABSENT = {
  'always undefined': ['UD0', 'UD1', 'UD2'],
  VMX: [
    'VMLAUNCH',
    'VMRESUME',
    'VMXOFF',
    'VMFUNC',
    'VMREAD',
    'VMWRITE',
    'VMPTRLD',
    'VMPTRST',
    'VMCLEAR',
    'VMXON',
    'INVEPT',
    'INVVPID',
  ],
  SVM: ['VMRUN', 'VMLOAD', 'VMSAVE', 'STGI', 'CLGI', 'SKINIT', 'INVLPGA'],
  SGX: ['ENCLV', 'ENCLS', 'ENCLU'],
  SMX: ['GETSEC'],
  RTM: ['XBEGIN', 'XABORT', 'XEND', 'XTEST'],
  SERIALIZE: ['SERIALIZE'],
  'shadow stacks': ['RSTORSSP', 'SETSSBSY', 'SAVEPREVSSP', 'CLRSSBSY', 'INCSSP', 'WRSS', 'WRUSS'],
  'system-management mode': ['RSM'],
} as const;
for (const [feature, names] of Object.entries(ABSENT)) {
  for (const name of names) {
    define(name, `#UD: ${feature}.`, (context) => context.raise(Vector.ud));
  }
}
