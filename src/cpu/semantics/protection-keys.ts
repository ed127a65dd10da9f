/** RDPKRU and WRPKRU (SDM vol. 2; vol. 3 §4.6.2). What the keys forbid is the page walk's. */
import { I64 } from '../../wasm/values.js';
import { get32, get64 } from '../emitter.js';
import * as state from '../state.js';
import { Cr4, Register, Vector } from '../state.js';
import { writePkru } from '../system/protection-keys.js';
import { type Context, define } from './context.js';

function requireKeys(context: Context): void {
  context.raiseIf(get64(state.cr4).and(Cr4.pke).eqz(), Vector.ud);
  context.raiseIf(context.register(Register.rcx, 32).ne(0), Vector.gp, 0);
}

define('RDPKRU', 'Reads PKRU into EAX; EDX becomes 0.', (context) => {
  requireKeys(context);
  context.setRegister(Register.rax, 32, get32(state.pkru).extendU());
  context.setRegister(Register.rdx, 32, I64.const(0));
});

define('WRPKRU', 'Writes EAX to PKRU: what each protection key lets user pages be used for.', (context) => {
  requireKeys(context);
  context.raiseIf(context.register(Register.rdx, 32).ne(0), Vector.gp, 0);
  writePkru(context, context.register(Register.rax, 32).wrap());
});
