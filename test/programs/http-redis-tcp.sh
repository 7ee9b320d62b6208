# needs: python3 curl redis-server
# timeout: 240
unshare -n bash <<'X'
ip link set lo up
seq 100000 > big; echo hello > index.html
/usr/bin/python3 -m http.server 8123 --bind 127.0.0.1 > log 2>&1 & p=$!
for i in $(seq 50); do curl -s -o /dev/null http://127.0.0.1:8123/index.html && break; sleep 0.3; done
curl -s http://127.0.0.1:8123/index.html; curl -s http://127.0.0.1:8123/big | md5sum; curl -s -o /dev/null -w '%{http_code} %{size_download}\n' http://127.0.0.1:8123/none
kill $p; wait $p 2>/dev/null
redis-server --port 7123 --daemonize no --save '' --appendonly no > rlog 2>&1 & p=$!
for i in $(seq 50); do [ "$(redis-cli -p 7123 ping 2>/dev/null)" = PONG ] && break; sleep 0.3; done
redis-cli -p 7123 set a 1; redis-cli -p 7123 incr a; seq 500 | sed 's/.*/SET k& &/' | redis-cli -p 7123 --pipe 2>&1 | tail -1; redis-cli -p 7123 dbsize; redis-cli -p 7123 shutdown nosave; wait $p; echo $?
X
