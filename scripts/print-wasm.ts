/**
 * Prints the body of a WebAssembly function as text, a statement a line with its operands in parentheses (Core
 * Specification 2.0, §5.4 and §6.5). Knows the instructions on integers and memory; others are refused by name.
 */

/** How the printer calls locals and functions. */
export interface Names {
  local(n: number): string;
  function(n: number): { readonly name: string; readonly parameters: number; readonly hasResult: boolean };
}

const COMPARISONS = 'eqz eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u'.split(' ');
const ARITHMETIC =
  'clz ctz popcnt add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr'.split(' ');
const LOADS =
  'i32.load i64.load f32.load f64.load i32.load8_s i32.load8_u i32.load16_s i32.load16_u i64.load8_s i64.load8_u i64.load16_s i64.load16_u i64.load32_s i64.load32_u'.split(
    ' ',
  );
const STORES =
  'i32.store i64.store f32.store f64.store i32.store8 i32.store16 i64.store8 i64.store16 i64.store32'.split(
    ' ',
  );
const UNARY = new Set(['eqz', 'clz', 'ctz', 'popcnt']);

/** Name and number of operands of what takes nothing but operands. */
const PLAIN = new Map<number, readonly [name: string, operands: number]>([
  [0xa7, ['i32.wrap_i64', 1]],
  [0xac, ['i64.extend_i32_s', 1]],
  [0xad, ['i64.extend_i32_u', 1]],
  [0x1b, ['select', 3]],
]);
for (const [type, comparisons, arithmetic] of [
  ['i32', 0x45, 0x67],
  ['i64', 0x50, 0x79],
] as const) {
  COMPARISONS.forEach((name, n) => {
    PLAIN.set(comparisons + n, [`${type}.${name}`, UNARY.has(name) ? 1 : 2]);
  });
  ARITHMETIC.forEach((name, n) => {
    PLAIN.set(arithmetic + n, [`${type}.${name}`, UNARY.has(name) ? 1 : 2]);
  });
}

/** Lines, and the position in the code at which the statement of each begins. */
export interface PrintedLine {
  readonly position: number;
  readonly text: string;
}

/** @param body as `FunctionBuilder.encode` gives it */
export function printFunction(body: Uint8Array, names: Names): PrintedLine[] {
  let at = 0;
  const unsigned = (): number => Number(leb(false));
  const leb = (isSigned: boolean): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = body[at++] as number;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return isSigned && byte & 0x40 ? value - (1n << (shift + 7n)) : value;
    }
  };
  for (let runs = unsigned(); runs > 0; runs--) {
    unsigned();
    at += 1;
  }
  const start = at;
  const lines: PrintedLine[] = [];
  const stack: string[] = [];
  let depth = 0;
  let began = 0;
  const say = (text: string): void => {
    lines.push({ position: began, text: `${'  '.repeat(depth)}${text}` });
  };
  const fold = (name: string, operands: number): string =>
    [name, ...stack.splice(stack.length - operands, operands).map((each) => `(${each})`)].join(' ');
  const address = (name: string): string => {
    unsigned();
    const offset = unsigned();
    return offset ? `${name} offset=0x${offset.toString(16)}` : name;
  };
  while (at < body.length) {
    if (stack.length === 0) began = at - start;
    const opcode = body[at++] as number;
    const plain = PLAIN.get(opcode);
    if (plain) stack.push(fold(...plain));
    else if (opcode === 0x20) stack.push(`local.get $${names.local(unsigned())}`);
    else if (opcode === 0x21) say(fold(`local.set $${names.local(unsigned())}`, 1));
    else if (opcode === 0x22) stack.push(fold(`local.tee $${names.local(unsigned())}`, 1));
    else if (opcode === 0x41) stack.push(`i32.const ${leb(true)}`);
    else if (opcode === 0x42) stack.push(`i64.const ${leb(true)}`);
    else if (opcode >= 0x28 && opcode <= 0x35) stack.push(fold(address(LOADS[opcode - 0x28] as string), 1));
    else if (opcode >= 0x36 && opcode <= 0x3e) say(fold(address(STORES[opcode - 0x36] as string), 2));
    else if (opcode === 0x02 || opcode === 0x03 || opcode === 0x04) {
      at += 1;
      say(opcode === 0x04 ? fold('if', 1) : opcode === 0x02 ? 'block' : 'loop');
      depth += 1;
    } else if (opcode === 0x0b || opcode === 0x05) {
      depth -= 1;
      if (at < body.length) say(opcode === 0x0b ? 'end' : 'else');
      if (opcode === 0x05) depth += 1;
    } else if (opcode === 0x0c) say(`br ${unsigned()}`);
    else if (opcode === 0x0d) say(fold(`br_if ${unsigned()}`, 1));
    else if (opcode === 0x0f) say(fold('return', stack.length));
    else if (opcode === 0x00) say('unreachable');
    else if (opcode === 0x10) {
      const { name, parameters, hasResult } = names.function(unsigned());
      const call = fold(`call $${name}`, parameters);
      if (hasResult) stack.push(call);
      else say(call);
    } else throw new Error(`no name for the instruction 0x${opcode.toString(16)}`);
  }
  return lines;
}
