/** All of x87, for its definitions. */
import './control.js';
