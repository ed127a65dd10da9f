/** Paging permissions as a plain function of the entries, straight from SDM vol. 3 §4.6 and §4.7. */

export interface Rights {
  readonly writable: boolean;
  readonly user: boolean;
  readonly noExecute: boolean;
}

export interface Machine {
  readonly wp: boolean;
  readonly smep: boolean;
  readonly smap: boolean;
  readonly nxe: boolean;
  /** RFLAGS.AC */
  readonly ac: boolean;
}

export interface Attempt {
  readonly kind: 'read' | 'write' | 'fetch';
  readonly ring: 0 | 3;
}

/** The error code of the #PF that an access to a present page gives, or undefined if it is allowed. */
export function expectedFault(rights: Rights, machine: Machine, attempt: Attempt): number | undefined {
  if (allowed(rights, machine, attempt)) return undefined;
  const { kind, ring } = attempt;
  const fetchBit = kind === 'fetch' && (machine.nxe || machine.smep) ? 16 : 0;
  return 1 | (kind === 'write' ? 2 : 0) | (ring === 3 ? 4 : 0) | fetchBit;
}

function allowed(rights: Rights, machine: Machine, { kind, ring }: Attempt): boolean {
  const executable = !(rights.noExecute && machine.nxe);
  if (ring === 3) {
    if (!rights.user) return false;
    if (kind === 'write') return rights.writable;
    return kind === 'read' || executable;
  }
  if (kind === 'fetch') return executable && !(rights.user && machine.smep);
  if (rights.user && machine.smap && !machine.ac) return false;
  return kind === 'read' || rights.writable || !machine.wp;
}
