/**
 * WebAssembly's integers. Method names are the specification's (Core Specification 2.0, §5.4), in camel case.
 */
import { F32, F64 } from './floats.js';
import { signed, unsigned, ValueType } from './types.js';
import { Value } from './value.js';

/** Code of a load. */
export function access(opcode: readonly number[], address: I32, offset: number): number[] {
  return [...address.code, ...opcode, 0, ...unsigned(offset)];
}

export class I32 extends Value {
  static readonly type = ValueType.i32;
  readonly type = ValueType.i32;

  static const(value: number): I32 {
    return new I32([0x41, ...signed(value | 0)]);
  }
  static load(address: I32, offset = 0): I32 {
    return new I32(access([0x28], address, offset));
  }
  static load8S(address: I32, offset = 0): I32 {
    return new I32(access([0x2c], address, offset));
  }
  static load8U(address: I32, offset = 0): I32 {
    return new I32(access([0x2d], address, offset));
  }
  static load16S(address: I32, offset = 0): I32 {
    return new I32(access([0x2e], address, offset));
  }
  static load16U(address: I32, offset = 0): I32 {
    return new I32(access([0x2f], address, offset));
  }

  #with(opcode: number, other: I32 | number): I32 {
    return new I32([...this.code, ...i32(other).code, opcode]);
  }
  eqz(): I32 {
    return new I32([...this.code, 0x45]);
  }
  eq(other: I32 | number): I32 {
    return this.#with(0x46, other);
  }
  ne(other: I32 | number): I32 {
    return this.#with(0x47, other);
  }
  ltS(other: I32 | number): I32 {
    return this.#with(0x48, other);
  }
  ltU(other: I32 | number): I32 {
    return this.#with(0x49, other);
  }
  gtS(other: I32 | number): I32 {
    return this.#with(0x4a, other);
  }
  gtU(other: I32 | number): I32 {
    return this.#with(0x4b, other);
  }
  leS(other: I32 | number): I32 {
    return this.#with(0x4c, other);
  }
  leU(other: I32 | number): I32 {
    return this.#with(0x4d, other);
  }
  geS(other: I32 | number): I32 {
    return this.#with(0x4e, other);
  }
  geU(other: I32 | number): I32 {
    return this.#with(0x4f, other);
  }
  clz(): I32 {
    return new I32([...this.code, 0x67]);
  }
  ctz(): I32 {
    return new I32([...this.code, 0x68]);
  }
  popcnt(): I32 {
    return new I32([...this.code, 0x69]);
  }
  add(other: I32 | number): I32 {
    return this.#with(0x6a, other);
  }
  sub(other: I32 | number): I32 {
    return this.#with(0x6b, other);
  }
  mul(other: I32 | number): I32 {
    return this.#with(0x6c, other);
  }
  remU(other: I32 | number): I32 {
    return this.#with(0x70, other);
  }
  and(other: I32 | number): I32 {
    return this.#with(0x71, other);
  }
  or(other: I32 | number): I32 {
    return this.#with(0x72, other);
  }
  xor(other: I32 | number): I32 {
    return this.#with(0x73, other);
  }
  shl(other: I32 | number): I32 {
    return this.#with(0x74, other);
  }
  shrS(other: I32 | number): I32 {
    return this.#with(0x75, other);
  }
  shrU(other: I32 | number): I32 {
    return this.#with(0x76, other);
  }
  /** Sign-extended to 64 bits. */
  extendS(): I64 {
    return new I64([...this.code, 0xac]);
  }
  /** Zero-extended to 64 bits. */
  extendU(): I64 {
    return new I64([...this.code, 0xad]);
  }
  toF64S(): F64 {
    return new F64([...this.code, 0xb7]);
  }
  toF32S(): F32 {
    return new F32([...this.code, 0xb2]);
  }
  /** Sign-extended from 8 bits. */
  extend8S(): I32 {
    return new I32([...this.code, 0xc0]);
  }
  reinterpretF32(): F32 {
    return new F32([...this.code, 0xbe]);
  }
}

export class I64 extends Value {
  static readonly type = ValueType.i64;
  readonly type = ValueType.i64;

  static const(value: bigint | number): I64 {
    return new I64([0x42, ...signed(BigInt.asIntN(64, BigInt(value)))]);
  }
  static load(address: I32, offset = 0): I64 {
    return new I64(access([0x29], address, offset));
  }
  static load8U(address: I32, offset = 0): I64 {
    return new I64(access([0x31], address, offset));
  }
  static load16U(address: I32, offset = 0): I64 {
    return new I64(access([0x33], address, offset));
  }
  static load32S(address: I32, offset = 0): I64 {
    return new I64(access([0x34], address, offset));
  }
  static load32U(address: I32, offset = 0): I64 {
    return new I64(access([0x35], address, offset));
  }

  #with(opcode: number, other: I64 | bigint | number): I64 {
    return new I64([...this.code, ...i64(other).code, opcode]);
  }
  #compare(opcode: number, other: I64 | bigint | number): I32 {
    return new I32([...this.code, ...i64(other).code, opcode]);
  }
  eqz(): I32 {
    return new I32([...this.code, 0x50]);
  }
  eq(other: I64 | bigint | number): I32 {
    return this.#compare(0x51, other);
  }
  ne(other: I64 | bigint | number): I32 {
    return this.#compare(0x52, other);
  }
  ltS(other: I64 | bigint | number): I32 {
    return this.#compare(0x53, other);
  }
  ltU(other: I64 | bigint | number): I32 {
    return this.#compare(0x54, other);
  }
  gtS(other: I64 | bigint | number): I32 {
    return this.#compare(0x55, other);
  }
  gtU(other: I64 | bigint | number): I32 {
    return this.#compare(0x56, other);
  }
  leS(other: I64 | bigint | number): I32 {
    return this.#compare(0x57, other);
  }
  leU(other: I64 | bigint | number): I32 {
    return this.#compare(0x58, other);
  }
  geS(other: I64 | bigint | number): I32 {
    return this.#compare(0x59, other);
  }
  geU(other: I64 | bigint | number): I32 {
    return this.#compare(0x5a, other);
  }
  clz(): I64 {
    return new I64([...this.code, 0x79]);
  }
  ctz(): I64 {
    return new I64([...this.code, 0x7a]);
  }
  popcnt(): I64 {
    return new I64([...this.code, 0x7b]);
  }
  add(other: I64 | bigint | number): I64 {
    return this.#with(0x7c, other);
  }
  sub(other: I64 | bigint | number): I64 {
    return this.#with(0x7d, other);
  }
  mul(other: I64 | bigint | number): I64 {
    return this.#with(0x7e, other);
  }
  divS(other: I64 | bigint | number): I64 {
    return this.#with(0x7f, other);
  }
  divU(other: I64 | bigint | number): I64 {
    return this.#with(0x80, other);
  }
  remS(other: I64 | bigint | number): I64 {
    return this.#with(0x81, other);
  }
  remU(other: I64 | bigint | number): I64 {
    return this.#with(0x82, other);
  }
  and(other: I64 | bigint | number): I64 {
    return this.#with(0x83, other);
  }
  or(other: I64 | bigint | number): I64 {
    return this.#with(0x84, other);
  }
  xor(other: I64 | bigint | number): I64 {
    return this.#with(0x85, other);
  }
  shl(other: I64 | bigint | number): I64 {
    return this.#with(0x86, other);
  }
  shrS(other: I64 | bigint | number): I64 {
    return this.#with(0x87, other);
  }
  shrU(other: I64 | bigint | number): I64 {
    return this.#with(0x88, other);
  }
  rotl(other: I64 | bigint | number): I64 {
    return this.#with(0x89, other);
  }
  rotr(other: I64 | bigint | number): I64 {
    return this.#with(0x8a, other);
  }
  not(): I64 {
    return this.xor(-1n);
  }
  /** Low 32 bits. */
  wrap(): I32 {
    return new I32([...this.code, 0xa7]);
  }
  extend8S(): I64 {
    return new I64([...this.code, 0xc2]);
  }
  extend16S(): I64 {
    return new I64([...this.code, 0xc3]);
  }
  extend32S(): I64 {
    return new I64([...this.code, 0xc4]);
  }
  toF64S(): F64 {
    return new F64([...this.code, 0xb9]);
  }
  toF32S(): F32 {
    return new F32([...this.code, 0xb4]);
  }
  reinterpretF64(): F64 {
    return new F64([...this.code, 0xbf]);
  }
}

export function i32(value: I32 | number): I32 {
  return typeof value === 'number' ? I32.const(value) : value;
}

export function i64(value: I64 | bigint | number): I64 {
  return value instanceof I64 ? value : I64.const(value);
}
