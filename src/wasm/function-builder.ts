/**
 * Builds the body of one WebAssembly function as structured statements over typed values.
 * Locals are recycled when the `scope` that made them ends, so that a function of many parts keeps few.
 */
import { ByteBuffer } from './byte-buffer.js';
import { literal, numbered, vectorOpcode, writeCode, writeOpcode } from './code.js';
import type { FunctionHandle } from './module-builder.js';
import { ValueType } from './types.js';
import { type I32, I64, i32, type Value, type ValueClass } from './values.js';

/** A branch target: the end of a block, or the start of a loop. */
export interface Label {
  readonly depth: number;
}

/** A local that can be assigned; `get` is its value where the result is used. */
export class Variable<T extends Value> {
  readonly #value: T;
  constructor(
    private readonly code: ByteBuffer,
    readonly index: number,
    readonly make: ValueClass<T>,
  ) {
    this.#value = new make(numbered(LOCAL_GET, index));
  }
  get(): T {
    return this.#value;
  }
  set(value: T): void {
    writeCode(this.code, value.code);
    this.code.byte(LOCAL_SET);
    this.code.unsigned(this.index);
  }
}

const LOCAL_GET = 0x20;
const LOCAL_SET = 0x21;
/** The type of a block that leaves no value. */
const EMPTY = 0x40;

export class FunctionBuilder {
  readonly #code = new ByteBuffer();
  readonly #locals: ValueType[] = [];
  readonly #free = new Map<ValueType, number[]>();
  #scope: { type: ValueType; index: number }[] = [];
  #depth = 0;
  readonly #notes: { position: number; readonly text: string }[] = [];
  /** Places of the `if` and `br_if` that hardly ever branch, rising. */
  #rare: number[] = [];

  constructor(readonly parameters: readonly ValueType[]) {}

  /** How many blocks, loops and ifs are open. */
  get depth(): number {
    return this.#depth;
  }

  /** The n-th parameter. */
  parameter<T extends Value>(make: ValueClass<T>, n: number): T {
    if (this.parameters[n] !== make.type) throw new TypeError(`parameter ${n} has another type`);
    return new make(numbered(LOCAL_GET, n));
  }

  /** Computes a value now and keeps it, so that it can be used many times. */
  let<T extends Value>(value: T): T {
    const variable = this.variable(value.constructor as ValueClass<T>);
    variable.set(value);
    return variable.get();
  }

  /** A local to assign to. Without an initial value it holds whatever its last user left. */
  variable<T extends Value>(make: ValueClass<T>, initial?: T): Variable<T> {
    const free = this.#free.get(make.type);
    let index = free?.pop();
    if (index === undefined) {
      index = this.parameters.length + this.#locals.length;
      this.#locals.push(make.type);
    }
    this.#scope.push({ type: make.type, index });
    const variable = new Variable(this.#code, index, make);
    if (initial) variable.set(initial);
    return variable;
  }

  /** Runs `body`; locals made inside are free again afterwards. */
  scope(body: () => void): void {
    const outer = this.#scope;
    this.#scope = [];
    body();
    for (const { type, index } of this.#scope) {
      const free = this.#free.get(type);
      if (free) free.push(index);
      else this.#free.set(type, [index]);
    }
    this.#scope = outer;
  }

  /** Remembers that what follows is what this says, for listings. */
  note(text: string): void {
    this.#notes.push({ position: this.#code.length, text });
  }

  /** Notes by their place in the code, which is what `encode` gives behind the locals. */
  get notes(): readonly { readonly position: number; readonly text: string }[] {
    return this.#notes;
  }

  /** Writes code at the function's beginning, before what is written already. */
  prologue(body: () => void): void {
    if (this.#depth > 0) throw new Error('a prologue within a block');
    const [before, rare] = [this.#code.take(), this.#rare];
    this.#rare = [];
    body();
    const moved = this.#code.length;
    for (const note of this.#notes) note.position += moved;
    for (const position of rare) this.#rare.push(position + moved);
    this.#code.append(before);
  }

  if(condition: I32, then: () => void, otherwise?: () => void): void {
    writeCode(this.#code, condition.code);
    this.#begin(0x04);
    then();
    if (otherwise) {
      this.#code.byte(0x05);
      otherwise();
    }
    this.#end();
  }

  /** `if` of what hardly ever holds. An engine may move the body, and what it does to registers, out of the way. */
  ifRarely(condition: I32, then: () => void): void {
    writeCode(this.#code, condition.code);
    this.#rare.push(this.#code.length);
    this.#begin(0x04);
    then();
    this.#end();
  }

  /** Branching to the label leaves the block. */
  block(body: (label: Label) => void): void {
    this.#begin(0x02);
    body({ depth: this.#depth });
    this.#end();
  }

  /** Branching to the label starts again; falling off the end leaves. */
  loop(body: (label: Label) => void): void {
    this.#begin(0x03);
    body({ depth: this.#depth });
    this.#end();
  }

  /** `while (condition) body`, the condition computed before each turn. */
  while(condition: () => I32, body: () => void): void {
    this.block((exit) => {
      this.loop((again) => {
        this.branchIf(exit, condition().eqz());
        body();
        this.branch(again);
      });
    });
  }

  branch(label: Label): void {
    this.#code.byte(0x0c);
    this.#code.unsigned(this.#depth - label.depth);
  }

  branchIf(label: Label, condition: I32): void {
    writeCode(this.#code, condition.code);
    this.#code.byte(0x0d);
    this.#code.unsigned(this.#depth - label.depth);
  }

  /**
   * One body for each value 0 … n−1 of `index`; any other value, and one without a body, runs `fallback`. A body that
   * does not branch away continues after the whole switch.
   */
  switch(index: I32, bodies: readonly ((() => void) | undefined)[], fallback: () => void): void {
    const present = bodies.flatMap((body) => (body ? [body] : []));
    let next = 0;
    const targets = bodies.map((body) => (body ? next++ : present.length));
    this.block((done) => {
      const open = (n: number): void => {
        if (n === 0) {
          writeCode(this.#code, index.code);
          this.#code.byte(0x0e);
          this.#code.unsigned(bodies.length);
          for (const target of [...targets, present.length]) this.#code.unsigned(target);
          return;
        }
        this.#begin(0x02);
        open(n - 1);
        this.#end();
        this.scope(present[n - 1] as () => void);
        this.branch(done);
      };
      this.block(() => open(present.length));
      this.scope(fallback);
    });
  }

  return(value?: Value): void {
    if (value) writeCode(this.#code, value.code);
    this.#code.byte(0x0f);
  }

  unreachable(): void {
    this.#code.byte(0x00);
  }

  /** Calls a function for its effect; a result is dropped. */
  call(target: FunctionHandle<Value | undefined>, ...args: Value[]): void {
    this.#call(target, args);
    if (target.result) this.#code.byte(0x1a);
  }

  /** Calls a function now and keeps its result. */
  callValue<T extends Value>(target: FunctionHandle<T>, ...args: Value[]): T {
    this.#call(target, args);
    const kept = this.variable(target.result as ValueClass<T>);
    this.#code.byte(LOCAL_SET);
    this.#code.unsigned(kept.index);
    return kept.get();
  }

  /** Calls entry `index` of table 0, a function of one parameter; `type` is a module type index. */
  callIndirect<T extends Value>(result: ValueClass<T>, type: number, index: I32, argument: Value): T {
    const immediates = new ByteBuffer();
    immediates.unsigned(type);
    immediates.byte(0);
    return new result(literal(0x11, immediates.take(), argument.code, index.code));
  }

  store(address: I32, value: Value, offset = 0): void {
    this.#store(STORE_OPCODES[value.type], address, value, offset);
  }

  /** Stores the low 8 bits. */
  store8(address: I32, value: I32 | I64, offset = 0): void {
    this.#store(value instanceof I64 ? 0x3c : 0x3a, address, value, offset);
  }

  /** Stores the low 16 bits. */
  store16(address: I32, value: I32 | I64, offset = 0): void {
    this.#store(value instanceof I64 ? 0x3d : 0x3b, address, value, offset);
  }

  /** Stores the low 32 bits of a 64-bit value. */
  store32(address: I32, value: I64, offset = 0): void {
    this.#store(0x3e, address, value, offset);
  }

  memoryCopy(destination: I32, source: I32, length: I32): void {
    this.#inMemory([0xfc, 10, 0, 0], destination, source, length);
  }

  memoryFill(destination: I32, byte: I32 | number, length: I32 | number): void {
    this.#inMemory([0xfc, 11, 0], destination, i32(byte), i32(length));
  }

  /** The function's body in the binary format, without its size. */
  encode(): Uint8Array<ArrayBuffer> {
    const out = this.#declaredLocals();
    out.append(this.#code.view());
    out.byte(0x0b);
    return out.take();
  }

  /** Where in what `encode` gives the `if` and `br_if` are that hardly ever branch, rising. */
  rareBranches(): readonly number[] {
    const before = this.#declaredLocals().length;
    return this.#rare.map((position) => before + position);
  }

  #declaredLocals(): ByteBuffer {
    const runs: { readonly type: ValueType; count: number }[] = [];
    for (const type of this.#locals) {
      const run = runs.at(-1);
      if (run?.type === type) run.count += 1;
      else runs.push({ type, count: 1 });
    }
    const out = new ByteBuffer();
    out.unsigned(runs.length);
    for (const { type, count } of runs) {
      out.unsigned(count);
      out.byte(type);
    }
    return out;
  }

  #call(target: FunctionHandle<Value | undefined>, args: readonly Value[]): void {
    const wanted = target.parameters;
    if (args.length !== wanted.length || args.some((argument, n) => argument.type !== wanted[n])) {
      throw new TypeError(`${target.name}: the arguments do not fit its parameters`);
    }
    for (const argument of args) writeCode(this.#code, argument.code);
    this.#code.byte(0x10);
    this.#code.unsigned(target.index);
  }

  #store(opcode: number, address: I32, value: Value, offset: number): void {
    writeCode(this.#code, address.code);
    writeCode(this.#code, value.code);
    writeOpcode(this.#code, opcode);
    this.#code.byte(0);
    this.#code.unsigned(offset);
  }

  #inMemory(opcode: readonly number[], ...operands: I32[]): void {
    for (const operand of operands) writeCode(this.#code, operand.code);
    this.#code.append(opcode);
  }

  #begin(opcode: number): void {
    this.#code.byte(opcode);
    this.#code.byte(EMPTY);
    this.#depth += 1;
  }

  #end(): void {
    this.#code.byte(0x0b);
    this.#depth -= 1;
  }
}

const STORE_OPCODES: Readonly<Record<ValueType, number>> = {
  [ValueType.i32]: 0x36,
  [ValueType.i64]: 0x37,
  [ValueType.f32]: 0x38,
  [ValueType.f64]: 0x39,
  [ValueType.v128]: vectorOpcode(11),
};
