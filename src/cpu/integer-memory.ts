/** Integers of 8, 16, 32 or 64 bits at a host address. */
import type { FunctionBuilder } from '../wasm/function-builder.js';
import { type I32, I64 } from '../wasm/values.js';

/** Zero-extended. */
export function loadInteger(address: I32, width: number): I64 {
  if (width === 8) return I64.load8U(address);
  if (width === 16) return I64.load16U(address);
  return width === 32 ? I64.load32U(address) : I64.load(address);
}

/** Stores the low `width` bits. */
export function storeInteger(code: FunctionBuilder, address: I32, value: I64, width: number): void {
  if (width === 8) code.store8(address, value);
  else if (width === 16) code.store16(address, value);
  else if (width === 32) code.store32(address, value);
  else code.store(address, value);
}
