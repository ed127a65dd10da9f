/** The custom section of branch hints, read back as the Branch Hinting proposal has it ("Code Metadata", Binary Format). */
import { expect, test } from 'vitest';
import { ModuleBuilder } from '../../src/wasm/module-builder.js';
import { I32, I64 } from '../../src/wasm/values.js';

const CODE = 10;
const IF = 0x04;
const I32_CONST = 0x41;
const RARE_BODY = 77;

/** Reads what was encoded by a cursor of its own. */
class Reader {
  at = 0;
  constructor(readonly bytes: Uint8Array) {}
  get atEnd(): boolean {
    return this.at === this.bytes.length;
  }
  byte(): number {
    return this.bytes[this.at++] as number;
  }
  unsigned(): number {
    const byte = this.byte();
    return byte < 0x80 ? byte : (byte & 0x7f) + 128 * this.unsigned();
  }
  take(count: number): Uint8Array {
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }
  list<T>(item: () => T): T[] {
    return Array.from({ length: this.unsigned() }, item);
  }
}

function sections(module: Uint8Array): { id: number; content: Uint8Array }[] {
  const reader = new Reader(module.subarray(8));
  const found: { id: number; content: Uint8Array }[] = [];
  while (!reader.atEnd) found.push({ id: reader.byte(), content: reader.take(reader.unsigned()) });
  return found;
}

/** By function index: offset of each hint in the function's body, and the payload. */
function hintsIn(module: WebAssembly.Module): [number, { offset: number; payload: number[] }[]][] {
  const [section] = WebAssembly.Module.customSections(module, 'metadata.code.branch_hint');
  if (!section) return [];
  const reader = new Reader(new Uint8Array(section));
  const hints = reader.list<[number, { offset: number; payload: number[] }[]]>(() => [
    reader.unsigned(),
    reader.list(() => ({ offset: reader.unsigned(), payload: [...reader.take(reader.unsigned())] })),
  ]);
  expect(reader.atEnd).toBe(true);
  return hints;
}

function bodiesIn(bytes: Uint8Array): Uint8Array[] {
  const code = sections(bytes).find(({ id }) => id === CODE);
  const reader = new Reader(code?.content as Uint8Array);
  return reader.list(() => reader.take(reader.unsigned()));
}

/** Two imports, a function without hints, and one with three: in the prologue, at the top and within a loop. */
function build(): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  module.import('a', []);
  module.import('b', []);
  const plain = module.declare<I32>('plain', [I32.type], I32);
  module.define(plain, (code) => {
    code.if(code.parameter(I32, 0), () => code.return(I32.const(1)));
    code.return(I32.const(0));
  });
  const hinted = module.declare<I32>('hinted', [I32.type], I32);
  module.define(hinted, (code) => {
    const parameter = code.parameter(I32, 0);
    // Locals of many types, whose declaration moves the code.
    code.variable(I64, I64.const(-1));
    const rare = (condition: I32): void => code.ifRarely(condition, () => code.return(I32.const(RARE_BODY)));
    rare(parameter.eq(1000));
    code.loop((again) => {
      const next = code.let(parameter.add(1));
      code.if(next.eq(3), () => code.return(I32.const(3)));
      rare(next.eq(2000));
      code.branchIf(again, next.eq(4));
    });
    code.return(I32.const(0));
    code.prologue(() => {
      code.variable(I32, I32.const(1 << 20));
      rare(parameter.eq(5));
    });
  });
  for (const each of [plain, hinted]) module.export(each);
  return module.encode();
}

test('offsets are those of the branches in their functions’ bodies', () => {
  const bytes = build();
  const [, hinted] = bodiesIn(bytes) as [Uint8Array, Uint8Array];
  const hints = hintsIn(new WebAssembly.Module(bytes));
  expect(hints.map(([index, list]) => [index, list.length])).toEqual([[3, 3]]);
  const offsets = hints.flatMap(([, list]) => list.map(({ offset }) => offset));
  expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b));
  for (const offset of offsets) {
    const [opcode, , first, constant] = hinted.subarray(offset);
    expect([opcode, first]).toEqual([IF, I32_CONST]);
    // 77 as signed LEB128.
    expect(constant).toBe(0xcd);
  }
});

test('each says unlikely', () => {
  const payloads = hintsIn(new WebAssembly.Module(build())).flatMap(([, list]) =>
    list.map((hint) => hint.payload),
  );
  expect(payloads).toEqual([[0], [0], [0]]);
});

test('the section is right before the code', () => {
  const ids = sections(build()).map(({ id }) => id);
  expect(ids.slice(ids.indexOf(CODE) - 1)).toEqual([0, CODE]);
});

test('a module without hints has no such section', () => {
  const module = new ModuleBuilder();
  const plain = module.declare<I32>('plain', [I32.type], I32);
  module.define(plain, (code) => code.return(code.parameter(I32, 0)));
  expect(hintsIn(new WebAssembly.Module(module.encode()))).toEqual([]);
});

test('hinted code does what it did', () => {
  const { hinted } = new WebAssembly.Instance(new WebAssembly.Module(build()), {
    env: { a: () => {}, b: () => {} },
  }).exports as { hinted: (n: number) => number };
  expect([5, 1000, 1999, 2, 9].map(hinted)).toEqual([RARE_BODY, RARE_BODY, RARE_BODY, 3, 0]);
});
