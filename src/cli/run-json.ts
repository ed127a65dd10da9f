/**
 * What `run --json` prints: the whole run as one object, the same in every run but for `hostSeconds` and the times
 * among the statistics.
 */
import type { CollectedOutput, Output } from '../host/output.js';
import type { Machine } from '../hypervisor/machine.js';
import type { MachineReport } from '../hypervisor/report.js';
import type { RunResult } from '../hypervisor/run-result.js';
import { ExitStatus, exitStatusOf } from './exit-status.js';
import { printJson } from './print.js';
import type { RunStatistics } from './run-stats.js';
import type { UnimplementedReport } from './unimplemented-report.js';

export interface FinishedRun {
  readonly name: string;
  readonly result: RunResult;
  readonly machine: Machine;
  readonly output: CollectedOutput;
  readonly debugOutput: Output | undefined;
  readonly unimplemented: UnimplementedReport;
  readonly statistics: RunStatistics | undefined;
  readonly hostSeconds: number;
}

/** @returns the exit status: the run's, if it could be told */
export async function printRunAsJson(run: FinishedRun): Promise<number> {
  const { name, result, machine, output, debugOutput, unimplemented, statistics } = run;
  const exitStatus = exitStatusOf(result);
  const printed = await printJson({
    name,
    reason: result.reason,
    exitStatus,
    instructions: result.instructions,
    memoryHash: await machine.memoryHash(),
    hostSeconds: Math.round(run.hostSeconds * 1e6) / 1e6,
    ...textOf('output', output),
    ...(debugOutput && 'bytes' in debugOutput && textOf('debugOutput', debugOutput as CollectedOutput)),
    unimplemented: unimplemented.instructions,
    ...(statistics && { statistics }),
    ...('report' in result && { report: plainReport(result.report) }),
  });
  return printed === ExitStatus.ok ? exitStatus : printed;
}

/** As text, and as base64 too where the bytes are not UTF-8. */
function textOf(name: string, { bytes, dropped }: CollectedOutput): Record<string, unknown> {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  const exact = Buffer.compare(Buffer.from(text), bytes) === 0;
  return {
    [name]: text,
    ...(!exact && { [`${name}Base64`]: Buffer.from(bytes).toString('base64') }),
    ...(dropped > 0 && { [`${name}BytesDropped`]: dropped }),
  };
}

function plainReport(report: MachineReport): Record<string, unknown> {
  const hexadecimal = (values: Readonly<Record<string, bigint | number>>): Record<string, string> =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, hex(value)]));
  return {
    ...(report.exception && { exception: report.exception }),
    rip: hex(report.rip),
    rflags: hex(report.rflags),
    registers: hexadecimal(report.registers),
    selectors: hexadecimal(report.selectors),
    control: hexadecimal(report.control),
    backtrace: report.backtrace.map(({ address, symbol }) => ({ address: hex(address), symbol })),
  };
}

function hex(value: bigint | number): string {
  return `0x${value.toString(16)}`;
}
