/** Why an instruction cannot be part of a region: it is left to the interpreter. */
export class NotInRegion extends Error {
  override readonly name = 'NotInRegion';
}
