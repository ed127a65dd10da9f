/**
 * Makes a divergence small: fewer instructions of a block, fewer prefixes, then as many zeros in the input state as leave
 * the two sides differing.
 */
import { DECODE_OK, decode } from '../../src/cpu/decode/decoder.js';
import { DecodedInstruction } from '../../src/cpu/decode/instruction.js';
import { INPUT } from './layout.js';
import type { Case, Workbench } from './workbench.js';

const PREFIXES = new Set([0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65]);

/** The lengths of a code's instructions. */
function lengths({ variant }: Case): number[] {
  const bytes = Uint8Array.from([...variant.code, ...new Array<number>(15).fill(0x90)]);
  const instruction = new DecodedInstruction();
  const found: number[] = [];
  for (let at = 0; at < variant.code.length; at += instruction.length) {
    if (decode(bytes, at, bytes.length, variant.codeSize, instruction) !== DECODE_OK)
      return [variant.code.length];
    found.push(instruction.length);
  }
  return found;
}

/** Instructions whose memory holds where to go: with zeros there they might go on for ever. */
const THROUGH_MEMORY = /^(JMP|CALL|RET)F?$|^IRET$/;

function without(from: Case, at: number, count: number): Case {
  const code = [...from.variant.code];
  code.splice(at, count);
  return { ...from, variant: { ...from.variant, code } };
}

function zeroed(from: Case, at: number, count: number): Case | undefined {
  if (from.input.subarray(at, at + count).every((byte) => byte === 0)) return undefined;
  const input = from.input.slice();
  input.fill(0, at, at + count);
  return { ...from, input };
}

/** @param other as for Workbench.run */
export async function minimise(bench: Workbench, start: Case, other = 0): Promise<Case> {
  let best = start;
  const keep = async (candidate: Case | undefined): Promise<boolean> => {
    if (!candidate || (await bench.run(candidate, other)).differences.length === 0) return false;
    best = candidate;
    return true;
  };
  if (best.variant.tier === 'block') {
    for (let n = 0; n < lengths(best).length; ) {
      const parts = lengths(best);
      const at = parts.slice(0, n).reduce((sum, length) => sum + length, 0);
      if (parts.length === 1 || !(await keep(without(best, at, parts[n]!)))) n++;
    }
  } else if (best.variant.patches.length === 0) {
    for (let n = 0; PREFIXES.has(best.variant.code[n]!); ) if (!(await keep(without(best, n, 1)))) n++;
  }
  for (let at: number = INPUT.registers; at < INPUT.rip; at += 8) await keep(zeroed(best, at, 8));
  await keep(zeroed(best, INPUT.rsp, 8));
  const plain = best.input.slice();
  new DataView(plain.buffer).setBigUint64(INPUT.flags, 0x202n, true);
  await keep({ ...best, input: plain });
  if (best.variant.entries.some(({ mnemonic }) => THROUGH_MEMORY.test(mnemonic))) return best;
  for (const size of [64, 16, 1]) {
    for (let at: number = INPUT.memory; at < best.input.length; at += size) {
      await keep(zeroed(best, at, Math.min(size, best.input.length - at)));
    }
  }
  return best;
}
