/** Paging permissions as a plain function of the entries, straight from SDM vol. 3 §4.6 and §4.7. */

export interface Rights {
  readonly writable: boolean;
  readonly user: boolean;
  readonly noExecute: boolean;
  /** Protection key; 0 if not given. */
  readonly key?: number;
}

export interface Machine {
  readonly wp: boolean;
  readonly smep: boolean;
  readonly smap: boolean;
  readonly nxe: boolean;
  /** RFLAGS.AC */
  readonly ac: boolean;
  /** PKRU and IA32_PKRS, as far as CR4 puts them in force. */
  readonly keys?: { readonly user?: number; readonly supervisor?: number };
}

export interface Attempt {
  readonly kind: 'read' | 'write' | 'fetch';
  readonly ring: 0 | 3;
}

/** The error code of the #PF that an access to a present page gives, or undefined if it is allowed. */
export function expectedFault(rights: Rights, machine: Machine, attempt: Attempt): number | undefined {
  const refusedByKey = isRefusedByKey(rights, machine, attempt);
  if (allowed(rights, machine, attempt) && !refusedByKey) return undefined;
  const { kind, ring } = attempt;
  const fetchBit = kind === 'fetch' && (machine.nxe || machine.smep) ? 16 : 0;
  return 1 | (kind === 'write' ? 2 : 0) | (ring === 3 ? 4 : 0) | fetchBit | (refusedByKey ? 32 : 0);
}

/** §4.6.2: access disable, write disable; pages of the supervisor have rights of their own. */
function isRefusedByKey({ user, key = 0 }: Rights, { wp, keys }: Machine, { kind, ring }: Attempt): boolean {
  const rights = ((user ? keys?.user : keys?.supervisor) ?? 0) >>> (2 * key);
  if (kind === 'fetch') return false;
  if (rights & 1) return true;
  return kind === 'write' && (rights & 2) !== 0 && (ring === 3 || wp);
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
