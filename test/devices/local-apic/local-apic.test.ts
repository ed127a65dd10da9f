/** The local APIC by the chapter of the manual (SDM vol. 3, ch. 11). */
import { describe, expect, it } from 'vitest';
import { DeliveryMode } from '../../../src/devices/interrupt/interrupt-message.js';
import { conforms } from '../conformance.js';
import { AllAsPorts, randomNumbers, TestClock } from '../support.js';
import { ApicRig, DISABLED, Msr, Offset, X2APIC, XAPIC } from './rig.js';

conforms('local-apic', (rig) => new AllAsPorts(new ApicRig(rig.clock).apic));

describe('as firmware leaves it', () => {
  it('is enabled at 0xFEE00000 with the 8259s on LINT0 and everything else masked', () => {
    const rig = new ApicRig();

    expect(rig.apic.readMsr(Msr.base)).toBe(XAPIC);
    expect(rig.apic.address).toBe(0xfee00000);
    expect(rig.read(Offset.version)).toBe(0x01050014);
    expect(rig.read(Offset.svr)).toBe(0x1ff);
    expect(rig.read(Offset.lint0)).toBe(0x700);
    expect([rig.read(Offset.timer), rig.read(Offset.error)]).toEqual([0x10000, 0x10000]);
  });

  it('passes an external interrupt on with its own vector, and has no part in its end', () => {
    const rig = new ApicRig();

    rig.setExternal(true);

    expect([rig.apic.pending(), rig.interrupts]).toEqual([true, 1]);
    expect(rig.apic.acknowledge()).toBe(0x21);
    expect([rig.apic.pending(), rig.external.acknowledged]).toEqual([false, 1]);
    expect(rig.vectors(Offset.isr)).toEqual([]);
  });

  it.each([
    ['masked', 0x10700, false],
    ['unmasked', 0x700, true],
  ])('lets external interrupts through with LINT0 %s', (_name, lint0, pending) => {
    const rig = new ApicRig();
    rig.write(Offset.lint0, lint0);

    rig.setExternal(true);

    expect(rig.apic.pending()).toBe(pending);
  });

  it('lets external interrupts through when there is no APIC, whatever LINT0 said', () => {
    const rig = new ApicRig();
    rig.write(Offset.lint0, 0x10700);
    rig.apic.writeMsr(Msr.base, DISABLED);

    rig.setExternal(true);

    expect(rig.apic.acknowledge()).toBe(0x21);
  });
});

describe('priorities', () => {
  it('serves the highest class first and holds lower ones until the end of interrupt', () => {
    const rig = new ApicRig();
    for (const vector of [0x32, 0x91, 0x90]) rig.sendSelf(vector);

    expect(rig.vectors(Offset.irr)).toEqual([0x32, 0x90, 0x91]);
    expect(rig.apic.acknowledge()).toBe(0x91);
    expect(rig.read(Offset.ppr)).toBe(0x90);
    expect(rig.apic.pending()).toBe(false);
    rig.write(Offset.eoi, 0);
    expect(rig.apic.acknowledge()).toBe(0x90);
    rig.write(Offset.eoi, 0);
    expect(rig.apic.acknowledge()).toBe(0x32);
    rig.write(Offset.eoi, 0);
    expect([rig.vectors(Offset.isr), rig.vectors(Offset.irr)]).toEqual([[], []]);
  });

  it('lets a higher class interrupt a lower one', () => {
    const rig = new ApicRig();
    rig.sendSelf(0x41);
    rig.apic.acknowledge();

    rig.sendSelf(0x50);

    expect(rig.apic.acknowledge()).toBe(0x50);
    expect(rig.vectors(Offset.isr)).toEqual([0x41, 0x50]);
    rig.write(Offset.eoi, 0);
    expect(rig.vectors(Offset.isr)).toEqual([0x41]);
  });

  it('holds what the task priority forbids, and CR8 is its upper half', () => {
    const rig = new ApicRig();
    rig.write(Offset.tpr, 0x5f);
    rig.sendSelf(0x5f);

    expect([rig.apic.pending(), rig.cr8, rig.read(Offset.ppr)]).toEqual([false, 5, 0x5f]);
    rig.apic.setTaskPriorityClass(4);
    expect([rig.read(Offset.tpr), rig.apic.pending(), rig.interrupts]).toEqual([0x40, true, 1]);
  });

  it('answers the spurious vector when the request has gone, and puts nothing into service', () => {
    const rig = new ApicRig();
    rig.write(Offset.svr, 0x1ee);

    expect(rig.apic.acknowledge()).toBe(0xee);
    expect(rig.vectors(Offset.isr)).toEqual([]);
  });

  it('masks its whole vector table and takes nothing while software has disabled it', () => {
    const rig = new ApicRig();
    rig.write(Offset.svr, 0xff);

    rig.write(Offset.timer, 0x40);
    rig.sendSelf(0x40);

    expect([rig.read(Offset.lint0), rig.read(Offset.timer)]).toEqual([0x10700, 0x10040]);
    expect(rig.vectors(Offset.irr)).toEqual([]);
  });
});

describe('interrupt messages', () => {
  const fixed = { vector: 0x60, deliveryMode: DeliveryMode.fixed, levelTriggered: false } as const;

  it.each([
    ['its physical id', false, 0, true],
    ['another physical id', false, 1, false],
    ['everybody', false, 0xff, true],
    ['its logical bit', true, 0x06, true],
    ['another logical bit', true, 0x01, false],
  ])('takes what is for %s in the flat model', (_name, logical, destination, taken) => {
    const rig = new ApicRig();
    rig.write(Offset.ldr, 0x04000000);

    expect(rig.apic.send({ ...fixed, logical, destination })).toBe(taken);
    expect(rig.vectors(Offset.irr)).toEqual(taken ? [0x60] : []);
  });

  it.each([
    [0x24, true],
    [0x26, true],
    [0x22, false],
    [0x14, false],
  ])('takes logical destination %i in cluster 2 as member 4: %s', (destination, taken) => {
    const rig = new ApicRig();
    rig.write(Offset.dfr, 0);
    rig.write(Offset.ldr, 0x24000000);

    expect(rig.apic.send({ ...fixed, logical: true, destination })).toBe(taken);
  });

  it('tells the I/O APIC of the end of a level-triggered interrupt alone, unless that is suppressed', () => {
    const rig = new ApicRig();
    const everybody = { logical: false, destination: 0xff };
    for (const svr of [0x1ff, 0x11ff]) {
      rig.write(Offset.svr, svr);
      for (const levelTriggered of [true, false]) {
        rig.apic.send({ ...fixed, ...everybody, levelTriggered });
        expect(rig.vectors(Offset.tmr)).toEqual(levelTriggered ? [0x60] : []);
        rig.apic.acknowledge();
        rig.write(Offset.eoi, 0);
      }
    }
    expect(rig.ended).toEqual([0x60]);
  });

  it.each([
    ['self', 0x44060, 0, true],
    ['all', 0x84060, 0, true],
    ['all but itself', 0xc4060, 0, false],
    ['its id', 0x04060, 0, true],
    ['another id', 0x04060, 0x01000000, false],
    ['everybody', 0x04060, 0xff000000, true],
  ])('sends to %s', (_name, low, high, received) => {
    const rig = new ApicRig();

    rig.write(Offset.icrHigh, high);
    rig.write(Offset.icrLow, low);

    expect(rig.vectors(Offset.irr)).toEqual(received ? [0x60] : []);
    expect(rig.read(Offset.icrLow)).toBe(low);
  });

  it('sends itself NMIs and INITs; start-up, SMIs and the de-assertion of INIT are nothing to it', () => {
    const rig = new ApicRig();
    for (const low of [0x4400, 0x4500, 0x4600, 0x4200, 0x8500]) rig.write(Offset.icrLow, low);

    expect([rig.nmis, rig.inits, rig.vectors(Offset.irr)]).toEqual([1, 1, []]);
  });
});

describe('LINT0 as an input of its own', () => {
  it('takes an edge as a fixed interrupt once', () => {
    const rig = new ApicRig();
    rig.write(Offset.lint0, 0x55);

    rig.setExternal(true);

    expect(rig.apic.acknowledge()).toBe(0x55);
    rig.write(Offset.eoi, 0);
    expect([rig.apic.pending(), rig.external.acknowledged]).toEqual([false, 0]);
  });

  it('takes a level again after each end of interrupt while it lasts', () => {
    const rig = new ApicRig();
    rig.write(Offset.lint0, 0x8055);
    rig.setExternal(true);

    expect(rig.apic.acknowledge()).toBe(0x55);
    expect(rig.read(Offset.lint0)).toBe(0xc055);
    rig.write(Offset.eoi, 0);
    expect(rig.apic.acknowledge()).toBe(0x55);
    rig.setExternal(false);
    rig.write(Offset.eoi, 0);
    expect([rig.apic.pending(), rig.read(Offset.lint0)]).toEqual([false, 0x8055]);
  });

  it('takes an edge as an NMI', () => {
    const rig = new ApicRig();
    rig.write(Offset.lint0, 0x400);

    rig.setExternal(true);
    rig.apic.externalChanged();

    expect([rig.nmis, rig.apic.pending()]).toEqual([1, false]);
  });
});

describe('errors', () => {
  it.each([
    ['a register that is not there', (rig: ApicRig) => rig.write(0x3f0, 1), 0x80],
    ['a reserved register', (rig: ApicRig) => rig.read(0x90), 0x80],
    ['sending a vector below 16', (rig: ApicRig) => rig.sendSelf(0x0f), 0x20],
    [
      'receiving a vector below 16',
      (rig: ApicRig) =>
        rig.apic.send({ vector: 5, deliveryMode: 0, levelTriggered: false, logical: false, destination: 0 }),
      0x40,
    ],
  ])('shows %s after the register was written, and interrupts', (_name, act, bit) => {
    const rig = new ApicRig();
    rig.write(Offset.error, 0xee);

    act(rig);

    expect(rig.read(Offset.esr)).toBe(0);
    expect(rig.apic.acknowledge()).toBe(0xee);
    rig.write(Offset.esr, 0);
    expect(rig.read(Offset.esr)).toBe(bit);
    rig.write(Offset.esr, 0);
    expect(rig.read(Offset.esr)).toBe(0);
  });

  it('interrupts once until the register is written', () => {
    const rig = new ApicRig();
    rig.write(Offset.error, 0xee);
    for (let n = 0; n < 3; n++) rig.read(0x90);
    rig.apic.acknowledge();
    rig.write(Offset.eoi, 0);
    rig.read(0x90);
    expect(rig.apic.pending()).toBe(false);

    rig.write(Offset.esr, 0);
    rig.read(0x90);

    expect(rig.apic.pending()).toBe(true);
  });
});

describe('IA32_APIC_BASE', () => {
  const EXTENDED_ONLY = 0xfee00500n;

  it.each([
    ['disabled', [DISABLED], X2APIC, false],
    ['disabled', [DISABLED], EXTENDED_ONLY, false],
    ['disabled', [DISABLED], XAPIC, true],
    ['xAPIC', [], X2APIC, true],
    ['xAPIC', [], EXTENDED_ONLY, false],
    ['xAPIC', [], DISABLED, true],
    ['x2APIC', [X2APIC], XAPIC, false],
    ['x2APIC', [X2APIC], EXTENDED_ONLY, false],
    ['x2APIC', [X2APIC], DISABLED, true],
    ['xAPIC, reserved bits', [], XAPIC | 1n, false],
    ['xAPIC, reserved bits', [], XAPIC | (1n << 40n), false],
  ])('from %s %o to %#x: %s', (_name, path, value, accepted) => {
    const rig = new ApicRig();
    for (const step of path) expect(rig.apic.writeMsr(Msr.base, step)).toBe(true);
    const before = rig.apic.readMsr(Msr.base);

    expect(rig.apic.writeMsr(Msr.base, value)).toBe(accepted);
    expect(rig.apic.readMsr(Msr.base)).toBe(accepted ? value : before);
  });

  it('moves the registers, and takes them out of memory', () => {
    const rig = new ApicRig();

    rig.apic.writeMsr(Msr.base, 0x12345900n);
    rig.apic.writeMsr(Msr.base, 0x12345d00n);

    expect(rig.moves).toEqual([0x12345000, undefined]);
    expect(rig.apic.offsetOf(0x12345030)).toBeUndefined();
  });

  it('forgets its registers when it is disabled', () => {
    const rig = new ApicRig();
    rig.write(Offset.tpr, 0x50);
    rig.sendSelf(0x90);

    rig.apic.writeMsr(Msr.base, DISABLED);
    rig.apic.writeMsr(Msr.base, XAPIC);

    expect([rig.read(Offset.tpr), rig.read(Offset.svr), rig.vectors(Offset.irr)]).toEqual([0, 0xff, []]);
  });
});

describe('x2APIC mode', () => {
  function x2apic(): ApicRig {
    const rig = new ApicRig();
    rig.apic.writeMsr(Msr.base, X2APIC);
    return rig;
  }

  it('has no registers as MSRs in xAPIC mode', () => {
    const rig = new ApicRig();
    for (let address = 0x800; address <= 0x8ff; address++) {
      expect([rig.apic.readMsr(address), rig.apic.writeMsr(address, 0n)]).toEqual([undefined, false]);
    }
  });

  it('has those of Table 11-6 to be read and written, and no others', () => {
    const rig = x2apic();
    const all = Array.from({ length: 256 }, (_, n) => n);
    const run = (first: number, count: number) => Array.from({ length: count }, (_, n) => first + n);
    const both = [0x08, 0x0f, 0x28, 0x30, ...run(0x32, 6), 0x38, 0x3e];

    expect(all.filter((n) => rig.apic.readMsr(0x800 + n) !== undefined)).toEqual(
      [0x02, 0x03, 0x0a, 0x0d, ...run(0x10, 24), 0x39, ...both].sort((a, b) => a - b),
    );
    expect(all.filter((n) => rig.apic.writeMsr(0x800 + n, n === 0x3f ? 0x20n : 0n))).toEqual(
      [...both, 0x0b, 0x3f].sort((a, b) => a - b),
    );
  });

  it.each([
    [0x808, 0x100n],
    [0x80b, 1n],
    [0x80f, 0x400n],
    [0x828, 1n],
    [0x830, 1n << 13n],
    [0x830, 1n << 20n],
    [0x832, 0x100n],
    [0x832, 0x80000n],
    [0x837, 0x700n],
    [0x83e, 4n],
    [0x83f, 0x100n],
    [0x808, 1n << 32n],
  ])('refuses reserved bits: %#x of %#x', (address, value) => {
    expect(x2apic().apic.writeMsr(address, value)).toBe(false);
  });

  it('tells its id and the logical id that follows from it', () => {
    const rig = x2apic();
    expect([rig.apic.readMsr(0x802), rig.apic.readMsr(0x80d)]).toEqual([0n, 1n]);
  });

  it('sends by one write, to 32-bit destinations', () => {
    const rig = x2apic();
    const taken = (value: bigint): boolean => {
      rig.apic.writeMsr(0x830, value);
      const pending = rig.apic.pending();
      if (pending) rig.apic.acknowledge();
      rig.apic.writeMsr(0x80b, 0n);
      return pending;
    };

    expect(taken(0x4060n)).toBe(true);
    expect(taken((0xffn << 32n) | 0x4060n)).toBe(false);
    expect(taken((0xffffffffn << 32n) | 0x4060n)).toBe(true);
    expect(taken((0x00000001n << 32n) | 0x4860n)).toBe(true);
    expect(taken((0x00010001n << 32n) | 0x4860n)).toBe(false);
    expect(rig.apic.readMsr(0x830)).toBe((0x00010001n << 32n) | 0x4860n);
  });

  it('sends itself an interrupt by SELF IPI', () => {
    const rig = x2apic();
    rig.apic.writeMsr(0x83f, 0x77n);
    expect(rig.apic.acknowledge()).toBe(0x77);
  });

  it('keeps the rest of its state across the change', () => {
    const rig = new ApicRig();
    rig.write(Offset.timer, 0x20033);
    rig.sendSelf(0x90);

    rig.apic.writeMsr(Msr.base, X2APIC);

    expect(rig.apic.readMsr(0x832)).toBe(0x20033n);
    expect(rig.apic.acknowledge()).toBe(0x90);
  });
});

it('answers any MSR with any value without throwing, and can be saved and restored after each', () => {
  const next = randomNumbers(11);
  const rig = new ApicRig();
  const word = (): bigint => BigInt(next() % 4 === 0 ? next() : next() % 0x1000);
  for (let count = 0; count < 50_000; count++) {
    const address =
      [Msr.base, Msr.deadline, Msr.x2apic + (next() & 0xff)][next() % 8] ?? 0x800 + (next() & 0xff);
    const modes = [XAPIC, X2APIC, DISABLED, word() << 12n];
    const value =
      address === Msr.base ? (modes[next() % 4] ?? 0n) : (word() << 32n) * BigInt(next() % 2) + word();
    rig.apic.writeMsr(address, value);
    const read = rig.apic.readMsr(address);
    if (read !== undefined && (read < 0n || read >= 1n << 64n)) expect.fail(`${address} reads ${read}`);
    rig.clock.time += next() % 1000;
    rig.clock.runDue();
    if (count % 100 === 0) rig.apic.restore(JSON.parse(JSON.stringify(rig.apic.save())));
  }
  expect(rig.clock.queue.size).toBeLessThanOrEqual(1);
});

describe('a saved state', () => {
  it('refuses a base that no register could hold', () => {
    const { apic } = new ApicRig();
    const saved = apic.save();
    expect(() => apic.restore({ ...saved, baseLow: 0xfee00500 })).toThrow(/IA32_APIC_BASE/);
    expect(apic.save()).toEqual(saved);
  });

  it('goes on in another machine: mode, requests and timer', () => {
    const rig = new ApicRig();
    rig.write(Offset.timer, 0x44);
    rig.write(Offset.divide, 0xb);
    rig.write(Offset.initialCount, 1000);
    rig.sendSelf(0x90);
    rig.apic.acknowledge();
    rig.clock.advance(300);
    rig.apic.writeMsr(Msr.base, X2APIC);
    const copy = new ApicRig(new TestClock());
    copy.clock.time = 5_000_000;

    copy.apic.restore(JSON.parse(JSON.stringify(rig.apic.save())));

    expect(copy.moves).toEqual([undefined]);
    expect(copy.apic.readMsr(0x839)).toBe(700n);
    copy.clock.advance(700);
    expect(copy.apic.pending()).toBe(false);
    copy.apic.writeMsr(0x80b, 0n);
    expect(copy.apic.acknowledge()).toBe(0x44);
  });
});
