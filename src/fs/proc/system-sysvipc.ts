/** /proc/sysvipc: the objects of the reader's IPC namespace. Linux ipc/{msg,sem,shm}.c sysvipc_*_proc_show(). */
import type { IpcObject } from '../../kernel/ipc-namespace.ts';
import type { Pid } from '../../kernel/pid.ts';
import type { Task } from '../../kernel/task.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { ProcSuperBlock } from './proc-fs.ts';
import { callerTask } from './proc-task.ts';

const pad = (value: number, width: number): string => String(value).padStart(width);
const pads = (width: number, ...values: number[]): string => values.map((v) => pad(v, width)).join(' ');

/** Key, id and mode. */
const head = (o: IpcObject): string => `${pads(10, o.key | 0, o.id)}  ${o.mode.toString(8).padStart(4)} `;

/** Owner and creator as the reader's user namespace shows them. */
function owners(t: Task, o: IpcObject): string {
  const ns = t.credentials.userNs;
  return pads(5, ns.fromKuidMunged(o.uid), ns.fromKgidMunged(o.gid), ns.fromKuidMunged(o.cuid), ns.fromKgidMunged(o.cgid));
}
const number = (t: Task, p: Pid | null): number => p?.nr(t.pidNs) ?? 0;

export function messageQueueTable(_fs: ProcSuperBlock, ctx: VfsContext): string {
  const t = callerTask(ctx);
  let text = '       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      rtime      ctime\n';
  for (const q of t.nsproxy.ipc.msg.inOrder())
    text += `${head(q)} ${pads(10, q.bytes, q.messages.length)} ${pads(5, number(t, q.sender), number(t, q.receiver))} ${owners(t, q)} ${pads(10, q.stime, q.rtime, q.ctime)}\n`;
  return text;
}

export function semaphoreTable(_fs: ProcSuperBlock, ctx: VfsContext): string {
  const t = callerTask(ctx);
  let text = '       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n';
  for (const s of t.nsproxy.ipc.sem.inOrder()) text += `${head(s)}${pad(s.values.length, 10)} ${owners(t, s)} ${pads(10, s.otime, s.ctime)}\n`;
  return text;
}

export function sharedMemoryTable(_fs: ProcSuperBlock, ctx: VfsContext): string {
  const t = callerTask(ctx);
  let text =
    '       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap\n';
  for (const s of t.nsproxy.ipc.shm.inOrder())
    text += `${head(s)}${pad(s.size, 21)} ${pads(5, number(t, s.creator), number(t, s.last))}  ${pad(s.attached, 5)} ${owners(t, s)} ${pads(10, s.atime, s.dtime, s.ctime)} ${pads(21, s.memory.pages * 4096, 0)}\n`;
  return text;
}
