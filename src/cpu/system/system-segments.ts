/** Loading LDTR and TR (SDM vol. 2, LLDT and LTR): 8-byte descriptors, 16-byte ones in long mode. */
import { I32, I64 } from '../../wasm/values.js';
import { type Emitter, get64 } from '../emitter.js';
import { systemLoad, systemStore } from '../mmu/access.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { Access, Efer, Segment, Vector } from '../state.js';
import {
  accessOf,
  descriptorAddress,
  isNull,
  selectorError,
  setNullSegment,
  setSegment,
} from './segments.js';

const TYPE_LDT = 2;
const TYPE_TSS_16 = 1;
const TYPE_TSS_32 = 9;
const BUSY = 1n << 41n;
const TI = 4;

/** The descriptor's address and halves; its base as 64 bits. A selector into the LDT is #GP. */
function loadSystemDescriptor(
  e: Emitter,
  selector: I32,
): { address: I64; descriptor: I64; high: I64; long: I32 } {
  const { code } = e;
  const error = selectorError(selector);
  e.raiseIf(selector.and(TI), Vector.gp, error);
  const long = code.let(get64(state.efer).and(Efer.lma).ne(0));
  const size = code.let(I32.const(8).shl(long));
  const address = e.call(descriptorAddress, selector, size);
  const descriptor = systemLoad(e, address, 64);
  const high = code.variable(I64, I64.const(0));
  code.if(long, () => high.set(systemLoad(e, address.add(8), 64)));
  return { address, descriptor, high: high.get(), long };
}

function setSystemSegment(e: Emitter, segment: number, selector: I32, descriptor: I64, high: I64): void {
  e.call(setSegment, I32.const(segment), selector, descriptor);
  const base = get64(state.segmentBase, segment).and(0xffffffffn);
  e.set64(state.segmentBase, e.code.let(base.or(high.shl(32))), segment);
}

/** The upper half's type field must be 0 and its base canonical. */
function checkUpperHalf(e: Emitter, high: I64, error: I32): void {
  const bad = high.and(0x1f0000000000n).ne(0);
  const base = high.shl(32);
  e.raiseIf(bad.or(base.shl(16).shrS(16).ne(base)), Vector.gp, error);
}

/** (selector) of LLDT */
export const loadLocalTable = routine(
  'loadLocalTable',
  { parameters: [I32], mayFault: true },
  (e, selector) => {
    const { code } = e;
    code.if(isNull(selector), () => {
      e.call(setNullSegment, I32.const(Segment.ldtr), selector);
      code.return();
    });
    const { descriptor, high } = loadSystemDescriptor(e, selector);
    const error = selectorError(selector);
    const access = code.let(accessOf(descriptor));
    e.raiseIf(access.and(31).ne(TYPE_LDT), Vector.gp, error);
    checkUpperHalf(e, high, error);
    e.raiseIf(access.and(Access.present).eqz(), Vector.np, error);
    setSystemSegment(e, Segment.ldtr, selector, descriptor, high);
  },
);

/** (selector) of LTR; marks the TSS busy */
export const loadTask = routine('loadTask', { parameters: [I32], mayFault: true }, (e, selector) => {
  const { code } = e;
  e.raiseIf(isNull(selector), Vector.gp, 0);
  const { address, descriptor, high, long } = loadSystemDescriptor(e, selector);
  const error = selectorError(selector);
  const access = code.let(accessOf(descriptor));
  const type = code.let(access.and(31));
  const available = type.eq(TYPE_TSS_32).or(type.eq(TYPE_TSS_16).and(long.eqz()));
  e.raiseIf(available.eqz(), Vector.gp, error);
  checkUpperHalf(e, high, error);
  e.raiseIf(access.and(Access.present).eqz(), Vector.np, error);
  systemStore(e, address, 64, descriptor.or(BUSY));
  setSystemSegment(e, Segment.tr, selector, descriptor.or(BUSY), high);
});
