/** What execve hands to the loader, and what it gets back. */
import type { Errno } from '../abi/errno.ts';
import type { MemoryLimits } from '../memory/memory-limits.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import type { VfsContext } from '../vfs/context.ts';
import type { FileDescription } from '../vfs/file-description.ts';
import type { Vdso } from './vdso.ts';

/** Identity of the new program, for the auxiliary vector: ids as its user namespace shows them. */
export interface ExecIds {
  readonly uid: number;
  readonly euid: number;
  readonly gid: number;
  readonly egid: number;
  /** AT_SECURE. */
  readonly secure: boolean;
}

/** The kernel's side. */
export interface ExecHost {
  /** Opens an interpreter for execution (open_exec): regular file, execute permission, not noexec; ENOENT, EACCES … The caller of it unrefs. */
  openExec(path: string): FileDescription | Errno;
  /** Credentials after executing `file` (set-id bits of the file that is really run). Called once, before the stack is built. */
  idsFor(file: FileDescription): ExecIds | Errno;
  /** Fills 16 random bytes (AT_RANDOM). */
  random(bytes: Uint8Array): void;
}

export interface ExecRequest {
  readonly pm: PhysicalMemory;
  readonly ctx: VfsContext;
  readonly host: ExecHost;
  readonly limits: MemoryLimits;
  readonly vdso: Vdso | null;
  /** The program will be in a time namespace with offsets. */
  readonly clocksShifted: boolean;
  /** Opened for execution; stays the caller's. */
  readonly file: FileDescription;
  /** bprm->filename: the path as given, or /dev/fd/N[/path] for execveat; AT_EXECFN, and comm is its last part. Byte string. */
  readonly filename: string;
  /** The filename will not be reachable after exec (fd with close-on-exec): scripts fail with ENOENT. */
  readonly pathInaccessible: boolean;
  /** Byte strings, without NULs. Not changed. */
  readonly argv: readonly string[];
  readonly envp: readonly string[];
  /** AT_HWCAP = CPUID.1:EDX, AT_HWCAP2, AT_MINSIGSTKSZ (bytes of the largest signal frame), RLIMIT_STACK is in `limits`. */
  readonly hwcap: number;
  readonly hwcap2: number;
  readonly minSigStackSize: number;
}

export interface LoadedProgram {
  readonly space: AddressSpace;
  /** Initial RIP and RSP; all other registers are 0. */
  readonly entry: number;
  readonly stackPointer: number;
  /** The file that is run in the end (the interpreter of a script); referenced by the space's exeFile. */
  readonly exe: FileDescription;
  readonly ids: ExecIds;
  /** personality READ_IMPLIES_EXEC etc. are untouched; the stack is executable (PT_GNU_STACK said so). */
  readonly executableStack: boolean;
}
