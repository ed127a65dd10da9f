/**
 * What instructions want of their inputs beyond their explicit operands: addresses in implied registers, stacks, counts,
 * targets of jumps, selectors; and what must follow them so that a case ends and compares. One table by mnemonic.
 */
import { operandWidth } from '../../src/cpu/decode/instruction.js';
import type { Build } from './build.js';
import { Fixup, SELECTOR } from './layout.js';
import { forget, RAX, RBP, RBX, RCX, RDI, RDX, RSP, type Rule } from './wishes.js';
import {
  enter,
  farCallStack,
  farDirect,
  farPointer,
  farThroughMemory,
  jumpsIndirectly,
  jumpsOver,
  pop,
  restoreBase,
  returns,
  segmentLoaded,
  selectorSource,
  stack,
  word,
} from './wishes-control.js';
import {
  bitReach,
  bitTest,
  compareExchange,
  compareExchangePair,
  components,
  divide,
  extended,
  forgetMemory,
  nonzero,
  pointed,
  restored,
  saved,
  shift,
  string,
  wholeMxcsr,
} from './wishes-data.js';

const rules = new Map<string, Rule>();
const rule = (names: string, value: Rule): void => {
  for (const name of names.split(' ')) rules.set(name, value);
};

rule('ROL ROR RCL RCR SHL SHR SAR SHLD SHRD', { reserve: [RCX], after: shift });
rule('DIV IDIV', { reserve: [RAX, RDX], after: divide });
rule('BSF BSR', {
  after: (build, instruction) =>
    nonzero(build, instruction, operandWidth(instruction, instruction.entry.operands[1]!)),
});
rule('BT BTS BTR BTC', { before: bitReach, after: bitTest });
rule('CMPXCHG', { reserve: [RAX], after: compareExchange });
rule('CMPXCHG8B CMPXCHG16B', { reserve: [RAX, RCX, RDX, RBX], after: compareExchangePair });
rule('MOVS CMPS STOS LODS SCAS', {
  before: (build) => {
    if (build.random.oneIn(2)) build.prefixes.push(build.random.pick([0xf2, 0xf3]));
  },
  after: string,
});
rule('PUSH PUSHF', { reserve: [RSP], after: stack(1, 0) });
rule('POP', { reserve: [RSP], after: pop });
rule('POPF', { after: stack(0, 1) });
rule('PUSHA', { after: stack(8, 0) });
rule('POPA', { after: stack(0, 8) });
rule('ENTER', {
  before: (build) => {
    const small = build.tier !== 'fault' || build.random.oneIn(2);
    if (small) build.immediate = [build.random.below(64), 0, build.random.below(64)];
  },
  after: enter,
});
rule('LEAVE', {
  after: (build, instruction) => {
    const bytes = word(build, instruction);
    const address = build.place(bytes);
    build.touch(address, 0, bytes);
    build.point(RBP, address);
  },
});
rule('XLAT', pointed(RBX, 256));
rule('MASKMOVDQU VMASKMOVDQU', pointed(RDI, 16));
rule('MASKMOVQ', pointed(RDI, 8));
rule('LEA', { before: (build) => (build.addressOnly = true) });
rule('JO JNO JB JNB JZ JNZ JBE JNBE JS JNS JP JNP JL JNL JLE JNLE LOOPNE LOOPE LOOP JCXZ JECXZ JRCXZ', {
  before: jumpsOver,
  after: (build) => {
    const counts = /^(LOOP|J.?CXZ)/.test(build.entry.mnemonic) && build.random.oneIn(2);
    if (counts) build.fixups.push({ operation: Fixup.range, register: RCX, a: 0, b: 2, c: 1 });
  },
});
const relative = (build: Build): boolean => build.entry.operands.some(({ source }) => source === 'relative');
rule('JMP', {
  before: (build) => relative(build) && jumpsOver(build),
  after: (build, instruction) => !relative(build) && jumpsIndirectly(build, instruction),
});
rule('CALL', {
  reserve: [RSP],
  before: (build) => relative(build) && jumpsOver(build),
  after: (build, instruction) => {
    if (!relative(build)) jumpsIndirectly(build, instruction);
    stack(1, 0)(build, instruction);
  },
});
rule('JMPF CALLF', {
  reserve: [RSP],
  before: (build) => {
    if (build.entry.opcode !== 0xff) build.immediate = [0, 0, 0, 0, SELECTOR.code32, 0];
  },
  after: (build, instruction) => {
    (build.entry.opcode === 0xff ? farThroughMemory : farDirect)(build, instruction);
    if (build.entry.mnemonic === 'CALLF') farCallStack(build, instruction);
  },
});
rule('RET', { after: returns('near') });
rule('RETF', { after: returns('far') });
rule('IRET', { after: returns('interrupt') });
rule('MOV', { after: segmentLoaded });
rule('LAR LSL VERR VERW', { after: selectorSource });
rule('LES LDS LSS LFS LGS', { after: farPointer });
rule('CPUID', { after: forget(RAX, RCX, RDX, RBX) });
rule('RDTSC', { after: forget(RAX, RDX) });
rule('RDTSCP', { after: forget(RAX, RDX, RCX) });
rule('XGETBV', {
  after: (build, instruction) => {
    build.fixups.push({ operation: Fixup.range, register: RCX, a: 0, b: 2, c: 1 });
    forget(RAX, RDX)(build, instruction);
  },
});
rule('XSAVE XSAVEC XSAVEOPT XSAVES', { reserve: [RAX, RDX], before: extended, after: components });
rule('XRSTOR XRSTORS', { reserve: [RAX, RDX], before: extended, after: restored });
rule('RDPID', { after: (build, instruction) => forget(instruction.rm)(build, instruction) });
rule('RDRAND RDSEED', {
  after: (build, instruction) => {
    forget(instruction.rm)(build, instruction);
    build.after.push(0xf8); // clc: whether there was a number in time
  },
});
rule('WRFSBASE', { after: (build) => restoreBase(build, 4) });
rule('WRGSBASE', { after: (build) => restoreBase(build, 5) });
rule('LDMXCSR VLDMXCSR', { after: wholeMxcsr(0) });
rule('FXRSTOR', { after: wholeMxcsr(24) });
rule('FXSAVE', { after: saved });
rule('FNSAVE FNSTENV', {
  after: (build, instruction) => {
    if (instruction.operandSize === 16) forgetMemory(build, 6, 14);
    else forgetMemory(build, 12, 28);
  },
});

export function ruleOf(mnemonic: string): Rule | undefined {
  return rules.get(mnemonic);
}
