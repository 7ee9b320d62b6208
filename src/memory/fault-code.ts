/** What AddressSpace.fault answers when it cannot resolve: signal number | si_code << 8. Linux 6.18 include/uapi/asm-generic/siginfo.h. */
export const FAULT_MAPERR: number = 11 | (1 << 8);
export const FAULT_ACCERR: number = 11 | (2 << 8);
/** A non-canonical address: #GP on the processor, so SI_KERNEL with si_addr 0. */
export const FAULT_GP: number = 11 | (0x80 << 8);
/** Beyond the end of a mapped file, or its page could not be read: SIGBUS, BUS_ADRERR. */
export const FAULT_BUS: number = 7 | (2 << 8);
/** No frame left: the kernel picks a victim (OOM killer) and the access is tried again. */
export const FAULT_OOM = 0x10000;
/** The page is for a userfaultfd to give: the access is tried again when it has. */
export const FAULT_USER = 0x20000;
