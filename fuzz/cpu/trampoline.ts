/**
 * The machine code that runs cases, the same in both worlds: for each descriptor, for each of its input records, it
 * loads memory, vector and general registers and flags, jumps to the code under test, and when that comes to `finish`,
 * by itself or because the handler of an exception sends it there, stores the output record.
 * Leaves out the handlers of exceptions: a signal's in harness.c, the guest's in guest.ts.
 */
import { Assembler } from './assembler.js';
import {
  DESCRIPTOR,
  DESCRIPTOR_SIZE,
  INPUT,
  OUTPUT,
  RECORD_ORDER,
  SELECTOR,
  TRAMPOLINE,
  TRAMPOLINE_WORDS,
  VARIABLE,
  VARIABLES,
  Vectors,
  type VectorsKind,
} from './layout.js';

const [RAX, RCX, RBX, RSP, RSI, RDI] = [0, 1, 3, 4, 6, 7] as const;

export interface Trampoline {
  readonly bytes: Uint8Array;
  readonly finish: number;
  readonly load: Readonly<Record<VectorsKind, number>>;
  readonly save: Readonly<Record<VectorsKind, number>>;
  /** By POPFQ and a jump; or by IRETQ, which also takes the code segment and lets TF begin at the first instruction. */
  readonly enterFast: number;
  readonly enterReturn: number;
}

const variable = (field: keyof typeof DESCRIPTOR): number => VARIABLES + DESCRIPTOR[field];

/** @param withYmm whether AVX may be used */
export function buildTrampoline(withYmm: boolean): Trampoline {
  const a = new Assembler(TRAMPOLINE);
  const descriptor = a.here();
  a.load(RSI, VARIABLE.descriptor);
  a.moveImmediate(RDI, VARIABLES);
  a.moveImmediate(RCX, TRAMPOLINE_WORDS);
  a.bytes(0xfc, 0xf3, 0x48, 0xa5); // cld; rep movsq
  a.moveImmediate(RAX, SELECTOR.data);
  a.bytes(0x8e, 0xd8, 0x8e, 0xc0); // mov ds,eax; mov es,eax

  const state = a.here();
  a.load(RBX, variable('input'));
  a.leaBased(RSI, RBX, INPUT.memory);
  a.load(RCX, variable('memorySize'));
  a.bytes(0x85, 0xc9); // test ecx,ecx
  const noMemory = a.jumpZero();
  a.load(RDI, variable('memory'));
  a.bytes(0xf3, 0xa4); // rep movsb
  a.land(noMemory);
  a.jumpThrough(variable('load'));

  const loadNone = a.here();
  a.bytes(0x48, 0x89, 0xdc); // mov rsp,rbx
  for (const register of RECORD_ORDER) a.pop(register);
  a.jumpThrough(variable('enter'));
  const enterFast = a.here();
  a.leaBased(RSP, RSP, INPUT.flags - INPUT.rip);
  a.bytes(0x9d); // popfq
  a.pop(RSP);
  a.jumpThrough(variable('code'));
  const enterReturn = a.here();
  a.store(VARIABLE.frame, RSP);
  a.moveImmediate(RSP, VARIABLE.cleanFlags);
  a.bytes(0x9d); // popfq
  a.load(RSP, VARIABLE.frame);
  a.bytes(0x48, 0xcf); // iretq

  // Here, so that it is the same with and without AVX: fixtures name it.
  const finish = a.here();
  a.store(VARIABLE.stackPointer, RSP);
  a.load(RSP, variable('outputTop'));
  a.bytes(0x9c); // pushfq
  for (const register of [...RECORD_ORDER].reverse()) a.push(register);
  a.bytes(0x48, 0x89, 0xe3, 0xfc); // mov rbx,rsp; cld
  const copy = (from: number, to: number): void => {
    a.load(RAX, from);
    a.storeBased(RBX, to, RAX);
  };
  copy(VARIABLE.stackPointer, OUTPUT.rsp);
  copy(VARIABLE.fault, OUTPUT.vector);
  a.bytes(0x85, 0xc0); // test eax,eax
  const faulted = a.jumpNotZero();
  a.bytes(0x31, 0xc0); // xor eax,eax
  for (let at: number = OUTPUT.errorCode; at < OUTPUT.memory; at += 8) a.storeBased(RBX, at, RAX);
  const copied = a.here();
  a.leaBased(RDI, RBX, OUTPUT.memory);
  a.load(RCX, variable('memorySize'));
  a.bytes(0x85, 0xc9);
  const noMemoryBack = a.jumpZero();
  a.load(RSI, variable('memory'));
  a.bytes(0xf3, 0xa4);
  a.land(noMemoryBack);
  a.jumpThrough(variable('save'));

  const saveNone = a.here();
  a.load(RAX, variable('inputSize'));
  a.add(variable('input'), RAX);
  a.load(RAX, variable('outputSize'));
  a.add(variable('outputTop'), RAX);
  a.addImmediate(variable('count'), -1);
  a.jumpNotZeroTo(state);
  a.addImmediate(VARIABLE.descriptor, DESCRIPTOR_SIZE);
  a.addImmediate(VARIABLE.descriptorsLeft, -1);
  a.jumpNotZeroTo(descriptor);
  a.jumpThrough(VARIABLE.done);

  a.land(faulted);
  for (let at: number = OUTPUT.errorCode; at < OUTPUT.memory; at += 8) {
    copy(VARIABLE.fault + at - OUTPUT.vector, at);
  }
  a.bytes(0x31, 0xc0);
  a.store(VARIABLE.fault, RAX);
  a.jump(copied);

  const load: Record<VectorsKind, number> = { 0: loadNone, 1: 0, 2: 0, 3: 0 };
  load[Vectors.xmm] = a.here();
  a.bytes(0x0f, 0xae, 0x16); // ldmxcsr [rsi]
  for (let n = 0; n < 16; n++) a.vectorMove(false, false, n, RSI, 16 + 16 * n);
  a.jump(loadNone);
  if (withYmm) {
    load[Vectors.ymm] = a.here();
    a.bytes(0x0f, 0xae, 0x16);
    for (let n = 0; n < 16; n++) a.vectorMove(true, false, n, RSI, 16 + 32 * n);
    a.jump(loadNone);
  }
  load[Vectors.fx] = a.here();
  a.bytes(0x48, 0x0f, 0xae, 0x0e); // fxrstor64 [rsi]
  a.jump(loadNone);

  const save: Record<VectorsKind, number> = { 0: saveNone, 1: 0, 2: 0, 3: 0 };
  const saveMxcsr = (): void => {
    a.storeBased(RDI, 8, RAX);
    a.storeBased(RDI, 0, RAX);
    a.bytes(0x0f, 0xae, 0x1f); // stmxcsr [rdi]
  };
  save[Vectors.xmm] = a.here();
  a.bytes(0x31, 0xc0);
  saveMxcsr();
  for (let n = 0; n < 16; n++) a.vectorMove(false, true, n, RDI, 16 + 16 * n);
  a.jump(saveNone);
  if (withYmm) {
    save[Vectors.ymm] = a.here();
    a.bytes(0x31, 0xc0);
    saveMxcsr();
    for (let n = 0; n < 16; n++) a.vectorMove(true, true, n, RDI, 16 + 32 * n);
    a.jump(saveNone);
  }
  // FOP, FIP, FDP and MXCSR_MASK are not compared: they differ between processors.
  save[Vectors.fx] = a.here();
  a.bytes(0x48, 0x0f, 0xae, 0x07); // fxsave64 [rdi]
  a.bytes(0x31, 0xc0, 0x66, 0x89, 0x47, 0x06); // xor eax,eax; mov [rdi+6],ax
  a.storeBased(RDI, 8, RAX);
  a.storeBased(RDI, 16, RAX);
  a.bytes(0x89, 0x47, 0x1c); // mov [rdi+28],eax
  a.jump(saveNone);
  return { bytes: a.finished(), finish, load, save, enterFast, enterReturn };
}
