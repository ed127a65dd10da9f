/** What is made of the times at which a load's marks came. */
import { expect, test } from 'vitest';
import { loadTimes } from '../../bench/marks.js';

const MARKS = '.\n'.repeat(21);

test('the whole is from the first mark to the last, the steady state twice the last half', () => {
  const slowHalf = Array.from({ length: 11 }, (_, mark) => 500 + mark * 200);
  const fastHalf = Array.from({ length: 10 }, (_, mark) => 2500 + (mark + 1) * 100);
  const lines = [...slowHalf, ...fastHalf, 9999];

  expect(loadTimes({ output: `${MARKS}sieve n=20: 0\n`, lines })).toEqual({ whole: 3, steady: 2 });
});

test('an output without all marks is refused', () => {
  expect(() => loadTimes({ output: 'No such load: ""\n', lines: [1] })).toThrow('marks are missing');
});
