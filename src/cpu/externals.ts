/**
 * What the WebAssembly tiers ask of the host, all by 32-bit numbers; wider values travel through `state.exchange`
 * or guest-visible registers. The implementations are in `cpu/host-functions.ts`.
 */
import { I32 } from '../wasm/values.js';
import { external } from './routine.js';

/** Finds or makes the record for the instruction at `state.rip`. Always a record, at worst the fetch-fault one. */
export const decodeAt = external('decodeAt', { parameters: [], result: I32 });
/** (record, record) → 1 if both are of one physical page */
export const samePage = external('samePage', { parameters: [I32, I32], result: I32 });
/** A store is about to hit decoded bytes of this physical page. */
export const codeWritten = external('codeWritten', { parameters: [I32] });
/** A record was run for which no meaning exists; its address. */
export const unimplemented = external('unimplemented', { parameters: [I32] });

/** (port, width in bytes) → value */
export const portRead = external('portRead', { parameters: [I32, I32], result: I32 });
/** (port, width, value) */
export const portWrite = external('portWrite', { parameters: [I32, I32, I32] });
/** (physical low, physical high, length, host address that receives the bytes) */
export const deviceRead = external('deviceRead', { parameters: [I32, I32, I32, I32] });
/** (physical low, physical high, length, host address of the bytes) */
export const deviceWrite = external('deviceWrite', { parameters: [I32, I32, I32, I32] });

/** CPUID of EAX, ECX, into EAX, EBX, ECX, EDX. */
export const cpuid = external('cpuid', { parameters: [] });
/** The time-stamp counter into `exchange[0]`. */
export const readTimeStamp = external('readTimeStamp', { parameters: [] });
/** RDMSR of ECX into `exchange[0]`; 0 if there is no such register (#GP). */
export const readMsr = external('readMsr', { parameters: [], result: I32 });
/** WRMSR of `exchange[0]` to ECX; 0 if refused (#GP). */
export const writeMsr = external('writeMsr', { parameters: [], result: I32 });
/** CR8 was written: its new value. */
export const taskPriorityWritten = external('taskPriorityWritten', { parameters: [I32] });

/** VMCALL; 0 if no hypervisor answers (#UD). */
export const hypercall = external('hypercall', { parameters: [], result: I32 });

/** DR0–DR3, DR7 or CR4.DE have changed. */
export const breakpointsChanged = external('breakpointsChanged', { parameters: [] });

/** In the order in which a module imports them. */
export const externals = [
  decodeAt,
  samePage,
  codeWritten,
  unimplemented,
  portRead,
  portWrite,
  deviceRead,
  deviceWrite,
  cpuid,
  readTimeStamp,
  readMsr,
  writeMsr,
  breakpointsChanged,
  taskPriorityWritten,
  hypercall,
] as const;
