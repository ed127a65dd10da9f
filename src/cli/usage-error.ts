/** What the user asked for cannot be: the message says what and how to put it right. */

export type UsageErrorCode = 'bad-usage' | 'bad-value' | 'not-supported';

export class UsageError extends Error {
  override readonly name = 'UsageError';

  constructor(
    readonly code: UsageErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/**
 * @param given what stands for the image; a lone `-` is empty for yargs
 * @throws UsageError when no image was named
 */
export function imageOf(given: string | undefined): string {
  if (given === undefined) throw new UsageError('bad-usage', 'name an image; --help shows how');
  if (given !== '') return given;
  throw new UsageError(
    'bad-usage',
    'name an image file: its name is empty, or - for stdin, from which no image is read',
  );
}
