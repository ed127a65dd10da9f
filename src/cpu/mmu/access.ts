/**
 * Reaching guest memory from WebAssembly. `place` gives a host address for an access: inline when the software TLB
 * knows the page, else by `accessSlow`, which walks, fills the TLB, drops decoded code and translations that a
 * store hits, and hands out a bounce buffer for what cannot be done in place (two pages, devices). After a store to a bounce
 * buffer `commit` carries it out. Both pages are checked before anything is written.
 */
import { RAM_BASE, TLB_BASE } from '../../memory/layout.js';
import { I32, I64, select } from '../../wasm/values.js';
import { type Emitter, get32, get64 } from '../emitter.js';
import { deviceRead, deviceWrite } from '../externals.js';
import { loadInteger, storeInteger } from '../integer-memory.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { Efer, Vector } from '../state.js';
import { BreakpointKind, meetBreakpoints } from '../system/breakpoints.js';
import { Kept, prepareStore, rememberPage } from './remember.js';
import { ADDEND, PAGE_MASK, READ_TAG, tlbEntry, UNFILLED_TLB, WRITE_TAG } from './tlb.js';
import { AccessKind, isRam, walk } from './walk.js';

const BOUNCE = state.bounce.address;

/** (physical, length, host): memory or device → host */
const physicalRead = routine('physicalRead', { parameters: [I64, I32, I32] }, (e, physical, length, host) => {
  const { code } = e;
  code.if(
    isRam(physical),
    () => code.memoryCopy(host, physical.wrap().add(RAM_BASE), length),
    () => e.call(deviceRead, physical.wrap(), physical.shrU(32).wrap(), length, host),
  );
});

/** (physical, length, host): host → memory or device */
const physicalWrite = routine(
  'physicalWrite',
  { parameters: [I64, I32, I32] },
  (e, physical, length, host) => {
    const { code } = e;
    code.if(
      isRam(physical),
      () => {
        e.call(prepareStore, physical, length);
        code.memoryCopy(physical.wrap().add(RAM_BASE), host, length);
      },
      () => e.call(deviceWrite, physical.wrap(), physical.shrU(32).wrap(), length, host),
    );
  },
);

/** Whether a linear address is canonical, as every one of 32 bits is. */
export function isCanonical(linear: I64): I32 {
  return linear.shl(16).shrS(16).eq(linear);
}

/** Raises #GP(0), or #SS(0) for the stack, when a linear address is not canonical in long mode (vol. 1 §3.3.7.1). */
function checkCanonical(e: Emitter, linear: I64, access: I32): void {
  e.code.if(isCanonical(linear).eqz(), () => {
    e.code.if(access.and(AccessKind.stack), () => e.raise(Vector.ss, 0));
    e.raise(Vector.gp, 0);
  });
}

/** Whether alignment is checked and an access, of up to 8 bytes, is not aligned. */
export function isMisaligned(linear: I64, size: I32, access: I32): I32 {
  const exempt = access.and(AccessKind.system | AccessKind.unaligned);
  const checked = get32(state.tlbBase).eq(UNFILLED_TLB).and(exempt.eqz()).and(size.leU(8));
  return checked.and(linear.wrap().and(size.sub(1)).ne(0));
}

/** Meets the breakpoints on data that an access touches, once it can fault no more. */
function meetWatch(e: Emitter, linear: I64, size: I32, access: I32): void {
  e.code.if(get32(state.watchesData), () => {
    const writes = access.and(AccessKind.write).ne(0);
    const kinds = select(writes, I32.const(BreakpointKind.data), I32.const(BreakpointKind.readWrite));
    e.call(meetBreakpoints, linear, size, kinds);
  });
}

/**
 * (linear, size, access) → host address, possibly the bounce buffer. Alignment is checked while the unfilled TLB
 * is in force, for sizes up to 8 bytes. Structures of the processor that reach beyond 4 GiB go on at 0 outside long mode.
 */
const accessSlow = routine(
  'accessSlow',
  { parameters: [I64, I32, I32], result: I32, mayFault: true },
  (e, given, size, access) => {
    const { code } = e;
    const system = code.let(access.and(AccessKind.system));
    const user = code.let(select(system, I32.const(0), get32(state.cpl).eq(3).shl(2)));
    const kind = code.let(access.and(AccessKind.write | AccessKind.system).or(user));
    const longMode = get64(state.efer).and(Efer.lma).ne(0);
    const long = code.let(select(system, longMode, get32(state.codeSize).eq(64)));
    const linear = code.let(select(long, given, given.and(0xffffffff)));
    checkCanonical(e, linear, access);
    e.raiseIf(isMisaligned(linear, size, access), Vector.ac, 0);
    // Ten bytes are reached as eight and two: the first eight may fault before the end is looked at.
    const last = code.let(size.sub(1));
    const lastAtOnce = select(last.eq(9), I32.const(7), last);
    checkCanonical(e, code.let(linear.add(lastAtOnce.extendU())), access);
    const split = code.let(I32.const(4096).sub(linear.wrap().and(0xfff)));
    const physical = code.let(e.call(walk, linear, kind));
    code.if(
      split.geU(size),
      () => {
        meetWatch(e, linear, size, access);
        code.if(isRam(physical), () => {
          const kept = code.variable(I32, I32.const(Kept.readable));
          code.if(access.and(AccessKind.write), () => {
            kept.set(e.call(prepareStore, physical, size));
          });
          code.if(kept.get(), () => {
            e.call(rememberPage, linear, physical, system, kept.get().eq(Kept.writable));
          });
          code.return(physical.wrap().add(RAM_BASE));
        });
        e.set32(state.bounceSplit, size);
        e.set64(state.bouncePhysical, physical);
        e.set32(state.bounceSize, size);
        code.if(access.and(AccessKind.read), () => e.call(physicalRead, physical, size, I32.const(BOUNCE)));
      },
      () => {
        const following = code.let(linear.add(split.extendU()));
        const second = code.let(select(long, following, following.and(0xffffffff)));
        checkCanonical(e, second, access);
        const physical2 = code.let(e.call(walk, second, kind));
        meetWatch(e, linear, size, access);
        const rest = code.let(size.sub(split));
        e.set64(state.bouncePhysical, physical, 0);
        e.set64(state.bouncePhysical, physical2, 1);
        e.set32(state.bounceSplit, split);
        e.set32(state.bounceSize, size);
        code.if(access.and(AccessKind.read), () => {
          e.call(physicalRead, physical, split, I32.const(BOUNCE));
          e.call(physicalRead, physical2, rest, split.add(BOUNCE));
        });
      },
    );
    code.return(I32.const(BOUNCE));
  },
);

/** Carries out the store that the bounce buffer holds. */
const commitAccess = routine('commitAccess', { parameters: [] }, (e) => {
  const { code } = e;
  const split = e.read32(state.bounceSplit);
  e.call(physicalWrite, get64(state.bouncePhysical), split, I32.const(BOUNCE));
  const rest = code.let(get32(state.bounceSize).sub(split));
  code.if(rest, () => {
    e.call(physicalWrite, get64(state.bouncePhysical, 1), rest, split.add(BOUNCE));
  });
});

/** Raises #AC(0), while alignment is checked, where an address that `place` takes for a wider area is no multiple. */
export function checkAlignment(e: Emitter, linear: I64, alignment: number): void {
  const odd = linear
    .wrap()
    .and(alignment - 1)
    .ne(0);
  e.raiseIf(get32(state.tlbBase).eq(UNFILLED_TLB).and(odd), Vector.ac, 0);
}

/** What kind of access `place` is for. `modify` reads first; what can fault faults before that. */
export type PlaceKind = 'read' | 'write' | 'modify';

export const KIND_BITS: Record<PlaceKind, number> = {
  read: AccessKind.read,
  write: AccessKind.write,
  modify: AccessKind.read | AccessKind.write,
};

function placeIn(
  e: Emitter,
  tlb: I32,
  linear: I64,
  size: number,
  kind: PlaceKind,
  extra: I32 | number = 0,
): I32 {
  const { code } = e;
  const host = code.variable(I32);
  const entry = code.let(tlbEntry(linear, tlb));
  const tag = I64.load(entry, kind === 'read' ? READ_TAG : WRITE_TAG);
  const last = size > 1 ? linear.add(size - 1) : linear;
  code.if(
    tag.eq(last.and(PAGE_MASK)),
    () => host.set(linear.wrap().add(I32.load(entry, ADDEND))),
    () => {
      const access =
        typeof extra === 'number' ? I32.const(extra | KIND_BITS[kind]) : extra.or(KIND_BITS[kind]);
      host.set(e.call(accessSlow, linear, I32.const(size), access));
    },
  );
  return host.get();
}

/**
 * Emits an access to `size` bytes at a linear address, which must be kept: a host address to load from or store to.
 * @param extra access bits known only at run time, such as `AccessKind.stack`
 */
export function place(e: Emitter, linear: I64, size: number, kind: PlaceKind, extra: I32 | number = 0): I32 {
  return placeIn(e, get32(state.tlbBase), linear, size, kind, extra);
}

/**
 * Like `place` for writing a run of bytes that lies in one page and whose first element `place` has already
 * reached in RAM: drops what was made of all its bytes.
 */
export function placeRun(e: Emitter, linear: I64, bytes: I32): I32 {
  const { code } = e;
  const host = code.variable(I32);
  const entry = code.let(tlbEntry(linear, get32(state.tlbBase)));
  code.if(
    I64.load(entry, WRITE_TAG).eq(linear.and(PAGE_MASK)),
    () => host.set(linear.wrap().add(I32.load(entry, ADDEND))),
    () => host.set(e.call(accessSlow, linear, bytes, I32.const(AccessKind.write))),
  );
  return host.get();
}

/** Like `place`, for structures that the processor itself reaches, always as supervisor: descriptor tables, TSS. */
export function systemPlace(e: Emitter, linear: I64, size: number, kind: PlaceKind, extra = 0): I32 {
  return placeIn(e, I32.const(TLB_BASE), linear, size, kind, AccessKind.system | extra);
}

/** Emits the end of a store to what `place` gave. */
export function commit(e: Emitter, host: I32): void {
  if (!e.inPlace) e.code.if(host.eq(BOUNCE), () => e.call(commitAccess));
}

/** Reads an 8-, 16-, 32- or 64-bit field of a system structure, zero-extended. */
export function systemLoad(e: Emitter, linear: I64, width: 8 | 16 | 32 | 64): I64 {
  const host = systemPlace(e, e.code.let(linear), width / 8, 'read');
  return e.code.let(loadInteger(host, width));
}

/** Writes a 16-, 32- or 64-bit field as supervisor. */
export function systemStore(e: Emitter, linear: I64, width: 16 | 32 | 64, value: I64): void {
  const host = systemPlace(e, e.code.let(linear), width / 8, 'write');
  storeInteger(e.code, host, value, width);
  commit(e, host);
}
