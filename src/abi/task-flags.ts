/** PF_* as /proc/PID/stat shows them (include/linux/sched.h). */
export const PF_EXITING = 0x4;
export const PF_POSTCOREDUMP = 0x8;
export const PF_WQ_WORKER = 0x20;
export const PF_FORKNOEXEC = 0x40;
export const PF_SUPERPRIV = 0x100;
export const PF_MEMALLOC = 0x800;
export const PF_NOFREEZE = 0x8000;
export const PF_KCOMPACTD = 0x10000;
export const PF_KSWAPD = 0x20000;
export const PF_KTHREAD = 0x200000;
export const PF_RANDOMIZE = 0x400000;
export const PF_NO_SETAFFINITY = 0x4000000;
