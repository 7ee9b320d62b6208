# needs: util-linux bubblewrap
# timeout: 150
# What an unprivileged user does with mounts: unshare -Urm, overlays, bubblewrap.
chmod 777 .; mkdir given; echo text > given/f; chmod 777 given
cat > u.sh <<'X'
mount -t tmpfs t /mnt; echo $?; mount -t proc p /proc 2>/dev/null; echo $?; mount --bind /etc /mnt 2>/dev/null; echo $?; umount /mnt; mount -o remount,rw / 2>/dev/null; echo $?; umount /proc 2>/dev/null; echo $?
mkdir l u w m; echo a > l/a; mount -t overlay -o lowerdir=l,upperdir=u,workdir=w,userxattr o m; echo $?; echo b > m/a; rm m/a; ls -l u | grep -c '^c'; findmnt -no FSTYPE,OPTIONS m | sed 's/lowerdir.*workdir=[^,]*//'
findmnt -no PROPAGATION .; mount --make-shared m; findmnt -no PROPAGATION m; unshare -m sh -c 'umount m; ls m | wc -l'; mknod m/n c 1 3 2>/dev/null; echo $?
X
setpriv --reuid 1000 --regid 1000 --clear-groups unshare -Urm bash u.sh
setpriv --reuid 1000 --regid 1000 --clear-groups unshare -Urmpf --mount-proc bash -c 'ls -d /proc/[0-9]* > p; wc -l < p; grep -c " /proc " /proc/self/mountinfo; mount -t sysfs s /mnt 2>/dev/null; echo $?'
setpriv --reuid 1000 --regid 1000 --clear-groups unshare -Urmn bash -c 'mount -t sysfs s /mnt; echo $?; ls /mnt/class/net'
bwrap --unshare-all --ro-bind /usr /usr --symlink usr/lib /lib --symlink usr/lib64 /lib64 --symlink usr/bin /bin --dev /dev --proc /proc --tmpfs /tmp --bind given /work --ro-bind /etc /etc --dir /run/x --file 3 /tmp/given --die-with-parent --new-session --hostname box --uid 5 --gid 6 --chdir /tmp --setenv A b --as-pid-1 --remount-ro / bash -c 'hostname; id -u; id -g; pwd; ls -A /; cat given; touch /x; echo $?; touch /work/y; echo $?; ls /dev | tr "\n" " "; cut -d" " -f5- /proc/self/mountinfo | grep -v "/proc/" | sed "s/ - .*//"; echo $A; echo $$; mount -t tmpfs t /tmp 2>/dev/null; echo $?; umount /proc 2>/dev/null; echo $?' 3< <(echo hi); echo $?
setpriv --reuid 1000 --regid 1000 --clear-groups bwrap --ro-bind / / --dev /dev --proc /proc --tmpfs /tmp --unshare-all bash -c 'id -u; touch /etc/x; grep -E "NoNewPrivs|CapEff" /proc/self/status; ls -A /tmp; exit 4'; echo $?
bwrap --bind / / --tmpfs /mnt --bind given /mnt/g --ro-bind /etc/passwd /mnt/g/f cat /mnt/g/f | head -1; cat given/f; bwrap --ro-bind / / --overlay-src /nowhere true 2>&1 | head -1; bwrap --ro-bind /nothere /x true 2>&1
