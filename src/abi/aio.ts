/** Linux AIO. Source: Linux 6.18 include/uapi/linux/aio_abi.h, fs/aio.c. */
export const IOCB_CMD_PREAD = 0, IOCB_CMD_PWRITE = 1, IOCB_CMD_FSYNC = 2, IOCB_CMD_FDSYNC = 3, IOCB_CMD_POLL = 5, IOCB_CMD_PREADV = 7, IOCB_CMD_PWRITEV = 8;
export const IOCB_FLAG_RESFD = 1, IOCB_FLAG_IOPRIO = 2;

/** struct iocb: data, key, rw_flags, opcode, reqprio, fd, buf, nbytes, offset, reserved2, flags, resfd. Bytes. */
export const SIZEOF_IOCB = 64;
export const IOCB_DATA = 0, IOCB_KEY = 8, IOCB_RW_FLAGS = 12, IOCB_OPCODE = 16, IOCB_REQPRIO = 18, IOCB_FD = 20, IOCB_BUF = 24, IOCB_NBYTES = 32;
export const IOCB_OFFSET = 40, IOCB_RESERVED2 = 48, IOCB_FLAGS = 56, IOCB_RESFD = 60;

/** struct io_event: data, obj, res, res2. Bytes. */
export const SIZEOF_IO_EVENT = 32;

/** struct aio_ring, mapped into the program: id, nr, head, tail, magic, compat_features, incompat_features, header_length, events. */
export const AIO_RING_MAGIC = 0xa10a10a1;
export const AIO_RING_HEADER = 32;
