# needs: util-linux
# timeout: 120
# mount, umount, findmnt, mountpoint, chroot, pivot_root of util-linux and coreutils in a mount namespace of their own.
unshare -m bash -c 'mount -t tmpfs -o size=2m,mode=700,nosuid foo /mnt; mount --make-rshared /mnt; findmnt -o TARGET,SOURCE,FSTYPE,OPTIONS,PROPAGATION /mnt
mkdir /mnt/{l,u,w,m,b,mv}; echo low > /mnt/l/f; mount -t overlay -o lowerdir=/mnt/l,upperdir=/mnt/u,workdir=/mnt/w ov /mnt/m; findmnt -no SOURCE,FSTYPE,OPTIONS /mnt/m; echo up > /mnt/m/f; cat /mnt/l/f /mnt/u/f; ls /mnt/w
mount | grep /mnt/ | grep -v sandboxing; mount --bind -o ro /mnt/l /mnt/b; touch /mnt/b/x 2>/dev/null; echo $?; mount -o remount,rw,bind /mnt/b; touch /mnt/b/x; echo $?; mountpoint /mnt/b; mountpoint /mnt/u; mountpoint -d /mnt/b | grep -c :
mount --make-private /mnt; mount --move /mnt/b /mnt/mv; findmnt -rno TARGET /mnt/mv; umount /mnt/mv; umount -R /mnt; findmnt /mnt; echo $?
mount -t tmpfs x /mnt; cd /mnt; umount /mnt 2>/dev/null; echo $?; umount -l /mnt; ls | wc -l; cd /; mount -t unknownfs x /mnt 2>&1 | head -1; mount -t tmpfs -o nothing x /mnt 2>&1 | head -1; umount /nowhere 2>&1; umount /mnt 2>&1
for p in shared slave private unbindable; do mount -t tmpfs x /mnt; mount --make-$p /mnt; findmnt -no PROPAGATION /mnt; umount /mnt; done
mount -t tmpfs -o X-mount.mkdir,mode=755 n /mnt; mkdir /mnt/{bin,usr,lib,lib64,old,proc}; for d in bin usr lib lib64; do mount --rbind /$d /mnt/$d; done; chroot /mnt /bin/ls /; mount -t proc p /mnt/proc; chroot /mnt /bin/cat /proc/self/mountinfo | cut -d" " -f5 | sort | head -3
cd /mnt; pivot_root . old; umount -l /old; ls / | tr "\n" " "; echo; mount -o remount,ro /; touch /x 2>/dev/null; echo $?'
unshare -m --propagation shared findmnt -no PROPAGATION /; unshare -m --propagation slave findmnt -no PROPAGATION /; unshare -m findmnt -no PROPAGATION /
unshare -m bash -c 'mkdir -p a b; mount -t tmpfs t a; mount --make-shared a; unshare -m --propagation unchanged bash -c "mkdir a/in; mount -t tmpfs n a/in; touch a/in/seen"; ls a/in; unshare -m --propagation slave bash -c "mkdir a/one; mount -t tmpfs n a/one; touch a/one/hidden"; ls a/one | wc -l'
unshare -m bash -c 'mount -t tmpfs -o noexec,nodev,nosymfollow t /mnt; cp /bin/true /mnt; /mnt/true 2>/dev/null; echo $?; mknod /mnt/n c 1 3; cat /mnt/n 2>/dev/null; echo $?; ln -s true /mnt/l; cat /mnt/l 2>/dev/null; echo $?'
touch ns; unshare -m bash -c 'mount -t tmpfs t /mnt; touch /mnt/there; sleep 30' & p=$!; for i in 1 2 3 4 5 6 7 8 9; do nsenter -t $p -m test -e /mnt/there && break; sleep 0.3; done; nsenter -t $p -m ls /mnt; kill $p; wait $p 2>/dev/null; ls -A /mnt | grep -c there
