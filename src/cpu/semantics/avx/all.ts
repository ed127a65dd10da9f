/** What only VEX encodings have, for its definitions; the other V forms come from the meanings in ../sse. */
import './broadcast.js';
import './fused.js';
import './gather.js';
import './half.js';
import './halves.js';
import './masked-move.js';
import './permute.js';
import './test.js';
import './variable-shift.js';
