/** Writes instruction records from decoded instructions, by the bindings that the handlers were built with. */

import { GUEST_PAGE_SIZE } from '../../../memory/layout.js';
import {
  BASE_NONE,
  BASE_RIP,
  type DecodedInstruction,
  INDEX_NONE,
  isHighByte,
  operandRegister,
  PREFIX_REP,
  PREFIX_REPNE,
  SEGMENT_FS,
} from '../../decode/instruction.js';
import type { OpcodeEntry, OperandSpec } from '../../decode/opcode-entry.js';
import * as state from '../../state.js';
import { bind, Form, rowIndex, VARIANTS, variantIndex } from '../binding.js';
import { PseudoHandler, RecordField } from './record.js';

/** Which handler runs which encoding: made with the interpreter. */
export interface HandlerNumbers {
  /** By `rowIndex`: 1 + the row in `handlers`, or 0. */
  readonly rows: Uint16Array;
  /** `VARIANTS` a row. */
  readonly handlers: Uint16Array;
}

/** What about an entry's operands does not change from one instruction to the next. */
interface Plan {
  /** Register operands in the order of the slots a, b, c, d. */
  readonly registers: readonly OperandSpec[];
  readonly relative: boolean;
  /** A second immediate or a far pointer's selector goes into the immediate's upper half. */
  readonly secondImmediate: boolean;
}

const SLOT_FIELDS = [RecordField.a, RecordField.b, RecordField.c, RecordField.d] as const;

export class RecordWriter {
  readonly #plans = new Map<number, Plan>();

  constructor(
    private readonly view: DataView,
    private readonly numbers: HandlerNumbers,
  ) {}

  /** @param offset of the instruction in its page */
  write(record: number, instruction: DecodedInstruction, offset: number): void {
    const { view } = this;
    const { entry } = instruction;
    const plan = this.#plan(entry, instruction);
    const end = offset + instruction.length;
    const form = this.#form(instruction, end);
    this.#clear(record);
    view.setUint16(record + RecordField.handler, this.#handler(instruction, form), true);
    view.setUint16(record + RecordField.offset, offset, true);
    view.setUint8(record + RecordField.length, instruction.length);
    view.setUint8(record + RecordField.segment, instruction.segment);
    view.setUint8(record + RecordField.repeat, repeatOf(instruction) | (64 - instruction.addressSize));
    view.setInt32(record + RecordField.immediate, instruction.immediateLow, true);
    const high = plan.secondImmediate ? instruction.immediate2 : instruction.immediateHigh;
    view.setInt32(record + RecordField.immediate + 4, high, true);
    plan.registers.forEach((spec, n) => {
      view.setUint16(record + (SLOT_FIELDS[n] as number), slotOf(instruction, spec), true);
    });
    if (plan.relative) {
      view.setBigInt64(record + RecordField.immediate, BigInt(instruction.immediateLow + end), true);
    }
    if (isX87(entry)) {
      view.setUint16(record + RecordField.x87Opcode, ((entry.opcode & 7) << 8) | instruction.modRM, true);
    }
    if (instruction.isMemory) this.#writeMemory(record, instruction, end);
  }

  /** A record that is no instruction. */
  writePseudo(record: number, handler: number, offset: number, link = 0): void {
    this.#clear(record);
    this.view.setUint16(record + RecordField.handler, handler, true);
    this.view.setUint16(record + RecordField.offset, offset, true);
    this.view.setUint32(record + RecordField.link, link, true);
  }

  #clear(record: number): void {
    for (let n = 0; n < 32; n += 4) this.view.setUint32(record + n, 0, true);
  }

  #writeMemory(record: number, instruction: DecodedInstruction, end: number): void {
    const { view } = this;
    const { base, index } = instruction;
    const ripRelative = base === BASE_RIP;
    let slot = state.zeroRegister.address;
    if (ripRelative) slot = state.pageBase.address;
    else if (base !== BASE_NONE) slot = state.at(state.gpr, base);
    const indexFile = instruction.entry.vectorIndex === 0 ? state.gpr : state.xmm;
    let indexSlot = index === INDEX_NONE ? state.zeroRegister.address : state.at(indexFile, index);
    let displacement = ripRelative ? instruction.displacement + end : instruction.displacement;
    if (isFar(instruction, end)) {
      displacement -= 2 * GUEST_PAGE_SIZE;
      indexSlot = state.pairOfPages.address;
    }
    view.setUint16(record + RecordField.base, slot, true);
    view.setUint16(record + RecordField.index, indexSlot, true);
    view.setUint8(record + RecordField.scale, instruction.scaleShift);
    view.setInt32(record + RecordField.displacement, displacement | 0, true);
  }

  #form(instruction: DecodedInstruction, end: number): Form {
    if (!instruction.isMemory) return Form.register;
    const flat =
      instruction.codeSize === 64 && instruction.addressSize === 64 && instruction.segment < SEGMENT_FS;
    if (!flat) return Form.general;
    return instruction.index === INDEX_NONE && !isFar(instruction, end) ? Form.near : Form.scaled;
  }

  #handler(instruction: DecodedInstruction, form: Form): number {
    const row = this.numbers.rows[rowIndex(instruction.entry, instruction.vectorLength)] ?? 0;
    if (row === 0) return PseudoHandler.unimplemented;
    const long = instruction.codeSize === 64;
    const exact = this.#variant(row, long, instruction.operandSize, form);
    if (exact !== PseudoHandler.unimplemented || form < Form.near) return exact;
    return this.#variant(row, long, instruction.operandSize, Form.general);
  }

  #variant(row: number, long: boolean, operandSize: number, form: Form): number {
    const index = (row - 1) * VARIANTS + variantIndex(long, operandSize, form);
    return this.numbers.handlers[index] ?? PseudoHandler.unimplemented;
  }

  #plan(entry: OpcodeEntry, instruction: DecodedInstruction): Plan {
    const key = entry.id * 2 + (instruction.isMemory ? 1 : 0);
    const known = this.#plans.get(key);
    if (known) return known;
    const bindings = bind(entry, 32, instruction.isMemory, instruction.codeSize === 64, 128) ?? [];
    const plan = {
      registers: bindings.flatMap((binding) => (binding.kind === 'register' ? [binding.spec] : [])),
      relative: bindings.some((binding) => binding.kind === 'relative'),
      secondImmediate: entry.operands.some(({ source }) => source === 'far' || source === 'immediate2'),
    };
    this.#plans.set(key, plan);
    return plan;
  }
}

function isX87(entry: OpcodeEntry): boolean {
  return entry.map === '' && !entry.vex && (entry.opcode & 0xf8) === 0xd8;
}

function repeatOf(instruction: DecodedInstruction): number {
  if (instruction.prefixes & PREFIX_REP) return 1;
  return instruction.prefixes & PREFIX_REPNE ? 2 : 0;
}

/** Whether a RIP-relative operand's displacement from the start of the page is too much for a record. */
function isFar(instruction: DecodedInstruction, end: number): boolean {
  return instruction.base === BASE_RIP && instruction.displacement + end > 0x7fffffff;
}

/** State address of a register operand, or the number of one that has none. */
function slotOf(instruction: DecodedInstruction, spec: OperandSpec): number {
  const number = operandRegister(instruction, spec);
  switch (spec.registers) {
    case 'general':
      if (spec.width === 8 && isHighByte(instruction, number)) return state.at(state.gpr, number - 4) + 1;
      return state.at(state.gpr, number);
    case 'xmm':
      return state.at(state.xmm, number);
    case 'mmx':
      return state.at(state.fpr, number & 7);
    default:
      return number;
  }
}
