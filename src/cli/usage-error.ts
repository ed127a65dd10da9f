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
