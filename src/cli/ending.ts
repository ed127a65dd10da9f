/** How a run ended that the guest did not end by itself, in words for the user. */
import type { RunResult } from '../hypervisor/run-result.js';
import { crashReport } from './crash-report.js';
import { palette } from './palette.js';
import type { RunSettings } from './run-options.js';

export function explainEnding(name: string, result: RunResult, settings: RunSettings): string {
  const colours = palette('stderr');
  const count = `after ${result.instructions.toLocaleString('en')} instructions`;
  const say = (text: string): string => `${colours.bold(`univisor: ${name}`)} ${text}`;
  switch (result.reason) {
    case 'exit':
      return say(`ended with status ${result.status}`);
    case 'shutdown':
      return `${say(`crashed with a triple fault ${count}`)}\n\n${crashReport(result.report, colours)}`;
    case 'dead-halt':
      return (
        `${say(`halted ${count}, and nothing is left that could wake it`)}\n\n` +
        crashReport(result.report, colours)
      );
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
