/** What only MMX registers have: moves to and from XMM registers, EMMS (SDM vol. 1 §9.4, §11.4.2). */
import { define } from '../context.js';
import { emptyMmx, requireMmx } from '../x87/mmx-state.js';
import { defineVector, pair } from './common.js';

defineVector('MOVQ2DQ', 'Copies an MMX register; fills up with 0.', (context) => {
  const [destination, source] = pair(context);
  destination.writeVector(source.readVector());
});

defineVector('MOVDQ2Q', 'Copies the low half of an XMM register to an MMX register.', (context) => {
  const [destination, source] = pair(context);
  destination.writeVector(source.readVector());
});

define('EMMS', 'Leaves the MMX state: all x87 registers become empty.', (context) => {
  requireMmx(context);
  emptyMmx(context);
});
