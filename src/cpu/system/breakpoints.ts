/**
 * Breakpoints in DR0–DR3 (SDM vol. 3 §17.2): which of them an access or an instruction meets, and #DB for it. Data and
 * port breakpoints are traps, noted here and delivered by the CPU at the next instruction boundary; those on
 * instructions are faults. Pages with a breakpoint on data stay out of the TLBs, and the code cache puts a record of
 * its own before instructions that may have one, so that nothing is looked at where there are none.
 */
import { I32, I64, select } from '../../wasm/values.js';
import { type Emitter, get32, get64 } from '../emitter.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { Segment, Vector } from '../state.js';
import type { StateView } from '../state-view.js';
import { resumes } from './instruction-count.js';

const WRITE = 1 << 1;
const READ_WRITE = 1 << 3;
/** Sets of the values of R/Wn. */
export const BreakpointKind = {
  execute: 1 << 0,
  readWrite: READ_WRITE,
  data: WRITE | READ_WRITE,
  port: 1 << 2,
} as const;
const COUNT = 4;
/** DR6: B0–B3, which each #DB sets anew; BD, BS. */
export const DR6_HITS = 15;
export const DR6_BD = 1 << 13;
export const DR6_BS = 1 << 14;
export const DR6_BT = 1 << 15;
export const DR7_GD = 1 << 13;
/** By LENn: the bits of an address that do not count. */
const LENGTH_MASKS = 0x3710;

/** (address, bytes, kinds) → DR6 bits of the enabled breakpoints of these kinds that lie among the bytes */
export const findBreakpoints = routine(
  'findBreakpoints',
  { parameters: [I64, I32, I32], result: I32 },
  (e, address, bytes, kinds) => {
    const { code } = e;
    const control = code.let(get64(state.dr, 7).wrap());
    const last = code.let(address.add(bytes.extendU()).sub(1));
    const found = code.variable(I32, I32.const(0));
    for (let n = 0; n < COUNT; n++) {
      code.scope(() => {
        const field = code.let(control.shrU(16 + 4 * n).and(15));
        const enabled = control
          .shrU(2 * n)
          .and(3)
          .ne(0);
        const wanted = kinds.shrU(field.and(3)).and(1);
        const mask = code.let(I32.const(LENGTH_MASKS).shrU(field.and(12)).and(15).extendU());
        const start = code.let(get64(state.dr, n).and(mask.not()));
        const touched = address.leU(start.add(mask)).and(last.geU(start));
        const bit = enabled.and(wanted).and(touched).shl(n);
        found.set(found.get().or(bit));
      });
    }
    code.return(found.get());
  },
);

/** (address, bytes, kinds) notes the traps that an access meets, and ends the run after the instruction */
export const meetBreakpoints = routine(
  'meetBreakpoints',
  { parameters: [I64, I32, I32] },
  (e, address, bytes, kinds) => {
    const found = e.call(findBreakpoints, address, bytes, kinds);
    e.code.if(found, () => {
      e.set32(state.debugMet, get32(state.debugMet).or(found));
      e.requestExit();
    });
  },
);

/** Sets DR6 and clears GD, as on the way to the handler of #DB. */
export function reportDebug(e: Emitter, bits: I32 | number): void {
  const { code } = e;
  const all = typeof bits === 'number' ? I32.const(bits) : bits;
  e.set64(state.dr, code.let(get64(state.dr, 6).and(~DR6_HITS).or(all.extendU())), 6);
  e.set64(state.dr, code.let(get64(state.dr, 7).and(~DR7_GD)), 7);
}

/**
 * (RIP) → 1 with #DB pending if an instruction there has a breakpoint, unless RF is set. MOV SS does not hold it off, as
 * on AMD's processors; on Intel's it may (§17.3.1.1).
 */
export const meetInstructionBreakpoint = routine(
  'meetInstructionBreakpoint',
  { parameters: [I64], result: I32 },
  (e, rip) => {
    const { code } = e;
    const legacy = rip.add(get64(state.segmentBase, Segment.cs)).and(0xffffffffn);
    const linear = code.let(select(get32(state.codeSize).eq(64), rip, legacy));
    const found = e.call(findBreakpoints, linear, I32.const(1), I32.const(BreakpointKind.execute));
    code.if(found.eqz().or(resumes(e)), () => code.return(I32.const(0)));
    reportDebug(e, found);
    e.set32(state.pending, state.PENDING | state.PENDING_TRAP | Vector.db);
    code.return(I32.const(1));
  },
);

/** Which breakpoints are enabled, by the page offset of their addresses where they are on instructions. */
export interface Breakpoints {
  readonly data: boolean;
  readonly ports: boolean;
  readonly instructionOffsets: readonly number[];
}

export function enabledBreakpoints(view: StateView): Breakpoints {
  const control = view.low(state.dr, 7);
  const enabled = [0, 1, 2, 3].filter((n) => (control >> (2 * n)) & 3);
  const kindOf = (n: number): number => 1 << ((control >> (16 + 4 * n)) & 3);
  const debugExtensions = (view.low(state.cr4) & state.Cr4.de) !== 0;
  return {
    data: enabled.some((n) => kindOf(n) & BreakpointKind.data),
    ports: debugExtensions && enabled.some((n) => kindOf(n) === BreakpointKind.port),
    instructionOffsets: enabled
      .filter((n) => kindOf(n) === BreakpointKind.execute)
      .map((n) => view.low(state.dr, n) & 0xfff),
  };
}
