/** What a program may give a guest as its standard streams. */

/** What a guest reads: nothing (the end at once), text (as UTF-8) or bytes, or pieces that come over time. */
export type StandardInput = 'ignore' | string | Uint8Array | AsyncIterable<Uint8Array>;
/** Who gets what a guest writes; `ignore`: nobody. The bytes are the receiver's to keep. */
export type StandardOutput = 'ignore' | ((bytes: Uint8Array) => void);

/** Standard streams that the owner's program provides. What is left out is empty, and what is written to it is dropped. */
export interface StandardStreams {
  readonly stdin?: StandardInput;
  readonly stdout?: StandardOutput;
  readonly stderr?: StandardOutput;
}
