# needs: bzip2 xz-utils zstd
# timeout: 120
mkdir d; cp /etc/passwd /etc/group d; seq 20000 > d/n; ln -s passwd d/l
for z in gzip bzip2 xz zstd; do tar -c --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner d | $z -c > a.$z; $z -dc < a.$z | md5sum; done
tar --zstd -tf a.zstd | sort; mkdir x; tar -xJf a.xz -C x; diff -r d x/d && echo equal; gzip -l a.gzip | wc -l; xz -l a.xz > /dev/null && echo listed; bzip2 -t a.bzip2 && echo tested
head -c 300000 /dev/zero | gzip -9 | gunzip | wc -c; seq 5000 | zstd -q -19 | zstd -dq | md5sum; xz -T2 -c d/n | xz -dc | cmp - d/n && echo threads
