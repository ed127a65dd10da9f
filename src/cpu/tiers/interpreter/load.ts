/** Unpacks the generated interpreter. Compiled once, however many CPUs run it. */
import { handlers, rows, wasm } from './interpreter.generated.js';
import type { HandlerNumbers } from './record-writer.js';

export interface Interpreter {
  readonly module: WebAssembly.Module;
  readonly numbers: HandlerNumbers;
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let n = 0; n < text.length; n++) bytes[n] = text.charCodeAt(n);
  return bytes;
}

let loading: Promise<Interpreter> | undefined;

export function loadInterpreter(): Promise<Interpreter> {
  loading ??= WebAssembly.compile(bytesOf(wasm)).then((module) => ({
    module,
    numbers: {
      rows: new Uint16Array(bytesOf(rows).buffer),
      handlers: new Uint16Array(bytesOf(handlers).buffer),
    },
  }));
  return loading;
}
