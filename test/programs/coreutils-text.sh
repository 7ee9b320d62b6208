# timeout: 90
seq 5000 > n
sort -rn n | head -3; sort -R --random-source=/bin/ls n | md5sum; shuf --random-source=/bin/ls -n 3 n
uniq -c <(printf 'a\na\nb\n'); cut -d: -f1,3 /etc/passwd | head -3; tr -s ' ' <<< 'a   b'; fold -w 10 <<< 'abcdefghijklmnop'
join <(printf '1 a\n2 b\n') <(printf '1 x\n2 y\n'); comm -12 <(seq 5) <(seq 3 7); paste -s -d+ <(seq 5); nl -s: <(echo z); pr -T -2 <(seq 6)
head -c 100000 /dev/zero | tr '\0' z | md5sum; split -n 4 n part.; wc -c part.*; csplit -s n 100 '{2}'; wc -l xx*; tac n | head -1; od -An -tx1 <(echo hi)
expand <<< $'a\tb'; unexpand -a <<< 'a       b'; fmt -w 20 <<< 'the quick brown fox jumps over the lazy dog'; ptx <<< 'one two' | head -2
numfmt --to=si 123456; factor 1234567890; seq -s, 1 2 9; basenc --base32 <<< hi; base64 <<< hi; b2sum < n; sha512sum < n; cksum n; sum n; tsort <<< 'a b b c'
printf '%s\n' 10 9 1 | sort -V; echo 'x y z' | awk '{print $2}'
