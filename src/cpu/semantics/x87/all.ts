/** All of x87, for its definitions. */
import './arithmetic.js';
import './compare.js';
import './control.js';
import './environment.js';
import './load.js';
import './store.js';
import './parts.js';
import './remainder.js';
import './transcendental/arctangent.js';
import './transcendental/logarithm.js';
import './transcendental/trigonometry.js';
