/** Linear to physical for those who look from outside: debuggers and backtraces. Changes nothing. */
import { I32 } from '../../wasm/values.js';
import { get64 } from '../emitter.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { AccessKind, walk } from './walk.js';

/**
 * `exchange[0]` linear → physical in `exchange[0]` and 1, or 0 where nothing is mapped. The pending exception
 * is left as it was; the rest a look does not touch.
 */
export const translateLinear = routine('translateLinear', { parameters: [], result: I32 }, (e) => {
  const { code } = e;
  const pending = e.read32(state.pending);
  e.set32(state.pending, 0);
  const physical = e.attempt(walk, get64(state.exchange), I32.const(AccessKind.look));
  const failed = e.read32(state.pending);
  e.set32(state.pending, pending);
  e.set64(state.exchange, physical);
  code.return(failed.eqz());
});
