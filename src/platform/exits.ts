/** Exit reasons of `Platform.run`: those of x86/exits.ts, and what only the platform itself sees. */
export * from '../x86/exits.ts';

/** A store is about to change bytes that were translated: the platform runs that instruction alone. */
export const EXIT_CODE_STORE = 100;

/** An access is about to touch what the thread's debug registers watch: the platform runs that instruction alone. */
export const EXIT_WATCHED_ACCESS = 102;

/** A system call changed what translated code holds in locals (code context, TLB): enter again. */
export const EXIT_REENTER = 101;

/** FAULT_ACCESS of a page fault. */
export const ACCESS_READ = 0, ACCESS_WRITE = 1, ACCESS_EXEC = 2;
