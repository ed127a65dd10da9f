/** The externals that reach the bus: ports and device memory, in accesses of at most four bytes. */
import type { AccessWidth, Bus } from './bus.js';

function pieceOf(address: number, left: number): AccessWidth {
  if (left >= 4 && address % 4 === 0) return 4;
  return left >= 2 && address % 2 === 0 ? 2 : 1;
}

export interface BusFunctions {
  portRead(port: number, width: AccessWidth): number;
  portWrite(port: number, width: AccessWidth, value: number): void;
  deviceRead(low: number, high: number, length: number, host: number): void;
  deviceWrite(low: number, high: number, length: number, host: number): void;
}

/** @param view of the whole WebAssembly memory; `host` addresses are offsets in it */
export function busFunctions(bus: Bus, view: DataView): BusFunctions {
  return {
    portRead: (port, width) => bus.readPort(port & 0xffff, width),
    portWrite: (port, width, value) => bus.writePort(port & 0xffff, width, value >>> 0),
    deviceRead: (low, high, length, host) => {
      const start = (high >>> 0) * 2 ** 32 + (low >>> 0);
      for (let done = 0; done < length; ) {
        const width = pieceOf(start + done, length - done);
        const value = bus.readMemory(start + done, width);
        if (width === 4) view.setUint32(host + done, value, true);
        else if (width === 2) view.setUint16(host + done, value, true);
        else view.setUint8(host + done, value);
        done += width;
      }
    },
    deviceWrite: (low, high, length, host) => {
      const start = (high >>> 0) * 2 ** 32 + (low >>> 0);
      for (let done = 0; done < length; ) {
        const width = pieceOf(start + done, length - done);
        bus.writeMemory(start + done, width, valueAt(view, host + done, width));
        done += width;
      }
    },
  };
}

function valueAt(view: DataView, at: number, width: AccessWidth): number {
  if (width === 4) return view.getUint32(at, true);
  return width === 2 ? view.getUint16(at, true) : view.getUint8(at);
}
