/** kernel.sem, kernel.shm*, kernel.msg*, fs.mqueue.*: limits of the caller's IPC namespace. Linux ipc/ipc_sysctl.c, ipc/mq_sysctl.c. */
import { EACCES, EINVAL } from '../../../abi/errno.ts';
import { CAP_CHECKPOINT_RESTORE, CAP_SYS_ADMIN } from '../../../abi/capability.ts';
import { HARD_MSGMAX, HARD_MSGSIZEMAX, MIN_MSGMAX, MIN_MSGSIZEMAX } from '../../../abi/mqueue.ts';
import type { UserNamespace } from '../../../auth/user-namespace.ts';
import type { IpcNamespace } from '../../../kernel/ipc-namespace.ts';
import type { VfsContext } from '../../../vfs/context.ts';
import { MAY_EXEC, MAY_WRITE } from '../../../vfs/permission.ts';
import type { Entries, FileEntry } from '../../pseudo/entries.ts';
import type { ProcSuperBlock } from '../proc-fs.ts';
import { callerTask } from '../proc-task.ts';
import { numbers, setInteger } from './value.ts';

const IDS_MAX = 32768;
const MAX_INT = 0x7fffffff;
const ULONG_MAX = 2n ** 64n - 1n;

const namespaceOf = (ctx: VfsContext): IpcNamespace => callerTask(ctx).nsproxy.ipc;
/** Root of the namespace's owner has the rights of the file's owner, whoever that is; capabilities count for nothing (Linux ipc_permissions). */
function access(ctx: VfsContext, mask: number): number {
  return ctx.credentials.euid === namespaceOf(ctx).userNs.makeKuid(0) || (mask & (MAY_WRITE | MAY_EXEC)) === 0 ? 0 : EACCES;
}
const owner = (ctx: VfsContext): UserNamespace => namespaceOf(ctx).userNs;
const ofNamespace = (entry: FileEntry<ProcSuperBlock>): FileEntry<ProcSuperBlock> => ({ ...entry, access: (_fs, ctx, mask) => access(ctx, mask), owner });

function limit(max: number, get: (ns: IpcNamespace) => number, set: (ns: IpcNamespace, value: number) => void, min = 0): FileEntry<ProcSuperBlock> {
  return ofNamespace(
    numbers(
      (_fs, ctx) => `${get(namespaceOf(ctx))}\n`,
      (_fs, ctx, text) => setInteger(text, min, max, (value) => set(namespaceOf(ctx), value)),
    ),
  );
}

/** An unsigned long without bounds of its own. */
function unsignedLong(get: (ns: IpcNamespace) => bigint, set: (ns: IpcNamespace, value: bigint) => void): FileEntry<ProcSuperBlock> {
  return ofNamespace(
    numbers(
      (_fs, ctx) => `${get(namespaceOf(ctx))}\n`,
      (_fs, ctx, text) => {
        if (text === '') return 0;
        const m = /^\s*(0x[0-9a-f]+|\d+)(?:\s+|$)/i.exec(text);
        if (m === null) return EINVAL;
        const word = m[1]!; // not optional
        const value = BigInt(/^0[0-7]+$/.test(word) ? `0o${word.slice(1)}` : word);
        if (value > ULONG_MAX) return EINVAL;
        set(namespaceOf(ctx), value);
        return m[0].length;
      },
    ),
  );
}

/** kernel.*_next_id: for those who may restore a checkpoint, besides the owner's root. */
function nextId(of: (ns: IpcNamespace) => { nextId: number }): FileEntry<ProcSuperBlock> {
  const entry = numbers(
    (_fs, ctx) => `${of(namespaceOf(ctx)).nextId}\n`,
    (_fs, ctx, text) => setInteger(text, 0, MAX_INT, (value) => { of(namespaceOf(ctx)).nextId = value; }),
  );
  const mayRestore = ({ credentials }: VfsContext, ns: IpcNamespace): boolean =>
    credentials.nsCapable(ns.userNs, CAP_CHECKPOINT_RESTORE) || credentials.nsCapable(ns.userNs, CAP_SYS_ADMIN);
  return { ...entry, mode: 0o444, owner, access: (_fs, ctx, mask) => ((mask & MAY_EXEC) === 0 && mayRestore(ctx, namespaceOf(ctx)) ? 0 : access(ctx, mask)) };
}

/** SEMMSL SEMMNS SEMOPM SEMMNI. */
const sem: FileEntry<ProcSuperBlock> = ofNamespace(
  numbers(
    (_fs, ctx) => {
      const ns = namespaceOf(ctx);
      return `${ns.semmsl}\t${ns.semmns}\t${ns.semopm}\t${ns.sem.max}\n`;
    },
    (_fs, ctx, text) => {
      const ns = namespaceOf(ctx);
      const setters = [(v: number) => { ns.semmsl = v; }, (v: number) => { ns.semmns = v; }, (v: number) => { ns.semopm = v; }, (v: number) => { ns.sem.max = v; }];
      let taken = 0;
      for (let i = 0; i < 4 && taken < text.length; i++) {
        // Each is set as it is read; only the number of sets has bounds.
        const n = i < 3 ? setInteger(text.slice(taken), -MAX_INT - 1, MAX_INT, setters[i]!) : setInteger(text.slice(taken), 0, IDS_MAX, setters[i]!); // four
        if (n < 0) return n;
        taken += n;
      }
      return taken;
    },
  ),
);

/** /proc/sys/fs/mqueue. */
export const mqueueEntries: Entries<ProcSuperBlock> = {
  msg_default: limit(HARD_MSGMAX, (ns) => ns.mqueue.msgDefault, (ns, v) => { ns.mqueue.msgDefault = v; }, MIN_MSGMAX),
  msg_max: limit(HARD_MSGMAX, (ns) => ns.mqueue.msgMax, (ns, v) => { ns.mqueue.msgMax = v; }, MIN_MSGMAX),
  msgsize_default: limit(HARD_MSGSIZEMAX, (ns) => ns.mqueue.msgsizeDefault, (ns, v) => { ns.mqueue.msgsizeDefault = v; }, MIN_MSGSIZEMAX),
  msgsize_max: limit(HARD_MSGSIZEMAX, (ns) => ns.mqueue.msgsizeMax, (ns, v) => { ns.mqueue.msgsizeMax = v; }, MIN_MSGSIZEMAX),
  queues_max: limit(MAX_INT, (ns) => ns.mqueue.queuesMax, (ns, v) => { ns.mqueue.queuesMax = v; }, -MAX_INT - 1),
};

export const ipcEntries: Entries<ProcSuperBlock> = {
  // Means nothing any more.
  auto_msgmni: limit(1, () => 0, () => {}),
  msgmax: limit(MAX_INT, (ns) => ns.msgmax, (ns, v) => { ns.msgmax = v; }),
  msgmnb: limit(MAX_INT, (ns) => ns.msgmnb, (ns, v) => { ns.msgmnb = v; }),
  msgmni: limit(IDS_MAX, (ns) => ns.msg.max, (ns, v) => { ns.msg.max = v; }),
  msg_next_id: nextId((ns) => ns.msg),
  sem,
  sem_next_id: nextId((ns) => ns.sem),
  shm_next_id: nextId((ns) => ns.shm),
  shm_rmid_forced: limit(1, (ns) => Number(ns.shmRmidForced), (ns, v) => { ns.shmRmidForced = v === 1; }),
  shmall: unsignedLong((ns) => ns.shmall, (ns, v) => { ns.shmall = v; }),
  shmmax: unsignedLong((ns) => ns.shmmax, (ns, v) => { ns.shmmax = v; }),
  shmmni: limit(IDS_MAX, (ns) => ns.shm.max, (ns, v) => { ns.shm.max = v; }),
};
