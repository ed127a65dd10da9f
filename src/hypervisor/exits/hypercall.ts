/**
 * Hypercalls by VMCALL or VMMCALL, in KVM's numbering (Linux, Documentation/virt/kvm/x86/hypercalls): interrupts to sets of
 * processors. All others are answered with an error that says so, which is how guests learn what there is.
 */
import type { HypercallRequest } from '../../cpu/bus.js';
import type { LocalApic } from '../../devices/local-apic/local-apic.js';

/** A poll for interrupts, which needs nothing done. */
const POLL = 1n;
const SEND_IPI = 10n;

const NOT_PERMITTED = -1n;
const NOT_THERE = -1000n;

/** The answer, signed. */
export function answerHypercall(request: HypercallRequest, apic: LocalApic): bigint {
  if (!request.privileged) return NOT_PERMITTED;
  switch (request.number) {
    case POLL:
      return 0n;
    case SEND_IPI:
      return sendInterrupt(request.arguments, apic);
    default:
      return NOT_THERE;
  }
}

/** Two words of a set of APIC ids, the least id of the set, and the command; answers how many processors took it. */
function sendInterrupt([low, , least, command]: HypercallRequest['arguments'], apic: LocalApic): bigint {
  if (least !== 0n || (low & 1n) === 0n) return 0n;
  const taken = apic.send({
    vector: Number(command & 0xffn),
    deliveryMode: Number((command >> 8n) & 7n),
    levelTriggered: false,
    logical: false,
    destination: 0xff,
  });
  return taken ? 1n : 0n;
}
