umask 022; mkdir -p a/b/c; echo one > a/f; ln a/f a/hard; ln -s f a/soft; mkfifo a/pipe; cp -a a copy
stat -c '%n %A %h %s %F' a/f a/soft a/pipe copy/soft; ls -R a | sort; find copy -type l -printf '%p -> %l\n'
chmod u+s,g-r a/f; stat -c %a a/f; touch -d '2001-02-03 04:05:06 UTC' a/f; stat -c %Y a/f; mv a/f a/g; rm a/hard; [ -e a/f ] || echo gone
dd if=/dev/zero of=sparse bs=1 count=1 seek=1M 2>/dev/null; stat -c %s sparse; truncate -s 10 sparse; stat -c %s sparse; install -D -m 640 a/g x/y/z; stat -c %a x/y/z
readlink -f a/soft/..; realpath --relative-to=a copy; du -b --apparent-size a/g | cut -f1; df --output=target . | tail -1 | wc -l; sync; mktemp -d ./t.XXXX | wc -c | tr -d " "; rmdir t.????
cat a/pipe & echo through-fifo > a/pipe; wait; rmdir a/b/c; rm -r copy; ls
