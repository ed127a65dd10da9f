/** All of x87, for its definitions. */
import './arithmetic.js';
import './control.js';
