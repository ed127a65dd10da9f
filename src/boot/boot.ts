/**
 * Applies a load plan to guest memory: checks that everything fits, then writes all of it, so that a refusal
 * leaves memory untouched. Leaves out the processor: the caller loads the registers that come back.
 */

import type { LoadPlan, Segment } from '../image/image.js';
import { type GuestMemory, VIDEO_WINDOW_END, VIDEO_WINDOW_START } from '../memory/guest-memory.js';
import type { BootOptions, FirstRegisters, Prepared } from './boot-types.js';
import { BootError, notEnoughMemory } from './errors.js';
import { prepareLinux } from './linux.js';
import { pcMemoryMap } from './memory-map.js';
import { prepareMultiboot } from './multiboot.js';
import { Placement } from './placement.js';
import { preparePvh } from './pvh.js';

/**
 * @returns the registers to start with
 * @throws BootError with nothing written, when the image, its modules or its command line do not fit
 */
export function boot(plan: LoadPlan, memory: GuestMemory, options: BootOptions): FirstRegisters {
  for (const segment of plan.segments) checkSegment(segment, plan, memory);
  const { writes, registers } = prepare(plan, memory, options);
  for (const { physicalAddress, bytes, memorySize } of plan.segments) {
    memory.write(physicalAddress, bytes);
    memory.fill(physicalAddress + bytes.length, memorySize - bytes.length, 0);
  }
  // Placement hands out RAM only, so these cannot fail.
  for (const { address, bytes } of writes) memory.write(address, bytes);
  return registers;
}

/** The first physical address above the image. */
export function imageEnd(plan: LoadPlan): number {
  return plan.segments.reduce(
    (end, segment) => Math.max(end, segment.physicalAddress + segment.memorySize),
    0,
  );
}

function prepare(plan: LoadPlan, memory: GuestMemory, options: BootOptions): Prepared {
  const { commandLine, modules = [], memoryMap = pcMemoryMap(memory.size), virtioMmio = [] } = options;
  const taken = plan.segments.map(({ physicalAddress: start, memorySize }) => ({
    start,
    end: start + memorySize,
  }));
  const placement = new Placement(memory, memoryMap, taken);
  const imageName = options.imageName?.replace(/\s/g, '_') || 'image';
  const context = {
    ...{ memory, placement, memoryMap, imageEnd: imageEnd(plan) },
    ...{ commandLine, imageName, modules, virtioMmio },
  };
  switch (plan.protocol) {
    case 'multiboot':
      return prepareMultiboot(plan, context);
    case 'pvh':
      return preparePvh(plan, context);
    case 'linux':
      return prepareLinux(plan, context);
  }
}

function checkSegment(
  { physicalAddress: start, memorySize }: Segment,
  plan: LoadPlan,
  memory: GuestMemory,
): void {
  const end = start + memorySize;
  if (start < VIDEO_WINDOW_END && end > VIDEO_WINDOW_START) {
    throw new BootError(
      'segment-over-video-window',
      `the image wants 0x${start.toString(16)}–0x${end.toString(16)}, but ` +
        `0x${VIDEO_WINDOW_START.toString(16)}–0x${VIDEO_WINDOW_END.toString(16)} is the video window and not RAM: ` +
        'link the image at 1 MiB or above',
    );
  }
  if (!memory.contains(start, memorySize)) throw notEnoughMemory('the image', imageEnd(plan), memory.size);
}
