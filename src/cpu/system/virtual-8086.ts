/**
 * Virtual-8086 mode (SDM vol. 3 ch. 20): entering it by IRET, what its interrupts save, and the instructions that IOPL
 * guards there, with the virtual interrupt flag of CR4.VME and CR4.PVI. Elsewhere the mode is protected mode at CPL 3
 * with real mode's segments.
 */
import { I32, I64, select } from '../../wasm/values.js';
import { type Emitter, get32, get64 } from '../emitter.js';
import { systemLoad } from '../mmu/access.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { Cr4, Flag, Segment, Vector } from '../state.js';
import { enterRealCode } from './code-segment.js';
import { readFlags, writeFlags } from './flags-register.js';
import { updateMode } from './mode.js';
import { setNullSegment, setRealSegment, virtual8086 } from './segments.js';
import { peekStack, pointerAbove, setStackPointer, storeOnStack } from './stack-access.js';

/** Data segments in the order of an interrupt frame, the last pushed first. */
export const FRAME_SEGMENTS = [Segment.es, Segment.ds, Segment.fs, Segment.gs] as const;
/** Where a 32-bit TSS says how far from its start the I/O bitmap is; the redirection bitmap lies below that. */
const BITMAP_OFFSET = 102;
const REDIRECTION_BYTES = 32;
const ALL_FLAGS = -1;

/** Whether IOPL is 3. */
export function hasIoPrivilege(): I32 {
  return get32(state.systemFlags).and(Flag.iopl).eq(Flag.iopl);
}

/** In virtual-8086 mode with IOPL below 3: whether VIF stands for IF, else #GP(0). */
export function requireVirtualInterrupts(e: Emitter, operandSize: number): void {
  const on = get64(state.cr4).and(Cr4.vme).ne(0);
  e.raiseIf(operandSize === 16 ? on.eqz() : I32.const(1), Vector.gp, 0);
}

/** Whether CLI and STI change VIF: below IOPL 3, in virtual-8086 mode by VME, at CPL 3 by PVI. */
export function changesVirtualFlag(e: Emitter): I32 {
  const cr4 = e.code.let(get64(state.cr4).wrap());
  const enabled = select(virtual8086(), cr4.and(Cr4.vme), cr4.and(Cr4.pvi)).ne(0);
  return e.code.let(enabled.and(get32(state.cpl).eq(3)).and(hasIoPrivilege().eqz()));
}

/** The 16-bit image that a program below IOPL 3 sees: VIF for IF, and IOPL 3. */
export function virtualFlags(e: Emitter): I64 {
  const { code } = e;
  const flags = readFlags(e);
  const interrupts = flags.and(Flag.vif).ne(0).extendU().mul(Flag.if);
  return code.let(flags.and(~Flag.if).or(Flag.iopl).or(interrupts));
}

/** #GP(0) if such a program may not set these flags: TF, or IF while an interrupt waits. */
export function checkVirtualFlags(e: Emitter, image: I64): void {
  const waiting = get32(state.systemFlags).and(Flag.vip).ne(0);
  const refused = image
    .and(Flag.tf)
    .ne(0)
    .or(waiting.and(image.and(Flag.if).ne(0)));
  e.raiseIf(refused, Vector.gp, 0);
}

/** Sets the flags from such an image: IF means VIF. */
export function setVirtualFlags(e: Emitter, image: I64): void {
  const { code } = e;
  const virtual = code.let(image.and(Flag.if).ne(0).extendU().mul(Flag.vif).or(image.and(~Flag.vif)));
  writeFlags(e, virtual, I64.const(Flag.tf | Flag.df | Flag.nt | Flag.vif));
}

/**
 * (vector, RIP to return to) of INT n in virtual-8086 mode → 1 when it entered the program's own handler, as the
 * redirection bitmap asks for, or 0 when it is to go through the IDT; #GP(0) if IOPL forbids that
 */
export const redirectInterrupt = routine(
  'redirectInterrupt',
  { parameters: [I32, I64], result: I32, mayFault: true },
  (e, vector, returnTo) => {
    const { code } = e;
    code.if(get64(state.cr4).and(Cr4.vme).ne(0), () => {
      const limit = e.read32(state.segmentLimit, Segment.tr);
      e.raiseIf(limit.ltU(BITMAP_OFFSET + 1), Vector.gp, 0);
      const tss = e.read64(state.segmentBase, Segment.tr);
      const bitmap = systemLoad(e, tss.add(BITMAP_OFFSET), 16).wrap();
      const offset = code.let(bitmap.sub(REDIRECTION_BYTES).add(vector.shrU(3)));
      e.raiseIf(offset.gtU(limit), Vector.gp, 0);
      const bits = systemLoad(e, tss.add(offset.extendU()), 8).wrap();
      code.if(bits.shrU(vector.and(7)).and(1).eqz(), () => {
        const privileged = code.let(hasIoPrivilege());
        const image = select(privileged, readFlags(e), virtualFlags(e));
        const entry = systemLoad(e, vector.shl(2).extendU(), 32);
        const codeSelector = get32(state.segmentSelector, Segment.cs).extendU();
        const top = storeOnStack(e, 16, [code.let(image), codeSelector, returnTo]);
        e.call(enterRealCode, entry.shrU(16).wrap(), entry.and(0xffff));
        setStackPointer(e, top);
        const cleared = select(privileged, I32.const(~(Flag.tf | Flag.if)), I32.const(~(Flag.tf | Flag.vif)));
        e.set32(state.systemFlags, get32(state.systemFlags).and(cleared));
        e.set32(state.deliveries, get32(state.deliveries).add(1));
        e.call(updateMode);
        code.return(I32.const(1));
      });
    });
    e.raiseIf(hasIoPrivilege().eqz(), Vector.gp, 0);
    code.return(I32.const(0));
  },
);

/** (EIP, CS, EFLAGS image) of an IRET at CPL 0 to virtual-8086 mode, of which nothing but these has been read */
export const returnToVirtual8086 = routine(
  'returnToVirtual8086',
  { parameters: [I64, I32, I64], mayFault: true },
  (e, rip, selector, image) => {
    const { code } = e;
    const pointer = peekStack(e, 12, 32);
    const selectorAt = (depth: number): I32 => code.let(peekStack(e, depth, 32).and(0xffff).wrap());
    const stack = selectorAt(16);
    const others = FRAME_SEGMENTS.map((_segment, n) => selectorAt(20 + 4 * n));
    e.raiseIf(rip.gtU(0xffff), Vector.gp, 0);
    writeFlags(e, image, I64.const(ALL_FLAGS));
    e.set32(state.cpl, 3);
    e.call(setRealSegment, I32.const(Segment.cs), selector);
    e.call(setRealSegment, I32.const(Segment.ss), stack);
    FRAME_SEGMENTS.forEach((segment, n) => {
      e.call(setRealSegment, I32.const(segment), others[n] as I32);
    });
    e.set64(state.gpr, pointer, state.Register.rsp);
    e.set64(state.rip, rip);
    e.call(updateMode);
  },
);

/** IRET within virtual-8086 mode, the frame read but nothing changed yet. @param setFlags by IOPL and operand size */
export function returnWithinVirtual8086(
  e: Emitter,
  frame: { rip: I64; selector: I32; image: I64; bytes: number },
  setFlags: () => void,
): void {
  const { code } = e;
  const privileged = code.let(hasIoPrivilege());
  code.if(privileged.eqz(), () => {
    requireVirtualInterrupts(e, frame.bytes === 2 ? 16 : 32);
    checkVirtualFlags(e, frame.image);
  });
  const above = pointerAbove(e, 3 * frame.bytes);
  e.call(enterRealCode, frame.selector, frame.rip);
  setStackPointer(e, above);
  code.if(privileged, setFlags, () => setVirtualFlags(e, frame.image));
  e.call(updateMode);
}

/**
 * After what may have gone to less privileged code: #GP(0) of its first instruction, left in `taskFault`, if VIF and VIP
 * are both set and the mode has them, so that the waiting interrupt is taken (vol. 3 §21.3.3.4 and §21.4).
 */
export const noteVirtualInterrupt = routine('noteVirtualInterrupt', { parameters: [] }, (e) => {
  const { code } = e;
  const both = Flag.vif | Flag.vip;
  code.ifRarely(get32(state.systemFlags).and(both).eq(both), () => {
    code.if(get32(state.taskFault).eqz().and(changesVirtualFlag(e)), () => {
      e.set32(state.pendingCode, 0);
      e.set32(state.taskFault, I32.const(state.PENDING | state.PENDING_HAS_CODE | Vector.gp));
    });
  });
});

/** Makes the data segments null that an interrupt out of virtual-8086 mode has saved. */
export function dropVirtualSegments(e: Emitter): void {
  for (const segment of FRAME_SEGMENTS) e.call(setNullSegment, I32.const(segment), I32.const(0));
}
