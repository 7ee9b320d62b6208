/** What the owner of a sandbox decides: types of the public API. */
import type { StandardStreams } from '../host/standard-streams.ts';

/** The guest's root file system. */
export type RootSource =
  /** The host's own root, read-only underneath; writes are kept in memory and thrown away. */
  | { readonly kind: 'host' }
  /** A host folder: `cow` (the default) keeps writes in memory, `ro` refuses them, `rw` lets them through. */
  | { readonly kind: 'directory'; readonly path: string; readonly mode?: MountMode }
  /** A tar archive, optionally compressed with gzip or zstd, unpacked in memory. */
  | { readonly kind: 'tar'; readonly path: string };

/** `ro`: read-only; `rw`: writes reach the host; `cow`: writes are kept in memory. */
export type MountMode = 'ro' | 'rw' | 'cow';

/** A host file or folder that the guest sees at `guest`. */
export interface MountSpec {
  /** Path on the host, absolute. */
  readonly host: string;
  /** Path inside, absolute; made if it is not there. */
  readonly guest: string;
  /** Default `ro`. */
  readonly mode?: MountMode;
}

/** Who runs the first process. */
export type UserSpec =
  /** `name`, `uid`, `name:group` or `uid:gid`, looked up in the guest's /etc/passwd and /etc/group. */
  | { readonly kind: 'named'; readonly text: string }
  | {
      readonly kind: 'ids';
      readonly uid: number;
      readonly gid: number;
      readonly groups: readonly number[];
      /** Default: all for uid 0, none for others. */
      readonly capabilities?: CapabilitySets;
    };

/** The five capability sets, bits 0-31 and 32-63 each. */
export interface CapabilitySets {
  readonly inheritable: readonly [number, number];
  readonly permitted: readonly [number, number];
  readonly effective: readonly [number, number];
  readonly bounding: readonly [number, number];
  readonly ambient: readonly [number, number];
}

/** A resource limit (RLIMIT_* number): soft and hard, Infinity for none. */
export interface LimitSpec {
  readonly resource: number;
  readonly soft: number;
  readonly hard: number;
}

export interface SandboxOptions {
  /**
   * Standard streams of the first process. Without it they are this process's own, its terminal included, signals sent to this process go to the
   * guest, and this process's umask is cleared: the sandbox takes the process over, as the command does.
   */
  readonly stdio?: StandardStreams;
  readonly root?: RootSource;
  readonly mounts?: readonly MountSpec[];
  /** Environment of the first process, `NAME=VALUE` each. */
  readonly env?: readonly string[];
  /** Absolute path inside; `/` by default. */
  readonly cwd?: string;
  readonly user?: UserSpec;
  readonly hostname?: string;
  /** Bytes of memory that the guest may use. */
  readonly memory?: number;
  /** Virtual CPUs, 1 … 32; the host's number by default. They take turns on one thread. */
  readonly cpus?: number;
  /** Nanoseconds after which everything inside is killed; none by default. */
  readonly timeout?: number;
  /** Resource limits of the first process, where they are not the defaults. */
  readonly limits?: readonly LimitSpec[];
  /** Nice value of the first process. */
  readonly nice?: number;
  /** Signals that the first process ignores. */
  readonly ignoredSignals?: readonly number[];
  /** umask of the first process; 0o22 by default. */
  readonly umask?: number;
  /** For tests: steps of clone, unshare, setns and execve can be made to fail (src/kernel/fault-injection.ts). */
  readonly faultInjection?: boolean;
  /** Where translations are kept between runs, and what made them: they are used by the same version only. Nothing is kept by default. */
  readonly translations?: { readonly place: string; readonly version: string };
  /** Gets the lines of the system call trace, when there is to be one. */
  readonly trace?: (text: string) => void;
  /** Names translated code by the guest's symbols, for the JavaScript engine's profiler: `function [file]`. */
  readonly symbols?: boolean;
  /** Gets a line about what the guest wanted and Vivarium lacks: an instruction, at an address. */
  readonly report?: (line: string) => void;
}

/** How the first process ended. */
export type ExitStatus =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'signaled'; readonly signal: number; readonly coreDumped: boolean }
  /** The `timeout` of the options passed; everything was killed. */
  | { readonly kind: 'timeout' }
  /** A bug in Vivarium ended the sandbox. */
  | { readonly kind: 'internal-error'; readonly message: string }
  /** The program could not be started: errno (positive) of execve, or of what failed before it (`setup`), and a line that says so. */
  | { readonly kind: 'not-started'; readonly stage: 'setup' | 'exec'; readonly errno: number; readonly message: string };
