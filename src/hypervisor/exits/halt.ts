/** HLT: what can wake the guest, and whether anything ever will. */
import type { Runnable } from '../run-loop.js';

/** Idle timers in a row after which the event loop gets its turn, for a guest whose timers never interrupt it. */
const MOST_JUMPS = 1000;

/**
 * `awake`: an interrupt is there. `wait`: only the host's time or input can bring one. `dead`: nothing can.
 */
export function handleHalt(machine: Runnable): 'awake' | 'wait' | 'dead' {
  const { cpu, clock, consoles } = machine;
  if (!cpu.interruptible) return 'dead';
  for (let jump = 0; jump < MOST_JUMPS; jump++) {
    clock.runDue();
    if (machine.interruptPending()) return 'awake';
    const deadline = clock.nextDeadline();
    if (deadline === Number.POSITIVE_INFINITY) {
      return consoles.every((console) => console.closed) ? 'dead' : 'wait';
    }
    if (clock.skipTo(deadline) > 0) return 'wait';
  }
  return 'wait';
}
