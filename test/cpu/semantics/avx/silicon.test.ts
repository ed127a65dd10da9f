/** VEX-encoded vector instructions against results recorded on a processor. */
import { replayRecording } from '../vector-recording.js';

replayRecording(new URL('silicon.txt', import.meta.url));
