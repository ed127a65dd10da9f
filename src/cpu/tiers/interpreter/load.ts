/** Unpacks the generated interpreter. Compiled once, however many CPUs run it. */
import { handlers, rows, wasm } from './interpreter.generated.js';
import type { HandlerNumbers } from './record-writer.js';

export interface Interpreter {
  readonly module: WebAssembly.Module;
  readonly numbers: HandlerNumbers;
}

/** @param data base64, or the bytes themselves where a build keeps them in a file of their own */
function bytesOf(data: string | Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (typeof data !== 'string') return data;
  const text = atob(data);
  const bytes = new Uint8Array(text.length);
  for (let n = 0; n < text.length; n++) bytes[n] = text.charCodeAt(n);
  return bytes;
}

function wordsOf(bytes: Uint8Array<ArrayBuffer>): Uint16Array {
  return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
}

let loading: Promise<Interpreter> | undefined;

export function loadInterpreter(): Promise<Interpreter> {
  loading ??= WebAssembly.compile(bytesOf(wasm)).then((module) => ({
    module,
    numbers: {
      rows: wordsOf(bytesOf(rows)),
      handlers: wordsOf(bytesOf(handlers)),
    },
  }));
  return loading;
}
