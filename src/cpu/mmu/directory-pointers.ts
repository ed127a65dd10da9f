/**
 * The four page-directory-pointer-table entries that PAE paging keeps in registers (SDM vol. 3 §4.4.1): loaded, and
 * checked, when CR3 or what turns PAE paging on is written, not when the table in memory is.
 */
import { RAM_BASE } from '../../memory/layout.js';
import { type I32, I64 } from '../../wasm/values.js';
import { type Emitter, get64 } from '../emitter.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { Cr0, Cr4, Efer, Vector } from '../state.js';
import { isRam } from './walk.js';

/** Bits 63:40 (MAXPHYADDR is 40), 8:5 and 2:1. */
const RESERVED = -0x10000000000n | 0x1e6n;
const COUNT = 4;

/** Whether the four registers are what paging starts from. */
function usesDirectoryPointers(cr0: I64, cr4: I64): I32 {
  const paging = cr0
    .and(Cr0.pg >>> 0)
    .ne(0)
    .and(cr4.and(Cr4.pae).ne(0));
  return paging.and(get64(state.efer).and(Efer.lma).eqz());
}

/** (CR3) loads the registers, or leaves them as they are with #GP(0) pending */
const loadDirectoryPointers = routine(
  'loadDirectoryPointers',
  { parameters: [I64], mayFault: true },
  (e, cr3) => {
    const { code } = e;
    const table = code.let(cr3.and(0xffffffe0));
    const entries = Array.from({ length: COUNT }, () => code.variable(I64, I64.const(0)));
    code.if(isRam(table), () => {
      entries.forEach((entry, n) => {
        entry.set(I64.load(table.wrap(), RAM_BASE + 8 * n));
        e.raiseIf(entry.get().and(1).ne(0).and(entry.get().and(RESERVED).ne(0)), Vector.gp, 0);
      });
    });
    entries.forEach((entry, n) => {
      e.set64(state.pdpte, entry.get(), n);
    });
  },
);

/** Loads the registers, if they are in use, for a CR3 that was set from outside; entries that are wrong are not present. */
export const adoptDirectoryPointers = routine('adoptDirectoryPointers', { parameters: [] }, (e) => {
  const { code } = e;
  code.if(usesDirectoryPointers(get64(state.cr0), get64(state.cr4)), () => {
    for (let n = 0; n < COUNT; n++) e.set64(state.pdpte, 0, n);
    e.attempt(loadDirectoryPointers, get64(state.cr3));
    e.set32(state.pending, 0);
  });
});

/** Loads the registers if these values of the control registers make use of them. */
export function loadDirectoryPointersFor(e: Emitter, cr0: I64, cr3: I64, cr4: I64): void {
  e.code.if(usesDirectoryPointers(cr0, cr4), () => e.call(loadDirectoryPointers, cr3));
}
