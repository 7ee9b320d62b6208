/** The sink behind --strace: lines as `strace -f` prints them. */
import { ERRNO_NAMES } from '../abi/errno.ts';
import { ERRNO_MESSAGES } from '../abi/errno-text.ts';
import { signalName } from '../abi/signal.ts';
import type { CallSignature } from './argument-formats.ts';
import { formatArgument, formatResult, parseSignature } from './argument-formats.ts';
import { pointer } from './string-format.ts';
import { prctlText } from './rare-formats.ts';
import type { TracedArguments, TracedSignal, TracedTask, TraceSink } from './trace-sink.ts';

/** What a row of the syscall table says, as far as it is printed. */
export interface TracedRow {
  readonly name: string;
  readonly args: string;
}

/** Internal results that a program sees as a restart, by what strace calls them. */
const RESTARTS: Readonly<Record<number, string>> = {
  [-512]: 'ERESTARTSYS (To be restarted if SA_RESTART is set)',
  [-513]: 'ERESTARTNOINTR (To be restarted)',
  [-514]: 'ERESTARTNOHAND (To be restarted if no handler)',
  [-516]: 'ERESTART_RESTARTBLOCK (Interrupted by signal)',
};

const SI_CODES: Readonly<Record<number, string>> = { 0: 'SI_USER', 128: 'SI_KERNEL', [-1]: 'SI_QUEUE', [-2]: 'SI_TIMER', [-6]: 'SI_TKILL' };
/** O_CREAT and O_TMPFILE: only with one of them the mode argument of open is looked at. */
const CREATES = 0o20000100;
/** Column of the equals sign, as strace's default. */
const RESULT_COLUMN = 40;

const CHILD_CODES = ['', 'CLD_EXITED', 'CLD_KILLED', 'CLD_DUMPED', 'CLD_TRAPPED', 'CLD_STOPPED', 'CLD_CONTINUED'];
const SEGV_CODES = ['', 'SEGV_MAPERR', 'SEGV_ACCERR'];

export class Strace implements TraceSink {
  private readonly signatures: (CallSignature | undefined)[] = [];
  private readonly rows: (nr: number) => TracedRow;
  private readonly output: (text: string) => void;
  /** Characters on the line so far. */
  private column = 0;
  /** The task whose line is begun and not ended, and how many of its arguments are on it. */
  private open: TracedTask | null = null;
  private readonly printed: Map<number, number> = new Map();
  private readonly threads: Set<number> = new Set();

  /** `rows`: name and argument types of a call by number; `write` gets pieces of lines. */
  constructor(rows: (nr: number) => TracedRow, write: (text: string) => void) {
    this.rows = rows;
    this.output = write;
  }

  private write(text: string): void {
    this.column = text.endsWith('\n') ? 0 : this.column + text.length;
    this.output(text);
  }

  /** Ends a call's line: results stand in one column. */
  private writeResult(text: string): void {
    this.write(')'.padEnd(Math.max(2, RESULT_COLUMN - this.column)) + `= ${text}\n`);
    this.open = null;
  }

  private signature(nr: number): CallSignature {
    let s = this.signatures[nr];
    if (s === undefined) {
      const row = this.rows(nr);
      s = parseSignature(row.name, row.args);
      this.signatures[nr] = s;
    }
    return s;
  }

  /** Ends another task's unfinished line and starts one for `task`; strace names the task once there are several. */
  private startLine(task: TracedTask): void {
    if (this.open !== null) this.write(' <unfinished ...>\n');
    this.open = null;
    this.threads.add(task.tid);
    if (this.threads.size > 1) this.write(`[pid ${String(task.tid).padStart(5)}] `);
  }

  syscallEnter(task: TracedTask, nr: number, a: TracedArguments): void {
    this.startLine(task);
    const s = this.signature(nr);
    let text = `${s.name}(`;
    let i = 0;
    for (; i < s.args.length; i++) {
      const type = s.args[i];
      if (type === undefined || type.output) break;
      if (type.word === 'prctl') {
        text += prctlText(task.space, a);
        i = s.args.length;
        break;
      }
      if (type.word === 'mode' && s.args[i - 1]?.word === 'openflags' && (a.lo(i - 1) & CREATES) === 0) continue;
      text += (i > 0 ? ', ' : '') + formatArgument(type, task.space, a, i, null);
    }
    this.printed.set(task.tid, i);
    this.write(text);
    this.open = task;
  }

  syscallLeave(task: TracedTask, nr: number, a: TracedArguments, result: number): void {
    const s = this.signature(nr);
    if (this.open !== task) {
      this.startLine(task);
      this.write(`<... ${s.name} resumed>`);
    }
    let text = '';
    for (let i = this.printed.get(task.tid) ?? s.args.length; i < s.args.length; i++) {
      const type = s.args[i];
      if (type !== undefined) text += (i > 0 ? ', ' : '') + formatArgument(type, task.space, a, i, result);
    }
    this.printed.delete(task.tid);
    this.write(text);
    this.writeResult(this.resultText(s, result));
  }

  private resultText(s: CallSignature, result: number): string {
    if (result >= 0 || result < -4095) return formatResult(s.result, result);
    const restart = RESTARTS[result];
    if (restart !== undefined) return `? ${restart}`;
    return `-1 ${ERRNO_NAMES[-result] ?? `E${-result}`} (${ERRNO_MESSAGES[-result] ?? 'Unknown error'})`;
  }

  signalDelivered(task: TracedTask, s: TracedSignal): void {
    this.startLine(task);
    const name = signalName(s.signo);
    let detail = '';
    let code = SI_CODES[s.code];
    if (s.signo === 17 && s.code > 0) {
      code = CHILD_CODES[s.code];
      const status = s.code === 1 ? String(s.w2) : signalName(s.w2);
      detail = `, si_pid=${s.w0}, si_uid=${s.w1}, si_status=${status}, si_utime=0, si_stime=0`;
    } else if (s.signo === 11 && s.code > 0 && s.code < 128) {
      code = SEGV_CODES[s.code];
      detail = `, si_addr=${pointer((s.w1 >>> 0) * 4294967296 + (s.w0 >>> 0))}`;
    } else if (s.code <= 0) detail = `, si_pid=${s.w0}, si_uid=${s.w1}`;
    this.write(`--- ${name} {si_signo=${name}, si_code=${code ?? s.code}${detail}} ---\n`);
  }

  stopped(task: TracedTask, signo: number): void {
    this.startLine(task);
    this.write(`--- stopped by ${signalName(signo)} ---\n`);
  }

  exited(task: TracedTask, status: number): void {
    if (this.printed.delete(task.tid)) {
      // exit and exit_group do not return.
      if (this.open !== task) this.startLine(task);
      this.writeResult('?');
    }
    this.startLine(task);
    const signal = status & 0x7f;
    this.write(signal === 0 ? `+++ exited with ${(status >> 8) & 0xff} +++\n` : `+++ killed by ${signalName(signal)}${status & 0x80 ? ' (core dumped)' : ''} +++\n`);
    this.threads.delete(task.tid);
  }
}
