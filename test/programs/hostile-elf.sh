# needs: python3
# timeout: 120
# Executables that are cut off, contradict themselves or point outside: the error of execve or the signal that ends them, as natively.
cat > make.py <<'P'
import os, struct, sys
elf = open("/bin/true", "rb").read(); phoff, = struct.unpack_from("<Q", elf, 32); phnum, = struct.unpack_from("<H", elf, 56)
heads = [struct.unpack_from("<IIQQQQQQ", elf, phoff + i * 56) for i in range(phnum)]; loads = [i for i, h in enumerate(heads) if h[0] == 1]; interp = next(i for i, h in enumerate(heads) if h[0] == 3)
def put(fmt, at, *v): b = bytearray(elf); struct.pack_into(fmt, b, at, *v); return bytes(b)
def head(i, **k):
    names = ("type", "flags", "offset", "vaddr", "paddr", "filesz", "memsz", "align"); h = list(heads[i])
    for n, v in k.items(): h[names.index(n)] = v
    return put("<IIQQQQQQ", phoff + i * 56, *h)
first, last = loads[0], loads[-1]; text = next(i for i in loads if heads[i][1] & 1)
cases = {"cut %d" % n: elf[:n] for n in (1, 4, 16, 52, 63, 64, 100, 700, 4096, 8192, len(elf) // 2)}
cases.update({"magic": put("B", 0, 0x7e), "class": put("B", 4, 1), "data": put("B", 5, 2), "version": put("B", 6, 0), "type rel": put("<H", 16, 1), "type core": put("<H", 16, 4), "type 0": put("<H", 16, 0), "type exec": put("<H", 16, 2), "machine": put("<H", 18, 3), "machine arm": put("<H", 18, 183),
  "entry 0": put("<Q", 24, 0), "entry huge": put("<Q", 24, 0x7fffffffffffffff), "entry kernel": put("<Q", 24, 0xffffffff80000000), "phoff 0": put("<Q", 32, 0), "phoff end": put("<Q", 32, len(elf)), "phoff huge": put("<Q", 32, 0xffffffffffffff00), "phentsize": put("<H", 54, 55), "phnum 0": put("<H", 56, 0), "phnum 65535": put("<H", 56, 65535), "phnum 2": put("<H", 56, 2),
  "interp size 0": head(interp, filesz=0), "interp size 1": head(interp, filesz=1), "interp long": head(interp, filesz=5000), "interp outside": head(interp, offset=len(elf) + 5), "interp twice": put("<I", phoff + (interp + 1) * 56 - 112 if interp > 1 else phoff, 3), "interp open": put("B", heads[interp][2] + heads[interp][5] - 1, 65), "interp missing": elf.replace(b"/lib64/ld-linux-x86-64.so.2", b"/lib64/ld-none!-x86-64.so.2", 1), "interp dir": elf.replace(b"/lib64/ld-linux-x86-64.so.2", b"/lib64\0" + b"x" * 20, 1), "interp self": elf.replace(b"/lib64/ld-linux-x86-64.so.2", b"/etc/passwd\0" + b"x" * 15, 1),
  "memsz huge": head(last, memsz=1 << 62), "memsz less": head(last, memsz=heads[last][5] - 1), "memsz wraps": head(last, memsz=(1 << 64) - 1), "filesz huge": head(last, filesz=1 << 40, memsz=1 << 40), "vaddr kernel": head(last, vaddr=0xffffffff81000000), "vaddr last": head(last, vaddr=0x7ffffffff000), "vaddr odd": head(text, vaddr=heads[text][3] + 1), "offset odd": head(text, offset=heads[text][2] + 8), "offset outside": head(text, offset=1 << 40), "offset negative": head(text, offset=(1 << 64) - 4096), "align 3": head(text, align=3), "align huge": head(first, align=1 << 40), "no loads": put("<I", phoff + first * 56, 0), "flags 0": head(text, flags=0), "flags w": head(text, flags=2), "text not executable": head(text, flags=4), "data read only": head(last, flags=4), "overlap": head(last, vaddr=heads[text][3], offset=heads[text][2])})
for i in range(40): b = bytearray(elf); b[64 + (i * 53) % (phnum * 56)] ^= 1 << (i % 8); cases["flip %d" % i] = bytes(b)
os.mkdir("x")
for n, b in cases.items():
    f = "x/" + n.replace(" ", "-"); open(f, "wb").write(b); os.chmod(f, 0o755); sys.stdout.flush(); p = os.fork()
    if p == 0:
        os.dup2(os.open("/dev/null", 1), 2)
        try: os.execv(f, ["true"])
        except OSError as e: os.write(1, (n + ": " + e.strerror + "\n").encode()); os._exit(99)
    s = os.waitpid(p, 0)[1]
    if s >> 8 != 99: print(n, os.waitstatus_to_exitcode(s), flush=True)
P
ulimit -c 0; /usr/bin/python3 make.py
