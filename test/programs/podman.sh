# needs: podman crun uidmap busybox-static util-linux
# timeout: 200
# podman runs a container for a user who is not root: ranges of ids by newuidmap, crun, the life of a container.
exec 2>&1
chmod 755 .
[ "$1" = inner ] || exec unshare -m bash "$0" inner
mkdir etc; cp -a /etc/. etc/; mount --bind etc /etc
[ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ] || mount -t cgroup2 none /sys/fs/cgroup
getent passwd 1000 > /dev/null || { echo 'user1000:x:1000:1000::/tmp:/bin/sh' >> /etc/passwd; echo 'user1000:x:1000:' >> /etc/group; }
u=$(getent passwd 1000 | cut -d: -f1); echo "$u:100000:65536" > /etc/subuid; echo "$u:100000:65536" > /etc/subgid
mkdir -p rootfs/{bin,proc,sys,dev,tmp,etc,run}; cp /bin/busybox rootfs/bin/; chroot rootfs /bin/busybox --install -s /bin; echo 'root:x:0:0:r:/:/bin/sh' > rootfs/etc/passwd
mkdir -p home/.config/containers runtime; printf '[engine]\ncgroup_manager="cgroupfs"\nevents_logger="file"\n[containers]\nlog_driver="k8s-file"\n' > home/.config/containers/containers.conf
chown -R 1000:1000 rootfs home runtime; chmod 700 runtime
p() { setpriv --reuid 1000 --regid 1000 --clear-groups env -i HOME="$PWD/home" XDG_RUNTIME_DIR="$PWD/runtime" PATH="$PATH" podman --runtime crun --storage-driver vfs "$@" 2>&1 | grep -v 'not a shared mount'; return "${PIPESTATUS[0]}"; }
p run --rm --network none --cgroups disabled --hostname box --env A=b --ulimit nofile=99:99 --cap-drop all --cap-add kill --tmpfs /scratch:size=1m --rootfs "$PWD/rootfs" /bin/sh -c 'id; hostname; tr -s " " < /proc/self/uid_map; echo $$ $A; ulimit -n
  grep -E "Cap(Eff|Bnd)|NoNewPrivs|Seccomp:" /proc/self/status; ip -o link | wc -l; cut -d" " -f5 /proc/self/mountinfo | grep -v -e /sys -e /proc/ -e containers -e /etc -e /run | sort; touch /made; stat -c %u /made; mknod /n c 1 3 2>/dev/null; echo $?; exit 6'; echo $?
stat -c %u rootfs/made
p create --name one --network none --cgroups disabled --rootfs "$PWD/rootfs" /bin/sh -c 'echo started; trap "echo told; exit 5" TERM; while :; do sleep 0.1; done' | wc -c
p start one; sleep 1; p inspect --format '{{.Name}} {{.State.Status}}' one; p exec one /bin/cat /proc/1/comm; p stop -t 5 one; p inspect --format '{{.Name}} {{.State.Status}} {{.State.ExitCode}}' one; p logs one; p rm one; p ps -aq | wc -l
# The process that keeps the user's namespaces alive between commands.
f=$(find runtime -name pause.pid); [ -n "$f" ] && kill "$(cat "$f")"; echo $?
