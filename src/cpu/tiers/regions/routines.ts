/**
 * What routines do besides what they are called for, where that matters to a tier that keeps registers in locals. A
 * test holds these lists to what the routines' code does.
 */

/** They read or write general registers, flags or vector registers in the state, or change the mode or the mapping. */
const BARRED = new Set([
  'updateMode',
  'flushTlb',
  'flushJumps',
  'forgetPage',
  'loadSegment',
  'loadLocalTable',
  'loadTask',
  'queryDescriptor',
  'checkPortAccess',
  'deliverPending',
  'deliverTrap',
  'redirectInterrupt',
  'farJump',
  'writeCr0',
  'writeCr3',
  'writeCr4',
  'segmentAddress',
  'componentsInUse',
  'fxsave',
  'fxrstor',
  'xsave',
  'xrstor',
  'nextRandom',
  ...[16, 32, 64].flatMap((size) => [`farCall${size}`, `farReturn${size}`, `interruptReturn${size}`]),
  ...['LoadEnvironment', 'StoreEnvironment', 'Restore', 'Save'].flatMap((what) => [
    `x87${what}16`,
    `x87${what}32`,
  ]),
]);

/** They may come to a device, or to code that is decoded: the host is asked. */
const REACHING = new Set([
  'accessSlow',
  'commitAccess',
  ...[8, 16, 32, 64].flatMap((width) =>
    ['move', 'fill', 'scan', 'compare'].map((what) => `${what}Run${width}`),
  ),
]);

/** They write nothing but `state.fpuRaised`: an instruction that has called them can still be begun again. */
const HARMLESS = new Set([
  ...['Single', 'Double', 'Extended', 'Decimal'].map((what) => `x87Store${what}`),
  ...[16, 32, 64].flatMap((width) => [`x87StoreInteger${width}`, `x87StoreTruncated${width}`]),
]);

export function isHarmless(name: string): boolean {
  return HARMLESS.has(name);
}

export function isBarred(name: string): boolean {
  return BARRED.has(name);
}

export function reachesHost(name: string): boolean {
  return REACHING.has(name);
}
