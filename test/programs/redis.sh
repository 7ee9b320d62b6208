# needs: redis-server
# timeout: 120
redis-server --port 0 --unixsocket $PWD/s --daemonize no --save '' --appendonly no > log 2>&1 & p=$!
for i in $(seq 100); do [ -S s ] && redis-cli -s s ping > /dev/null 2>&1 && break; sleep 0.1; done
redis-cli -s s set k v; redis-cli -s s incrby n 5; redis-cli -s s rpush l a b c; redis-cli -s s lrange l 0 -1; redis-cli -s s hset h f 1; redis-cli -s s eval 'return redis.call("get", KEYS[1])' 1 k; redis-cli -s s dbsize; seq 200 | sed 's/.*/SET k& &/' | redis-cli -s s --pipe 2>&1 | tail -1; redis-cli -s s shutdown nosave; wait $p; echo $?
