printf 'alpha 1\nbeta 22\ngamma 333\n' > f
grep -n a f; grep -oE '[0-9]+' f; grep -P '(\d)\1' f; grep -vc beta f; grep -l alpha f f; grep -A1 alpha f; grep -rw gamma . | sort; zgrep alpha <(gzip -c f)
sed 's/[0-9]/<&>/g;2d' f; sed -n '$p;1{s/a/A/gp}' f; sed -E ':a;s/^([0-9]+)([0-9]{3})/\1,\2/;ta' <<< 1234567; sed -i.bak 's/beta/BETA/' f; cat f f.bak; sed 'y/abc/xyz/;a\
after' f | head -3
