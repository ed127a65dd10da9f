/** HLT: what can wake the guest, and whether anything ever will. */
import type { Runnable } from '../run-loop.js';

/** Idle timers in a row after which the event loop gets its turn, for a guest whose timers never interrupt it. */
const MOST_JUMPS = 1000;

/** `awake`: there is something to do. `wait`: only the host's time or input can bring it. `dead`: nothing can. */
export type IdleOutcome = 'awake' | 'wait' | 'dead';

export function handleHalt(machine: Runnable): IdleOutcome {
  const { cpu } = machine;
  return cpu.interruptible || machine.nmiPossible() ? idleUntil(machine, () => cpu.wakes) : 'dead';
}

/** Lets time pass from timer to timer until `over`. */
export function idleUntil({ clock, consoles }: Runnable, over: () => boolean): IdleOutcome {
  for (let jump = 0; jump < MOST_JUMPS; jump++) {
    clock.runDue();
    if (over()) return 'awake';
    if (clock.nextDeadline() === undefined) {
      return consoles.every((console) => console.closed) ? 'dead' : 'wait';
    }
    if (clock.skipToTimer() > 0) return 'wait';
  }
  return 'wait';
}
