/**
 * Reaching guest memory from compiled regions: `reach` tests the window's ranges inline; on a miss `ramAccess` asks the
 * TLB in force and then the page tables. What cannot be done in RAM in one piece, or would fault, is refused without a
 * trace, so that the interpreter can run the instruction from its beginning.
 */
import { RAM_BASE } from '../../memory/layout.js';
import { I32, I64, select } from '../../wasm/values.js';
import { type Emitter, get32, get64 } from '../emitter.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { isCanonical, isMisaligned, KIND_BITS, type PlaceKind } from './access.js';
import { Found, findGuarded, isWatched, rememberPage } from './remember.js';
import { ADDEND, flushTlb, PAGE_MASK, PIECE, READ_TAG, tlbEntry, WRITE_TAG } from './tlb.js';
import { AccessKind, isRam, walk } from './walk.js';
import { noteAroundInWindow } from './window-map.js';
import {
  isOutside,
  isOutsideOf,
  LARGEST_ACCESS,
  RangeBit,
  type WindowRanges,
  widenRange,
  windowLosses,
} from './window-range.js';

/** Number of the range in force for data. */
function dataRange(access: I32): I32 {
  const user = get32(state.cpl).eq(3).mul(RangeBit.user);
  return user.or(access.and(AccessKind.write).ne(0).mul(RangeBit.write));
}

/**
 * (linear, size, access) → host address in RAM, or 0 with nothing changed where the access faults, crosses pages,
 * reaches a device, meets a page with a breakpoint, or a store meets decoded code or what translations were made of.
 * Never as the system.
 */
export const ramAccess = routine(
  'ramAccess',
  { parameters: [I64, I32, I32], result: I32 },
  (e, linear, size, access) => {
    const { code } = e;
    const refuseIf = (condition: I32): void => code.if(condition, () => code.return(I32.const(0)));
    const writes = code.let(access.and(AccessKind.write));
    const improve = (isPiece: I32, physical: I64): void => {
      code.if(isPiece.and(get32(state.watchesData).eqz()), () => {
        e.call(noteAroundInWindow, linear, physical, get32(state.cpl).eq(3), writes.ne(0));
      });
      e.call(widenRange, linear, dataRange(access));
    };
    const entry = code.let(tlbEntry(linear, get32(state.tlbBase)));
    const tag = select(writes, I64.load(entry, WRITE_TAG), I64.load(entry, READ_TAG));
    const last = linear.add(size.sub(1).extendU());
    code.if(tag.eq(last.and(PAGE_MASK)), () => {
      const host = code.let(linear.wrap().add(I32.load(entry, ADDEND)));
      improve(I32.load(entry, PIECE), host.sub(RAM_BASE).extendU());
      code.return(host);
    });
    refuseIf(linear.wrap().and(0xfff).add(size).gtU(4096));
    refuseIf(isMisaligned(linear, size, access).or(isCanonical(linear).eqz()));
    refuseIf(isWatched(e, linear));
    const user = select(get32(state.cpl).eq(3), I32.const(AccessKind.user), I32.const(0));
    const kind = code.let(writes.or(user));
    e.set32(state.unmarked, 0);
    const losses = code.let(windowLosses());
    const physical = e.attempt(walk, linear, kind.or(AccessKind.probe));
    code.if(get32(state.pending), () => {
      e.set32(state.pending, 0);
      code.return(I32.const(0));
    });
    refuseIf(isRam(physical).eqz());
    // The walk was the first to read a table's page that could be written in place: the region relies on that.
    refuseIf(windowLosses().ne(losses));
    const found = code.variable(I32, I32.const(Found.elsewhere));
    code.if(writes, () => found.set(e.call(findGuarded, physical, size)));
    refuseIf(found.get().gtU(Found.elsewhere));
    // It does not fault: the probe did not. It may set what the probe missed in the tables.
    code.if(get32(state.unmarked), () => e.attempt(walk, linear, kind));
    const inPlace = code.let(found.get().eqz());
    const remembered = e.call(rememberPage, linear, physical, I32.const(0), inPlace);
    code.if(remembered, () => improve(get32(state.pageIsLarge), physical));
    code.return(physical.wrap().add(RAM_BASE));
  },
);

/**
 * Moves the window to the linear address in `exchange[0]`, which is canonical, a page's first, and 0 or above 4 GiB:
 * there 32-bit addresses wrap around outside it. What was compiled for another base must not run meanwhile.
 */
export const moveWindow = routine('moveWindow', { parameters: [] }, (e) => {
  e.call(flushTlb);
  e.set64(state.windowBase, get64(state.exchange));
});

export interface ReachOptions {
  /** That of the guest's code; system accesses are not made by `reach`. */
  readonly privilege: 'supervisor' | 'user';
  /** What `state.windowBase` is whenever this code runs. */
  readonly base: bigint;
  /** Further bits of `AccessKind`. */
  readonly access: number;
  /** Ranges that hold whenever this code runs; for others it asks. */
  readonly ranges: WindowRanges;
  /** What the linear address is the sum of, where that is known. */
  readonly parts?: AddressParts;
  /** Emits what is done where the access is refused: it must leave by a branch. */
  readonly slow: () => void;
}

/** An address: a value that is kept, and a constant. */
export interface AddressParts {
  readonly origin: I64;
  readonly displacement: number;
}

/**
 * Emits an access to `size` bytes at a linear address, which must be kept: a host address to load from or store to.
 * While alignment is checked the user's ranges are empty, so that this code need not ask.
 */
export function reach(e: Emitter, linear: I64, size: number, kind: PlaceKind, options: ReachOptions): I32 {
  const { code } = e;
  const { privilege, base, access, ranges, slow } = options;
  const { origin, displacement } = options.parts ?? { origin: linear, displacement: 0 };
  if (size > LARGEST_ACCESS) throw new RangeError(`an access of ${size} bytes in one`);
  const host = code.variable(
    I32,
    base === 0n ? origin.wrap().add(displacement + RAM_BASE) : linear.sub(base).wrap().add(RAM_BASE),
  );
  const data = (privilege === 'user' ? RangeBit.user : 0) | (kind === 'read' ? 0 : RangeBit.write);
  const stack = data | RangeBit.stack;
  const [probable, other] = access & AccessKind.nearStack ? [stack, data] : [data, stack];
  const outside = (number: number): I32 => {
    const range = ranges[number];
    return range ? isOutsideOf(origin, displacement, range) : isOutside(linear, number);
  };
  const ask = (): void => {
    host.set(e.call(ramAccess, linear, I32.const(size), I32.const(KIND_BITS[kind] | access)));
    code.ifRarely(host.get().eqz(), slow);
  };
  const [first, second] = [ranges[probable], ranges[other]];
  const same = first && second && first.first === second.first && first.bytes === second.bytes;
  code.ifRarely(outside(probable), () => {
    if (same) ask();
    else code.if(outside(other), ask);
  });
  return host.get();
}
