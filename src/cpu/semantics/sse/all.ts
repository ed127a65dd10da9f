/** All of MMX, SSE and AVX, for its definitions. */
import './approximation.js';
import './float-arithmetic.js';
import './float-compare.js';
import './float-logic.js';
import './insert-extract.js';
import './integer-arithmetic.js';
import './integer-shift.js';
import './mmx.js';
import './packed-convert.js';
import './scalar-convert.js';
import './shuffle.js';
import './state-save.js';
import './vector-move.js';
