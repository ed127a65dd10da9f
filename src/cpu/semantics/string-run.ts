/**
 * Runs of string elements (SDM vol. 1 §7.3.9): what one pass of a repeated string instruction does. A run ends
 * before the page of either pointer does, before an offset wraps, and where a segment's limit might; an element
 * across such a border is a run of its own. So only a run's first element can fault, and then nothing was done.
 * Where runs end depends on addresses alone. Device memory is reached one element at a time.
 */
import { I32, I64, select, type Value } from '../../wasm/values.js';
import { type Emitter, get32 } from '../emitter.js';
import { loadInteger, storeInteger } from '../integer-memory.js';
import { commit, place, placeRun } from '../mmu/access.js';
import { segmentAddress } from '../mmu/segmentation.js';
import { UNFILLED_TLB } from '../mmu/tlb.js';
import { type Routine, routine } from '../routine.js';
import * as state from '../state.js';
import { Flag, Segment } from '../state.js';
import type { Width } from './flags.js';

/** Below so many bytes a loop is faster than a call of memory.copy or memory.fill. */
const SHORT = 8;

export function goesDown(): I32 {
  return get32(state.systemFlags).and(Flag.df).ne(0);
}

function log2(width: Width): number {
  return Math.log2(width / 8);
}

function minimum(e: Emitter, a: I64, b: I64): I64 {
  const [first, second] = [e.code.let(a), e.code.let(b)];
  return e.code.let(select(first.ltU(second), first, second));
}

/**
 * (segment, offset, linear address, ones in the bits of an offset, elements wanted, log2 of an element's bytes)
 * → elements, at least 1
 */
const runLength = routine(
  'runLength',
  { parameters: [I32, I64, I64, I64, I64, I32], result: I64 },
  (e, segment, offset, linear, mask, wanted, log) => {
    const { code } = e;
    const one = I64.const(1);
    code.if(get32(state.tlbBase).eq(UNFILLED_TLB), () => code.return(one));
    code.if(get32(state.watchesData), () => code.return(one));
    // Single-stepping traps after every element (vol. 3 §17.3.1.4).
    code.if(get32(state.systemFlags).and(Flag.tf), () => code.return(one));
    const shift = code.let(log.extendU());
    const size = code.let(one.shl(shift));
    const inPage = code.let(linear.and(0xfff));
    const room = code.variable(I64);
    const low = code.variable(I64, offset);
    code.if(
      goesDown(),
      () => {
        code.if(inPage.add(size).gtU(4096), () => code.return(one));
        room.set(minimum(e, inPage.shrU(shift), offset.shrU(shift)).add(1));
      },
      () => room.set(minimum(e, I64.const(4096).sub(inPage).shrU(shift), mask.sub(offset).shrU(shift))),
    );
    const elements = minimum(e, room.get(), wanted);
    code.if(elements.leU(1), () => code.return(one));
    code.if(get32(state.codeSize).eq(64), () => code.return(elements));
    code.if(goesDown(), () => low.set(offset.sub(elements.sub(1).shl(shift))));
    const bytes = code.let(elements.shl(shift).wrap());
    e.attempt(segmentAddress, segment, low.get(), bytes, I32.const(0));
    code.if(get32(state.pending), () => {
      e.set32(state.pending, 0);
      code.return(one);
    });
    code.return(elements);
  },
);

/** A run's first element: its linear and host address, and how many elements follow on it, itself included. */
interface Run {
  readonly linear: I64;
  readonly host: I32;
  readonly elements: I64;
}

function beginRun(
  e: Emitter,
  width: Width,
  kind: 'read' | 'write',
  segment: I32,
  offset: I64,
  mask: I64,
  wanted: I64,
): Run {
  const { code } = e;
  const bytes = I32.const(width / 8);
  const linear = e.call(segmentAddress, segment, offset, bytes, I32.const(kind === 'write' ? 1 : 0));
  const host = place(e, linear, width / 8, kind);
  const whole = e.call(runLength, segment, offset, linear, mask, wanted, I32.const(log2(width)));
  const bounced = host.eq(state.bounce.address);
  return { linear, host, elements: code.let(select(bounced, I64.const(1), whole)) };
}

/** Distance in bytes from one element to the next. */
function stepOf(e: Emitter, width: Width): I32 {
  return e.code.let(select(goesDown(), I32.const(-width / 8), I32.const(width / 8)));
}

/** One routine for each width. */
function forWidths<P extends readonly (typeof I32 | typeof I64)[], R extends Value>(
  make: (width: Width) => Routine<P, R>,
): Record<Width, Routine<P, R>> {
  return { 8: make(8), 16: make(16), 32: make(32), 64: make(64) };
}

/**
 * Stores a run of one element and leaves the routine with 1. Of a longer run: the host address of its lowest byte, how
 * many bytes it has, and how many of them lie below the first element.
 */
function beginStore(
  e: Emitter,
  width: Width,
  { host, linear, elements }: Run,
  value: I64,
): { readonly low: I32; readonly bytes: I32; readonly below: I32 } {
  const { code } = e;
  code.if(elements.eq(1), () => {
    storeInteger(code, host, value, width);
    commit(e, host);
    code.return(elements);
  });
  const bytes = code.let(elements.shl(log2(width)).wrap());
  const below = code.let(select(goesDown(), bytes.sub(width / 8), I32.const(0)));
  return { low: placeRun(e, code.let(linear.sub(below.extendU())), bytes), bytes, below };
}

/** (source segment, source offset, ES offset, ones in the bits of an offset, elements wanted) → elements copied */
export const moveRun = forWidths((width) =>
  routine(
    `moveRun${width}`,
    { parameters: [I32, I64, I64, I64, I64], result: I64, mayFault: true },
    (e, segment, from, to, mask, wanted) => {
      const { code } = e;
      const source = beginRun(e, width, 'read', segment, from, mask, wanted);
      const value = code.let(loadInteger(source.host, width));
      const target = beginRun(e, width, 'write', I32.const(Segment.es), to, mask, source.elements);
      const { elements } = target;
      const { low: targetLow, bytes, below } = beginStore(e, width, target, value);
      const sourceLow = code.let(source.host.sub(below));
      const gap = code.let(targetLow.sub(sourceLow));
      const ahead = select(goesDown(), I32.const(0).sub(gap), gap);
      code.if(bytes.leU(SHORT).or(ahead.ltU(bytes)).eqz(), () => {
        code.memoryCopy(targetLow, sourceLow, bytes);
        code.return(elements);
      });
      const step = stepOf(e, width);
      const read = code.variable(I32, source.host);
      const write = code.variable(I32, target.host);
      const left = code.variable(I64, elements);
      code.loop((again) => {
        storeInteger(code, write.get(), loadInteger(read.get(), width), width);
        read.set(read.get().add(step));
        write.set(write.get().add(step));
        left.set(left.get().sub(1));
        code.branchIf(again, left.get().ne(0));
      });
      code.return(elements);
    },
  ),
);

const REPEATED_BYTE = 0x0101010101010101n;

/** (ES offset, ones in the bits of an offset, elements wanted, value) → elements filled */
export const fillRun = forWidths((width) =>
  routine(
    `fillRun${width}`,
    { parameters: [I64, I64, I64, I64], result: I64, mayFault: true },
    (e, to, mask, wanted, value) => {
      const { code } = e;
      const target = beginRun(e, width, 'write', I32.const(Segment.es), to, mask, wanted);
      const { elements } = target;
      const { low, bytes } = beginStore(e, width, target, value);
      const uniform = value.and(0xff).mul(REPEATED_BYTE & ((1n << BigInt(width)) - 1n));
      code.if(bytes.gtU(SHORT).and(uniform.eq(value)), () => {
        code.memoryFill(low, value.wrap(), bytes);
        code.return(elements);
      });
      const write = code.variable(I32, low);
      const end = code.let(low.add(bytes));
      code.loop((again) => {
        storeInteger(code, write.get(), value, width);
        write.set(write.get().add(width / 8));
        code.branchIf(again, write.get().ne(end));
      });
      code.return(elements);
    },
  ),
);

/**
 * (ES offset, ones in the bits of an offset, elements wanted, value, 1 to go on while equal, else 0)
 * → elements compared, the last of them in `exchange[1]`
 */
export const scanRun = forWidths((width) =>
  routine(
    `scanRun${width}`,
    { parameters: [I64, I64, I64, I64, I32], result: I64, mayFault: true },
    (e, to, mask, wanted, value, whileEqual) => {
      const { code } = e;
      const { host, elements } = beginRun(e, width, 'read', I32.const(Segment.es), to, mask, wanted);
      const step = stepOf(e, width);
      const read = code.variable(I32, host);
      const found = code.variable(I64);
      const done = code.variable(I64, I64.const(0));
      code.loop((again) => {
        found.set(loadInteger(read.get(), width));
        read.set(read.get().add(step));
        done.set(done.get().add(1));
        const goesOn = found.get().eq(value).eq(whileEqual);
        code.branchIf(again, goesOn.and(done.get().ne(elements)));
      });
      e.set64(state.exchange, found.get(), 1);
      code.return(done.get());
    },
  ),
);

/**
 * (source segment, source offset, ES offset, ones in the bits of an offset, elements wanted, 1 to go on while
 * equal, else 0) → elements compared, the last pair in `exchange`. Like silicon, it meets ES's faults first.
 */
export const compareRun = forWidths((width) =>
  routine(
    `compareRun${width}`,
    { parameters: [I32, I64, I64, I64, I64, I32], result: I64, mayFault: true },
    (e, segment, from, to, mask, wanted, whileEqual) => {
      const { code } = e;
      const target = beginRun(e, width, 'read', I32.const(Segment.es), to, mask, wanted);
      const second = code.variable(I64, loadInteger(target.host, width));
      const source = beginRun(e, width, 'read', segment, from, mask, target.elements);
      const { elements } = source;
      const first = code.variable(I64, loadInteger(source.host, width));
      const step = stepOf(e, width);
      const readFirst = code.variable(I32, source.host);
      const readSecond = code.variable(I32, target.host);
      const done = code.variable(I64, I64.const(1));
      code.while(
        () => first.get().eq(second.get()).eq(whileEqual).and(done.get().ne(elements)),
        () => {
          readFirst.set(readFirst.get().add(step));
          readSecond.set(readSecond.get().add(step));
          first.set(loadInteger(readFirst.get(), width));
          second.set(loadInteger(readSecond.get(), width));
          done.set(done.get().add(1));
        },
      );
      e.set64(state.exchange, first.get(), 0);
      e.set64(state.exchange, second.get(), 1);
      code.return(done.get());
    },
  ),
);
