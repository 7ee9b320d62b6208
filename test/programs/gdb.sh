# needs: gdb gcc
# timeout: 240
gdb --version | head -1
cat > p.c <<'C'
#include <stdio.h>
#include <stdlib.h>
struct s { int a; double d; char n[8]; };
int g;
static int leaf(int x, struct s *s) { s->a += x; g = x * 2; return s->a; }
static int mid(int n) { struct s s = { 1, 2.5, "hi" }; int t = 0; for (int i = 0; i < n; i++) t += leaf(i, &s); return t; }
int main(int c, char **v) { int r = mid(c + 4); printf("r %d\n", r); if (r > 25) abort(); return 3; }
C
gcc -g -O0 p.c -o p
# Breakpoints, backtraces, a hardware watchpoint, stepping, a call, a changed variable, the signal that ends it.
gdb -q -nx -batch -ex 'break leaf' -ex run -ex bt -ex 'p *s' -ex 'watch g' -ex c -ex c -ex finish -ex 'info breakpoints' -ex delete -ex 'tbreak leaf if x==3' -ex c -ex up -ex 'p i' -ex 'stepi' -ex 'call mid(2)' -ex 'set var t=100' -ex c -ex 'bt -3' ./p 2>&1 | sed 's/process [0-9]*/process/; s/0x00007f[0-9a-f]*/X/; s/0x7f[0-9a-f]*/X/g'
