# needs: python3
# timeout: 180
cat > m.py <<'P'
import multiprocessing as m, os
def square(x): return x * x
def put(q, n): q.put(n * 3)
if __name__ == "__main__":
    for how in ("fork", "spawn"):
        c = m.get_context(how)
        with c.Pool(2) as p: print(how, p.map(square, range(10)), flush=True)
        q = c.Queue(); ps = [c.Process(target=put, args=(q, i)) for i in range(3)]
        for p in ps: p.start()
        print(sorted(q.get() for _ in ps), flush=True)
        for p in ps: p.join()
        print([p.exitcode for p in ps], flush=True)
    v = m.Value("i", 0); a = m.Array("d", 3); l = m.Lock()
    from multiprocessing import shared_memory
    s = shared_memory.SharedMemory(create=True, size=100); s.buf[0] = 7; t = shared_memory.SharedMemory(name=s.name); print(t.buf[0]); t.close(); s.close(); s.unlink()
P
/usr/bin/python3 m.py
