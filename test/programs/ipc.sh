# needs: util-linux
cat > all.sh <<'END'
ipcmk -M 5000 -p 0640; ipcmk -S 3; ipcmk -Q
sed 's/[0-9]\{9,\}/T/g; s/^ *-*[0-9T]*/K/' /proc/sysvipc/* | awk '{ $5=$5; print }' | sed 's/ [0-9]* 0 0 0 0 0 0 0 0 T/ P/'
ipcs | sed 's/0x[0-9a-f]*/KEY/'; ipcs -l; ipcs -u
ipcrm -m 0; ipcrm -s 0; ipcrm -q 0; ipcs; ipcrm -m 77; echo $?
unshare -i sh -c 'ipcmk -M 100 >/dev/null; ipcs -m | wc -l; cat /proc/sys/kernel/shmmni; echo 7 > /proc/sys/kernel/shmmni; cat /proc/sys/kernel/shmmni'; cat /proc/sys/kernel/shmmni; ipcs -m | wc -l
END
unshare -i sh all.sh
stat -c '%n %a' /proc/sys/kernel/msgmax /proc/sys/kernel/sem /proc/sys/fs/mqueue/*
unshare -Uri sh -c 'echo 9 > /proc/sys/fs/mqueue/msg_max; cat /proc/sys/fs/mqueue/msg_max; echo 100 > /proc/sys/kernel/msgmni; cat /proc/sys/kernel/msgmni'
