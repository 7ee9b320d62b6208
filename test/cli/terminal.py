"""Drives `vivarium do` on a pseudo terminal of its own, under an interactive bash, and prints what a user would see, a label a line."""
import fcntl, os, pty, select, struct, sys, termios, time

vivarium = sys.argv[1]
pid, fd = pty.fork()
if pid == 0:
    os.environ.update(PS1="ready> ", TERM="dumb", HISTFILE="/dev/null")
    os.execv("/bin/bash", ["bash", "--norc", "-i"])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
seen = ""


def until(text, seconds=60):
    """Reads until `text` was seen since the last call; what came, or what came so far when the time is over."""
    global seen
    end = time.time() + seconds
    while text not in seen and time.time() < end:
        if select.select([fd], [], [], 0.1)[0]:
            seen += os.read(fd, 4096).decode(errors="replace")
    at = seen.find(text)
    got, seen = (seen, "") if at < 0 else (seen[: at + len(text)], seen[at + len(text) :])
    return got if at >= 0 else "NOT SEEN " + got


def type_(text):
    os.write(fd, text.encode())


def ask(command, text):
    type_(command + "\r")
    until("\r\n")
    return until(text)


until("ready> ")
# The prompt is typed in two parts, so that the echo of the command is not taken for it.
type_(f"{vivarium} do --env 'PS1=in'\"> \" -- bash --norc -i\r")
print("started:", "NOT" not in until("in> "))
print("size:", "30 100" in ask("stty size", "in> "))
print("terminal:", "/dev/pts/" in ask("tty", "in> "))
type_("sleep 100\r"); until("\r\n"); time.sleep(1); type_("\x03")
print("interrupted:", "NOT" not in until("in> "))
print("status:", "130" in ask("echo $?", "in> "))
type_("sleep 100\r"); until("\r\n"); time.sleep(1); type_("\x1a")
print("stopped inside:", "Stopped" in until("in> "))
ask("kill %1; wait", "in> ")
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0)); time.sleep(1)
print("resized:", "40 120" in ask("stty size", "in> "))
type_("exit 5\r")
print("left:", "NOT" not in until("ready> "))
print("status outside:", "5" in ask("echo $?", "ready> "))
print("terminal restored:", "4" in ask("stty -a | tr ' ' '\\n' | grep -c -x -E 'icanon|echo|isig|opost'", "ready> "))
type_(f"{vivarium} do -- cat\r"); until("\r\n"); time.sleep(2); type_("one\r"); until("one\r\none")
type_("\x1a")
print("stopped outside:", "Stopped" in until("ready> "))
type_("fg\r"); until("cat\r\n"); time.sleep(1); type_("two\r")
print("continued:", "NOT" not in until("two\r\ntwo"))
type_("\x04")
print("ended:", "NOT" not in until("ready> "))

# A full-screen program: it draws for the size there is, and again for a new one.
def screen(command, keys, text):
    type_(command + "\r"); until("\r\n"); time.sleep(3)
    for k in keys:
        if callable(k): k()
        else: type_(k)
        time.sleep(1)
    return until(text)

resize = lambda: fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 90, 0, 0))
print("full screen:", "lines=40" in screen(f"TERM=vt100 {vivarium} do -- vim.tiny -u NONE -n notes", ["ihello\x1b", ":set lines?\r"], "lines=40"))
resize(); time.sleep(1.5); type_("\x0c:set number\r")
print("resized in it:", "NOT" not in until("\x1b[33;1H"))
type_(":q!\r")
print("full screen left:", "NOT" not in until("ready> "))
print("less:", "500" in screen(f"seq 500 > /tmp/vivarium-seq; TERM=vt100 {vivarium} do -- less /tmp/vivarium-seq", ["G"], "500"))
type_("q"); until("ready> "); os.unlink("/tmp/vivarium-seq")
type_(f"{vivarium} do -- sleep 100\r"); until("\r\n"); time.sleep(2); type_("\x03"); until("ready> ")
print("interrupted outside:", "130" in ask("echo $?", "ready> "))
type_(f"{vivarium} do -- sleep 100\r"); until("\r\n"); time.sleep(2); type_("\x1c"); until("ready> ")
print("quit:", "131" in ask("echo $?", "ready> "))
