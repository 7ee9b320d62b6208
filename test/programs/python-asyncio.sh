# needs: python3
# timeout: 120
/usr/bin/python3 - <<'P'
import asyncio, os, signal
async def tick(n):
    for _ in range(3): await asyncio.sleep(0.01)
    return n
async def serve(r, w): w.write((await r.readline()).upper()); await w.drain(); w.close()
async def main():
    print(await asyncio.gather(*[tick(i) for i in range(20)]))
    p = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1); o, _ = await p.communicate(b"bytes"); print(o, p.returncode)
    loop = asyncio.get_running_loop(); f = loop.create_future(); loop.add_signal_handler(signal.SIGUSR1, f.set_result, "signalled"); os.kill(os.getpid(), signal.SIGUSR1); print(await f)
    s = await asyncio.start_unix_server(serve, "sock"); r, w = await asyncio.open_unix_connection("sock"); w.write(b"ping\n"); print(await r.readline()); w.close(); s.close()
    try: await asyncio.wait_for(asyncio.sleep(5), 0.05)
    except asyncio.TimeoutError: print("timeout")
    print(await asyncio.to_thread(sum, range(100)))
asyncio.run(main())
P
