/** The layout of the state in the WebAssembly memory. */
import { expect, test } from 'vitest';
import { stateEnd, stateFields } from '../../src/cpu/state.js';
import {
  CODE_MASK_BASE,
  MAX_RAM,
  RECORDS_BASE,
  STATE_BASE,
  STATE_END,
  STATIC_RECORDS,
  TLB_BASE,
  WINDOW_FILLS_BASE,
  WINDOW_FILLS_SIZE,
  WINDOW_MAP_BASE,
  WINDOW_MAP_COUNT,
  WINDOW_MAP_SIZE,
} from '../../src/memory/layout.js';

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

test('the window maps lie between the code masks and the records, and end in pages that are never RAM', () => {
  const pages = 2 ** 32 / 4096;
  expect(WINDOW_MAP_SIZE).toBe(pages);
  expect(WINDOW_MAP_BASE).toBeGreaterThanOrEqual(CODE_MASK_BASE + 4 * pages);
  expect(WINDOW_MAP_BASE + WINDOW_MAP_COUNT * WINDOW_MAP_SIZE).toBeLessThanOrEqual(RECORDS_BASE);
  expect(MAX_RAM / 4096).toBeLessThan(pages);
  expect(WINDOW_FILLS_BASE).toBeGreaterThanOrEqual(STATIC_RECORDS + 0x100);
  expect(WINDOW_FILLS_BASE + WINDOW_MAP_COUNT * WINDOW_FILLS_SIZE).toBeLessThanOrEqual(TLB_BASE);
});
