/** What the exceptions are called (SDM vol. 3 Table 6-1). */
const NAMES: Readonly<Record<number, string>> = {
  0: '#DE divide error',
  1: '#DB debug exception',
  2: 'NMI',
  3: '#BP breakpoint',
  4: '#OF overflow',
  5: '#BR bound range exceeded',
  6: '#UD invalid opcode',
  7: '#NM device not available',
  8: '#DF double fault',
  10: '#TS invalid TSS',
  11: '#NP segment not present',
  12: '#SS stack-segment fault',
  13: '#GP general protection',
  14: '#PF page fault',
  16: '#MF x87 floating-point error',
  17: '#AC alignment check',
  18: '#MC machine check',
  19: '#XM SIMD floating-point exception',
};

/** Mnemonic and description, or the bare vector. */
export function exceptionName(vector: number): string {
  return NAMES[vector] ?? `interrupt ${vector}`;
}
