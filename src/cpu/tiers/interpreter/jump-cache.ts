/** The host's side of the jump cache, from RIP and mode to record (lookup.ts is WebAssembly's). */
import {
  JUMP_CACHE_BASE,
  JUMP_CACHE_ENTRIES,
  JUMP_CACHE_FOLD,
  JUMP_CACHE_SIZE,
} from '../../../memory/layout.js';
import * as state from '../../state.js';

export class JumpCache {
  constructor(private readonly view: DataView) {}

  /** Notes that `state.rip` leads to a record, in the mode that is in force. */
  remember(record: number): void {
    const { view } = this;
    const low = view.getInt32(state.rip.address, true);
    const slot = JUMP_CACHE_BASE + ((low ^ (low >>> JUMP_CACHE_FOLD)) & (JUMP_CACHE_ENTRIES - 1)) * 16;
    const high = view.getInt32(state.rip.address + 4, true);
    view.setInt32(slot, low ^ view.getInt32(state.modeKey.address, true), true);
    view.setInt32(slot + 4, high ^ view.getInt32(state.modeKey.address + 4, true), true);
    view.setUint32(slot + 8, record, true);
    this.#noteFilled(slot);
  }

  /** Notes a slot that a flush is to clear (see `state.jumpFills`). */
  #noteFilled(slot: number): void {
    const { jumpFills, jumpFilled } = state;
    const count = this.view.getUint32(jumpFills.address, true);
    if (count < jumpFilled.count) this.view.setUint32(state.at(jumpFilled, count), slot, true);
    if (count <= jumpFilled.count) this.view.setUint32(jumpFills.address, count + 1, true);
  }

  forget(): void {
    new Uint8Array(this.view.buffer).fill(0xff, JUMP_CACHE_BASE, JUMP_CACHE_BASE + JUMP_CACHE_SIZE);
  }
}
