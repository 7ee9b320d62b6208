/** The command `vivarium`. Exit status: the guest program's; 124 timeout, 125 for what goes wrong here, 126 and 127 for programs that cannot be started. */
import { startupSnapshot } from 'node:v8';
import { UsageError } from './arguments.ts';
import { leave } from './leave.ts';

const COMMANDS = ['do', 'rootfs', 'syscalls', 'version', 'help'];

/** A line for standard error, which may be closed. */
function complain(line: string): void {
  try {
    process.stderr.write(`vivarium: ${line}\n`);
  } catch {
    // Nobody listens.
  }
}

async function main(argv: readonly string[]): Promise<number> {
  const [command, ...rest] = argv;
  switch (command) {
    case 'do':
      return (await import('./do.ts')).runDo(rest);
    case 'rootfs':
      return (await import('./do.ts')).runRootfs(rest);
    case 'syscalls':
      return (await import('./syscalls.ts')).runSyscalls(rest);
    case '--version':
    case 'version':
      return (await import('./help.ts')).printVersion();
    case '--help':
    case '-h':
    case 'help':
      return (await import('./help.ts')).printHelp(rest);
    case undefined:
      throw new UsageError(`a command is missing: ${COMMANDS.join(', ')}`);
    default:
      throw new UsageError(`unknown command ${command}: there are ${COMMANDS.join(', ')}`);
  }
}

function start(): void {
  main(process.argv.slice(2)).then(
    leave,
    (error: unknown) => {
      if (error instanceof UsageError) complain(`${error.message}\nvivarium: try 'vivarium --help'`);
      else complain(`internal error, please report it: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      process.exitCode = 125;
    },
  );
}

if (startupSnapshot.isBuildingSnapshot()) {
  // scripts/build.ts: the heap as it is with everything loaded is kept, and each start goes on from there.
  import('./do.ts').then((module) => {
    module.prepare();
    startupSnapshot.setDeserializeMainFunction(start);
  });
} else start();
