import { expect, test } from 'vitest';
import { EscapeKeys } from '../../src/host/escape-keys.js';

const cases: readonly (readonly [typed: string, forGuest: string, commands: string[]])[] = [
  ['hello', 'hello', []],
  ['\x01x', '', ['quit']],
  ['a\x01Xb', 'ab', ['quit']],
  ['\x01c\x01h\x01?', '', ['monitor', 'help', 'help']],
  ['\x01a', '\x01', []],
  ['\x01\x01x', '\x01x', []],
  ['\x01z', '\x01z', []],
  ['\x03\x04', '\x03\x04', []],
];

test.for(cases)('%j', ([typed, forGuest, commands]) => {
  const result = new EscapeKeys().feed(new TextEncoder().encode(typed));

  expect(new TextDecoder().decode(result.forGuest)).toBe(forGuest);
  expect(result.commands).toEqual(commands);
});

test('three Ctrl-C within two seconds want a reminder, and reach the guest', () => {
  const keys = new EscapeKeys();
  const press = (now: number) => keys.feed(Uint8Array.of(3), now);

  expect([0, 1500, 2500, 3000, 3100].map((now) => press(now).commands)).toEqual([[], [], [], ['remind'], []]);
  expect([...press(3200).forGuest]).toEqual([3]);
});

test('Ctrl-A and its key may come apart', () => {
  const keys = new EscapeKeys();

  expect(keys.feed(Uint8Array.of(1)).commands).toEqual([]);
  expect(keys.feed(Uint8Array.of(0x78)).commands).toEqual(['quit']);
});
