/** Every family of instructions, for its definitions. */
import './arithmetic.js';
import './bit.js';
import './compare-exchange.js';
import './control-transfer.js';
import './data-transfer.js';
import './decimal.js';
import './divide.js';
import './double-shift.js';
import './flag-operations.js';
import './frame.js';
import './logic.js';
import './multiply.js';
import './port-string.js';
import './shift.js';
import './stack.js';
import './string.js';
