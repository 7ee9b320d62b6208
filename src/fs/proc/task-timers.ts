/** /proc/PID/timers: the POSIX timers of a process. */
import type { Generator } from '../pseudo/entries.ts';
import { ofPrivateTask } from './proc-task.ts';
import type { ProcTask } from './proc-task.ts';

export const timers: Generator<ProcTask> = ofPrivateTask((task, subject) => {
  let text = '';
  for (const [id, timer] of task.threadGroup.posixTimers) {
    const how = ['signal', 'none', 'thread', '', 'signal'][timer.notify & 7] ?? 'signal';
    const kind = timer.notify & 4 ? 'tid' : 'pid';
    text += `ID: ${id}\nsignal: ${timer.signo}/0000000000000000\nnotify: ${how}/${kind}.${subject.number(task.threadGroup.pid)}\nClockID: ${timer.clock}\n`;
  }
  return text;
});
