/** All of SSE and SSE2 on XMM registers, for its definitions. */
import './approximation.js';
import './float-arithmetic.js';
import './float-compare.js';
import './float-logic.js';
import './insert-extract.js';
import './integer-arithmetic.js';
import './integer-shift.js';
import './packed-convert.js';
import './scalar-convert.js';
import './shuffle.js';
import './state-save.js';
import './vector-move.js';
