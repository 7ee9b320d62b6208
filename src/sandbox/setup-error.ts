/** Why a sandbox could not be set up. */

/** What failed, and a sentence for the owner. */
export class SetupError extends Error {
  readonly errno: number;
  constructor(errno: number, message: string) {
    super(message);
    this.errno = errno;
  }
}
