/**
 * Stores on a stack that is about to come into force, by linear address. From CPL 3 to an inner level they are
 * implicit supervisor accesses; otherwise they have the running program's rights (SDM vol. 3 §4.6.1).
 */
import { I32, I64 } from '../../wasm/values.js';
import { type Emitter, get32 } from '../emitter.js';
import { storeInteger } from '../integer-memory.js';
import { commit, place, systemPlace } from '../mmu/access.js';
import { AccessKind } from '../mmu/walk.js';
import { routine } from '../routine.js';
import * as state from '../state.js';

function pushOf(width: 16 | 32 | 64) {
  return routine(
    `pushAt${width}`,
    { parameters: [I64, I64, I32], mayFault: true },
    (e, linear, value, level) => {
      const { code } = e;
      const write = (host: I32): void => {
        storeInteger(code, host, value, width);
        commit(e, host);
      };
      const implicit = get32(state.cpl).eq(3).and(level.ne(3));
      code.if(
        implicit,
        () => write(systemPlace(e, linear, width / 8, 'write', AccessKind.stack)),
        () => write(place(e, linear, width / 8, 'write', I32.const(AccessKind.stack))),
      );
    },
  );
}
const pushes = { 16: pushOf(16), 32: pushOf(32), 64: pushOf(64) } as const;

/** Stores the low bits of a value. @param level CPL of the code that is being entered */
export function pushAt(e: Emitter, linear: I64, width: 16 | 32 | 64, value: I64, level: I32): void {
  e.call(pushes[width], linear, value, level);
}
