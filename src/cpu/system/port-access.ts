/**
 * Whether a program may reach a port: IOPL, else the permission bitmap in the TSS (SDM vol. 1 §19.5, vol. 3 §8.2.1
 * and §8.7). In real mode CPL is 0 and everything is allowed.
 */
import { I32 } from '../../wasm/values.js';
import { get32 } from '../emitter.js';
import { systemLoad } from '../mmu/access.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { Access, Flag, Segment, Vector } from '../state.js';
import { BreakpointKind, meetBreakpoints } from './breakpoints.js';

/** Where a 32- or 64-bit TSS says how far from its start the bitmap is. */
const BITMAP_OFFSET = 102;
/** Descriptor type of a 32- or 64-bit TSS, the busy bit aside. */
const TSS_32 = 9;
const IOPL_SHIFT = 12;

/** (port, bytes: 1, 2 or 4) raises #GP(0) unless every one of the ports may be accessed */
const checkPortPermission = routine(
  'checkPortPermission',
  { parameters: [I32, I32], mayFault: true },
  (e, port, bytes) => {
    const { code } = e;
    const flags = e.read32(state.systemFlags);
    const level = flags.shrU(IOPL_SHIFT).and(3);
    const allowed = get32(state.cpl).leU(level).and(flags.and(Flag.vm).eqz());
    code.if(allowed, () => code.return());

    const access = get32(state.segmentAccess, Segment.tr);
    const wide = access.and(0xd).eq(TSS_32).and(access.and(Access.null).eqz());
    e.raiseIf(wide.eqz(), Vector.gp, 0);
    const limit = e.read32(state.segmentLimit, Segment.tr);
    e.raiseIf(limit.ltU(BITMAP_OFFSET + 1), Vector.gp, 0);
    const tss = e.read64(state.segmentBase, Segment.tr);
    const bitmap = systemLoad(e, tss.add(BITMAP_OFFSET), 16).wrap();
    const offset = code.let(bitmap.add(port.and(0xffff).shrU(3)));
    e.raiseIf(offset.add(1).gtU(limit), Vector.gp, 0);
    const bits = systemLoad(e, tss.add(offset.extendU()), 16).wrap();
    const wanted = I32.const(1).shl(bytes).sub(1);
    e.raiseIf(bits.shrU(port.and(7)).and(wanted).ne(0), Vector.gp, 0);
  },
);

/** (port, bytes: 1, 2 or 4) raises #GP(0) unless every one of the ports may be accessed; meets breakpoints on them */
export const checkPortAccess = routine(
  'checkPortAccess',
  { parameters: [I32, I32], mayFault: true },
  (e, port, bytes) => {
    e.call(checkPortPermission, port, bytes);
    e.code.if(get32(state.watchesPorts), () => {
      e.call(meetBreakpoints, port.and(0xffff).extendU(), bytes, I32.const(BreakpointKind.port));
    });
  },
);
