/** Every family of instructions, for its definitions. */
import './arithmetic.js';
import './control-transfer.js';
import './data-transfer.js';
import './logic.js';
import './stack.js';
