/** What is wrong with the definition of an instruction, in a line for whoever wrote it. */
export class DefinitionError extends Error {
  override readonly name = 'DefinitionError';
}
