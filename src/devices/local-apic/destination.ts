/**
 * Whether an interrupt message is meant for a local APIC (SDM vol. 3, 11.6.2 "Determining IPI Destination", and
 * 11.12.10 for x2APIC).
 */

export interface Identity {
  readonly x2apic: boolean;
  /** The physical id: 8 bits, 32 in x2APIC mode. */
  readonly id: number;
  /** LDR: in xAPIC mode the id is its upper byte. */
  readonly logicalDestination: number;
  /** DFR: all ones in its upper four bits for the flat model, zeros for clusters. */
  readonly destinationFormat: number;
}

/** The logical id of x2APIC mode, which follows from the physical one: cluster and bit. */
export function x2apicLogicalId(id: number): number {
  return (((id >>> 4) << 16) | (1 << (id & 15))) >>> 0;
}

const EVERYBODY = 0xffffffff;

/** A destination of 8 bits, whose ones are everybody, as one of 32. */
export function widenDestination(destination: number): number {
  return destination === 0xff ? EVERYBODY : destination;
}

/** @param destination 32 bits */
export function isAddressed(self: Identity, logical: boolean, destination: number): boolean {
  if (destination === EVERYBODY) return true;
  if (!logical) return destination === self.id;
  if (self.x2apic) {
    const sameCluster = destination >>> 16 === self.logicalDestination >>> 16;
    return sameCluster && (destination & self.logicalDestination & 0xffff) !== 0;
  }
  const own = self.logicalDestination >>> 24;
  if (self.destinationFormat >>> 28 === 0xf) return (destination & own) !== 0;
  return destination >>> 4 === own >>> 4 && (destination & own & 0xf) !== 0;
}
