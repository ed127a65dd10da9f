/**
 * Ctrl-A and a key, as in QEMU: what was typed becomes what the guest gets and what the user asked of us. Leaves out
 * doing it.
 */

export type Command = 'quit' | 'monitor' | 'help';

const CTRL_A = 0x01;

export const ESCAPE_HELP = `Ctrl-A H    this help
Ctrl-A X    quit
Ctrl-A C    the monitor
Ctrl-A A    send Ctrl-A to the guest (also Ctrl-A Ctrl-A)`;

export class EscapeKeys {
  #escaped = false;

  /** Commands come in the order typed; what the guest gets leaves them out. */
  feed(typed: Uint8Array): { readonly forGuest: Uint8Array; readonly commands: readonly Command[] } {
    const forGuest: number[] = [];
    const commands: Command[] = [];
    for (const byte of typed) {
      if (!this.#escaped) {
        if (byte === CTRL_A) this.#escaped = true;
        else forGuest.push(byte);
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
}
