/**
 * What the contexts of both tiers do alike: they reach memory for a value's sake, and note when an instruction has
 * written something, since from then on it cannot be begun again.
 */
import type { I32, I64, Value } from '../../wasm/values.js';
import { Emitter } from '../emitter.js';
import { loadInteger, storeInteger } from '../integer-memory.js';
import type { PlaceKind } from '../mmu/access.js';
import { AccessKind } from '../mmu/walk.js';
import type * as state from '../state.js';

export abstract class BoundContext extends Emitter {
  /** Whether the instruction has stored to memory or to the state. */
  protected written = false;

  abstract reach(linear: I64, bytes: number, kind: PlaceKind, access: I32 | number): I32;
  abstract commit(host: I32): void;

  load(linear: I64, width: number, stack = false): I64 {
    const access = stack ? AccessKind.stack | AccessKind.nearStack : 0;
    return this.code.let(loadInteger(this.reach(this.code.let(linear), width / 8, 'read', access), width));
  }

  store(linear: I64, width: number, value: I64, stack = false): void {
    const access = stack ? AccessKind.stack | AccessKind.nearStack : 0;
    const host = this.reach(this.code.let(linear), width / 8, 'write', access);
    this.storeInteger(host, value, width);
    this.commit(host);
  }

  /** Stores the low `width` bits. */
  storeInteger(address: I32, value: I64, width: number): void {
    this.written = true;
    storeInteger(this.code, address, value, width);
  }

  /** Stores to guest-visible state or memory. */
  storeState(address: I32, value: Value, offset = 0): void {
    this.written = true;
    this.code.store(address, value, offset);
  }

  override set32(field: state.Field, value: I32 | number, n = 0): void {
    this.written = true;
    super.set32(field, value, n);
  }

  override set64(field: state.Field, value: I64 | bigint | number, n = 0): void {
    this.written = true;
    super.set64(field, value, n);
  }
}
