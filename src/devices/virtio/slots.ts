/**
 * Places for virtio devices on MMIO: 512 bytes each from 0xFEB00000 on, as on QEMU's microvm, each with an interrupt of
 * the ISA's of its own, so that guests with and without an I/O APIC have it. Leaves out how a guest is told of them.
 */
import type { GuestMemory } from '../../memory/guest-memory.js';
import type { Clock, InterruptLine } from '../backends.js';
import type { VirtioClass } from './device-class.js';
import { MMIO_SIZE, VirtioMmio } from './transport/mmio.js';
import { VirtioCore } from './virtio-core.js';

const FIRST_SLOT = 0xfeb00000;
/** What no other part of the machine has, those last that a PC's other parts may have. */
const INTERRUPTS = [5, 10, 11, 12, 14, 15, 7, 6] as const;

export interface VirtioSlot {
  /** Physical address, and bytes. */
  readonly base: number;
  readonly length: number;
  readonly irq: number;
  readonly line: InterruptLine;
}

/** More virtio devices than a machine has places for. */
export class NoSlotError extends Error {
  readonly code = 'NO_SLOT';

  constructor() {
    super(`a machine has at most ${INTERRUPTS.length} virtio devices on MMIO`);
    this.name = 'NoSlotError';
  }
}

export class VirtioSlots {
  readonly taken: VirtioSlot[] = [];

  constructor(private readonly line: (irq: number) => InterruptLine) {}

  /** Throws NoSlotError. */
  next(): VirtioSlot {
    const number = this.taken.length;
    const irq = INTERRUPTS[number];
    if (irq === undefined) throw new NoSlotError();
    const slot = { base: FIRST_SLOT + number * MMIO_SIZE, length: MMIO_SIZE, irq, line: this.line(irq) };
    this.taken.push(slot);
    return slot;
  }
}

interface SlotPorts {
  readonly clock: Clock;
  memory(): GuestMemory;
  slot(): VirtioSlot;
}

/** A device of a class, at the next place. */
export function virtioMmio(name: string, device: VirtioClass, ports: SlotPorts): VirtioMmio {
  const { base, line } = ports.slot();
  const core = new VirtioCore({ memory: () => ports.memory(), clock: ports.clock, device });
  return new VirtioMmio({ name, base, core, line });
}
