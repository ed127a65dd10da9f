import { describe, expect, it } from 'vitest';
import { ClockError } from '../../src/hypervisor/clock-state.js';
import { HostClock } from '../../src/hypervisor/host-clock.js';
import { TimerQueue } from '../../src/hypervisor/timer-queue.js';
import { DEFAULT_EPOCH, VirtualClock } from '../../src/hypervisor/virtual-clock.js';
import { randomNumbers } from '../devices/support.js';

describe('TimerQueue', () => {
  it('runs in the order of deadlines and, where they are equal, of scheduling', () => {
    const queue = new TimerQueue();
    const next = randomNumbers(1);
    const ran: [number, number][] = [];
    const expected: [number, number][] = [];
    for (let sequence = 0; sequence < 2000; sequence++) {
      const deadline = next() % 100;
      const timer = queue.schedule(BigInt(deadline), () => ran.push([deadline, sequence]));
      if (next() % 3 === 0) timer.cancel();
      else expected.push([deadline, sequence]);
    }
    expected.sort((a, b) => a[0] - b[0] || a[1] - b[1]);

    for (let now = 0; now < 100; now += 7) queue.runDue(BigInt(now));
    queue.runDue(100n);

    expect(ran).toEqual(expected);
    expect(queue.size).toBe(0);
  });

  it('cancel takes the timer out at once, and may be called again and after it ran', () => {
    const queue = new TimerQueue();
    let ran = 0;
    const timer = queue.schedule(10n, () => ran++);
    timer.cancel();
    timer.cancel();
    expect(queue.size).toBe(0);
    const other = queue.schedule(5n, () => ran++);
    queue.runDue(5n);
    other.cancel();
    expect([ran, queue.nextDeadline()]).toEqual([1, undefined]);
  });

  it('leaves what an action schedules for the next call, though it be overdue', () => {
    const queue = new TimerQueue();
    const ran: string[] = [];
    queue.schedule(1n, () => {
      ran.push('first');
      queue.schedule(0n, () => ran.push('third'));
    });
    queue.schedule(2n, () => ran.push('second'));

    expect(queue.runDue(5n)).toBe(2);
    expect(ran).toEqual(['first', 'second']);
    expect(queue.nextDeadline()).toBe(0n);
    expect(queue.runDue(5n)).toBe(1);
  });

  it('an action may cancel a timer that is due with it', () => {
    const queue = new TimerQueue();
    const ran: string[] = [];
    queue.schedule(1n, () => {
      ran.push('first');
      second.cancel();
    });
    const second = queue.schedule(1n, () => ran.push('second'));
    queue.runDue(1n);
    expect(ran).toEqual(['first']);
  });
});

describe('VirtualClock', () => {
  function virtual() {
    const cpu = { instructions: 0 };
    const clock = new VirtualClock({ instructions: () => cpu.instructions });
    const idleTo = (time: bigint) => {
      clock.schedule(time, () => {});
      expect(clock.skipToTimer()).toBe(0);
      expect(clock.runDue()).toBe(1);
    };
    return { cpu, clock, idleTo };
  }

  it('one retired instruction is one nanosecond, plus what was skipped', () => {
    const { cpu, clock, idleTo } = virtual();
    cpu.instructions = 1000;
    expect(clock.now()).toBe(1000n);
    idleTo(5000n);
    cpu.instructions += 10;
    expect(clock.now()).toBe(5010n);
    idleTo(10n);
    expect(clock.now()).toBe(5010n);
  });

  it('tells the budget to the next timer and runs it when due', () => {
    const { cpu, clock } = virtual();
    let ran = 0;
    clock.schedule(700n, () => ran++);
    cpu.instructions = 200;
    expect(clock.instructionsUntilTimer()).toBe(500);
    expect(clock.runDue()).toBe(0);
    cpu.instructions = 700;
    expect(clock.instructionsUntilTimer()).toBe(0);
    expect(clock.runDue()).toBe(1);
    expect(ran).toBe(1);
  });

  it('waiting takes time, and makes the next timer come in fewer instructions', () => {
    const told: number[] = [];
    const clock = new VirtualClock({ instructions: () => 100, onNearer: (left) => told.push(left) });
    clock.wait(1000);
    expect(clock.now()).toBe(1100n);
    expect(told).toEqual([]);
    clock.schedule(5000n, () => {});
    clock.wait(1000);
    clock.wait(5000);
    expect(told).toEqual([3900, 2900, 0]);
  });

  it('tells of a new timer only when it is the next', () => {
    const told: number[] = [];
    const clock = new VirtualClock({ instructions: () => 0, onNearer: (left) => told.push(left) });
    for (const deadline of [500, 700, 500, 300]) clock.schedule(BigInt(deadline), () => {});
    expect(told).toEqual([500, 300]);
  });

  it('never jumps to a deadline that is not there', () => {
    const { clock } = virtual();
    expect(clock.skipToTimer()).toBe(Number.POSITIVE_INFINITY);
    expect(clock.now()).toBe(0n);
  });

  it('knows no end, and every nanosecond of what is far away', () => {
    const { cpu, clock, idleTo } = virtual();
    const centuries = 2n ** 65n + 1n;
    idleTo(centuries);
    cpu.instructions = 1;
    expect(clock.now()).toBe(centuries + 1n);
    clock.schedule(centuries + 5n, () => {});
    expect(clock.instructionsUntilTimer()).toBe(4);
    expect(clock.wallTime()).toBe(DEFAULT_EPOCH + Number(centuries / 1_000_000n));
    const other = virtual();
    other.clock.restore(JSON.parse(JSON.stringify(clock.save())));
    expect(other.clock.now()).toBe(centuries + 1n);
  });

  it('starts at 2026-01-01T00:00:00Z unless told otherwise', () => {
    const { clock, idleTo } = virtual();
    expect(new Date(clock.wallTime()).toISOString()).toBe('2026-01-01T00:00:00.000Z');
    idleTo(1_500_000_000n);
    expect(clock.wallTime()).toBe(DEFAULT_EPOCH + 1500);
    expect(new VirtualClock({ instructions: () => 0, epoch: 5 }).wallTime()).toBe(5);
  });

  it('goes on from a saved time beside another count of instructions, without old timers', () => {
    const { cpu, clock, idleTo } = virtual();
    cpu.instructions = 123;
    idleTo(1000n);
    const other = virtual();
    other.cpu.instructions = 50_000;
    other.clock.schedule(60_000n, () => {});

    other.clock.restore(clock.save());

    expect(other.clock.now()).toBe(1000n);
    expect(other.clock.nextDeadline()).toBeUndefined();
    expect(other.clock.save()).toEqual(clock.save());
  });

  it.each([
    { seconds: -1, nanoseconds: 0, epoch: 0 },
    { seconds: 0.5, nanoseconds: 0, epoch: 0 },
    { seconds: 2 ** 53, nanoseconds: 0, epoch: 0 },
    { seconds: 0, nanoseconds: 1e9, epoch: 0 },
    { seconds: 0, nanoseconds: -1, epoch: 0 },
    { seconds: 0, nanoseconds: 0, epoch: Number.NaN },
    { seconds: 0, nanoseconds: 0, epoch: 9e15 },
  ])('refuses the saved time %o', (state) => {
    expect(() => virtual().clock.restore(state)).toThrow(ClockError);
  });
});

describe('HostClock', () => {
  function host() {
    const source = { monotonic: 5000, wall: Date.UTC(2030, 0, 1) };
    return { source, clock: new HostClock({ monotonic: () => source.monotonic, wall: () => source.wall }) };
  }

  it('follows its source in nanoseconds and never goes back', () => {
    const { source, clock } = host();
    expect(clock.now()).toBe(0n);
    source.monotonic += 1.5;
    expect(clock.now()).toBe(1_500_000n);
    source.monotonic -= 1;
    expect(clock.now()).toBe(1_500_000n);
  });

  it('answers how many milliseconds to sleep instead of jumping', () => {
    const { source, clock } = host();
    clock.schedule(3_000_000n, () => {});
    expect(clock.skipToTimer()).toBe(3);
    expect(clock.instructionsUntilTimer()).toBe(Number.POSITIVE_INFINITY);
    source.monotonic += 4;
    expect(clock.skipToTimer()).toBe(0);
    expect(clock.instructionsUntilTimer()).toBe(0);
    expect(clock.runDue()).toBe(1);
    expect(clock.skipToTimer()).toBe(Number.POSITIVE_INFINITY);
  });

  it('goes on from a saved time, with the wall time of the host', () => {
    const { source, clock } = host();
    clock.restore({ seconds: 2, nanoseconds: 77, epoch: 0 });
    source.monotonic += 1;
    expect(clock.now()).toBe(2_001_000_077n);
    expect(clock.wallTime()).toBe(source.wall);
  });

  it('uses the host when it is given no source', () => {
    const clock = new HostClock();
    expect(clock.now()).toBeGreaterThanOrEqual(0n);
    expect(clock.wallTime()).toBeGreaterThan(DEFAULT_EPOCH - 10 * 365 * 86_400_000);
  });
});
