/**
 * FMA: the sixty forms of ±(x × y) ± z, scalar and packed (SDM vol. 1 §14.5). The digits of a name say which operands are
 * multiplied and which is added: 132 is first × third + second. ADDSUB subtracts in even lanes and adds in odd ones.
 */
import { I32, type I64 } from '../../../wasm/values.js';
import { V128 } from '../../../wasm/vector.js';
import { type Routine, routine } from '../../routine.js';
import type { Operand } from '../context.js';
import { defineVector } from '../sse/common.js';
import { beginExceptions, commitExceptions } from '../sse/exceptions.js';
import { DOUBLE, type Float, type Format, SINGLE } from '../sse/float-format.js';
import { Negate, softFused } from './soft-fused.js';

interface Operation {
  readonly name: string;
  readonly summary: string;
  /** `Negate` bits of even lanes, and of odd ones. */
  readonly negate: readonly [even: number, odd: number];
  readonly packedOnly?: boolean;
}

const OPERATIONS: readonly Operation[] = [
  { name: 'FMADD', summary: 'x × y + z', negate: [0, 0] },
  { name: 'FMSUB', summary: 'x × y − z', negate: [Negate.addend, Negate.addend] },
  { name: 'FNMADD', summary: '−(x × y) + z', negate: [Negate.product, Negate.product] },
  {
    name: 'FNMSUB',
    summary: '−(x × y) − z',
    negate: [Negate.product | Negate.addend, Negate.product | Negate.addend],
  },
  { name: 'FMADDSUB', summary: 'x × y ∓ z', negate: [Negate.addend, 0], packedOnly: true },
  { name: 'FMSUBADD', summary: 'x × y ± z', negate: [0, Negate.addend], packedOnly: true },
];

const ORDERS = ['132', '213', '231'] as const;
const SUFFIX = { 32: 'S', 64: 'D' } as const;

/** Which operands are x, y and z, counted from 0. */
function rolesOf(order: string): [x: number, y: number, z: number] {
  return [...order].map((digit) => Number(digit) - 1) as [number, number, number];
}

type PackedRoutine = Routine<readonly [typeof V128, typeof V128, typeof V128, typeof I32, typeof I32], V128>;

/** (x, y, z, `Negate` bits of even lanes, of odd lanes) → all lanes; flags in `mxcsrRaised` */
function makePacked<F extends Float<F>>(format: Format<F>): PackedRoutine {
  return routine(
    `fusedLanes${format.name}`,
    { parameters: [V128, V128, V128, I32, I32], result: V128 },
    (e, x, y, z, even, odd) => {
      const { code } = e;
      const result = code.variable(V128, x);
      for (let n = 0; n < format.count; n++) {
        const bits = (vector: V128): I64 => format.bits(format.extract(vector, n));
        const lane = e.call(softFused(format), bits(x), bits(y), bits(z), n % 2 ? odd : even);
        result.set(format.replace(result.get(), n, format.value(lane)));
      }
      code.return(result.get());
    },
  );
}

function defineFused<F extends Float<F>>(format: Format<F>): void {
  const packed = makePacked(format);
  const letter = SUFFIX[format.width];
  for (const { name, summary, negate, packedOnly } of OPERATIONS) {
    const [even, odd] = negate.map((bits) => I32.const(bits)) as [I32, I32];
    for (const order of ORDERS) {
      const roles = rolesOf(order);
      const text = `${summary}, rounded once`;
      defineVector(`V${name}${order}P${letter}`, `${text}: every ${format.width}-bit number.`, (context) => {
        const [destination, second, third] = context.operands as [Operand, Operand, Operand];
        const last = third.readVectors();
        const operands = [destination.readVectors(), second.readVectors(), last];
        const [x, y, z] = roles.map((role) => operands[role]) as [V128[], V128[], V128[]];
        context.call(beginExceptions);
        const results = x.map((each, half) =>
          context.call(packed, each, y[half] as V128, z[half] as V128, even, odd),
        );
        context.call(commitExceptions);
        destination.writeVectors(results);
      });
      if (packedOnly) continue;
      defineVector(`V${name}${order}S${letter}`, `${text}: one number, the others kept.`, (context) => {
        const [destination, second, third] = context.operands as [Operand, Operand, Operand];
        const last = format.read(third);
        const whole = destination.readVector();
        const operands = [format.extract(whole, 0), format.read(second), last];
        const [x, y, z] = roles.map((role) => format.bits(operands[role] as F)) as [I64, I64, I64];
        context.call(beginExceptions);
        const result = context.call(softFused(format), x, y, z, even);
        context.call(commitExceptions);
        destination.writeVector(format.replace(whole, 0, format.value(result)));
      });
    }
  }
}
defineFused(DOUBLE);
defineFused(SINGLE);
