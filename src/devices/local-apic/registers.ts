/**
 * The local APIC's registers by number: the offset in its page divided by 16, which is also the MSR's less 0x800, and
 * what RDMSR and WRMSR may do with each (SDM vol. 3, Table 11-1 and Table 11-6).
 */

export const Register = {
  id: 0x02,
  version: 0x03,
  taskPriority: 0x08,
  processorPriority: 0x0a,
  endOfInterrupt: 0x0b,
  logicalDestination: 0x0d,
  destinationFormat: 0x0e,
  spuriousVector: 0x0f,
  inService: 0x10,
  triggerMode: 0x18,
  interruptRequest: 0x20,
  errorStatus: 0x28,
  command: 0x30,
  commandHigh: 0x31,
  timer: 0x32,
  thermal: 0x33,
  performance: 0x34,
  lint0: 0x35,
  lint1: 0x36,
  error: 0x37,
  initialCount: 0x38,
  currentCount: 0x39,
  divide: 0x3e,
  selfIpi: 0x3f,
} as const;

/** The local vector table's entries from `Register.timer` on: the bits of each that can be written. */
export const LVT_WRITABLE = [0x700ff, 0x107ff, 0x107ff, 0x1a7ff, 0x1a7ff, 0x100ff] as const;
export const LVT_COUNT = LVT_WRITABLE.length;
/** Delivery status and remote IRR, which are read-only and may be written back as read. */
const LVT_READ_ONLY = 0x5000;

export const Spurious = { enabled: 1 << 8, suppressEoiBroadcast: 1 << 12, writable: 0x13ff } as const;
/** Of the interrupt command register's lower half: delivery status is read-only. */
export const COMMAND_WRITABLE = 0xccfff & ~(1 << 12);
export const DIVIDE_WRITABLE = 0xb;

const BOTH = { read: true, write: true } as const;
const READ = { read: true, write: false } as const;
const WRITE = { read: false, write: true } as const;

/** What RDMSR and WRMSR may do with a register in x2APIC mode; undefined if there is none. */
export function x2apicAccess(
  register: number,
): { readonly read: boolean; readonly write: boolean } | undefined {
  if (register >= Register.inService && register < Register.errorStatus) return READ;
  if (register >= Register.timer && register < Register.timer + LVT_COUNT) return BOTH;
  switch (register) {
    case Register.id:
    case Register.version:
    case Register.processorPriority:
    case Register.logicalDestination:
    case Register.currentCount:
      return READ;
    case Register.taskPriority:
    case Register.spuriousVector:
    case Register.errorStatus:
    case Register.command:
    case Register.initialCount:
    case Register.divide:
      return BOTH;
    case Register.endOfInterrupt:
    case Register.selfIpi:
      return WRITE;
    default:
      return undefined;
  }
}

/** Bits that WRMSR must leave 0 where the memory-mapped register ignores them (SDM vol. 3, 11.12.1.3). */
export function x2apicReserved(register: number): number {
  switch (register) {
    case Register.taskPriority:
    case Register.selfIpi:
      return 0xffffff00;
    case Register.endOfInterrupt:
    case Register.errorStatus:
      return 0xffffffff;
    case Register.spuriousVector:
      return ~Spurious.writable >>> 0;
    case Register.command:
      return ~(COMMAND_WRITABLE | (1 << 12)) >>> 0;
    case Register.initialCount:
      return 0;
    case Register.divide:
      return ~DIVIDE_WRITABLE >>> 0;
    default:
      return ~((LVT_WRITABLE[register - Register.timer] ?? 0) | LVT_READ_ONLY) >>> 0;
  }
}
