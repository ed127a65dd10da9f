/**
 * What travels between APICs: an interrupt with its destination, from an I/O APIC, an MSI or another processor.
 *
 * Source: SDM vol. 3, 11.6.1 "Interrupt Command Register" and 11.11 "Message Signalled Interrupts".
 */

/** The delivery modes by their encoding. */
export const DeliveryMode = {
  fixed: 0,
  lowestPriority: 1,
  smi: 2,
  nmi: 4,
  init: 5,
  startup: 6,
  external: 7,
} as const;

export interface InterruptMessage {
  readonly vector: number;
  /** 0–7, as `DeliveryMode` names them. */
  readonly deliveryMode: number;
  readonly levelTriggered: boolean;
  /** The destination is a set of logical ids rather than one physical id. */
  readonly logical: boolean;
  /** 8 bits, all ones for everybody. */
  readonly destination: number;
}

/** Who may be given messages: all local APICs together. */
export interface InterruptBus {
  /** Answers whether anyone took it. */
  send(message: InterruptMessage): boolean;
}
