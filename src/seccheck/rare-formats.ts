/** Names and structures of calls that few programs make: AIO, io_uring, Landlock, perf, scheduling attributes, memory policies, prctl. As strace 6.1 prints them. */
import * as aio from '../abi/aio.ts';
import * as capability from '../abi/capability.ts';
import * as uring from '../abi/io-uring.ts';
import * as landlock from '../abi/landlock.ts';
import * as sched from '../abi/sched.ts';
import { signalName } from '../abi/signal.ts';
import type { UserMemory } from '../memory/user-memory.ts';
import { constantText, flagText, type NameTable, names } from './flag-names.ts';
import { formatBuffer, formatString, pointer } from './string-format.ts';
import type { TracedArguments } from './trace-sink.ts';

type StructFormat = { readonly size: number; readonly text: (view: DataView, space: UserMemory) => string };

const u64 = (v: DataView, at: number): number => v.getUint32(at + 4, true) * 4294967296 + v.getUint32(at, true);
const i64 = (v: DataView, at: number): number => v.getInt32(at + 4, true) * 4294967296 + v.getUint32(at, true);
const u32 = (v: DataView, at: number): number => v.getUint32(at, true);
const i32 = (v: DataView, at: number): number => v.getInt32(at, true);

const listed = (prefix: string, words: string): NameTable => words.split(' ').map((w, i) => [i, prefix + w] as const).filter(([, n]) => n !== prefix);
const bits = (prefix: string, words: string): NameTable => words.split(' ').map((w, i) => [2 ** i, prefix + w] as const).filter(([, n]) => n !== prefix);

const URING_REGISTER = listed(
  'IORING_',
  'REGISTER_BUFFERS UNREGISTER_BUFFERS REGISTER_FILES UNREGISTER_FILES REGISTER_EVENTFD UNREGISTER_EVENTFD REGISTER_FILES_UPDATE REGISTER_EVENTFD_ASYNC REGISTER_PROBE REGISTER_PERSONALITY UNREGISTER_PERSONALITY REGISTER_RESTRICTIONS REGISTER_ENABLE_RINGS REGISTER_FILES2 REGISTER_FILES_UPDATE2 REGISTER_BUFFERS2 REGISTER_BUFFERS_UPDATE REGISTER_IOWQ_AFF UNREGISTER_IOWQ_AFF REGISTER_IOWQ_MAX_WORKERS REGISTER_RING_FDS UNREGISTER_RING_FDS REGISTER_PBUF_RING UNREGISTER_PBUF_RING REGISTER_SYNC_CANCEL REGISTER_FILE_ALLOC_RANGE',
);
const URING_FEATURES = bits('IORING_FEAT_', 'SINGLE_MMAP NODROP SUBMIT_STABLE RW_CUR_POS CUR_PERSONALITY FAST_POLL POLL_32BITS SQPOLL_NONFIXED EXT_ARG NATIVE_WORKERS RSRC_TAGS CQE_SKIP LINKED_FILE');
const FS_ACCESS: NameTable = names(landlock, /^ACCESS_FS_(?!ALL|FILE)/).map(([v, n]) => [v, `LANDLOCK_${n}`] as const);
const MEMBARRIER: NameTable = bits('MEMBARRIER_CMD_', 'GLOBAL GLOBAL_EXPEDITED REGISTER_GLOBAL_EXPEDITED PRIVATE_EXPEDITED REGISTER_PRIVATE_EXPEDITED PRIVATE_EXPEDITED_SYNC_CORE REGISTER_PRIVATE_EXPEDITED_SYNC_CORE PRIVATE_EXPEDITED_RSEQ REGISTER_PRIVATE_EXPEDITED_RSEQ');
const SCHED_POLICIES: NameTable = listed('SCHED_', 'OTHER FIFO RR BATCH ISO IDLE DEADLINE');
const SCHED_FLAGS: NameTable = names(sched, /^SCHED_FLAG_(?!ALL)/);

/** For flag-names.ts: further families of flags. */
export const RARE_FLAGS: Readonly<Record<string, NameTable>> = {
  ioringenterflags: names(uring, /^IORING_ENTER_/),
  landlockflags: [[1, 'LANDLOCK_CREATE_RULESET_VERSION'], [2, 'LANDLOCK_CREATE_RULESET_ERRATA']],
  perfflags: bits('PERF_FLAG_', 'FD_NO_GROUP FD_OUTPUT PID_CGROUP FD_CLOEXEC'),
  mpolmove: bits('MPOL_MF_', 'STRICT MOVE MOVE_ALL'),
  mpolget: bits('MPOL_F_', 'NODE ADDR MEMS_ALLOWED'),
  mlockflags: [[1, 'MLOCK_ONFAULT']],
};
/** Further families of constants. */
export const RARE_CONSTANTS: Readonly<Record<string, NameTable>> = {
  ioringregister: URING_REGISTER,
  landlockrule: [[1, 'LANDLOCK_RULE_PATH_BENEATH'], [2, 'LANDLOCK_RULE_NET_PORT']],
  kcmptype: listed('KCMP_', 'FILE VM FILES FS SIGHAND IO SYSVSEM EPOLL_TFD'),
  mpolmode: listed('MPOL_', 'DEFAULT PREFERRED BIND INTERLEAVE LOCAL PREFERRED_MANY WEIGHTED_INTERLEAVE'),
  iopriowho: listed('IOPRIO_WHO_', ' PROCESS PGRP USER'),
  membarriercmd: [[0, 'MEMBARRIER_CMD_QUERY'], ...MEMBARRIER, [512, 'MEMBARRIER_CMD_GET_REGISTRATIONS']],
};

const ioVec = (v: DataView, space: UserMemory): string => {
  const op = v.getUint16(aio.IOCB_OPCODE, true);
  const name = constantText(names(aio, /^IOCB_CMD_/), op);
  let text = `{aio_data=${pointer(u64(v, aio.IOCB_DATA)).replace('NULL', '0')}, aio_lio_opcode=${name}, aio_fildes=${i32(v, aio.IOCB_FD)}`;
  const count = u64(v, aio.IOCB_NBYTES);
  if (op === aio.IOCB_CMD_PWRITE) text += `, aio_buf=${formatBuffer(space, u64(v, aio.IOCB_BUF), count)}, aio_nbytes=${count}, aio_offset=${i64(v, aio.IOCB_OFFSET)}`;
  else if (op === aio.IOCB_CMD_PREAD || op === aio.IOCB_CMD_PREADV || op === aio.IOCB_CMD_PWRITEV) text += `, aio_buf=${pointer(u64(v, aio.IOCB_BUF))}, aio_nbytes=${count}, aio_offset=${i64(v, aio.IOCB_OFFSET)}`;
  if (u32(v, aio.IOCB_FLAGS) & aio.IOCB_FLAG_RESFD) text += `, aio_flags=IOCB_FLAG_RESFD, aio_resfd=${i32(v, aio.IOCB_RESFD)}`;
  return `${text}}`;
};

export const RARE_STRUCTS: Readonly<Record<string, StructFormat>> = {
  io_event: { size: 32, text: (v) => `{data=${pointer(u64(v, 0)).replace('NULL', '0')}, obj=${pointer(u64(v, 8))}, res=${i64(v, 16)}, res2=${i64(v, 24)}}` },
  iocb: { size: 64, text: ioVec },
  iocbptr: {
    size: 8,
    text: (v, space) => {
      const bytes = new Uint8Array(64);
      const at = u64(v, 0);
      return space.copyIn(at, bytes, 0, 64) < 64 ? pointer(at) : ioVec(new DataView(bytes.buffer), space);
    },
  },
  io_uring_params: {
    size: 120,
    text: (v) => {
      const sq = ['head', 'tail', 'ring_mask', 'ring_entries', 'flags', 'dropped', 'array'].map((n, i) => `${n}=${u32(v, 40 + i * 4)}`).join(', ');
      const cq = ['head', 'tail', 'ring_mask', 'ring_entries', 'overflow', 'cqes', 'flags'].map((n, i) => `${n}=${u32(v, 80 + i * 4)}`).join(', ');
      const flags = flagText(names(uring, /^IORING_SETUP_(?!KNOWN)/), i32(v, 8));
      return `{flags=${flags}, sq_thread_cpu=${u32(v, 12)}, sq_thread_idle=${u32(v, 16)}, sq_entries=${u32(v, 0)}, cq_entries=${u32(v, 4)}, features=${flagText(URING_FEATURES, i32(v, 20))}, sq_off={${sq}}, cq_off={${cq}}}`;
    },
  },
  landlock_ruleset: { size: 8, text: (v) => `{handled_access_fs=${flagText(FS_ACCESS, i32(v, 0))}}` },
  landlock_path: { size: 12, text: (v) => `{allowed_access=${flagText(FS_ACCESS, i32(v, 0))}, parent_fd=${i32(v, 8)}}` },
  sched_attr: {
    size: 48,
    text: (v) =>
      `{size=${u32(v, 0)}, sched_policy=${constantText(SCHED_POLICIES, u32(v, 4))}, sched_flags=${flagText(SCHED_FLAGS, i32(v, 8))}, sched_nice=${i32(v, 16)}, sched_priority=${u32(v, 20)}, sched_runtime=${u64(v, 24)}, sched_deadline=${u64(v, 32)}, sched_period=${u64(v, 40)}${u32(v, 0) >= 56 ? ', ...' : ''}}`,
  },
  perf_event_attr: {
    size: 64,
    text: (v) => {
      const type = u32(v, 0);
      const config = u64(v, 8);
      const software = listed('PERF_COUNT_SW_', 'CPU_CLOCK TASK_CLOCK PAGE_FAULTS CONTEXT_SWITCHES CPU_MIGRATIONS PAGE_FAULTS_MIN PAGE_FAULTS_MAJ ALIGNMENT_FAULTS EMULATION_FAULTS DUMMY BPF_OUTPUT CGROUP_SWITCHES');
      const what = type === 1 ? constantText(software, config) : pointer(config).replace('NULL', '0');
      return `{type=${constantText(listed('PERF_TYPE_', 'HARDWARE SOFTWARE TRACEPOINT HW_CACHE RAW BREAKPOINT'), type)}, size=${pointer(u32(v, 4)).replace('NULL', '0')}, config=${what}, sample_period=${u64(v, 16)}, sample_type=${pointer(u64(v, 24)).replace('NULL', '0')}, read_format=${pointer(u64(v, 32)).replace('NULL', '0')}, ...}`;
    },
  },
  timex: {
    size: 208,
    text: (v) => {
      const status = bits('STA_', 'PLL PPSFREQ PPSTIME FLL INS DEL UNSYNC FREQHOLD PPSSIGNAL PPSJITTER PPSWANDER PPSERROR CLOCKERR NANO MODE CLK');
      return `{modes=${u32(v, 0)}, offset=${i64(v, 8)}, freq=${i64(v, 16)}, maxerror=${i64(v, 24)}, esterror=${i64(v, 32)}, status=${flagText(status, i32(v, 40))}, constant=${i64(v, 48)}, precision=${i64(v, 56)}, tolerance=${i64(v, 64)}, time={tv_sec=${i64(v, 72)}, tv_usec=${i64(v, 80)}}, tick=${i64(v, 88)}, ppsfreq=0, jitter=0, shift=0, stabil=0, jitcnt=0, calcnt=0, errcnt=0, stbcnt=0, tai=${i32(v, 160)}}`;
    },
  },
};

/** `IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 4)`. */
export function ioPriorityText(value: number): string {
  return `IOPRIO_PRIO_VALUE(${constantText(listed('IOPRIO_CLASS_', 'NONE RT BE IDLE'), value >> 13)}, ${value & 0x1fff})`;
}

const PRCTL: NameTable = [
  ...listed(
    'PR_',
    ' SET_PDEATHSIG GET_PDEATHSIG GET_DUMPABLE SET_DUMPABLE GET_UNALIGN SET_UNALIGN GET_KEEPCAPS SET_KEEPCAPS GET_FPEMU SET_FPEMU GET_FPEXC SET_FPEXC GET_TIMING SET_TIMING SET_NAME GET_NAME   GET_ENDIAN SET_ENDIAN GET_SECCOMP SET_SECCOMP CAPBSET_READ CAPBSET_DROP GET_TSC SET_TSC GET_SECUREBITS SET_SECUREBITS SET_TIMERSLACK GET_TIMERSLACK TASK_PERF_EVENTS_DISABLE TASK_PERF_EVENTS_ENABLE MCE_KILL MCE_KILL_GET SET_MM SET_CHILD_SUBREAPER GET_CHILD_SUBREAPER SET_NO_NEW_PRIVS GET_NO_NEW_PRIVS GET_TID_ADDRESS SET_THP_DISABLE GET_THP_DISABLE     CAP_AMBIENT',
  ),
  [52, 'PR_GET_SPECULATION_CTRL'], [53, 'PR_SET_SPECULATION_CTRL'], [57, 'PR_SET_IO_FLUSHER'], [58, 'PR_GET_IO_FLUSHER'], [59, 'PR_SET_SYSCALL_USER_DISPATCH'], [65, 'PR_SET_MDWE'], [66, 'PR_GET_MDWE'],
  [0x53564d41, 'PR_SET_VMA'], [0x59616d61, 'PR_SET_PTRACER'],
];
/** How many arguments an option takes, where it is not all of them. */
const PRCTL_NONE: ReadonlySet<number> = new Set([3, 7, 13, 21, 27, 30, 31, 32]);
const PRCTL_POINTER: ReadonlySet<number> = new Set([2, 5, 9, 11, 16, 19, 25, 37, 40]);
const PRCTL_NUMBER: ReadonlySet<number> = new Set([4, 6, 8, 10, 12, 14, 20, 26, 28, 29, 36]);

/** All arguments of prctl: an option shows as many as it takes. */
export function prctlText(space: UserMemory, a: TracedArguments): string {
  const option = a.lo(0);
  const known = PRCTL.some(([v]) => v === option);
  const name = known ? constantText(PRCTL, option) : `0x${(option >>> 0).toString(16)} /* PR_??? */`;
  const hex = (i: number): string => pointer(a.addr(i)).replace('NULL', '0');
  if (!known) return [name, hex(1), hex(2), hex(3), hex(4)].join(', ');
  if (PRCTL_NONE.has(option)) return name;
  if (PRCTL_POINTER.has(option)) return `${name}, ${pointer(a.addr(1))}`;
  if (option === 1) return `${name}, ${signalName(a.lo(1))}`;
  if (option === 15) return `${name}, ${formatString(space, a.addr(1))}`;
  if (option === 23 || option === 24) return `${name}, ${constantText(names(capability, /^CAP_(?!LAST)/), a.lo(1))}`;
  if (PRCTL_NUMBER.has(option)) return `${name}, ${a.addr(1)}`;
  return [name, hex(1), hex(2), hex(3), hex(4)].join(', ');
}
