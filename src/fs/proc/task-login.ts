/** /proc/PID/loginuid and sessionid: who logged in, whatever the program's user is since then. Linux kernel/auditsc.c, fs/proc/base.c. */
import { CAP_AUDIT_CONTROL } from '../../abi/capability.ts';
import { EINVAL, EPERM, ERANGE, ESRCH } from '../../abi/errno.ts';
import { INVALID_KUID } from '../../abi/ids.ts';
import { type FileEntry, file, writable } from '../pseudo/entries.ts';
import { callerTask, ofTask, type ProcTask } from './proc-task.ts';
import { untilNul } from './task-limits.ts';

const UNSET = 0xffffffff;

/** Set once by whoever is nobody yet; changing it takes CAP_AUDIT_CONTROL. Each setting begins a session. */
export const loginuid: FileEntry<ProcTask> = writable(
  ofTask((task, _subject, ctx) => String(ctx.credentials.userNs.fromKuid(task.loginUid) >>> 0)),
  ({ task }, ctx, text) => {
    if (task === null) return ESRCH;
    if (task !== callerTask(ctx)) return EPERM;
    const digits = /^\+?([0-9]+)\n?$/.exec(untilNul(text));
    if (digits === null) return EINVAL;
    const uid = Number(digits[1]);
    if (uid > UNSET) return ERANGE;
    const kuid = uid === UNSET ? INVALID_KUID : ctx.credentials.userNs.makeKuid(uid);
    if (uid !== UNSET && kuid === INVALID_KUID) return EINVAL;
    if (task.loginUid !== INVALID_KUID && !ctx.credentials.capableInInit(CAP_AUDIT_CONTROL)) return EPERM;
    task.loginUid = kuid;
    task.loginSession = kuid === INVALID_KUID ? UNSET : ++task.kernel.loginSessions;
    return 0;
  },
);
export const sessionid: FileEntry<ProcTask> = file(ofTask((task) => String(task.loginSession)));
