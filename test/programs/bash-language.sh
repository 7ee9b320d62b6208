# Bash itself: arrays, parameter expansion, patterns, arithmetic, here-documents, functions.
declare -a a=(z y x); declare -A m=([k1]=v1 [k2]=v2)
for i in "${!a[@]}"; do echo "$i:${a[i]}"; done
for k in k1 k2; do echo "$k=${m[$k]}"; done
s=path/to/file.tar.gz; echo "${s##*/} ${s%%.*} ${s/to/from} ${s^^} ${#s} ${s:5:2}"
[[ abc123 =~ ([a-z]+)([0-9]+) ]] && echo "${BASH_REMATCH[1]}-${BASH_REMATCH[2]}"
shopt -s extglob; case foobar in foo@(bar|baz)) echo extglob;; esac
printf '%(%Y)T\n' 0; printf '%q %05.2f %x\n' "a b" 3.14159 255
mapfile -t lines < <(seq 3); echo "${lines[*]}"
cat <<-'EOF' | nl -ba
	first $x
	second
	EOF
f() { local -n ref=$1; ref+=!; }; v=hey; f v; echo $v
echo $(( 2**10 % 7 )) $(( 0x1f | 8#17 )) $(( 5 > 3 ? 1 : 0 ))
coproc C { tr a-z A-Z; }; echo coproc >&"${C[1]}"; eval "exec ${C[1]}>&-"; cat <&"${C[0]}"
set -o pipefail; false | true; echo "pipefail $?"
