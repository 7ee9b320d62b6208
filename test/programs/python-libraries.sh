# needs: python3 python3-pip
# timeout: 180
/usr/bin/python3 - <<'P'
import sqlite3, ctypes, ctypes.util, zlib, bz2, lzma, mmap, tempfile, os, pickle, csv, io, uuid, select, fcntl, resource, ssl, xml.etree.ElementTree as et, pty, termios, socket, glob, shutil, stat
c = sqlite3.connect(":memory:"); c.execute("create table t(a,b)"); c.executemany("insert into t values(?,?)", [(i, str(i)) for i in range(1000)]); print(c.execute("select count(*), sum(a) from t where b like '1%'").fetchone())
libc = ctypes.CDLL(None); print(libc.strlen(b"hello"), ctypes.c_double(1.5).value); CB = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
arr = (ctypes.c_int * 5)(5, 3, 1, 4, 2); libc.qsort(arr, 5, 4, CB(lambda a, b: a[0] - b[0])); print(list(arr))
d = b"data" * 5000
for m in (zlib, bz2, lzma): print(m.__name__, len(m.decompress(m.compress(d))))
with tempfile.TemporaryFile() as f: f.write(b"x" * 8192); f.flush(); mm = mmap.mmap(f.fileno(), 8192); mm[100] = 65; print(mm[99:102]); mm.close()
print(pickle.loads(pickle.dumps({"k": (1, 2)})), et.fromstring("<a><b c='1'/></a>")[0].attrib, uuid.uuid5(uuid.NAMESPACE_DNS, "x"), ssl.OPENSSL_VERSION.split()[0])
a, b = socket.socketpair(); a.send(b"hi"); print(b.recv(5), select.select([b], [], [], 0)); print(resource.getrlimit(resource.RLIMIT_STACK)[0])
pid, fd = pty.fork()
if pid == 0: os.execvp("sh", ["sh", "-c", "tty >/dev/null && echo on a tty"])
out = b""
try:
    while x := os.read(fd, 100): out += x
except OSError: pass
os.waitpid(pid, 0); print(out)
P
/usr/bin/python3 -m pip --version | cut -d' ' -f1,2
