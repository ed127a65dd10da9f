/**
 * The XSAVE family (SDM vol. 1 ch. 13): XGETBV XSETBV, XSAVE XSAVEOPT XSAVEC XSAVES, XRSTOR XRSTORS, for x87, SSE, AVX
 * and PKRU state. A component counts as in use when its registers differ from their initial values, which the manual allows
 * (§13.6); XSAVEOPT and XSAVES leave out what is not in use, never what was not modified (§13.9.2). There are no
 * supervisor components: IA32_XSS is 0, and XSAVES and XRSTORS know what XSAVEC and XRSTOR do. Which part is tried
 * first, as a page fault shows, is as on silicon.
 */

import { Simd } from '../../wasm/simd.js';
import { I32, I64, select } from '../../wasm/values.js';
import { V128, ZERO_VECTOR } from '../../wasm/vector.js';
import { type Emitter, get32, get64 } from '../emitter.js';
import { behind } from '../mmu/segmentation.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { Cr0, Cr4, Register, Vector, Xcr0 } from '../state.js';
import {
  XCR0_SUPPORTED,
  XSAVE_AVX_OFFSET,
  XSAVE_AVX_SIZE,
  XSAVE_PKRU_OFFSET,
  XSAVE_PKRU_SIZE,
} from '../system/features.js';
import { updateMode } from '../system/mode.js';
import { Mxcsr } from '../system/mxcsr.js';
import { requireSupervisor } from '../system/privilege.js';
import { writePkru } from '../system/protection-keys.js';
import { type Context, define, type Operand } from './context.js';
import {
  LEGACY_SIZE,
  loadVector,
  loadWord,
  MXCSR_OFFSET,
  probe,
  reachOf,
  requireAligned,
  restoreUpper,
  restoreX87,
  restoreXmm,
  savedMxcsr,
  saveMxcsr,
  saveUpper,
  saveX87,
  saveXmm,
  setMxcsr,
  storeWord,
} from './sse/legacy-area.js';
import { initialise } from './x87/control.js';
import { INITIAL_CONTROL } from './x87/words.js';

/** XSTATE_BV; XCOMP_BV follows, then zeros up to the end of the header. */
const HEADER = LEGACY_SIZE;
const HEADER_END = XSAVE_AVX_OFFSET;
const AREA_END = XSAVE_AVX_OFFSET + XSAVE_AVX_SIZE;
/** XCOMP_BV: the area is compacted: PKRU follows AVX state, or the header if there is none. */
const COMPACTED = 1n << 63n;

function requireEnabled(context: Context): void {
  context.raiseIf(get64(state.cr4).and(Cr4.osxsave).eqz(), Vector.ud);
}

/** Of so many vector registers: not 0 if one has a bit set in this half. */
function anySet(e: Emitter, lane: 0 | 16, registers: I32): I32 {
  const all = e.code.variable(V128, ZERO_VECTOR);
  const gather = (n: number): void =>
    all.set(all.get().or(V128.load(I32.const(state.at(state.xmm, n) + lane))));
  for (let n = 0; n < 8; n++) gather(n);
  e.code.if(registers.eq(16), () => {
    for (let n = 8; n < 16; n++) gather(n);
  });
  return e.code.let(all.get().test(Simd.anyTrue));
}

function x87InUse(e: Emitter): I32 {
  const { code } = e;
  const words = get32(state.fpuControl)
    .xor(INITIAL_CONTROL)
    .or(get32(state.fpuStatus))
    .or(get32(state.fpuTag))
    .or(get32(state.fpuOpcode));
  const pointers = get64(state.fpuInstruction).or(get64(state.fpuData));
  const registers = code.variable(V128, ZERO_VECTOR);
  for (let n = 0; n < 8; n++) registers.set(registers.get().or(V128.load(I32.const(state.at(state.fpr, n)))));
  return code.let(words.or(pointers.ne(0)).or(registers.get().test(Simd.anyTrue)).ne(0));
}

/** (count of vector registers) → XINUSE */
const componentsInUse = routine('componentsInUse', { parameters: [I32], result: I32 }, (e, registers) => {
  const sse = anySet(e, 0, registers).mul(Xcr0.sse);
  const avx = anySet(e, 16, registers).mul(Xcr0.avx);
  const pkru = get32(state.pkru).ne(0).mul(Xcr0.pkru);
  e.code.return(x87InUse(e).or(sse).or(avx).or(pkru));
});

define('XGETBV', 'Reads XCR0, or what of it is in use, into EDX:EAX; ECX chooses.', (context) => {
  const { code } = context;
  requireEnabled(context);
  const chosen = context.register(Register.rcx, 32);
  context.raiseIf(chosen.gtU(1), Vector.gp, 0);
  const value = code.variable(I64, get64(state.xcr0));
  code.if(chosen.wrap(), () => {
    const inUse = context.call(componentsInUse, I32.const(context.long ? 16 : 8));
    value.set(value.get().and(inUse.extendU()));
  });
  context.setRegister(Register.rax, 32, value.get());
  context.setRegister(Register.rdx, 32, I64.const(0));
});

define('XSETBV', 'Writes EDX:EAX to XCR0: the components that XSAVE and VEX may use.', (context) => {
  const { code } = context;
  requireEnabled(context);
  requireSupervisor(context);
  context.raiseIf(context.register(Register.rcx, 32).ne(0), Vector.gp, 0);
  const value = code.let(componentMask(context));
  context.raiseIf(value.and(~BigInt(XCR0_SUPPORTED)).ne(0), Vector.gp, 0);
  context.raiseIf(value.and(Xcr0.x87).eqz(), Vector.gp, 0);
  context.raiseIf(value.and(Xcr0.sse | Xcr0.avx).eq(Xcr0.avx), Vector.gp, 0);
  context.set64(state.xcr0, value);
  context.call(updateMode);
});

/** EDX:EAX */
function componentMask(context: Context): I64 {
  return context.register(Register.rdx, 32).shl(32).or(context.register(Register.rax, 32));
}

/** Where PKRU lies. @param compacted whether closely behind AVX state, if that is among the components */
function pkruOffset(compacted: I32, components: I32): I64 {
  const behind = select(components.and(Xcr0.avx), I64.const(AREA_END), I64.const(XSAVE_AVX_OFFSET));
  return select(compacted, behind, I64.const(XSAVE_PKRU_OFFSET));
}

/** Tries the last byte of an area that has room for these components. @param keys where PKRU is */
function probeEnd(e: Emitter, linear: I64, room: I32, keys: I64, kind: 'read' | 'write', access: I32): void {
  e.code.if(
    room.and(Xcr0.pkru),
    () => probe(e, keys, XSAVE_PKRU_SIZE - 1, kind, access),
    () =>
      e.code.if(
        room.and(Xcr0.avx),
        () => probe(e, linear, AREA_END - 1, kind, access),
        () => probe(e, linear, HEADER_END - 1, kind, access),
      ),
  );
}

/** What a save leaves out, and whether it writes a header of the compacted form. */
const Saving = { all: 0, inUse: 1, compacted: 2 } as const;

/** (linear, access bits, requested components, how, count of vector registers, 1 for a 64-bit operand size) */
const save = routine(
  'xsave',
  { parameters: [I64, I32, I32, I32, I32, I32], mayFault: true },
  (e, linear, access, requested, how, registers, wide) => {
    const { code } = e;
    const at = (offset: number): I64 => behind(e, linear, offset);
    const compacted = code.let(how.eq(Saving.compacted));
    const inUse = code.let(e.call(componentsInUse, registers).and(requested));
    const bits = code.variable(I32, inUse);
    const changed = get32(state.mxcsr).ne(Mxcsr.reset).mul(Xcr0.sse);
    code.if(compacted, () => bits.set(inUse.or(changed.and(requested))));
    const written = code.let(select(how, bits.get(), requested));

    const keys = behind(e, linear, pkruOffset(compacted, requested));
    probeEnd(e, linear, requested, keys, 'write', access);
    const withMxcsr = code.let(select(compacted, I32.const(Xcr0.sse), I32.const(Xcr0.sse | Xcr0.avx)));
    code.if(requested.and(Xcr0.x87), () => probe(e, linear, 0, 'write', access));
    code.if(requested.and(withMxcsr), () => probe(e, linear, MXCSR_OFFSET, 'write', access));
    probe(e, linear, HEADER, 'write', access);
    code.if(written.and(Xcr0.x87), () => e.call(saveX87, linear, access, wide));
    const control = select(compacted, bits.get(), requested).and(withMxcsr);
    code.if(control, () => e.call(saveMxcsr, linear, access));
    code.if(written.and(Xcr0.sse), () => e.call(saveXmm, linear, access, registers));
    code.if(written.and(Xcr0.avx), () => e.call(saveUpper, at(XSAVE_AVX_OFFSET), access, registers));
    code.if(written.and(Xcr0.pkru), () => e.call(storeWord, keys, access, get32(state.pkru).extendU()));
    code.if(
      compacted,
      () => {
        e.call(storeWord, at(HEADER), access, bits.get().extendU());
        e.call(storeWord, at(HEADER + 8), access, requested.extendU().or(COMPACTED));
      },
      () => {
        const others = e.call(loadWord, at(HEADER), access).and(requested.extendU().not());
        e.call(storeWord, at(HEADER), access, code.let(others.or(inUse.extendU())));
      },
    );
  },
);

/** (linear, access bits, 1 if only the compacted form will do) → XSTATE_BV, with bit 63 for the compacted form */
const checkHeader = routine(
  'checkHeader',
  { parameters: [I64, I32, I32], result: I64, mayFault: true },
  (e, linear, access, mustBeCompacted) => {
    const { code } = e;
    const at = (offset: number): I64 => behind(e, linear, offset);
    const refuseIf = (condition: I32): void => e.raiseIf(condition, Vector.gp, 0);
    const layout = e.call(loadWord, at(HEADER + 8), access);
    const present = e.call(loadWord, at(HEADER), access);
    const unsupported = code.let(get64(state.xcr0).not());
    code.if(
      layout.geS(0),
      () => {
        refuseIf(mustBeCompacted);
        refuseIf(layout.ne(0));
        refuseIf(present.and(unsupported).ne(0));
        refuseIf(e.call(loadWord, at(HEADER + 16), access).ne(0));
        code.return(present);
      },
      () => {
        const components = code.let(layout.and(COMPACTED - 1n));
        refuseIf(components.and(unsupported).ne(0));
        refuseIf(present.and(components.not()).ne(0));
        for (let offset = HEADER + 16; offset < HEADER_END; offset += 16) {
          refuseIf(e.call(loadVector, at(offset), access).test(Simd.anyTrue));
        }
        code.return(present.or(COMPACTED));
      },
    );
    code.unreachable();
  },
);

function clearRegisters(e: Emitter, lane: 0 | 16, registers: I32): void {
  const clear = (n: number): void => e.code.store(I32.const(state.at(state.xmm, n) + lane), ZERO_VECTOR);
  for (let n = 0; n < 8; n++) clear(n);
  e.code.if(registers.eq(16), () => {
    for (let n = 8; n < 16; n++) clear(n);
  });
}

function clearX87(e: Emitter): void {
  initialise(e);
  for (let n = 0; n < 8; n++) e.code.store(I32.const(state.at(state.fpr, n)), ZERO_VECTOR);
}

/** (linear, access bits, requested components, 1 for XRSTORS, count of vector registers, 1 for a 64-bit operand size) */
const restore = routine(
  'xrstor',
  { parameters: [I64, I32, I32, I32, I32, I32], mayFault: true },
  (e, linear, access, requested, supervisor, registers, wide) => {
    const { code } = e;
    const at = (offset: number): I64 => behind(e, linear, offset);
    const header = e.call(checkHeader, linear, access, supervisor);
    const compacted = code.let(header.ltS(0));
    const present = code.let(header.wrap());
    const mxcsr = code.variable(I32, get32(state.mxcsr));
    const vectors = code.let(requested.and(Xcr0.sse | Xcr0.avx));
    const layout = e.call(loadWord, at(HEADER + 8), access);
    const room = code.let(select(compacted, layout.wrap(), I32.const(-1)));
    const keys = behind(e, linear, pkruOffset(compacted, room));
    probeEnd(e, linear, code.let(room.and(requested)), keys, 'read', access);
    code.if(requested.and(Xcr0.x87), () => probe(e, linear, 0, 'read', access));
    code.if(
      compacted,
      () =>
        code.if(requested.and(Xcr0.sse), () => {
          mxcsr.set(I32.const(Mxcsr.reset));
          code.if(present.and(Xcr0.sse), () => mxcsr.set(e.call(savedMxcsr, linear, access)));
        }),
      () => code.if(vectors, () => mxcsr.set(e.call(savedMxcsr, linear, access))),
    );

    const rights = code.variable(I64, I64.const(0));
    code.if(requested.and(present).and(Xcr0.pkru), () => rights.set(e.call(loadWord, keys, access)));

    setMxcsr(e, mxcsr.get());
    const component = (bit: number, load: () => void, clear: () => void): void => {
      code.if(requested.and(bit), () => code.if(present.and(bit), load, clear));
    };
    component(
      Xcr0.x87,
      () => e.call(restoreX87, linear, access, wide),
      () => clearX87(e),
    );
    component(
      Xcr0.sse,
      () => e.call(restoreXmm, linear, access, registers),
      () => clearRegisters(e, 0, registers),
    );
    component(
      Xcr0.avx,
      () => e.call(restoreUpper, at(XSAVE_AVX_OFFSET), access, registers),
      () => clearRegisters(e, 16, registers),
    );
    code.if(requested.and(Xcr0.pkru), () => writePkru(e, rights.get().wrap()));
  },
);

interface Area {
  readonly linear: I64;
  /** XCR0 and EDX:EAX. */
  readonly requested: I32;
}

/**
 * What all begin with. @param supervisor only at CPL 0
 * @param keysOffset where PKRU lies in an area when these components are requested
 */
function area(
  context: Context,
  kind: 'read' | 'write',
  supervisor: boolean,
  keysOffset: (linear: I64, requested: I32) => I64,
): Area {
  const { code } = context;
  requireEnabled(context);
  context.raiseIf(get64(state.cr0).and(Cr0.ts).ne(0), Vector.nm);
  if (supervisor) requireSupervisor(context);
  const [operand] = context.operands as [Operand];
  const requested = code.let(componentMask(context).and(get64(state.xcr0)).wrap());
  const linear = code.let(operand.linearAddress(HEADER_END, kind));
  if (!context.long) {
    code.if(requested.and(Xcr0.avx), () => {
      operand.part(XSAVE_AVX_OFFSET, 8).linearAddress(XSAVE_AVX_SIZE, kind);
    });
  }
  requireAligned(context, linear, 64);
  if (!context.long) {
    code.if(requested.and(Xcr0.pkru), () => {
      const offset = code.let(keysOffset(linear, requested));
      operand.part(offset, 8).linearAddress(XSAVE_PKRU_SIZE, kind);
    });
  }
  return { linear, requested };
}

const SAVES: readonly [name: string, summary: string, how: number, supervisor: boolean][] = [
  ['XSAVE', 'Saves the components of EDX:EAX.', Saving.all, false],
  ['XSAVEOPT', 'Saves the components of EDX:EAX that are in use.', Saving.inUse, false],
  ['XSAVEC', 'Saves the components of EDX:EAX that are in use, compacted.', Saving.compacted, false],
  ['XSAVES', 'Saves components in use, compacted, supervisor state with them.', Saving.compacted, true],
];
for (const [name, summary, how, supervisor] of SAVES) {
  define(name, summary, (context) => {
    const compacted = I32.const(how === Saving.compacted ? 1 : 0);
    const { linear, requested } = area(context, 'write', supervisor, (_, components) =>
      pkruOffset(compacted, components),
    );
    const { access, registers, wide } = reachOf(context);
    context.call(save, linear, access, requested, I32.const(how), registers, wide);
  });
}

const RESTORES: readonly [name: string, summary: string, supervisor: boolean][] = [
  ['XRSTOR', 'Restores the components of EDX:EAX, to initial values what was not saved.', false],
  ['XRSTORS', 'Restores components from a compacted area, supervisor state with them.', true],
];
for (const [name, summary, supervisor] of RESTORES) {
  define(name, summary, (context) => {
    const { access, registers, wide } = reachOf(context);
    const { linear, requested } = area(context, 'read', supervisor, (start) => {
      const layout = context.call(loadWord, context.code.let(start.add(HEADER + 8)), access);
      return pkruOffset(layout.ltS(0), layout.wrap());
    });
    context.call(restore, linear, access, requested, I32.const(supervisor ? 1 : 0), registers, wide);
  });
}
