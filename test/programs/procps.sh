# needs: procps
sleep 60 & p=$!; ps -o comm=,args=,stat= -p $p; ps -o ppid= -p $p | grep -qw $$ && echo parent; pgrep -x sleep | grep -cw $p; kill $p; wait $p 2>/dev/null; echo $?
ps -e -o pid= | grep -cw $$; ps -o pid,tty,comm -p 1 | wc -l; free | head -1 | awk '{print $1, $2}'; uptime | grep -c load; top -b -n 1 -p $$ | head -1 | cut -c1-3; vmstat | wc -l; pmap $$ | tail -1 | awk '{print $1}'; cat /proc/self/comm; ps -L -o nlwp= -p $$ | tr -d ' '; w -h | wc -l; sysctl -n kernel.ostype; pidof -s bash > /dev/null && echo pidof; pwdx $$ | cut -d: -f2 | grep -c /tmp
