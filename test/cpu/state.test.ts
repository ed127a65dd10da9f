/** The layout of the state in the WebAssembly memory. */
import { expect, test } from 'vitest';
import { stateEnd, stateFields } from '../../src/cpu/state.js';
import { STATE_BASE, STATE_END } from '../../src/memory/layout.js';

test('the fields lie where the layout has room for them, and none over another', () => {
  let end = STATE_BASE;
  for (const { address, size, stride, count } of stateFields) {
    expect(address).toBeGreaterThanOrEqual(end);
    expect(address % size).toBe(0);
    expect(stride).toBeGreaterThanOrEqual(size);
    end = address + stride * count;
  }
  expect(end).toBe(stateEnd);
  expect(stateEnd).toBeLessThanOrEqual(STATE_END);
});
