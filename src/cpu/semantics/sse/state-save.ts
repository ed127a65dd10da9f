/**
 * FXSAVE, FXRSTOR, LDMXCSR, STMXCSR (SDM vol. 1 §10.5, §10.2.3). The area is in legacy-area.ts; FXSAVE does not touch its
 * last 96 bytes.
 */
import { I32, I64 } from '../../../wasm/values.js';
import { get32 } from '../../emitter.js';
import { routine } from '../../routine.js';
import * as state from '../../state.js';
import { Vector } from '../../state.js';
import { Mxcsr } from '../../system/mxcsr.js';
import { type Context, define, type Operand } from '../context.js';
import { defineVector } from './common.js';
import {
  LEGACY_SIZE,
  probe,
  reachOf,
  requireAligned,
  restoreX87,
  restoreXmm,
  savedMxcsr,
  saveMxcsr,
  saveX87,
  saveXmm,
  setMxcsr,
} from './legacy-area.js';

/** (linear, access bits, count of XMM registers, 1 for a 64-bit operand size) */
const fxsave = routine(
  'fxsave',
  { parameters: [I64, I32, I32, I32], mayFault: true },
  (e, linear, access, registers, wide) => {
    probe(e, linear, LEGACY_SIZE - 1, 'write', access);
    probe(e, linear, 0, 'write', access);
    e.call(saveX87, linear, access, wide);
    e.call(saveMxcsr, linear, access);
    e.call(saveXmm, linear, access, registers);
  },
);

const fxrstor = routine(
  'fxrstor',
  { parameters: [I64, I32, I32, I32], mayFault: true },
  (e, linear, access, registers, wide) => {
    probe(e, linear, LEGACY_SIZE - 1, 'read', access);
    probe(e, linear, 0, 'read', access);
    setMxcsr(e, e.call(savedMxcsr, linear, access));
    e.call(restoreX87, linear, access, wide);
    e.call(restoreXmm, linear, access, registers);
  },
);

function area(context: Context, kind: 'read' | 'write'): [I64, I32, I32, I32] {
  const { code } = context;
  context.raiseIf(get32(state.fpuFault), Vector.nm);
  const [operand] = context.operands as [Operand];
  const linear = code.let(operand.linearAddress(LEGACY_SIZE, kind));
  requireAligned(context, linear, 16);
  const { access, registers, wide } = reachOf(context);
  return [linear, access, registers, wide];
}

define('FXSAVE', 'Saves the x87, MXCSR and XMM registers in 512 bytes.', (context) => {
  context.call(fxsave, ...area(context, 'write'));
});

define('FXRSTOR', 'Restores the x87, MXCSR and XMM registers from 512 bytes.', (context) => {
  context.call(fxrstor, ...area(context, 'read'));
});

defineVector('LDMXCSR', 'Loads MXCSR; reserved bits must be 0.', (context) => {
  const { code } = context;
  const [source] = context.operands as [Operand];
  const value = code.let(source.read().wrap());
  context.raiseIf(value.and(~Mxcsr.writable), Vector.gp, 0);
  setMxcsr(context, value);
});

defineVector('STMXCSR', 'Stores MXCSR.', (context) => {
  const [destination] = context.operands as [Operand];
  destination.write(context.read32(state.mxcsr).extendU());
});
