/**
 * The instructions of 64-bit code that have a meaning and that no region can have: what is new here runs in the
 * interpreter alone, and should do so on purpose. Where some forms of a name are left only, their opcodes follow it.
 */
import { expect, test } from 'vitest';
import { Random } from '../../../../fuzz/random.js';
import { randomEncoding } from '../../../../fuzz/templates.js';
import '../../../../src/cpu/semantics/all.js';
import { DECODE_OK, decode } from '../../../../src/cpu/decode/decoder.js';
import { DecodedInstruction } from '../../../../src/cpu/decode/instruction.js';
import { definitionOf } from '../../../../src/cpu/semantics/context.js';
import { isTranslatable } from '../../../../src/cpu/tiers/regions/translatable.js';

const LEFT =
  `CALLF CLTS CPUID ENTER FLDENV FNSAVE FNSTENV FRSTOR FXRSTOR FXSAVE HLT IN INS INT INT1 INT3 INVLPG
  INVPCID IRET JMPF LAR LFS LGS LLDT LMSW LODS LSL LSS LTR MASKMOVDQU MASKMOVQ MONITOR MOV:22 MOV:23 MOV:8e
  MWAIT OUT OUTS PCMPESTRM PCMPISTRM POP:a1 POP:a9 POPF RDMSR RDRAND RDSEED RDTSC RDTSCP RETF STI SYSCALL
  SYSENTER SYSEXIT SYSRET VERR VERW VGATHERDPD VGATHERDPS VGATHERQPD VGATHERQPS VMASKMOVDQU VMASKMOVPD:2f
  VMASKMOVPS:2e VMCALL VMMCALL VPCMPESTRM VPCMPISTRM VPGATHERDD VPGATHERDQ VPGATHERQD VPGATHERQQ
  VPMASKMOVD:8e VPMASKMOVQ:8e VZEROALL WRMSR WRPKRU XGETBV XLAT XRSTOR XRSTORS XSAVE XSAVEC XSAVEOPT XSAVES
  XSETBV`.split(/\s+/);

/** 64-bit code of the supervisor, all units on. */
const KEY = 64;

function formsLeft(): string[] {
  const possible = new Set<string>();
  const left = new Map<string, Set<string>>();
  const random = new Random(1);
  const seen = new Set<string>();
  for (let n = 0; n < 120_000; n++) {
    const instruction = new DecodedInstruction();
    if (decode(Uint8Array.from(randomEncoding(random, true)), 0, 15, 64, instruction) !== DECODE_OK) continue;
    const { entry, operandSize, vectorLength, isMemory } = instruction;
    const kind = [entry.id, operandSize, vectorLength, isMemory].join();
    if (seen.has(kind) || !definitionOf(entry.mnemonic)) continue;
    seen.add(kind);
    if (isTranslatable(instruction, KEY)) possible.add(entry.mnemonic);
    else {
      const forms = left.get(entry.mnemonic) ?? new Set();
      left.set(entry.mnemonic, forms.add(entry.opcode.toString(16)));
    }
  }
  return [...left].flatMap(([mnemonic, opcodes]) =>
    possible.has(mnemonic) ? [...opcodes].map((opcode) => `${mnemonic}:${opcode}`) : [mnemonic],
  );
}

test('these and no others', () => {
  expect(formsLeft().sort()).toEqual(LEFT);
});
