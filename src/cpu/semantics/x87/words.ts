/** The x87 control, status and tag words (SDM vol. 1 §8.1.3–8.1.7). */

/** Bits of the status word. The six exception flags have their masks at the same places of the control word. */
export const Status = {
  ie: 1 << 0,
  de: 1 << 1,
  ze: 1 << 2,
  oe: 1 << 3,
  ue: 1 << 4,
  pe: 1 << 5,
  /** SF: the invalid operation was on the stack. */
  stackFault: 1 << 6,
  /** ES: an exception is not masked. */
  error: 1 << 7,
  c0: 1 << 8,
  c1: 1 << 9,
  c2: 1 << 10,
  top: 7 << 11,
  c3: 1 << 14,
  /** B, always the same as ES. */
  busy: 1 << 15,
} as const;
export const TOP_SHIFT = 11;
/** IE DE ZE OE UE PE. */
export const EXCEPTIONS = 0x3f;

/** Of the control word: where rounding and precision control are, which bits can be set, which one is always. */
export const Control = { roundingShift: 10, precisionShift: 8, writable: 0x1f3f, one: 0x40 } as const;

/** After FNINIT: all exceptions masked, 64-bit precision, round to nearest. */
export const INITIAL_CONTROL = 0x37f;

/** The tag word as `state.fpuTag` holds it. */
export const ALL_VALID = 0xff;
export const ALL_EMPTY = 0;
