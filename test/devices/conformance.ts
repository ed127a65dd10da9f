/** The promises of src/devices/device.ts, for any device: called once for each. */
import { describe, expect, it } from 'vitest';
import {
  type AccessWidth,
  allOnes,
  type DeviceState,
  DeviceStateError,
  type PortDevice,
} from '../../src/devices/device.js';
import { GuestMemory } from '../../src/memory/guest-memory.js';
import { randomNumbers, TestClock, TestConsole, TestLine, TestPower } from './support.js';

/** A device in a machine of its own. */
export class Rig {
  readonly clock = new TestClock();
  readonly console = new TestConsole();
  readonly power = new TestPower();
  readonly lines: TestLine[] = [];
  readonly memory = GuestMemory.standalone(1 << 20);
  readonly device: PortDevice;

  constructor(make: (rig: Rig) => PortDevice, time = 0) {
    this.clock.time = time;
    this.device = make(this);
  }

  line(): TestLine {
    const line = new TestLine();
    this.lines.push(line);
    return line;
  }
}

type Operation =
  | { kind: 'read'; region: number; offset: number; width: AccessWidth }
  | { kind: 'write'; region: number; offset: number; width: AccessWidth; value: number }
  | { kind: 'wait'; nanoseconds: number }
  | { kind: 'input'; byte: number };

const WIDTHS: readonly AccessWidth[] = [1, 1, 1, 2, 4];
const EDGES = [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

function randomOperation(next: () => number, device: PortDevice): Operation {
  const pick = <T>(choices: readonly T[]) => choices[next() % choices.length] as T;
  const choice = next() % 16;
  if (choice === 0)
    return { kind: 'wait', nanoseconds: next() % pick([100, 10_000, 1_000_000, 2_000_000_000]) };
  if (choice === 1) return { kind: 'input', byte: next() & 0xff };
  const region = next() % device.portRegions.length;
  const offset = next() % (device.portRegions[region]?.length ?? 1);
  const width = pick(WIDTHS);
  if (choice < 8) return { kind: 'read', region, offset, width };
  const value = (next() % 4 === 0 ? pick(EDGES) : next() % 2 ? next() & 0xff : next()) >>> 0;
  return { kind: 'write', region, offset, width, value: (value & allOnes(width)) >>> 0 };
}

/** Does one thing to a device; what it answers, −1 for nothing. */
function perform(rig: Rig, operation: Operation): number {
  switch (operation.kind) {
    case 'read':
      return rig.device.readPort(operation.region, operation.offset, operation.width);
    case 'write':
      rig.device.writePort(operation.region, operation.offset, operation.width, operation.value);
      return -1;
    case 'wait':
      // Late by a whole wait, as a host's clock may be: fast periodic timers cannot make the fuzzer slow.
      rig.clock.time += operation.nanoseconds;
      rig.clock.runDue();
      return -1;
    case 'input':
      if (rig.console.input.length < 64) rig.console.send(operation.byte);
      return -1;
  }
}

function outside(rig: Rig): unknown {
  rig.device.flush?.();
  return [rig.lines.map((line) => line.level), rig.console.written.length, rig.power.events.length];
}

/** The outputs that both rigs made after the restore must be equal, so what came before is dropped. */
function forgetOutputs(rig: Rig): void {
  rig.device.flush?.();
  rig.console.written.length = 0;
  rig.power.events.length = 0;
}

/** Every state that differs from a good one in one place. */
function* malformed(value: unknown): Generator<unknown> {
  for (const wrong of [null, 'x', -1, 1.5, Number.NaN, 1e300, true, [], {}, [1], { length: 2 }]) {
    if (JSON.stringify(wrong) !== JSON.stringify(value)) yield wrong;
  }
  if (Array.isArray(value)) {
    yield value.slice(1);
    yield [...value, ...value, 0];
    for (const index of [0, value.length - 1]) {
      for (const wrong of malformed(value[index])) yield value.with(Math.max(0, index), wrong);
    }
  } else if (typeof value === 'object' && value !== null) {
    yield { ...value, surplus: 0 };
    for (const [key, inner] of Object.entries(value)) {
      const { [key]: _, ...without } = value as Record<string, unknown>;
      yield without;
      for (const wrong of malformed(inner)) yield { ...value, [key]: wrong };
    }
  }
}

/** What every device promises. `make` gives a new device wired to the rig. */
export function conforms(name: string, make: (rig: Rig) => PortDevice): void {
  describe(`${name} keeps the device contract`, () => {
    it('answers 100,000 random accesses without throwing, unsigned and within the width', () => {
      const rig = new Rig(make);
      const next = randomNumbers(1);
      for (let count = 0; count < 100_000; count++) {
        const operation = randomOperation(next, rig.device);
        const answer = perform(rig, operation);
        if (
          operation.kind === 'read' &&
          !(answer >= 0 && answer <= allOnes(operation.width) && answer % 1 === 0)
        ) {
          expect.fail(`${JSON.stringify(operation)} answered ${answer}`);
        }
        if (rig.clock.queue.size > 4) expect.fail(`${rig.clock.queue.size} timers gathered`);
        if (count % 5000 === 4999) rig.device.reset();
      }
    });

    it('answers every offset, also misaligned and beyond the region, at every width', () => {
      const rig = new Rig(make);
      for (const [region, { length }] of rig.device.portRegions.entries()) {
        for (let offset = 0; offset < length + 4; offset++) {
          for (const width of [1, 2, 4] as const) {
            for (const value of EDGES) {
              rig.device.writePort(region, offset, width, value);
              expect(rig.device.readPort(region, offset, width)).toBeGreaterThanOrEqual(0);
            }
          }
        }
      }
    });

    it('behaves the same after its state went through JSON into another device', () => {
      for (let seed = 0; seed < 25; seed++) {
        const next = randomNumbers(seed + 100);
        const original = new Rig(make);
        for (let count = 0; count < 400; count++) perform(original, randomOperation(next, original.device));
        const state = JSON.parse(JSON.stringify(original.device.save())) as DeviceState;

        const copy = new Rig(make, original.clock.time);
        copy.console.input = [...original.console.input];
        copy.device.restore(state);
        original.console.input = [...copy.console.input];
        forgetOutputs(original);
        forgetOutputs(copy);

        expect(copy.device.save()).toEqual(original.device.save());
        for (let count = 0; count < 400; count++) {
          const operation = randomOperation(next, original.device);
          const answers = [perform(original, operation), perform(copy, operation)];
          if (answers[0] !== answers[1]) expect.fail(`seed ${seed}: ${JSON.stringify(operation)} ${answers}`);
          if (count % 20 === 0) expect(outside(copy)).toEqual(outside(original));
        }
        expect(copy.console.written).toEqual(original.console.written);
        expect(copy.power.events).toEqual(original.power.events);
      }
    });

    it('refuses a malformed state by name and stays as it was', () => {
      const next = randomNumbers(7);
      const rig = new Rig(make);
      for (let count = 0; count < 200; count++) perform(rig, randomOperation(next, rig.device));
      const good = rig.device.save();
      let refused = 0;
      for (const state of malformed(good)) {
        try {
          rig.device.restore(state as DeviceState);
        } catch (error) {
          refused++;
          expect(error).toBeInstanceOf(DeviceStateError);
          expect(rig.device.save()).toEqual(good);
          continue;
        }
        // What is well-formed though different must still make a device that answers.
        for (let count = 0; count < 50; count++) perform(rig, randomOperation(next, rig.device));
        rig.clock.runDue();
        rig.device.restore(good);
      }
      expect(refused).toBeGreaterThan(8);
    });
  });
}
