/** Which family an instruction is counted under: its CPUID feature, or for what every processor has, what it is about. */
import type { OpcodeEntry } from '../../src/cpu/decode/opcode-entry.js';
import { isX87 } from './vectors.js';

const GROUPS: readonly (readonly [family: string, mnemonics: RegExp])[] = [
  ['decimal', /^(AAA|AAS|AAD|AAM|DAA|DAS)$/],
  ['arithmetic', /^(ADD|ADC|SUB|SBB|CMP|INC|DEC|NEG|XADD|CMPXCHG|CMPXCHG8B|CBW|CWDE|CDQE|CWD|CDQ|CQO)$/],
  ['multiply and divide', /^(MUL|IMUL|DIV|IDIV)$/],
  ['logic', /^(AND|OR|XOR|NOT|TEST)$/],
  ['shift and rotate', /^(SHL|SHR|SAR|ROL|ROR|RCL|RCR|SHLD|SHRD)$/],
  ['bits', /^(BT|BTS|BTR|BTC|BSF|BSR|BSWAP)$/],
  ['strings', /^(MOVS|CMPS|STOS|LODS|SCAS)$/],
  ['stack', /^(PUSH|POP|PUSHA|POPA|PUSHF|POPF|ENTER|LEAVE)$/],
  ['moves', /^(MOV|MOVSX|MOVSXD|MOVZX|XCHG|LEA|XLAT|CMOV\w+|SET\w+|SALC|LAHF|SAHF)$/],
  ['flags', /^(CLC|STC|CMC|CLD|STD)$/],
  ['jumps and calls', /^(J\w+|CALL|CALLF|RET|RETF|LOOP\w*|INT|INT1|INT3|INTO|IRET|BOUND|UD\d)$/],
  ['segments', /^(L[DEFGS]S|LAR|LSL|VERR|VERW|ARPL)$/],
  ['hints', /^(NOP|PAUSE)$/],
];

export function familyOf(entry: OpcodeEntry): string {
  if (entry.feature) return entry.feature;
  if (isX87(entry)) return 'x87';
  return GROUPS.find(([, pattern]) => pattern.test(entry.mnemonic))?.[0] ?? 'system';
}

export const BLOCKS = 'blocks';
