/**
 * Ctrl-A and a key, as in QEMU: what was typed becomes what the guest gets and what the user asked of us. Leaves out
 * doing it.
 */

/** `remind`: the user tries to leave by Ctrl-C, which is the guest's. */
export type Command = 'quit' | 'monitor' | 'help' | 'remind';

const CTRL_A = 0x01;
const CTRL_C = 0x03;

/** So many Ctrl-C within so many milliseconds ask for the reminder. */
const REMINDER = { presses: 3, within: 2000 };

export const ESCAPE_HELP = `Ctrl-A H    this help
Ctrl-A X    quit
Ctrl-A A    send Ctrl-A to the guest (also Ctrl-A Ctrl-A)`;

export class EscapeKeys {
  #escaped = false;
  /** When Ctrl-C was pressed of late. */
  #presses: number[] = [];

  /**
   * Commands come in the order typed; what the guest gets leaves them out.
   * @param now in milliseconds
   */
  feed(
    typed: Uint8Array,
    now = performance.now(),
  ): { readonly forGuest: Uint8Array; readonly commands: readonly Command[] } {
    const forGuest: number[] = [];
    const commands: Command[] = [];
    for (const byte of typed) {
      if (!this.#escaped) {
        if (byte === CTRL_A) this.#escaped = true;
        else forGuest.push(byte);
        if (byte === CTRL_C && this.#wantsReminder(now)) commands.push('remind');
        continue;
      }
      this.#escaped = false;
      switch (String.fromCharCode(byte).toLowerCase()) {
        case 'x':
          commands.push('quit');
          break;
        case 'c':
          commands.push('monitor');
          break;
        case 'h':
        case '?':
          commands.push('help');
          break;
        case 'a':
        case '\x01':
          forGuest.push(CTRL_A);
          break;
        default:
          // Not ours, so both keys are the guest's.
          forGuest.push(CTRL_A, byte);
      }
    }
    return { forGuest: Uint8Array.from(forGuest), commands };
  }

  #wantsReminder(now: number): boolean {
    this.#presses = [...this.#presses.filter((then) => now - then < REMINDER.within), now];
    if (this.#presses.length < REMINDER.presses) return false;
    this.#presses = [];
    return true;
  }
}
