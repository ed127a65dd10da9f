/** From which V8 on branch hints need no flag, which later versions might not know. */
import { expect, test } from 'vitest';
import { needsFlag } from '../../src/host/branch-hints.js';

test.each([
  ['11.3.244.8-node.38', true],
  ['12.4.254.21-node.33', true],
  ['13.6.233.17-node.37', true],
  ['13.7.152.7', false],
  ['14.6.202.33-node.18', false],
])('V8 %s needs the flag: %s', (version, needed) => {
  expect(needsFlag(version)).toBe(needed);
});
