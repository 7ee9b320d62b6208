# needs: python3
# timeout: 120
/usr/bin/python3 - <<'P'
import os, signal, subprocess, sys, time
print(subprocess.run(["sh", "-c", "echo out; echo err >&2; exit 3"], capture_output=True))
p = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE); print(len(p.communicate(b"y" * 200000)[0]), p.returncode)
p = subprocess.Popen(["sleep", "9"]); p.terminate(); print(p.wait())
try: subprocess.run(["sleep", "5"], timeout=0.2)
except subprocess.TimeoutExpired as e: print("expired", round(e.timeout, 1))
pid = os.fork()
if pid == 0: os._exit(6)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
r, w = os.pipe(); os.set_inheritable(w, True); subprocess.run(["sh", "-c", f"echo piped >&{w}"], pass_fds=[w]); os.close(w); print(os.read(r, 100))
signal.signal(signal.SIGUSR1, lambda s, f: print("handler", s)); os.kill(os.getpid(), signal.SIGUSR1); signal.setitimer(signal.ITIMER_REAL, 0.05); signal.signal(signal.SIGALRM, lambda *a: print("alarm")); time.sleep(0.2)
print(subprocess.check_output("echo $0 | wc -c", shell=True, text=True).strip(), os.get_exec_path()[:1], os.getpgid(0) == os.getpgrp())
P
