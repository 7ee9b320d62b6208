/** What uname(2) and /proc say the kernel is. */
export const UTS_SYSNAME = 'Linux';
export const UTS_RELEASE = '6.18.0';
export const UTS_VERSION = '#1 SMP PREEMPT_DYNAMIC Vivarium';
export const UTS_MACHINE = 'x86_64';
