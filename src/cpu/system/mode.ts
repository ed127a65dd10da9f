/** What follows from CS, SS, the control registers and CPL, kept ready for the hot paths. */
import { TLB_BASE, TLB_SIZE } from '../../memory/layout.js';
import { I32, I64, select } from '../../wasm/values.js';
import { get32, get64 } from '../emitter.js';
import { flushJumps, UNFILLED_TLB } from '../mmu/tlb.js';
import { forgetWindow } from '../mmu/window-map.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import {
  Access,
  Cr0,
  Cr4,
  Efer,
  Flag,
  REGION_UNITS,
  RegionKey,
  Register,
  Segment,
  Vector,
  Xcr0,
} from '../state.js';
import { updateMxcsr } from './mxcsr.js';

/** Keeps a mode key from being 0, so that an empty jump-cache slot matches no RIP. */
const KEY_PRESENT = 1n << 55n;

/** What a stack pointer is masked with in 64-bit mode, or outside it with the SS in force. */
export function stackMaskIn(long: I32): I64 {
  const big = get32(state.segmentAccess, Segment.ss).and(Access.big);
  return select(long, I64.const(-1), select(big, I64.const(0xffffffff), I64.const(0xffff)));
}

/** To be called after anything that may have changed the mode, the code or stack segment, or the privilege. */
export const updateMode = routine('updateMode', { parameters: [] }, (e) => {
  const { code } = e;
  const access = (segment: number): I32 => get32(state.segmentAccess, segment);
  const active = code.let(get64(state.efer).and(Efer.lma).ne(0));
  const long = code.let(active.and(access(Segment.cs).and(Access.long).ne(0)));
  const legacySize = select(access(Segment.cs).and(Access.big), I32.const(32), I32.const(16));
  const size = code.let(select(long, I32.const(64), legacySize));
  e.set32(state.codeSize, size);
  // 16-bit code has a 32-bit EIP too: only branches with 16-bit operands, and the segment's limit, keep it small.
  e.set64(state.ripMask, select(long, I64.const(-1), I64.const(0xffffffff)));
  e.set64(state.stackMask, stackMaskIn(long));
  // The manual leaves the upper halves open that compatibility mode does not see (vol. 1 §3.4.1.1); Xeons clear RSP's alone.
  code.if(active.and(long.eqz()), () => {
    e.set64(state.gpr, get64(state.gpr, Register.rsp).and(0xffffffffn), Register.rsp);
  });

  const user = code.let(get32(state.cpl).eq(3));
  const key = size.shrU(4).or(user.shl(3)).extendU().shl(50);
  e.set64(state.modeKey, key.or(KEY_PRESENT));
  const alignment = code.let(
    user.and(get64(state.cr0).and(Cr0.am).ne(0)).and(get32(state.systemFlags).and(Flag.ac).ne(0)),
  );
  const filled = select(user, I32.const(TLB_BASE + TLB_SIZE), I32.const(TLB_BASE));
  e.set32(state.tlbBase, select(alignment, I32.const(UNFILLED_TLB), filled));
  code.if(alignment, () => e.call(forgetWindow, I32.const(1)));

  const cr0 = code.let(get64(state.cr0).wrap());
  const unavailable = code.let(select(cr0.and(Cr0.ts), I32.const(Vector.nm), I32.const(0)));
  const disabled = cr0.and(Cr0.em).ne(0).or(get64(state.cr4).and(Cr4.osfxsr).eqz());
  e.set32(state.vectorFault, select(disabled, I32.const(Vector.ud), unavailable));
  const enabled = get64(state.xcr0)
    .and(Xcr0.sse | Xcr0.avx)
    .eq(Xcr0.sse | Xcr0.avx)
    .and(get64(state.cr4).and(Cr4.osxsave).ne(0))
    .and(cr0.and(Cr0.pe).ne(0))
    .and(get32(state.systemFlags).and(Flag.vm).eqz());
  e.set32(state.vexFault, select(enabled, unavailable, I32.const(Vector.ud)));
  e.set32(state.fpuFault, select(cr0.and(Cr0.em), I32.const(Vector.nm), unavailable));
  e.set32(state.mmxFault, select(cr0.and(Cr0.em), I32.const(Vector.ud), unavailable));
  e.call(updateMxcsr);
  const setting = size.or(user.mul(RegionKey.user)).or(alignment.mul(RegionKey.alignment));
  const units = REGION_UNITS.map(([fault, bit]) => get32(fault).ne(0).mul(bit));
  e.set32(
    state.regionKey,
    units.reduce((key, unit) => key.or(unit), setting.or(get32(state.watching))),
  );

  const base = get64(state.segmentBase, Segment.cs);
  const limit = get32(state.segmentLimit, Segment.cs);
  const moved = base.ne(get64(state.jumpCacheBase)).or(limit.ne(get32(state.jumpCacheLimit)));
  code.if(long.eqz().and(moved), () => {
    e.set64(state.jumpCacheBase, base);
    e.set32(state.jumpCacheLimit, limit);
    e.call(flushJumps);
  });
});
