/**
 * WebAssembly's integers. Method names are the specification's (Core Specification 2.0, §5.4), in camel case.
 */
import { access, binary, constant, unary } from './code.js';
import { F32, F64 } from './floats.js';
import { ValueType } from './types.js';
import { Value } from './value.js';

export class I32 extends Value {
  static readonly type = ValueType.i32;
  get type(): typeof ValueType.i32 {
    return ValueType.i32;
  }

  static const(value: number): I32 {
    return new I32(constant(0x41, value | 0));
  }
  static load(address: I32, offset = 0): I32 {
    return new I32(access(0x28, address.code, offset));
  }
  static load8S(address: I32, offset = 0): I32 {
    return new I32(access(0x2c, address.code, offset));
  }
  static load8U(address: I32, offset = 0): I32 {
    return new I32(access(0x2d, address.code, offset));
  }
  static load16S(address: I32, offset = 0): I32 {
    return new I32(access(0x2e, address.code, offset));
  }
  static load16U(address: I32, offset = 0): I32 {
    return new I32(access(0x2f, address.code, offset));
  }

  eqz(): I32 {
    return new I32(unary(0x45, this.code));
  }
  eq(other: I32 | number): I32 {
    return new I32(binary(0x46, this.code, i32(other).code));
  }
  ne(other: I32 | number): I32 {
    return new I32(binary(0x47, this.code, i32(other).code));
  }
  ltS(other: I32 | number): I32 {
    return new I32(binary(0x48, this.code, i32(other).code));
  }
  ltU(other: I32 | number): I32 {
    return new I32(binary(0x49, this.code, i32(other).code));
  }
  gtS(other: I32 | number): I32 {
    return new I32(binary(0x4a, this.code, i32(other).code));
  }
  gtU(other: I32 | number): I32 {
    return new I32(binary(0x4b, this.code, i32(other).code));
  }
  leS(other: I32 | number): I32 {
    return new I32(binary(0x4c, this.code, i32(other).code));
  }
  leU(other: I32 | number): I32 {
    return new I32(binary(0x4d, this.code, i32(other).code));
  }
  geS(other: I32 | number): I32 {
    return new I32(binary(0x4e, this.code, i32(other).code));
  }
  geU(other: I32 | number): I32 {
    return new I32(binary(0x4f, this.code, i32(other).code));
  }
  clz(): I32 {
    return new I32(unary(0x67, this.code));
  }
  ctz(): I32 {
    return new I32(unary(0x68, this.code));
  }
  popcnt(): I32 {
    return new I32(unary(0x69, this.code));
  }
  add(other: I32 | number): I32 {
    return new I32(binary(0x6a, this.code, i32(other).code));
  }
  sub(other: I32 | number): I32 {
    return new I32(binary(0x6b, this.code, i32(other).code));
  }
  mul(other: I32 | number): I32 {
    return new I32(binary(0x6c, this.code, i32(other).code));
  }
  remU(other: I32 | number): I32 {
    return new I32(binary(0x70, this.code, i32(other).code));
  }
  and(other: I32 | number): I32 {
    return new I32(binary(0x71, this.code, i32(other).code));
  }
  or(other: I32 | number): I32 {
    return new I32(binary(0x72, this.code, i32(other).code));
  }
  xor(other: I32 | number): I32 {
    return new I32(binary(0x73, this.code, i32(other).code));
  }
  shl(other: I32 | number): I32 {
    return new I32(binary(0x74, this.code, i32(other).code));
  }
  shrS(other: I32 | number): I32 {
    return new I32(binary(0x75, this.code, i32(other).code));
  }
  shrU(other: I32 | number): I32 {
    return new I32(binary(0x76, this.code, i32(other).code));
  }
  /** Sign-extended to 64 bits. */
  extendS(): I64 {
    return new I64(unary(0xac, this.code));
  }
  /** Zero-extended to 64 bits. */
  extendU(): I64 {
    return new I64(unary(0xad, this.code));
  }
  toF64S(): F64 {
    return new F64(unary(0xb7, this.code));
  }
  toF32S(): F32 {
    return new F32(unary(0xb2, this.code));
  }
  /** Sign-extended from 8 bits. */
  extend8S(): I32 {
    return new I32(unary(0xc0, this.code));
  }
  reinterpretF32(): F32 {
    return new F32(unary(0xbe, this.code));
  }
}

export class I64 extends Value {
  static readonly type = ValueType.i64;
  get type(): typeof ValueType.i64 {
    return ValueType.i64;
  }

  static const(value: bigint | number): I64 {
    return new I64(constant(0x42, signed64(value)));
  }
  static load(address: I32, offset = 0): I64 {
    return new I64(access(0x29, address.code, offset));
  }
  static load8U(address: I32, offset = 0): I64 {
    return new I64(access(0x31, address.code, offset));
  }
  static load16U(address: I32, offset = 0): I64 {
    return new I64(access(0x33, address.code, offset));
  }
  static load32S(address: I32, offset = 0): I64 {
    return new I64(access(0x34, address.code, offset));
  }
  static load32U(address: I32, offset = 0): I64 {
    return new I64(access(0x35, address.code, offset));
  }

  eqz(): I32 {
    return new I32(unary(0x50, this.code));
  }
  eq(other: I64 | bigint | number): I32 {
    return new I32(binary(0x51, this.code, i64(other).code));
  }
  ne(other: I64 | bigint | number): I32 {
    return new I32(binary(0x52, this.code, i64(other).code));
  }
  ltS(other: I64 | bigint | number): I32 {
    return new I32(binary(0x53, this.code, i64(other).code));
  }
  ltU(other: I64 | bigint | number): I32 {
    return new I32(binary(0x54, this.code, i64(other).code));
  }
  gtS(other: I64 | bigint | number): I32 {
    return new I32(binary(0x55, this.code, i64(other).code));
  }
  gtU(other: I64 | bigint | number): I32 {
    return new I32(binary(0x56, this.code, i64(other).code));
  }
  leS(other: I64 | bigint | number): I32 {
    return new I32(binary(0x57, this.code, i64(other).code));
  }
  leU(other: I64 | bigint | number): I32 {
    return new I32(binary(0x58, this.code, i64(other).code));
  }
  geS(other: I64 | bigint | number): I32 {
    return new I32(binary(0x59, this.code, i64(other).code));
  }
  geU(other: I64 | bigint | number): I32 {
    return new I32(binary(0x5a, this.code, i64(other).code));
  }
  clz(): I64 {
    return new I64(unary(0x79, this.code));
  }
  ctz(): I64 {
    return new I64(unary(0x7a, this.code));
  }
  popcnt(): I64 {
    return new I64(unary(0x7b, this.code));
  }
  add(other: I64 | bigint | number): I64 {
    return new I64(binary(0x7c, this.code, i64(other).code));
  }
  sub(other: I64 | bigint | number): I64 {
    return new I64(binary(0x7d, this.code, i64(other).code));
  }
  mul(other: I64 | bigint | number): I64 {
    return new I64(binary(0x7e, this.code, i64(other).code));
  }
  divS(other: I64 | bigint | number): I64 {
    return new I64(binary(0x7f, this.code, i64(other).code));
  }
  divU(other: I64 | bigint | number): I64 {
    return new I64(binary(0x80, this.code, i64(other).code));
  }
  remS(other: I64 | bigint | number): I64 {
    return new I64(binary(0x81, this.code, i64(other).code));
  }
  remU(other: I64 | bigint | number): I64 {
    return new I64(binary(0x82, this.code, i64(other).code));
  }
  and(other: I64 | bigint | number): I64 {
    return new I64(binary(0x83, this.code, i64(other).code));
  }
  or(other: I64 | bigint | number): I64 {
    return new I64(binary(0x84, this.code, i64(other).code));
  }
  xor(other: I64 | bigint | number): I64 {
    return new I64(binary(0x85, this.code, i64(other).code));
  }
  shl(other: I64 | bigint | number): I64 {
    return new I64(binary(0x86, this.code, i64(other).code));
  }
  shrS(other: I64 | bigint | number): I64 {
    return new I64(binary(0x87, this.code, i64(other).code));
  }
  shrU(other: I64 | bigint | number): I64 {
    return new I64(binary(0x88, this.code, i64(other).code));
  }
  rotl(other: I64 | bigint | number): I64 {
    return new I64(binary(0x89, this.code, i64(other).code));
  }
  rotr(other: I64 | bigint | number): I64 {
    return new I64(binary(0x8a, this.code, i64(other).code));
  }
  not(): I64 {
    return this.xor(-1n);
  }
  /** Low 32 bits. */
  wrap(): I32 {
    return new I32(unary(0xa7, this.code));
  }
  extend8S(): I64 {
    return new I64(unary(0xc2, this.code));
  }
  extend16S(): I64 {
    return new I64(unary(0xc3, this.code));
  }
  extend32S(): I64 {
    return new I64(unary(0xc4, this.code));
  }
  toF64S(): F64 {
    return new F64(unary(0xb9, this.code));
  }
  toF32S(): F32 {
    return new F32(unary(0xb4, this.code));
  }
  reinterpretF64(): F64 {
    return new F64(unary(0xbf, this.code));
  }
}

export function i32(value: I32 | number): I32 {
  return typeof value === 'number' ? I32.const(value) : value;
}

export function i64(value: I64 | bigint | number): I64 {
  return value instanceof I64 ? value : I64.const(value);
}

/** The value that the low 64 bits have as a signed integer; as a number where that is exact, which is faster to write. */
function signed64(value: bigint | number): bigint | number {
  if (Number.isSafeInteger(value)) return value;
  const wrapped = BigInt.asIntN(64, BigInt(value));
  const number = Number(wrapped);
  return Number.isSafeInteger(number) ? number : wrapped;
}
