# needs: crun runc busybox-static util-linux
# timeout: 400
# A container in all namespaces with limits, by crun and by runc: as root, and rootless. Then the life of one: create, state, exec, pause, kill, delete.
exec 2>&1
chmod 755 .; mkdir -p b/rootfs/{bin,proc,sys,dev,tmp,etc}; cp /bin/busybox b/rootfs/bin/; chroot b/rootfs /bin/busybox --install -s /bin
echo 'root:x:0:0:r:/:/bin/sh' > b/rootfs/etc/passwd
quoted() { local s=${1//\\/\\\\}; printf '"%s"' "${s//\"/\\\"}"; }
spec() { # uid maps, further namespaces, resources, arguments
cat <<X
{"ociVersion":"1.0.2","hostname":"box","root":{"path":"rootfs","readonly":true},
"process":{"terminal":false,"user":{"uid":0,"gid":0},"cwd":"/","args":["/bin/sh","-c",$(quoted "$4")],"env":["PATH=/bin","A=b"],"noNewPrivileges":true,"oomScoreAdj":100,
 "rlimits":[{"type":"RLIMIT_NOFILE","soft":64,"hard":128},{"type":"RLIMIT_CORE","soft":0,"hard":0}],
 "capabilities":{"bounding":["CAP_KILL","CAP_CHOWN"],"effective":["CAP_KILL"],"permitted":["CAP_KILL","CAP_CHOWN"],"inheritable":[],"ambient":[]}},
"mounts":[{"destination":"/proc","type":"proc","source":"proc"},{"destination":"/dev","type":"tmpfs","source":"tmpfs","options":["nosuid","strictatime","mode=755","size=65536k"]},
 {"destination":"/dev/pts","type":"devpts","source":"devpts","options":["nosuid","noexec","newinstance","ptmxmode=0666","mode=0620"]},
 {"destination":"/dev/shm","type":"tmpfs","source":"shm","options":["nosuid","noexec","nodev","mode=1777","size=65536k"]},
 {"destination":"/dev/mqueue","type":"mqueue","source":"mqueue","options":["nosuid","noexec","nodev"]},
 {"destination":"/tmp","type":"tmpfs","source":"tmpfs","options":["size=1m","mode=1777"]}$5],
"linux":{$1"namespaces":[{"type":"pid"},{"type":"ipc"},{"type":"uts"},{"type":"mount"},{"type":"network"},{"type":"cgroup"}$2],$3
 "sysctl":{"kernel.msgmax":"4096"},"seccomp":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":95}]},
 "maskedPaths":["/proc/kcore","/proc/keys"],"readonlyPaths":["/proc/sys"]}}
X
}
LOOK="exec 2>&1; hostname; id; echo \$\$ \$A; cut -d' ' -f5 /proc/self/mountinfo | sort | tr '\\n' ' '; echo; grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status; ulimit -n; cat /proc/self/oom_score_adj /proc/self/uid_map | tr -s ' '; ls /sys /dev; touch /x; mkdir /tmp/d; ls -d /proc/[0-9]* > /tmp/p; wc -l < /tmp/p; cat /proc/sys/kernel/msgmax; echo 1 > /proc/sys/kernel/msgmax; cat /proc/keys | wc -l; ip -o link | wc -l; head -c 2000000 /dev/zero > /tmp/big; kill -0 1; exit 7"
FORKS='(for i in $(seq 24); do sleep 2 & done; wait) 2>&1 | grep -c fork; exit 3'
HUNGRY='head -c 60000000 /dev/zero | tail -c 1 | wc -c; dd if=/dev/zero of=/dev/null bs=60M count=1 2> /dev/null; echo $?; exit 4'
ROOTLESS='"uidMappings":[{"containerID":0,"hostID":1000,"size":1}],"gidMappings":[{"containerID":0,"hostID":1000,"size":1}],'
u() { setpriv --reuid 1000 --regid 1000 --clear-groups "$@"; }
# The controllers are where the machine has them; crun wants them all in version 2, and where they are not, what runc's container says is what is expected of it.
if [ "$1" != inner ]; then
  for r in crun runc; do
    echo "== limits by $r"; [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ] || r=runc
    spec "" "" '"resources":{"pids":{"limit":16},"cpu":{"shares":512,"quota":50000,"period":100000}},' "$FORKS" > b/config.json; (cd b; $r run forks-$$); echo $?
    spec "" "" '"resources":{"memory":{"limit":33554432}},' "$HUNGRY" > b/config.json; (cd b; $r run hungry-$$); echo $?
  done
  exec unshare -m bash "$0" inner
fi
[ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ] || mount -t cgroup2 none /sys/fs/cgroup
for r in crun runc; do
  echo "== $r as root"; spec "" "" "" "$LOOK" > b/config.json
  (cd b; $r run one-$$); echo $?
  echo "== $r in a user namespace"; spec '"uidMappings":[{"containerID":0,"hostID":100000,"size":1000}],"gidMappings":[{"containerID":0,"hostID":100000,"size":1000}],' ',{"type":"user"}' "" "$LOOK" > b/config.json
  (cd b; $r run three-$$); echo $?
  echo "== $r rootless"; spec "$ROOTLESS" ',{"type":"user"}' "" "$LOOK" > b/config.json; rm -rf run; mkdir run; chmod 777 run
  (cd b; XDG_RUNTIME_DIR=$PWD/../run u $r --root "$PWD/../run/r" run four-$$); echo $?
  echo "== $r step by step"; spec "" "" "" 'trap "echo told; exit 5" TERM; echo started; while :; do sleep 0.1; done' > b/config.json
  (cd b; $r create five-$$ > out 2>&1; $r state five-$$ | grep -E '"(status|ociVersion)"' | tr -d ' ,'; $r start five-$$; sleep 1; $r list | awk '{print NF, $3}'; $r ps five-$$ | grep -c started
   $r exec five-$$ /bin/sh -c 'hostname; cat /proc/1/comm; grep CapEff /proc/self/status'; $r exec five-$$ /bin/false; echo $?
   $r pause five-$$; $r state five-$$ | grep '"status"'; $r resume five-$$; $r kill five-$$ TERM; sleep 1; $r state five-$$ | grep '"status"'; $r delete five-$$; $r state five-$$ > /dev/null 2>&1; echo $?; cat out)
done
