/** Signals about files: SIGIO, or what F_SETSIG asks for. Facts: Linux 6.18 fs/fcntl.c send_sigio_to_task(); man 2 fcntl. */
import { F_OWNER_PGRP, F_OWNER_TID } from '../abi/fcntl.ts';
import { ROOT_KUID } from '../abi/ids.ts';
import { POLL_ERR, POLL_HUP, POLL_IN, POLL_OUT, POLL_PRI, SIGIO } from '../abi/signal.ts';
import type { FileOwner } from '../vfs/file-description.ts';
import { Pid } from './pid.ts';
import { kernelSignal, SignalInfo } from './signal-info.ts';
import { sendSignalInfo } from './signal-send.ts';
import type { Task } from './task.ts';

/** si_band by POLL_ code. */
const BANDS: ReadonlyMap<number, number> = new Map([
  [POLL_IN, 0x41],
  [POLL_OUT, 0x304],
  [POLL_ERR, 0x8],
  [POLL_PRI, 0x82],
  [POLL_HUP, 0x18],
]);

/** Sends the signal to whoever F_SETOWN named, if the one who did so may. `reason`: POLL_ code; `fd`: si_fd. */
export function sendIoSignal(owner: FileOwner, signo: number, fd: number, reason: number): void {
  const pid = owner.target;
  if (!(pid instanceof Pid)) return;
  if (owner.type === F_OWNER_TID) {
    if (pid.task !== null) sendToTask(pid.task, false, owner, signo, fd, reason);
  } else if (owner.type === F_OWNER_PGRP) {
    if (pid.processGroup !== null) for (const tg of [...pid.processGroup.members]) sendToTask(tg.leader, true, owner, signo, fd, reason);
  } else if (pid.threadGroup !== null) {
    sendToTask(pid.threadGroup.leader, true, owner, signo, fd, reason);
  }
}

function sendToTask(t: Task, wholeProcess: boolean, owner: FileOwner, signo: number, fd: number, reason: number): void {
  const c = t.credentials;
  const may = owner.euid === ROOT_KUID || owner.euid === c.suid || owner.euid === c.uid || owner.uid === c.suid || owner.uid === c.uid;
  if (!may) return;
  if (signo === 0) {
    sendSignalInfo(t, kernelSignal(SIGIO), wholeProcess, false);
    return;
  }
  const info = new SignalInfo(signo, reason);
  info.w0 = BANDS.get(reason) ?? 0;
  info.w2 = fd;
  // Without room to queue it, a plain SIGIO says that something was lost.
  if (sendSignalInfo(t, info, wholeProcess, false) < 0) sendSignalInfo(t, kernelSignal(SIGIO), wholeProcess, false);
}
