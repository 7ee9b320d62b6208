# needs: less vim-tiny python3
# timeout: 120
# Full-screen programs driven through a pseudo terminal.
seq 200 > f; cat > drive.py <<'P'
import os, pty, sys, time, select, signal
def drive(argv, keys):
    pid, fd = pty.fork()
    if pid == 0: os.environ["TERM"] = "vt100"; os.execvp(argv[0], argv)
    out = b""
    def pump(t):
        nonlocal out
        end = time.time() + t
        while time.time() < end:
            r, _, _ = select.select([fd], [], [], 0.05)
            if r:
                try: out += os.read(fd, 4096)
                except OSError: return
    pump(1.5)
    for k in keys: os.write(fd, k); pump(0.7)
    _, st = os.waitpid(pid, 0)
    return out, os.waitstatus_to_exitcode(st)
out, st = drive(["less", "f"], [b"G", b"/42\r", b"q"]); print(st, b"200" in out, b"142" in out or b"42" in out)
out, st = drive(["vim.tiny", "-u", "NONE", "-n", "v.txt"], [b"ihello vim\x1b", b"yyp", b":%s/vim/VIM/g\r", b":wq\r"]); print(st, open("v.txt").read())
P
/usr/bin/python3 drive.py
