/** The local APIC's timer: exact by the clock in each mode (SDM vol. 3, 11.5.4). */
import { describe, expect, it } from 'vitest';
import { ApicRig, Msr, Offset } from './rig.js';

const VECTOR = 0x44;
const ONE_SHOT = VECTOR;
const PERIODIC = 0x20000 | VECTOR;
const DEADLINE = 0x40000 | VECTOR;
const BY_ONE = 0xb;

function started(mode: number, count: number, divide: number = BY_ONE): ApicRig {
  const rig = new ApicRig();
  rig.write(Offset.timer, mode);
  rig.write(Offset.divide, divide);
  rig.write(Offset.initialCount, count);
  return rig;
}

/** Serves the timer's interrupt, if there is one. */
function served(rig: ApicRig): boolean {
  if (!rig.apic.pending()) return false;
  expect(rig.apic.acknowledge()).toBe(VECTOR);
  rig.write(Offset.eoi, 0);
  return true;
}

describe('one-shot', () => {
  it.each([
    [0x0, 2],
    [0x1, 4],
    [0x2, 8],
    [0x3, 16],
    [0x8, 32],
    [0x9, 64],
    [0xa, 128],
    [0xb, 1],
  ])('divides by what %i says: %i', (divide, divisor) => {
    const rig = started(ONE_SHOT, 100, divide);

    rig.clock.advance(100 * divisor - 1);
    expect([rig.read(Offset.currentCount), served(rig)]).toEqual([1, false]);
    rig.clock.advance(1);
    expect([rig.read(Offset.currentCount), served(rig)]).toEqual([0, true]);
    rig.clock.advance(1000 * divisor);
    expect([served(rig), rig.read(Offset.initialCount)]).toEqual([false, 100]);
  });

  it('stops when the count is set to 0, and begins again with each count', () => {
    const rig = started(ONE_SHOT, 100);
    rig.clock.advance(50);
    rig.write(Offset.initialCount, 200);
    rig.clock.advance(199);
    expect(rig.read(Offset.currentCount)).toBe(1);

    rig.write(Offset.initialCount, 0);
    rig.clock.advance(1000);

    expect([rig.read(Offset.currentCount), served(rig)]).toEqual([0, false]);
  });

  it('counts while masked, and interrupts nobody', () => {
    const rig = started(0x10000 | VECTOR, 100);
    rig.clock.advance(40);
    expect(rig.read(Offset.currentCount)).toBe(60);
    rig.clock.advance(100);
    expect(served(rig)).toBe(false);
  });
});

describe('periodic', () => {
  it('interrupts once a period without drift', () => {
    const rig = started(PERIODIC, 3000, 0x0);
    for (let period = 1; period <= 50; period++) {
      rig.clock.advanceTo(6000 * period - 1);
      expect(served(rig)).toBe(false);
      rig.clock.advanceTo(6000 * period);
      expect(served(rig)).toBe(true);
      expect(rig.read(Offset.currentCount)).toBe(3000);
    }
  });

  it('goes on from where a one-shot count stood, and the other way round', () => {
    const rig = started(ONE_SHOT, 10_000);
    rig.clock.advance(6000);
    rig.write(Offset.timer, PERIODIC);
    expect(rig.read(Offset.currentCount)).toBe(4000);
    rig.clock.advance(5000);
    expect([served(rig), rig.read(Offset.currentCount)]).toEqual([true, 9000]);

    rig.write(Offset.timer, ONE_SHOT);
    rig.clock.advance(8999);
    expect([served(rig), rig.read(Offset.currentCount)]).toEqual([false, 1]);
    rig.clock.advance(20_000);
    expect([served(rig), rig.read(Offset.currentCount)]).toEqual([true, 0]);

    rig.write(Offset.timer, PERIODIC);
    rig.clock.advance(20_000);
    expect([served(rig), rig.read(Offset.currentCount)]).toEqual([false, 0]);
  });

  it('keeps the count across a change of the divisor', () => {
    const rig = started(PERIODIC, 10_000);
    rig.clock.advance(4000);
    rig.write(Offset.divide, 0x0);
    expect(rig.read(Offset.currentCount)).toBe(6000);
    rig.clock.advance(2000);
    expect(rig.read(Offset.currentCount)).toBe(5000);
  });

  it('takes no more than an event a microsecond, however short the period', () => {
    const rig = started(PERIODIC, 1);
    let events = 0;
    for (; rig.clock.nextDeadline <= 100_000; events++) {
      rig.clock.time = rig.clock.nextDeadline;
      rig.clock.runDue();
    }
    expect(events).toBe(100);
  });
});

it('a countdown that has gone on for years can be saved, and goes on from where it was', () => {
  const rig = started(PERIODIC, 700);
  rig.clock.time = 2 ** 55;
  const other = started(ONE_SHOT, 0);
  other.apic.restore(JSON.parse(JSON.stringify(rig.apic.save())));
  expect(other.read(Offset.currentCount)).toBe(rig.read(Offset.currentCount));
  rig.clock.runDue();
  const untilNext = Number((rig.clock.queue.nextDeadline() ?? 0n) - rig.clock.now());
  expect(other.clock.nextDeadline - other.clock.time).toBe(untilNext);
});

describe('TSC deadline', () => {
  it('interrupts when the counter has come there, once', () => {
    const rig = started(DEADLINE, 500);
    expect(rig.read(Offset.initialCount)).toBe(0);

    rig.apic.writeMsr(Msr.deadline, 2001n);

    expect(rig.apic.readMsr(Msr.deadline)).toBe(2001n);
    rig.clock.advanceTo(1000);
    expect(served(rig)).toBe(false);
    rig.clock.advanceTo(1001);
    expect([served(rig), rig.apic.readMsr(Msr.deadline)]).toEqual([true, 0n]);
    rig.clock.advance(10_000);
    expect(served(rig)).toBe(false);
  });

  it('interrupts at once when the deadline is past', () => {
    const rig = started(DEADLINE, 0);
    rig.clock.advance(100);
    rig.apic.writeMsr(Msr.deadline, 150n);
    expect([served(rig), rig.apic.readMsr(Msr.deadline)]).toEqual([true, 0n]);
  });

  it('is disarmed by 0 and by leaving the mode', () => {
    const rig = started(DEADLINE, 0);
    rig.apic.writeMsr(Msr.deadline, 2000n);
    rig.apic.writeMsr(Msr.deadline, 0n);
    rig.clock.advance(5000);
    expect(served(rig)).toBe(false);

    rig.apic.writeMsr(Msr.deadline, 50_000n);
    rig.write(Offset.timer, ONE_SHOT);
    expect(rig.apic.readMsr(Msr.deadline)).toBe(0n);
    rig.clock.advance(50_000);
    expect(served(rig)).toBe(false);
  });

  it('ignores the deadline in the other modes', () => {
    const rig = started(ONE_SHOT, 0);
    rig.apic.writeMsr(Msr.deadline, 1n);
    rig.clock.advance(5000);
    expect([served(rig), rig.apic.readMsr(Msr.deadline)]).toEqual([false, 0n]);
  });

  it('follows the counter when that is set', () => {
    const rig = started(DEADLINE, 0);
    rig.apic.writeMsr(Msr.deadline, 1_000_000n);
    rig.timeStampOffset = 1_000_000n - 200n;
    rig.apic.timeStampChanged();
    rig.clock.advance(99);
    expect(served(rig)).toBe(false);
    rig.clock.advance(1);
    expect(served(rig)).toBe(true);
  });

  it('comes after decades, to the nanosecond', () => {
    const rig = started(DEADLINE, 0);
    rig.apic.writeMsr(Msr.deadline, 0x7fff_ffff_ffff_ffffn);
    expect(rig.clock.queue.nextDeadline()).toBe(0x4000_0000_0000_0000n);
  });

  it('never comes for a deadline that software sets to mean so', () => {
    const rig = started(DEADLINE, 0);
    rig.apic.writeMsr(Msr.deadline, 0xffff_ffff_ffff_ffffn);
    expect(rig.clock.nextDeadline).toBe(Number.POSITIVE_INFINITY);
    expect(rig.apic.readMsr(Msr.deadline)).toBe(0xffff_ffff_ffff_ffffn);
  });
});
