/** A process's share of `npm run fuzz:tiers`: duels in one world after the other. */
import { serveWorlds } from '../world-share.js';
import { Duel } from './duel.js';

serveWorlds((interpreter, seed) => new Duel(interpreter, seed));
