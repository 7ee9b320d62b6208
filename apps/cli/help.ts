/** Help texts. */
import { describeOptions } from './arguments.ts';
import { sandboxOptions } from './sandbox-options.ts';
import { VERSION } from './version.ts';

export function printVersion(): number {
  process.stdout.write(`vivarium ${VERSION}\n`);
  return 0;
}

export function printHelp(_words: readonly string[]): number {
  process.stdout.write(`Runs unmodified x86-64 Linux programs in a sandbox of its own.

Usage:
  vivarium do [OPTIONS] -- CMD ARGS…            a program of this machine: its files read-only underneath, writes thrown away
  vivarium rootfs [OPTIONS] DIR|FILE.tar -- CMD ARGS…   a program of another root file system
  vivarium syscalls                             the system calls that are implemented, as a table
  vivarium --version | --help

Options of do and rootfs:
${describeOptions(sandboxOptions)}

Exit status: that of CMD; 128+N if signal N ended it; 124 after --timeout; 125 if vivarium itself failed;
126 if CMD cannot be executed; 127 if it is not found.
`);
  return 0;
}
