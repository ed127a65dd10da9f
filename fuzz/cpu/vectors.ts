/** Which vector and x87 registers an instruction is about, and what numbers are in them. */
import type { OpcodeEntry } from '../../src/cpu/decode/opcode-entry.js';
import type { Random } from '../random.js';
import { Values, type ValuesKind, Vectors, type VectorsKind } from './layout.js';
import type { Tolerance } from './variant.js';

const STATE = new Set(['FXSAVE', 'FXRSTOR', 'EMMS']);

/** Whether an instruction uses x87 or MMX registers. */
export function isX87(entry: OpcodeEntry): boolean {
  const escaped = (entry.opcode >= 0xd8 && entry.opcode <= 0xdf) || entry.opcode === 0x9b;
  return (escaped && entry.map === '') || STATE.has(entry.mnemonic) || usesMmx(entry);
}

export function usesMmx(entry: OpcodeEntry): boolean {
  return entry.operands.some(({ registers }) => registers === 'mmx');
}

export function vectorsOf(entry: OpcodeEntry, ymm: boolean, random: Random): VectorsKind {
  if (isX87(entry)) return Vectors.fx;
  const vector = entry.operands.some(({ registers }) => registers === 'xmm');
  const mxcsr = /MXCSR$|^XSAVE|^XRSTOR/.test(entry.mnemonic);
  if (!vector && !mxcsr && !entry.vex) return Vectors.none;
  if (entry.vex) return ymm ? Vectors.ymm : Vectors.none;
  return ymm && (/^XSAVE|^XRSTOR/.test(entry.mnemonic) || random.oneIn(4)) ? Vectors.ymm : Vectors.xmm;
}

export function valuesOf(entry: OpcodeEntry, random: Random): ValuesKind {
  const name = entry.mnemonic.replace(/^V/, '');
  if (isX87(entry) && !usesMmx(entry)) {
    const bits = entry.operands.find(({ source }) => source === 'rm')?.memoryWidth;
    if (/^FI|^FB/.test(name)) return Values.integers;
    return bits === 32 ? Values.single : bits === 64 ? Values.double : Values.extended;
  }
  if (random.oneIn(8)) return random.pick([Values.integers, Values.single, Values.double]);
  if (/^CVTT?(PS|SS)2|(PS|SS)$/.test(name))
    return /^CVT.*2(PS|SS)$/.test(name) ? source(name) : Values.single;
  if (/^CVTT?(PD|SD)2|(PD|SD)$/.test(name))
    return /^CVT.*2(PD|SD)$/.test(name) ? source(name) : Values.double;
  return name.startsWith('CVTPH') ? Values.half : Values.integers;
}

/** What a conversion takes. */
function source(name: string): ValuesKind {
  if (/^CVTT?(PS|SS)2/.test(name)) return Values.single;
  if (/^CVTT?(PD|SD)2/.test(name)) return Values.double;
  return /^CVTPH/.test(name) ? Values.half : Values.integers;
}

const APPROXIMATIONS = /^V?(RCP|RSQRT)[PS]S$/;
const TRANSCENDENTAL = new Set(['F2XM1', 'FYL2X', 'FYL2XP1', 'FPTAN', 'FPATAN', 'FSIN', 'FCOS', 'FSINCOS']);

export function toleranceOf(entry: OpcodeEntry): Tolerance {
  if (APPROXIMATIONS.test(entry.mnemonic)) return 'approximation';
  return TRANSCENDENTAL.has(entry.mnemonic) ? 'transcendental' : 'none';
}
