/**
 * FXSAVE, FXRSTOR, LDMXCSR, STMXCSR (SDM vol. 1 §10.5, §10.2.3). The x87 instruction and data pointers and the opcode
 * are not kept: they are saved as 0. FXSAVE does not touch the image's last 96 bytes.
 */
import { I32, I64 } from '../../../wasm/values.js';
import { V128, ZERO_VECTOR } from '../../../wasm/vector.js';
import { type Emitter, get32 } from '../../emitter.js';
import { commit, place } from '../../mmu/access.js';
import { AccessKind } from '../../mmu/walk.js';
import { routine } from '../../routine.js';
import * as state from '../../state.js';
import { Segment, Vector } from '../../state.js';
import { Mxcsr, updateMxcsr } from '../../system/mxcsr.js';
import { type Context, define, type Operand } from '../context.js';
import { defineVector } from './common.js';

const IMAGE_SIZE = 512;
const MXCSR_OFFSET = 24;
const X87_OFFSET = 32;
const XMM_OFFSET = 160;
const TOP_SHIFT = 11;
/** Of an 80-bit register: sign and exponent, in the second 8 bytes. */
const EXTENDED_MASK = 0xffff;

/** (linear, access bits, value) */
const storeVector = routine(
  'storeVector',
  { parameters: [I64, I32, V128], mayFault: true },
  (e, linear, access, value) => {
    const host = place(e, linear, 16, 'write', access);
    e.code.store(host, value);
    commit(e, host);
  },
);

const loadVector = routine(
  'loadVector',
  { parameters: [I64, I32], result: V128, mayFault: true },
  (e, linear, access) => e.code.return(V128.load(place(e, linear, 16, 'read', access))),
);

/** The register that stands n-th from the top of the x87 stack: its address. */
function stackRegister(e: Emitter, top: I32, n: number): I32 {
  return e.code.let(e.element(state.fpr, top.add(n).and(7)));
}

function topOfStack(e: Emitter): I32 {
  return e.code.let(get32(state.fpuStatus).shrU(TOP_SHIFT).and(7));
}

/** (linear, access bits, count of XMM registers) */
const fxsave = routine(
  'fxsave',
  { parameters: [I64, I32, I32], mayFault: true },
  (e, linear, access, registers) => {
    const { code } = e;
    const put = (offset: number, value: V128): void => {
      e.call(storeVector, code.let(linear.add(offset)), access, value);
    };
    place(e, linear, 16, 'write', access);
    place(e, code.let(linear.add(IMAGE_SIZE - 16)), 16, 'write', access);
    const control = get32(state.fpuControl).and(0xffff).extendU();
    const status = get32(state.fpuStatus).and(0xffff).extendU().shl(16);
    put(0, ZERO_VECTOR.replaceI64(0, control.or(status).or(get32(state.fpuTag).extendU().shl(32))));
    const mask = I64.const(BigInt(Mxcsr.writable) << 32n);
    put(16, ZERO_VECTOR.replaceI64(1, get32(state.mxcsr).extendU().or(mask)));
    const top = topOfStack(e);
    for (let n = 0; n < 8; n++) {
      const register = stackRegister(e, top, n);
      const exponent = I64.load(register, 8).and(EXTENDED_MASK);
      put(X87_OFFSET + 16 * n, V128.load(register).replaceI64(1, exponent));
    }
    for (let n = 0; n < 16; n++) {
      if (n === 8) code.if(registers.eq(8), () => code.return());
      put(XMM_OFFSET + 16 * n, V128.load(I32.const(state.at(state.xmm, n))));
    }
  },
);

/** (linear, access bits, count of XMM registers) */
const fxrstor = routine(
  'fxrstor',
  { parameters: [I64, I32, I32], mayFault: true },
  (e, linear, access, registers) => {
    const { code } = e;
    const get = (offset: number): V128 => e.call(loadVector, code.let(linear.add(offset)), access);
    get(IMAGE_SIZE - 16);
    const head = get(0);
    const control = get(16);
    const mxcsr = code.let(control.extractI32((MXCSR_OFFSET - 16) / 4));
    e.raiseIf(mxcsr.and(~Mxcsr.writable), Vector.gp, 0);
    e.set32(state.mxcsr, mxcsr);
    e.call(updateMxcsr);
    const first = code.let(head.extractI64(0));
    e.set32(state.fpuControl, first.wrap().and(0xffff));
    e.set32(state.fpuStatus, first.shrU(16).wrap().and(0xffff));
    const top = topOfStack(e);
    for (let n = 0; n < 8; n++) {
      const value = get(X87_OFFSET + 16 * n);
      const exponent = value.extractI64(1).and(EXTENDED_MASK);
      code.store(stackRegister(e, top, n), value.replaceI64(1, exponent));
    }
    e.set32(state.fpuTag, first.shrU(32).wrap().and(0xff));
    for (let n = 0; n < 16; n++) {
      if (n === 8) code.if(registers.eq(8), () => code.return());
      code.store(I32.const(state.at(state.xmm, n)), get(XMM_OFFSET + 16 * n));
    }
  },
);

function image(context: Context, kind: 'read' | 'write'): [linear: I64, access: I32, registers: I32] {
  const { code } = context;
  context.raiseIf(get32(state.fpuFault), Vector.nm);
  const [operand] = context.operands as [Operand];
  const linear = code.let(operand.linearAddress(IMAGE_SIZE, kind));
  context.raiseIf(linear.wrap().and(15), Vector.gp, 0);
  const access = code.let(context.segment().eq(Segment.ss).mul(AccessKind.stack));
  return [linear, access, I32.const(context.long ? 16 : 8)];
}

define('FXSAVE', 'Saves the x87, MXCSR and XMM registers in 512 bytes.', (context) => {
  context.call(fxsave, ...image(context, 'write'));
});

define('FXRSTOR', 'Restores the x87, MXCSR and XMM registers from 512 bytes.', (context) => {
  context.call(fxrstor, ...image(context, 'read'));
});

defineVector('LDMXCSR', 'Loads MXCSR; reserved bits must be 0.', (context) => {
  const { code } = context;
  const [source] = context.operands as [Operand];
  const value = code.let(source.read().wrap());
  context.raiseIf(value.and(~Mxcsr.writable), Vector.gp, 0);
  context.set32(state.mxcsr, value);
  context.call(updateMxcsr);
});

defineVector('STMXCSR', 'Stores MXCSR.', (context) => {
  const [destination] = context.operands as [Operand];
  destination.write(context.read32(state.mxcsr).extendU());
});
