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
  TABLE_FILLS_BASE,
  TABLE_MASK_BASE,
  TLB_BASE,
  WINDOW_FILLS_BASE,
  WINDOW_FILLS_SIZE,
  WINDOW_LOSSES,
  WINDOW_MAP_BASE,
  WINDOW_MAP_COUNT,
  WINDOW_MAP_SIZE,
  WINDOW_RANGES_BASE,
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

test('the window maps and the table masks lie between the code masks and the records; no map ends in RAM', () => {
  const pages = 2 ** 32 / 4096;
  expect(WINDOW_MAP_SIZE).toBe(pages);
  expect(WINDOW_MAP_BASE).toBeGreaterThanOrEqual(CODE_MASK_BASE + 4 * pages);
  expect(WINDOW_MAP_BASE + WINDOW_MAP_COUNT * WINDOW_MAP_SIZE).toBeLessThanOrEqual(TABLE_MASK_BASE);
  expect(TABLE_MASK_BASE + 4 * pages).toBeLessThanOrEqual(RECORDS_BASE);
  expect(MAX_RAM / 4096).toBeLessThan(pages);
  expect(WINDOW_FILLS_BASE).toBeGreaterThanOrEqual(STATIC_RECORDS + 0x100);
  expect(WINDOW_FILLS_BASE + WINDOW_MAP_COUNT * WINDOW_FILLS_SIZE).toBeLessThanOrEqual(WINDOW_RANGES_BASE);
  expect(WINDOW_LOSSES + 4).toBeLessThanOrEqual(TABLE_FILLS_BASE);
  expect(TABLE_FILLS_BASE + WINDOW_FILLS_SIZE).toBeLessThanOrEqual(TLB_BASE);
});
