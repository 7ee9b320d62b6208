/** The resource limits and capabilities an address space looks at; the kernel's thread group provides them. */
export interface MemoryLimits {
  /** Soft limits in bytes, Infinity = RLIM_INFINITY. */
  stackLimit(): number;
  addressSpaceLimit(): number;
  dataLimit(): number;
  memlockLimit(): number;
  /** CAP_IPC_LOCK in the initial user namespace: no memlock limit. */
  mayLockMemory(): boolean;
  /** CAP_SYS_RAWIO: may map below mmap_min_addr. */
  mayMapLow(): boolean;
}

/** Limits of a process that nobody limited: 8 MiB stack, the rest open. */
export const DEFAULT_LIMITS: MemoryLimits = {
  stackLimit: () => 8388608,
  addressSpaceLimit: () => Infinity,
  dataLimit: () => Infinity,
  memlockLimit: () => 8388608,
  mayLockMemory: () => true,
  mayMapLow: () => true,
};
