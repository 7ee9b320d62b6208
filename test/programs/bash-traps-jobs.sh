# Traps, signals and job control without a terminal.
trap 'echo exit trap' EXIT
trap 'echo usr1' USR1; kill -USR1 $$
trap 'echo debug-off' RETURN
bash -c 'kill -9 $$'; echo "killed $?"
bash -c 'kill -TERM $$' ; echo "terminated $?"
bash -c 'trap "" INT; kill -INT $$; echo survived'
timeout 0.2 sleep 5; echo "timeout $?"
set -m
sleep 5 & p=$!; sleep 0.2
kill -STOP $p; sleep 0.1; jobs -s | grep -c Stopped
kill -CONT $p; kill $p; sleep 0.3; wait $p; echo "waited $?"
(sleep 0.1; exit 9) & wait -n; echo "any $?"
{ sleep 0.1 & sleep 0.1 & wait; }; echo both
exec 3< <(echo from-fd3); read -u 3 line; echo "$line"
