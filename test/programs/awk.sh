# needs: gawk mawk
for awk in gawk mawk; do
  echo $awk; seq 100 | $awk '{s += $1; q += $1 * $1} END {print s, q, sqrt(q), sin(1), exp(1), log(10)}'
  $awk 'BEGIN {printf "%5.2f|%-6s|%x|%e\n", 3.14159, "ab", 255, 12345.678; print substr("hello", 2, 3), index("hello", "l"), toupper("x"), length("four")}'
  $awk -F: '$3 < 5 {n[$7]++} END {for (k in n) print k, n[k]}' /etc/passwd | sort
  $awk 'function f(n) {return n < 2 ? n : f(n - 1) + f(n - 2)} BEGIN {print f(18)}'
  echo 'a,b;c' | $awk '{n = split($0, p, /[,;]/); for (i = 1; i <= n; i++) print i, p[i]; gsub(/[a-c]/, "<&>"); print}'
done
gawk 'BEGIN {PROCINFO["sorted_in"] = "@ind_num_asc"; for (i = 5; i; i--) a[i] = i * i; for (i in a) print i, a[i]; print strftime("%F", 0, 1), gensub(/(.)(.)/, "\\2\\1", "g", "abcd")}'
