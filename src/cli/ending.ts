/** How a run ended that the guest did not end by itself, in words for the user. */
import type { MachineReport } from '../hypervisor/report.js';
import type { RunResult } from '../hypervisor/run-result.js';
import { crashReport } from './crash-report.js';
import { palette } from './palette.js';
import type { RunSettings } from './run-options.js';

const RFLAGS_IF = 1n << 9n;
const DOUBLE_FAULT = 8;

/** @param inputUsedUp whether the guest has had all input that there will ever be */
export function explainEnding(
  name: string,
  result: RunResult,
  settings: RunSettings,
  inputUsedUp: boolean,
): string {
  const colours = palette('stderr');
  const noun = result.instructions === 1 ? 'instruction' : 'instructions';
  const count = `after ${result.instructions.toLocaleString('en')} ${noun}`;
  const say = (text: string): string => `${colours.bold(`univisor: ${name}`)} ${text}`;
  switch (result.reason) {
    case 'exit':
      return say(`ended with status ${result.status}`);
    case 'shutdown':
      return `${say(`crashed with a triple fault ${count}${causeText(result.report)}`)}\n\n${crashReport(result.report, colours, settings.cpu)}`;
    case 'dead-halt': {
      const interruptible = (result.report.rflags & RFLAGS_IF) !== 0n;
      if (interruptible && inputUsedUp) {
        return say(`waits for input, and its input has ended; nothing else can wake it (halted ${count})`);
      }
      const how = interruptible ? '' : ' with interrupts off';
      return (
        `${say(`halted${how} ${count}, and nothing is left that could wake it`)}\n\n` +
        crashReport(result.report, colours, settings.cpu, 'halted')
      );
    }
    case 'reset':
      return say(`asked for a reset of the machine ${count}; univisor stops instead`);
    case 'timeout':
      return say(`stopped at the timeout of ${(settings.timeout ?? 0) / 1000} s, ${count}`);
    case 'instruction-limit':
      return say(`stopped at the limit of instructions, ${count}`);
    case 'aborted':
      return say(`ended by Ctrl-A X ${count}`);
  }
}

/** What the guest could not take. A shutdown is an exception whose delivery failed twice (SDM vol. 3, 7.15). */
function causeText({ exception }: MachineReport): string {
  if (exception === undefined) return '';
  const { vector, name, errorCode } = exception;
  const spelled = name.replace(/^(#\w+) (.+)$/, '$1 ($2)');
  const code = errorCode ? ` with error code 0x${errorCode.toString(16)}` : '';
  const what = vector === DOUBLE_FAULT ? spelled : `${spelled}${code}, which could not be delivered`;
  const twice = vector === DOUBLE_FAULT ? ' could not be delivered' : ', and neither could a double fault';
  return `: ${what}${twice}`;
}
