# procfs as its readers see it: names, fields and forms, not the values that differ between machines.
cd /proc
echo "status: $(cut -d: -f1 self/status | tr '\n' ' ')"
echo "stat fields: $(cat self/stat | wc -w), statm: $(wc -w < self/statm), limits: $(cut -c1-25 self/limits | tr -s ' ' | tr '\n' ';')"
sh -c 'echo "own: $(awk "/^(Name|State|Umask|Uid|Gid|Threads|NoNewPrivs|Seccomp):/" self/status | tr "\n\t" "; ")"'
for f in loadavg uptime version stat filesystems cpuinfo swaps; do [ -s $f ] || grep -q . $f && echo "$f is there"; done
head -1 self/maps | grep -cE '^[0-9a-f]{12}-[0-9a-f]{12} r--p 00000000 [0-9a-f:]{5} [0-9]+ +/usr/bin/'; grep -cE '\[(stack|heap)\]$' /proc/$$/maps; tail -1 self/maps | grep -c .
readlink self/exe self/cwd self/root; readlink /dev/fd /dev/stdin; exec 7< /etc/passwd; readlink /proc/$$/fd/7; grep -E '^(pos|flags)' /proc/$$/fdinfo/7; ls -l /proc/$$/fd/7 | cut -c1-10
env -i A=b C=d cat /proc/self/environ | tr '\0' ' '; echo; (exec -a renamed cat /proc/self/cmdline | tr '\0' ' '); echo; cat self/comm
ls /proc/$$/task | grep -cx $$; ls /proc/self/ns | tr '\n' ' '; echo; readlink self/ns/user | grep -cE '^user:\[[0-9]+\]$'; cat self/uid_map self/setgroups; cat self/oom_score_adj self/loginuid; echo
cat /proc/$$/cgroup | tail -1 | cut -c1-3; for f in mounts mountinfo; do grep -cE ' /proc .*proc' self/$f; done; stat -c '%F %a' self/stat self/fd self/environ self/mem self/exe
cat sys/kernel/{ostype,pid_max,ngroups_max,cap_last_cap} sys/fs/nr_open sys/vm/{max_map_count,overcommit_memory}; cat sys/kernel/random/uuid | grep -cE '^[0-9a-f-]{36}$'
ls -d /proc/1 /proc/self /proc/thread-self; cat /proc/999999/stat 2>&1; ls /proc/self/nothing 2>&1 | sed 's/[0-9]//g'; sh -c 'echo x > /proc/version' 2>&1 | sed 's/.*: //'; cat /proc/self/wchan > /dev/null; echo $?
sleep 30 & p=$!; sleep 0.3; awk '{print $3}' /proc/$p/stat | tr RS ok; kill -STOP $p; sleep 0.2; awk '{print $3}' /proc/$p/stat; kill -9 $p; wait $p 2>/dev/null; ls -d /proc/$p 2>&1 | sed "s/$p/N/"
for v in 0x21 33 0xfff -1 zz 18446744073709551615; do bash -c "echo $v > /proc/self/coredump_filter; cat /proc/self/coredump_filter" 2>&1 | sed 's/.*: //'; done
for f in current exec prev fscreate keycreate sockcreate; do cat /proc/self/attr/$f 2>&1; done
cut -d: -f1 /proc/self/io; bash -c 'for i in 1 2 3; do echo hello; done > /dev/null; grep syscw /proc/self/io' | tr -d '0-9'
