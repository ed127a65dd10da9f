/** A process's share of `npm run fuzz:hostile`: attacks in one world after the other. */
import { serveWorlds } from '../world-share.js';
import { Attack } from './attack.js';

serveWorlds((interpreter, seed) => new Attack(interpreter, seed));
