/** The end of the process. */
import { accessSync, constants } from 'node:fs';
import { isatty } from 'node:tty';

const SHELL = '/bin/sh';

/**
 * Ends the process with `status`; everything is written. process.exit() waits until the engine's compiler threads have finished the functions they are at, for half a second
 * and more after a short run: so another program takes this one's place, which ends with the same status. Not where exit has more to do: with a terminal, whose state
 * Node restores, with listeners, or with options that write something at the end.
 */
export function leave(status: number): never {
  const plain = process.env['VIVARIUM_CALLER'] !== undefined && process.env['NODE_OPTIONS'] === undefined && process.env['NODE_V8_COVERAGE'] === undefined;
  if (plain && process.execve !== undefined && process.listenerCount('exit') === 0 && ![0, 1, 2].some((fd) => isatty(fd)) && hasShell()) {
    process.execve(SHELL, ['sh', '-c', `exit ${status}`], {});
  }
  process.exit(status);
}

function hasShell(): boolean {
  try {
    accessSync(SHELL, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
