# needs: make patch diffutils gcc
seq 30 > a; sed '5s/.*/five/;20d' a > b; diff -u --label a --label b a b > p; cat p; patch -s a p; cmp a b && echo patched; diff -y -W 20 <(seq 3) <(seq 2 4); diff3 a a b | head -3; sdiff -s <(echo a) <(echo b)
cat > Makefile <<'M'
all: one two
	@echo all $^
one two: %:
	@echo making $@; sleep 0.05; touch $@
count := $(words a b c)
show: ; @echo $(count) $(shell echo sub) $(patsubst %.c,%.o,x.c)
fail: ; @false
M
make --no-print-directory | sort; make -s -j4 show; make fail 2>/dev/null; echo $?; make -n all
