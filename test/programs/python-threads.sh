# needs: python3
# timeout: 120
/usr/bin/python3 - <<'P'
import threading, queue, concurrent.futures as c, time
q = queue.Queue(5); out = []
def worker():
    while (x := q.get()) is not None: out.append(x * 2)
ts = [threading.Thread(target=worker) for _ in range(6)]
for t in ts: t.start()
for i in range(500): q.put(i)
for _ in ts: q.put(None)
for t in ts: t.join()
print(sum(out), len(out))
with c.ThreadPoolExecutor(4) as ex: print(list(ex.map(lambda x: x ** 2, range(8))))
e = threading.Event(); threading.Timer(0.05, e.set).start(); print(e.wait(3)); b = threading.Barrier(3); r = []
ts = [threading.Thread(target=lambda: r.append(b.wait())) for _ in range(3)]
for t in ts: t.start()
for t in ts: t.join()
print(sorted(r)); cond = threading.Condition(); n = 0
def inc():
    global n
    for _ in range(5000):
        with cond: n += 1
ts = [threading.Thread(target=inc) for _ in range(4)]
for t in ts: t.start()
for t in ts: t.join()
print(n, threading.active_count())
P
