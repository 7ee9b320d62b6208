# needs: systemd-container busybox-static util-linux
# timeout: 150
# systemd-nspawn without systemd: a container of its own in all namespaces.
exec 2>&1
[ "$1" = inner ] || exec unshare -m bash "$0" inner
[ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ] || mount -t cgroup2 none /sys/fs/cgroup
mkdir -p rootfs/{bin,proc,sys,dev,tmp,etc,run,usr,var}; cp /bin/busybox rootfs/bin/; chroot rootfs /bin/busybox --install -s /bin; echo 'root:x:0:0:r:/:/bin/sh' > rootfs/etc/passwd; echo ID=x > rootfs/etc/os-release
n() { SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn -q -D rootfs --register=no --keep-unit --machine="box$$" --hostname=box --private-network --pipe "$@" 2>&1 | grep -v "Attempted to remove"; return "${PIPESTATUS[0]}"; }
n /bin/sh -c 'id; hostname; echo $$; cut -d" " -f5 /proc/self/mountinfo | sort -u | grep -v /proc/acpi; grep Cap /proc/self/status; ls -d /proc/[0-9]* > /tmp/p; wc -l < /tmp/p; ip -o link | wc -l; touch /made; exit 4'; echo $?
stat -c %u rootfs/made; n --read-only /bin/sh -c 'touch /other'; echo $?; n --drop-capability=CAP_KILL --setenv=A=b /bin/sh -c 'echo $A; grep CapEff /proc/self/status; kill -TERM $$'; echo $?
