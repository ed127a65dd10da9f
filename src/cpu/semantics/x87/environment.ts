/**
 * FNSTENV, FLDENV, FNSAVE, FRSTOR in the four layouts of SDM vol. 1 §8.1.10 (figures 8-9 to 8-12). FCS and FDS are not
 * kept and are stored as 0, as CPUID says. Parts of words that are reserved are stored as ones.
 */
import { I32, I64, select } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import { type Emitter, get32, get64 } from '../../emitter.js';
import { checkAlignment, commit, place } from '../../mmu/access.js';
import { behind } from '../../mmu/segmentation.js';
import { type Routine, routine } from '../../routine.js';
import * as state from '../../state.js';
import { Cr0, Flag } from '../../state.js';
import { type Context, define, type Operand } from '../context.js';
import { requireX87, waitForX87 } from './availability.js';
import { initialise, setControl, updateError } from './control.js';
import { classify, extended, NumberClass } from './extended.js';
import { segmentAccess } from './memory.js';
import { stackAddress } from './stack.js';
import { EXCEPTIONS } from './words.js';

type Size = 16 | 32;
type Transfer = Routine<readonly [typeof I64, typeof I32], undefined>;

const WORDS = 7;
const FOP_BITS = 0x7ff;
const REGISTER_BYTES = 10;

const Tag = { valid: 0, zero: 1, special: 2, empty: 3 } as const;

/** () → the tag word with two bits a register */
const fullTags = routine('x87FullTags', { parameters: [], result: I32 }, (e) => {
  const { code } = e;
  const tags = code.variable(I32, I32.const(0));
  const n = code.variable(I32, I32.const(8));
  code.while(
    () => n.get(),
    () => {
      n.set(n.get().sub(1));
      const tag = code.variable(I32, I32.const(Tag.empty));
      code.if(get32(state.fpuTag).shrU(n.get()).and(1), () => {
        const kind = e.call(classify, V128.load(e.element(state.fpr, n.get())));
        const ordinary = select(kind.eq(NumberClass.normal), I32.const(Tag.valid), I32.const(Tag.special));
        tag.set(select(kind.eq(NumberClass.zero), I32.const(Tag.zero), ordinary));
      });
      tags.set(tags.get().shl(2).or(tag.get()));
    },
  );
  code.return(tags.get());
});

/** Whether the layouts of real-address and virtual-8086 mode are in force. */
function isReal(): I32 {
  const virtual = get32(state.systemFlags).and(Flag.vm).ne(0);
  return get64(state.cr0).and(Cr0.pe).eqz().or(virtual);
}

/** The seven words, as the layouts have them; protected mode's have selectors of 0. */
function wordsToStore(e: Emitter, size: Size): I32[] {
  const { code } = e;
  const reserved = size === 32 ? 0xffff0000 : 0;
  const real = code.let(isReal());
  const pointer = (field: state.Field64, opcode: I32, selector: I32): [I32, I32] => {
    const offset = code.let(get64(field).wrap());
    const high = size === 32 ? offset.shrU(16).shl(12) : offset.shrU(4).and(0xf000);
    const low = size === 32 ? select(real, offset.or(reserved), offset) : offset;
    return [code.let(low), code.let(select(real, high.or(opcode), selector))];
  };
  const opcode = code.let(get32(state.fpuOpcode).and(FOP_BITS));
  const codePointer = pointer(state.fpuInstruction, opcode, size === 32 ? opcode.shl(16) : I32.const(0));
  const dataPointer = pointer(state.fpuData, I32.const(0), I32.const(reserved));
  const tags = e.call(fullTags);
  return [
    get32(state.fpuControl).or(reserved),
    get32(state.fpuStatus).or(reserved),
    tags.or(reserved),
    ...codePointer,
    ...dataPointer,
  ];
}

/** Checks that all of an area can be reached, so that no part of it faults later: its first word, then its last byte. */
function checkArea(
  e: Emitter,
  linear: I64,
  { bytes, size, kind }: { bytes: number; size: Size; kind: 'read' | 'write' },
  access: I32,
): void {
  place(e, linear, size / 8, kind, access);
  place(e, behind(e, linear, bytes - 1), 1, kind, access);
}

/** (linear, access bits): the environment, and all exceptions masked */
function makeStoreEnvironment(size: Size): Transfer {
  const bytes = size / 8;
  return routine(
    `x87StoreEnvironment${size}`,
    { parameters: [I64, I32], mayFault: true },
    (e, linear, access) => {
      const { code } = e;
      checkArea(e, linear, { bytes: WORDS * bytes, size, kind: 'write' }, access);
      const host = place(e, linear, WORDS * bytes, 'write', access);
      wordsToStore(e, size).forEach((word, n) => {
        if (size === 32) code.store(host, word, 4 * n);
        else code.store16(host, word, 2 * n);
      });
      commit(e, host);
      e.set32(state.fpuControl, get32(state.fpuControl).or(EXCEPTIONS));
      e.call(updateError);
    },
  );
}

/** (linear, access bits) */
function makeLoadEnvironment(size: Size): Transfer {
  const bytes = size / 8;
  return routine(
    `x87LoadEnvironment${size}`,
    { parameters: [I64, I32], mayFault: true },
    (e, linear, access) => {
      const { code } = e;
      checkArea(e, linear, { bytes: WORDS * bytes, size, kind: 'read' }, access);
      const host = place(e, linear, WORDS * bytes, 'read', access);
      const word = (n: number): I32 => (size === 32 ? I32.load(host, 4 * n) : I32.load16U(host, 2 * n));
      setControl(e, word(0));
      e.set32(state.fpuStatus, word(1).and(0xffff));
      const tags = code.let(word(2));
      const present = code.variable(I32, I32.const(0));
      for (let n = 0; n < 8; n++) {
        const tag = tags.shrU(2 * n).and(3);
        present.set(present.get().or(tag.ne(Tag.empty).shl(n)));
      }
      e.set32(state.fpuTag, present.get());
      const real = code.let(isReal());
      const pointer = (low: number): I64 => {
        const upper = word(low + 1);
        const high = size === 32 ? upper.shl(4).and(0xffff0000) : upper.shl(4).and(0xf0000);
        const whole = word(low).and(0xffff).or(high);
        return select(real, whole, word(low)).extendU();
      };
      e.set64(state.fpuInstruction, pointer(3));
      e.set64(state.fpuData, pointer(5));
      const opcode = size === 32 ? word(4).shrU(16) : I32.const(0);
      e.set32(state.fpuOpcode, select(real, word(4), opcode).and(FOP_BITS));
      e.call(updateError);
    },
  );
}

const STORE_ENVIRONMENT = { 16: makeStoreEnvironment(16), 32: makeStoreEnvironment(32) };
const LOAD_ENVIRONMENT = { 16: makeLoadEnvironment(16), 32: makeLoadEnvironment(32) };

function makeSave(size: Size): Transfer {
  const environment = (WORDS * size) / 8;
  return routine(`x87Save${size}`, { parameters: [I64, I32], mayFault: true }, (e, linear, access) => {
    const { code } = e;
    checkArea(e, linear, { bytes: environment + 8 * REGISTER_BYTES, size, kind: 'write' }, access);
    e.call(STORE_ENVIRONMENT[size], linear, access);
    for (let n = 0; n < 8; n++) {
      const at = behind(e, linear, environment + n * REGISTER_BYTES);
      const host = place(e, at, REGISTER_BYTES, 'write', access);
      const register = stackAddress(e, n);
      code.store(host, I64.load(register));
      code.store16(host, I32.load(register, 8), 8);
      commit(e, host);
    }
    initialise(e);
  });
}

function makeRestore(size: Size): Transfer {
  const environment = (WORDS * size) / 8;
  return routine(`x87Restore${size}`, { parameters: [I64, I32], mayFault: true }, (e, linear, access) => {
    const { code } = e;
    checkArea(e, linear, { bytes: environment + 8 * REGISTER_BYTES, size, kind: 'read' }, access);
    e.call(LOAD_ENVIRONMENT[size], linear, access);
    for (let n = 0; n < 8; n++) {
      const at = behind(e, linear, environment + n * REGISTER_BYTES);
      const host = place(e, at, REGISTER_BYTES, 'read', access);
      code.store(stackAddress(e, n), extended(I32.load16U(host, 8), I64.load(host)));
    }
  });
}

interface Kind {
  readonly waits: boolean;
  readonly writes: boolean;
  readonly transfer: Readonly<Record<Size, Transfer>>;
}

function defineArea(mnemonic: string, summary: string, { waits, writes, transfer }: Kind): void {
  define(mnemonic, summary, (context: Context) => {
    if (waits) waitForX87(context);
    else requireX87(context);
    const [operand] = context.operands as [Operand];
    const linear = context.code.let(operand.linearAddress(operand.width / 8, writes ? 'write' : 'read'));
    const size = context.operandSize === 16 ? 16 : 32;
    checkAlignment(context, linear, size / 8);
    context.call(transfer[size], linear, segmentAccess(context));
  });
}

defineArea('FNSTENV', 'Stores the x87 environment and masks all exceptions.', {
  waits: false,
  writes: true,
  transfer: STORE_ENVIRONMENT,
});
defineArea('FLDENV', 'Loads the x87 environment.', {
  waits: true,
  writes: false,
  transfer: LOAD_ENVIRONMENT,
});
defineArea('FNSAVE', 'Stores the x87 environment and registers, and initialises.', {
  waits: false,
  writes: true,
  transfer: { 16: makeSave(16), 32: makeSave(32) },
});
defineArea('FRSTOR', 'Loads the x87 environment and registers.', {
  waits: true,
  writes: false,
  transfer: { 16: makeRestore(16), 32: makeRestore(32) },
});
