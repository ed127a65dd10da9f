/** Linear to physical for those who look from outside: debuggers, backtraces, and regions that check where they are. */
import { I32, select } from '../../wasm/values.js';
import { get32, get64 } from '../emitter.js';
import { routine } from '../routine.js';
import * as state from '../state.js';
import { AccessKind, walk } from './walk.js';

/**
/**
 * (1 to be refused where a fetch would be, or would mark an entry) `exchange[0]` linear → physical in `exchange[0]`
 * and 1, or 0 where nothing is mapped. The pending exception is left as it was; the rest a look does not touch.
 */
export const translateLinear = routine(
  'translateLinear',
  { parameters: [I32], result: I32 },
  (e, asFetch) => {
    const { code } = e;
    const user = get32(state.cpl).eq(3).mul(AccessKind.user);
    const fetch = user.or(AccessKind.fetch | AccessKind.probe);
    const access = code.let(select(asFetch, fetch, I32.const(AccessKind.look)));
    const pending = e.read32(state.pending);
    e.set32(state.pending, 0);
    e.set32(state.unmarked, 0);
    const physical = e.attempt(walk, get64(state.exchange), access);
    const failed = code.let(get32(state.pending).or(asFetch.and(get32(state.unmarked))));
    e.set32(state.pending, pending);
    e.set64(state.exchange, physical);
    code.return(failed.eqz());
  },
);
