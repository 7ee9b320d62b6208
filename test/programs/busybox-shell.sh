# needs: busybox-static
# The ash of busybox: functions, arithmetic, pipes, traps, background jobs.
busybox sh -c '
f() { local n=$1; [ $n -le 1 ] && { echo 1; return; }; echo $(( n * $(f $((n - 1))) )); }
f 6
i=0; while [ $i -lt 50 ]; do i=$((i + 1)); done | wc -c; echo done
x=$(printf "a\nb\nc\n" | while read l; do echo "<$l>"; done); echo $x
trap "echo got term" TERM; kill -TERM $$; (sleep 0.1; exit 3) & wait $!; echo "child $?"
cat <<END | tr a-z A-Z
here document $((1 + 1))
END
'
