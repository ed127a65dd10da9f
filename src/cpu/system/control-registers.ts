/**
 * Writing CR0, CR3 and CR4 (SDM vol. 3 §2.5, §4.1, §9.8.5): what may be set together, and what follows for long mode
 * and the TLB. The TLB is flushed whole each time: a processor may forget more than it is told to (§4.10.4), so bit 63
 * of a CR3 with PCIDs and global pages have no effect of their own.
 */
import { type I32, I64, select } from '../../wasm/values.js';
import { get32, get64 } from '../emitter.js';
import { breakpointsChanged } from '../externals.js';
import { loadDirectoryPointersFor } from '../mmu/directory-pointers.js';
import { flushTlb } from '../mmu/tlb.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { Access, Cr0, Cr4, Efer, Segment, Vector } from '../state.js';
import { CR0_WRITABLE, PHYSICAL_ADDRESS_BITS } from './features.js';
import { updateMode } from './mode.js';

const TRANSLATION_0 = BigInt((Cr0.pg | Cr0.wp | Cr0.pe) >>> 0);
const TRANSLATION_4 = Cr4.pse | Cr4.pae | Cr4.pge | Cr4.pcide | Cr4.smep | Cr4.smap | Cr4.pke | Cr4.pks;
/** Changes that load the page-directory-pointer registers (vol. 3 §4.4.1). */
const POINTERS_0 = BigInt((Cr0.pg | Cr0.cd | Cr0.nw) >>> 0);
const POINTERS_4 = Cr4.pae | Cr4.pge | Cr4.pse | Cr4.smep;
const TSS_16_TYPES = 0xd;
const KEEP_TRANSLATIONS = 1n << 63n;

/** (value) with the checks of MOV to CR0; switches long mode on and off with paging */
export const writeCr0 = routine('writeCr0', { parameters: [I64], mayFault: true }, (e, value) => {
  const { code } = e;
  e.raiseIf(value.shrU(32).ne(0), Vector.gp, 0);
  const next = code.let(value.and(CR0_WRITABLE >>> 0).or(Cr0.et));
  const has = (bit: number): I32 => next.and(bit >>> 0).ne(0);
  e.raiseIf(has(Cr0.pg).and(has(Cr0.pe).eqz()), Vector.gp, 0);
  e.raiseIf(has(Cr0.nw).and(has(Cr0.cd).eqz()), Vector.gp, 0);
  const changed = code.let(next.xor(get64(state.cr0)));
  code.if(changed.and(Cr0.pg >>> 0).ne(0), () => {
    const efer = e.read64(state.efer);
    const codeAccess = get32(state.segmentAccess, Segment.cs);
    code.if(
      has(Cr0.pg),
      () => {
        code.if(efer.and(Efer.lme).ne(0), () => {
          e.raiseIf(get64(state.cr4).and(Cr4.pae).eqz(), Vector.gp, 0);
          const task16 = get32(state.segmentAccess, Segment.tr).and(TSS_16_TYPES).eq(1);
          e.raiseIf(codeAccess.and(Access.long).ne(0).or(task16), Vector.gp, 0);
          e.set64(state.efer, efer.or(Efer.lma));
        });
      },
      () => {
        const tagged = get64(state.cr4).and(Cr4.pcide).ne(0);
        e.raiseIf(get32(state.codeSize).eq(64).or(tagged), Vector.gp, 0);
        e.set64(state.efer, efer.and(~Efer.lma));
      },
    );
  });
  code.if(changed.and(POINTERS_0).ne(0), () => {
    loadDirectoryPointersFor(e, next, get64(state.cr3), get64(state.cr4));
  });
  e.set64(state.cr0, next);
  code.if(changed.and(TRANSLATION_0).ne(0), () => e.call(flushTlb));
  e.call(updateMode);
});

/** (value) with the checks of MOV to CR3 */
export const writeCr3 = routine('writeCr3', { parameters: [I64], mayFault: true }, (e, value) => {
  const tagged = get64(state.cr4).and(Cr4.pcide).ne(0);
  const kept = select(tagged, I64.const(~KEEP_TRANSLATIONS), I64.const(-1));
  const next = e.code.let(value.and(kept));
  e.raiseIf(next.shrU(PHYSICAL_ADDRESS_BITS).ne(0), Vector.gp, 0);
  loadDirectoryPointersFor(e, get64(state.cr0), next, get64(state.cr4));
  e.set64(state.cr3, next);
  e.call(flushTlb);
});

/** (value) with the checks of MOV to CR4 */
export const writeCr4 = routine('writeCr4', { parameters: [I64], mayFault: true }, (e, value) => {
  const { code } = e;
  e.raiseIf(value.and(get64(state.cr4Reserved)).ne(0), Vector.gp, 0);
  const active = get64(state.efer).and(Efer.lma).ne(0);
  e.raiseIf(active.and(value.and(Cr4.pae).eqz()), Vector.gp, 0);
  const changed = code.let(value.xor(get64(state.cr4)));
  const untagged = active.eqz().or(get64(state.cr3).and(0xfff).ne(0));
  e.raiseIf(changed.and(value).and(Cr4.pcide).ne(0).and(untagged), Vector.gp, 0);
  code.if(changed.and(POINTERS_4).ne(0), () => {
    loadDirectoryPointersFor(e, get64(state.cr0), get64(state.cr3), value);
  });
  e.set64(state.cr4, value);
  code.if(changed.and(Cr4.de).ne(0), () => e.call(breakpointsChanged));
  code.if(changed.and(TRANSLATION_4).ne(0), () => e.call(flushTlb));
  e.call(updateMode);
});
