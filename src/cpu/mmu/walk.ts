/**
 * The page walk: linear to physical, by 4-level, PAE or 32-bit tables (SDM vol. 3 ch. 4), with permissions,
 * accessed and dirty bits, and #PF. Tables outside RAM read as not present. PAE's first level is in registers
 * (directory-pointers.ts). PCIDs need nothing here.
 */

import { PAGE_KIND_BASE, PageKind, RAM_BASE } from '../../memory/layout.js';
import { I32, I64, select } from '../../wasm/values.js';
import { type Emitter, get32, get64 } from '../emitter.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { Cr0, Cr4, Efer, Flag, Vector } from '../state.js';
import { noteEntry } from './table-notes.js';
import { forgetPage } from './tlb.js';

/** How memory is touched; write, user and fetch are where #PF's error code has them (vol. 3 §4.7). */
export const AccessKind = {
  read: 1,
  write: 2,
  user: 4,
  fetch: 16,
  system: 0x20,
  stack: 0x40,
  /** For those who look from outside: no rights are asked for, and nothing changes but what is pending. */
  look: 0x80,
  /** Exempt from alignment checks. */
  unaligned: 0x100,
  /** Ours: the page's protection key forbids it. */
  keyed: 0x200,
  /** Finds out whether the access would fault; like a look it changes nothing but what is pending. */
  probe: 0x400,
  /** Ours: by RSP, so probably where the last such access was. */
  nearStack: 0x800,
} as const;
const TRACELESS = AccessKind.look | AccessKind.probe;

const PRESENT = 1;
const WRITABLE = 2;
const USER = 4;
const ACCESSED = 0x20;
const DIRTY = 0x40;
const LARGE = 0x80;
const NO_EXECUTE = -0x8000000000000000n;
const FRAME = 0xffffffffff000n;
/** Physical-address bits 51:40, which this processor does not have (MAXPHYADDR is 40). */
const RESERVED = 0xfff0000000000n;
/** Bits 62:52, ignored by 4-level paging. */
const RESERVED_PAE = 0x7ff0000000000000n;
/** Where an entry that maps a page has its protection key (vol. 3 §4.6.2), and what a key can forbid. */
const KEY_SHIFT = 59;
const KEY_ACCESS = 1;
const KEY_WRITE = 2;

const ERROR_PRESENT = 1;
const ERROR_RESERVED = 8;
const ERROR_KEY = 0x20;
const ERROR_BITS = ERROR_PRESENT | AccessKind.write | AccessKind.user | ERROR_RESERVED;

/** The last physical page below 4 GiB; there is no table beyond. */
const LAST_PAGE = 0xfffff;

/** Whether a physical address is RAM. */
export function isRam(physical: I64): I32 {
  const kind = I32.load8U(physical.shrU(12).wrap().and(LAST_PAGE), PAGE_KIND_BASE);
  return physical.shrU(32).eqz().and(kind.eq(PageKind.ram));
}

/** (linear, access, with the error-code bits that no access has); I/D is told only where fetches have rights of their own */
const pageFault = routine('pageFault', { parameters: [I64, I32], mayFault: true }, (e, linear, bits) => {
  const { code } = e;
  code.if(bits.and(TRACELESS), () => {
    e.set32(state.pending, state.PENDING | Vector.pf);
    e.abort();
  });
  const cr4 = code.let(get64(state.cr4).wrap());
  const execute = get64(state.efer).and(Efer.nxe).ne(0).and(cr4.and(Cr4.pae).ne(0));
  const told = execute.or(cr4.and(Cr4.smep).ne(0)).mul(AccessKind.fetch);
  e.set64(state.cr2, linear);
  // The fault invalidates what is held of the page (vol. 3 §4.10.4.1).
  e.call(forgetPage, linear);
  const key = bits.and(AccessKind.keyed).shrU(Math.log2(AccessKind.keyed / ERROR_KEY));
  e.raise(Vector.pf, code.let(bits.and(told.or(ERROR_BITS)).or(key)));
});

/** (entry address, linear, access) → entry, checked for presence; an address outside RAM is not present */
function loadEntry(e: Emitter, address: I64, size: 4 | 8, linear: I64, access: I32): I64 {
  const entry = e.code.variable(I64, I64.const(0));
  e.code.if(isRam(address), () => {
    const host = address.wrap();
    entry.set(size === 8 ? I64.load(host, RAM_BASE) : I64.load32U(host, RAM_BASE));
  });
  e.code.if(entry.get().and(PRESENT).eqz(), () => {
    e.call(pageFault, linear, access);
    e.abort();
  });
  e.code.if(access.and(AccessKind.look).eqz(), () => noteEntry(e, address));
  return entry.get();
}

/** Sets bits of an entry, or notes that they are due if nothing is to change. */
function mark(e: Emitter, access: I32, address: I64, entry: I64, bits: I64): void {
  const { code } = e;
  code.if(entry.and(bits).ne(bits), () => {
    code.if(
      access.and(TRACELESS),
      () => e.set32(state.unmarked, 1),
      () => {
        const host = address.wrap();
        code.store8(host, I32.load8U(host, RAM_BASE).or(bits.wrap()), RAM_BASE);
      },
    );
  });
}

/** Notes the size of a page, of which the TLBs may come to hold pieces of 4 KiB. */
function noteSize(e: Emitter, access: I32, shift: I32): void {
  e.set32(state.pageIsLarge, 1);
  const larger = shift.gtU(get32(state.largestPage)).and(access.and(AccessKind.look).eqz());
  e.code.if(larger, () => e.set32(state.largestPage, shift));
}

/** (access, rights as below, the entry that maps the page) → `AccessKind.keyed` if its protection key forbids the access */
const violatesKey = routine(
  'violatesKey',
  { parameters: [I32, I64, I64], result: I32 },
  (e, access, rights, entry) => {
    const { code } = e;
    const cr4 = code.let(get64(state.cr4).wrap());
    const userPage = code.let(rights.and(USER).wrap());
    const inForce = cr4.and(select(userPage, I32.const(Cr4.pke), I32.const(Cr4.pks)));
    code.if(inForce.eqz().or(access.and(AccessKind.fetch)), () => code.return(I32.const(0)));
    const keys = select(userPage, get32(state.pkru), get64(state.msrPkrs).wrap());
    const key = entry.shrU(KEY_SHIFT).wrap().and(15);
    const denied = code.let(keys.shrU(key.shl(1)).and(3));
    const protect = get64(state.cr0).and(Cr0.wp).ne(0).or(access.and(AccessKind.user).ne(0));
    const write = access.and(AccessKind.write).ne(0).and(protect);
    const forbidden = denied.and(KEY_ACCESS).ne(0).or(denied.and(KEY_WRITE).ne(0).and(write));
    code.return(forbidden.mul(AccessKind.keyed));
  },
);

/** (linear, access, rights: the AND of all entries' W and U bits, not-executable) raises #PF unless allowed or a look */
const checkRights = routine(
  'checkRights',
  { parameters: [I64, I32, I64, I32], mayFault: true },
  (e, linear, access, rights, noExecute) => {
    const { code } = e;
    const refuse = (): void => {
      e.call(pageFault, linear, access.or(ERROR_PRESENT));
    };
    code.if(access.and(AccessKind.look), () => code.return());
    const userPage = code.let(rights.and(USER).wrap());
    code.if(access.and(AccessKind.fetch).ne(0).and(noExecute), refuse);
    code.if(
      access.and(AccessKind.user),
      () => {
        code.if(userPage.eqz(), refuse);
        code.if(access.and(AccessKind.write).ne(0).and(rights.and(WRITABLE).eqz()), refuse);
      },
      () => {
        const protect = get64(state.cr0).and(Cr0.wp).eqz().eqz();
        code.if(access.and(AccessKind.write).ne(0).and(rights.and(WRITABLE).eqz()).and(protect), refuse);
        code.if(userPage, () => {
          const cr4 = code.let(get64(state.cr4).wrap());
          code.if(access.and(AccessKind.fetch).ne(0).and(cr4.and(Cr4.smep).ne(0)), refuse);
          const explicit = access.and(AccessKind.system).eqz();
          const overridden = get32(state.systemFlags).and(Flag.ac).ne(0).and(explicit);
          const data = access.and(AccessKind.fetch).eqz();
          code.if(cr4.and(Cr4.smap).ne(0).and(overridden.eqz()).and(data), refuse);
        });
      },
    );
    code.if(access.and(AccessKind.keyed), refuse);
  },
);

/** (linear, access) → physical; tables of 8-byte entries: 4-level in long mode, else PAE */
const walk64 = routine(
  'walk64',
  { parameters: [I64, I32], result: I64, mayFault: true },
  (e, linear, access) => {
    const { code } = e;
    const efer = code.let(get64(state.efer).wrap());
    const long = code.let(efer.and(Efer.lma).ne(0));
    const table = code.variable(I64, get64(state.cr3).and(FRAME));
    const shift = code.variable(I64, I64.const(39));
    const rights = code.variable(I64, I64.const(WRITABLE | USER));
    const noExecute = code.variable(I32, I32.const(0));
    const always = code.variable(I64, I64.const(RESERVED));
    code.if(long.eqz(), () => {
      const pointer = code.let(I64.load(e.element(state.pdpte, linear.shrU(30).and(3).wrap())));
      code.if(pointer.and(PRESENT).eqz(), () => {
        e.call(pageFault, linear, access);
        e.abort();
      });
      table.set(pointer.and(FRAME));
      shift.set(I64.const(21));
      always.set(I64.const(RESERVED | RESERVED_PAE));
    });
    code.loop((nextLevel) => {
      const address = code.let(table.get().add(linear.shrU(shift.get()).and(511).shl(3)));
      const entry = loadEntry(e, address, 8, linear, access);
      const large = code.let(entry.and(LARGE).ne(0).and(shift.get().leU(30)).and(shift.get().gtU(12)));
      const leaf = code.let(shift.get().eq(12).or(large));
      const reserved = code.variable(I64, entry.and(always.get()));
      code.if(efer.and(Efer.nxe).eqz(), () => reserved.set(reserved.get().or(entry.and(NO_EXECUTE))));
      code.if(large, () => {
        const below = I64.const(1).shl(shift.get()).sub(1).and(0x3fffe000);
        reserved.set(reserved.get().or(entry.and(below)));
      });
      code.if(shift.get().eq(39), () => reserved.set(reserved.get().or(entry.and(LARGE))));
      code.if(reserved.get().eqz().eqz(), () => {
        e.call(pageFault, linear, access.or(ERROR_PRESENT | ERROR_RESERVED));
        e.abort();
      });
      rights.set(rights.get().and(entry));
      noExecute.set(noExecute.get().or(entry.ltS(0)));
      code.if(leaf, () => {
        const keyed = code.variable(I32, access);
        code.if(
          long.and(
            get64(state.cr4)
              .and(Cr4.pke | Cr4.pks)
              .ne(0),
          ),
          () => {
            keyed.set(access.or(e.call(violatesKey, access, rights.get(), entry)));
          },
        );
        e.call(checkRights, linear, keyed.get(), rights.get(), noExecute.get());
        const dirty = access
          .and(AccessKind.write)
          .extendU()
          .mul(DIRTY / AccessKind.write);
        mark(e, access, address, entry, code.let(dirty.or(ACCESSED)));
        code.if(large, () => noteSize(e, access, shift.get().wrap()));
        const offset = code.let(I64.const(1).shl(shift.get()).sub(1));
        code.return(entry.and(FRAME).and(offset.not()).or(linear.and(offset)));
      });
      mark(e, access, address, entry, I64.const(ACCESSED));
      table.set(entry.and(FRAME));
      shift.set(shift.get().sub(9));
      code.branch(nextLevel);
    });
    code.unreachable();
  },
);

/** (linear, access) → physical; tables of 4-byte entries, with 4 MiB pages if CR4.PSE */
const walk32 = routine(
  'walk32',
  { parameters: [I64, I32], result: I64, mayFault: true },
  (e, linear, access) => {
    const { code } = e;
    const directory = code.let(get64(state.cr3).and(0xfffff000).add(linear.shrU(22).and(1023).shl(2)));
    const entry = loadEntry(e, directory, 4, linear, access);
    const dirty = code.let(
      access
        .and(AccessKind.write)
        .extendU()
        .mul(DIRTY / AccessKind.write)
        .or(ACCESSED),
    );
    code.if(entry.and(LARGE).ne(0).and(get64(state.cr4).and(Cr4.pse).ne(0)), () => {
      code.if(entry.and(1 << 21).ne(0), () => {
        e.call(pageFault, linear, access.or(ERROR_PRESENT | ERROR_RESERVED));
        e.abort();
      });
      e.call(checkRights, linear, access, entry, I32.const(0));
      mark(e, access, directory, entry, dirty);
      noteSize(e, access, I32.const(22));
      const high = entry.shrU(13).and(0xff).shl(32);
      code.return(entry.and(0xffc00000).or(high).or(linear.and(0x3fffff)));
    });
    const address = code.let(entry.and(0xfffff000).add(linear.shrU(12).and(1023).shl(2)));
    const page = loadEntry(e, address, 4, linear, access);
    e.call(checkRights, linear, access, entry.and(page), I32.const(0));
    mark(e, access, directory, entry, I64.const(ACCESSED));
    mark(e, access, address, page, dirty);
    code.return(page.and(0xfffff000).or(linear.and(0xfff)));
  },
);

/** (linear, access) → physical address, or #PF pending. The access's privilege is decided by the caller. */
export const walk = routine(
  'walk',
  { parameters: [I64, I32], result: I64, mayFault: true },
  (e, linear, access) => {
    const { code } = e;
    e.set32(state.pageIsLarge, 0);
    code.if(get64(state.cr0).and(Cr0.pg).eqz(), () => code.return(linear));
    code.if(get64(state.cr4).and(Cr4.pae).ne(0), () => code.return(e.call(walk64, linear, access)));
    code.return(e.call(walk32, linear, access));
  },
);
