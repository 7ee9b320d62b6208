# needs: busybox-static
# timeout: 120
# Sixty applets of busybox, each run through its own fork and exec.
B=/bin/busybox
printf 'one\ntwo\nthree\ntwo\n' > f; mkdir d; echo x > d/y
for a in "ash -c 'echo ash'" "arch" "basename /x/y.c .c" "cat f" "cksum f" "cmp f f" "comm f f" "cp f g" "cut -c1-2 f" "date -u -d @86400 +%F" \
  "dd if=f bs=1 count=3" "df -P /dev/null" "diff f f" "dirname /x/y" "dos2unix f" "du -s d" "echo a b" "egrep o f" "env -i X=1" "expand f" "expr 2 + 3" \
  "false" "fgrep w f" "find d" "fold -w 2 f" "grep -c t f" "gzip -c f" "head -n 1 f" "hexdump -C f" "hostid" "id -u" "install -m 600 f h" "ln -s f l" \
  "ls -1" "md5sum f" "mkdir -p m/n" "mktemp -u -p . x.XXXXXX" "mv h i" "nice" "nl f" "od -c f" "paste f f" "printf %x 255" "readlink l" "realpath /etc/../etc" \
  "rev f" "rm i" "rmdir m/n" "sed -n 2p f" "seq 3" "sha1sum f" "sha256sum f" "sleep 0" "sort f" "split -l 2 f s." "stat -c %s f" "strings f" "sum f" \
  "tac f" "tail -n 1 f" "tee t" "test -f f" "touch u" "tr a-z A-Z" "true" "uname -s" "uniq f" "unlink u" "wc f" "which sh" "xargs echo" "yes no" "zcat g.gz"; do
  set -- $a; name=$1
  case $name in
    df|mktemp|hostid) $B $a </dev/null >/dev/null 2>&1; echo "$name $?" ;;
    yes) $B $a | $B head -2; echo "$name" ;;
    gzip) $B $a </dev/null > g.gz; echo "$name $?" ;;
    du) $B $a </dev/null | cut -f2; echo "$name" ;;
    *) eval "$B $a" </dev/null 2>&1; echo "$name $?" ;;
  esac
done
