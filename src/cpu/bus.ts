/** What the CPU asks of the machine around it. Others implement these; the CPU imports none of them. */

export type AccessWidth = 1 | 2 | 4;

/** Ports and device memory. Values are unsigned; what no device answers reads as all ones. Nothing throws. */
export interface Bus {
  readPort(port: number, width: AccessWidth): number;
  writePort(port: number, width: AccessWidth, value: number): void;
  /** @param address physical, below 2^52 */
  readMemory(address: number, width: AccessWidth): number;
  writeMemory(address: number, width: AccessWidth, value: number): void;
}

/** An interrupt controller's output to the processor. */
export interface InterruptSource {
  /** Whether INTR is asserted. */
  pending(): boolean;
  /** The interrupt-acknowledge cycle: the vector, 0–255. */
  acknowledge(): number;
}

/** The processor's local APIC as instructions reach it otherwise than through memory. */
export interface LocalApicAccess {
  /** Whether CPUID shows it. */
  readonly enabled: boolean;
  /** A register that `isLocalApicMsr` names; undefined is #GP. */
  readMsr(address: number): bigint | undefined;
  /** False is #GP. */
  writeMsr(address: number, value: bigint): boolean;
  /** CR8 was written: 0–15. */
  setTaskPriorityClass(priorityClass: number): void;
  /** The time-stamp counter was set to something else. */
  timeStampChanged(): void;
}

/** VMCALL or VMMCALL. */
export interface HypercallRequest {
  /** RAX. */
  readonly number: bigint;
  /** RBX, RCX, RDX, RSI; unsigned. */
  readonly arguments: readonly [bigint, bigint, bigint, bigint];
  /** From CPL 0. */
  readonly privileged: boolean;
}

/** The hypervisor's answer, for RAX. */
export type Hypercall = (request: HypercallRequest) => bigint;

/** An instruction that was decoded and run, but has no meaning yet. The guest got #UD. */
export interface UnimplementedInstruction {
  readonly mnemonic: string;
  readonly rip: bigint;
}
