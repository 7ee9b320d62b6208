# needs: util-linux procps libcap2-bin uidmap
# timeout: 400
# unshare, nsenter, lsns, setpriv, capsh, newuidmap in their many forms, on a copy of /etc with a user that has ranges of ids.
exec 2>&1
chmod 755 .
[ "$1" = inner ] || { unshare -m bash -c 'mount --make-rprivate /; mkdir etc; cp -a /etc/. etc/; mount --bind etc /etc; exec bash "$0" inner' "$0" | sed 's,/proc/[0-9]*/ns,/proc/PID/ns,'; exit "${PIPESTATUS[0]}"; }
u() { setpriv --reuid 1000 --regid 1000 --clear-groups "$@"; }
echo 'user1000:x:1000:1000::/tmp:/bin/sh' >> /etc/passwd; echo 'user1000:x:1000:' >> /etc/group; echo 'user1000:100000:65536' > /etc/subuid; echo 'user1000:100000:65536' > /etc/subgid
echo "== unshare"
u unshare -Urmpf --mount-proc sh -c 'id -u; echo $$; ps -eo pid,comm --no-headers; tr -s " " < /proc/self/uid_map'; echo $?
u unshare --map-auto --map-root-user sh -c 'cat /proc/self/uid_map /proc/self/gid_map | tr -s " "; id'; echo $?
u unshare --map-users=auto --map-groups=auto --setuid 0 --setgid 0 sh -c 'id; tr -s " " < /proc/self/uid_map'; echo $?
u unshare --map-users=0,100000,10 tr -s " " < /proc/self/uid_map; echo $?
unshare --map-users=5,0,1 --map-groups=6,0,1 sh -c 'id -u; id -g'; echo $?
u unshare -c sh -c 'id -u; id -g; grep Cap /proc/self/status'; u unshare --map-current-user sh -c 'id -u; cat /proc/self/setgroups'
unshare -U --map-root-user --setgroups allow cat /proc/self/setgroups; echo $?; unshare -U --setgroups deny sh -c 'cat /proc/self/setgroups; id'; echo $?
unshare -pf --kill-child=KILL sh -c 'kill -9 $$'; echo $?; bash -c 'unshare -pf --kill-child sleep 311 & echo $! > P; wait' 2>/dev/null & sleep 1; kill -9 $(cat P); sleep 0.5; pgrep -fc '^sleep 311'; wait
unshare -T --boottime 86400 --monotonic 100 -f sh -c 'tr -s " " < /proc/self/timens_offsets; awk "{print (\$1>86000)}" /proc/uptime'; u unshare -UrT --boottime 5 -f sh -c 'tr -s " " < /proc/self/timens_offsets'; echo $?
unshare -R / true; echo $?; unshare -w /tmp pwd; unshare -S 5 -G 6 id; unshare --propagation unchanged -m true; echo $?; unshare -i ipcs -q | tail -n +4 | wc -l; u unshare -m true; echo $?; u unshare -p true; echo $?
echo "== nsenter"
touch nsfile; unshare --uts=nsfile hostname pinned; nsenter --uts=nsfile hostname; umount nsfile
# Natively it fails now and then: unshare's helper may look at the namespace before it is a new one.
mkdir md; mount --bind md md; mount --make-private md; touch md/m; until unshare --mount=md/m sh -c 'mount -t tmpfs x /mnt' 2>/dev/null; do :; done; nsenter --mount=md/m findmnt -no FSTYPE /mnt; umount md/m; umount md
unshare -pf --mount-proc sh -c 'sleep 312' & sleep 0.8; T=$(pgrep -f '^sleep 312' | tail -1); nsenter -t $T -p -m ps -eo comm --no-headers | head -2; nsenter -t $T -a -r pwd; nsenter -t $T -F -p sh -c 'readlink /proc/self/ns/pid_for_children | grep -c pid'; nsenter -t $T -U true; echo $?; nsenter --preserve-credentials -t $T -m id -u; nsenter -S 7 -G 8 -t $T -m id; u nsenter -t $T -m true | sed "s,[0-9],,g"; kill -9 $T; wait
echo "== lsns"
lsns -p $$ -no TYPE | sort | tr '\n' ' '; unshare -Urpf --mount-proc lsns -no TYPE,NPROCS -p 1 | awk '{print $1, $2 > 0}' | sort | tr '\n' ' '; unshare -u lsns -t uts -no COMMAND,USER -p self | wc -l
echo; echo "== capabilities"
capsh --has-p=cap_setuid; echo $?; capsh --user=user1000 -- -c 'id -u; grep CapEff /proc/self/status'; capsh --mode; capsh --drop=cap_net_raw --print | grep -c '!cap_net_raw'; capsh --inh=cap_net_raw --user=user1000 --addamb=cap_net_raw -- -c 'grep -E "Cap(Inh|Amb|Eff)" /proc/self/status'
capsh --keep=1 --uid=1000 --caps=cap_chown+ep --print | grep Current; capsh --secbits=0x2f --print | grep -i secure; capsh --chroot=/ -- -c pwd; capsh --mode=NOPRIV --print | tail -3; capsh --noamb --current
setpriv --bounding-set -all --inh-caps -all --no-new-privs --reuid 1000 --init-groups setpriv --dump | tail -8; setpriv --pdeathsig KILL --securebits +noroot,+noroot_locked true; echo $?; setpriv --ambient-caps +chown true; echo $?; u setpriv --reuid 0 true; echo $?; getpcaps $$ | sed 's/[0-9]*//'; u sh -c 'getpcaps $$' | sed 's/[0-9]*//'
echo "== newuidmap"
setpriv --reuid 1000 --regid 1000 --clear-groups unshare -U sleep 30 & P1=$!; sleep 0.8; u newuidmap $P1 0 1000 1 1 100000 1000; echo $?; u newgidmap $P1 0 1000 1 1 100000 1000; echo $?; tr -s ' ' < /proc/$P1/uid_map; tr -s ' ' < /proc/$P1/gid_map; u newuidmap $P1 0 1000 1 | sed 's/[0-9]*//g'; u newuidmap 1 0 1000 1 | sed 's/[0-9]*//g'; u newuidmap $P1 0 0 1 | sed 's/[0-9]*//g'; kill $P1; wait 2>/dev/null
