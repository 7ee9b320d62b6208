# needs: gcc g++ libc6-dev
# timeout: 400
cat > h.c <<'C'
#include <stdio.h>
#include <math.h>
int main(int c, char **v) { long double x = 1.1L; printf("%.18Lf %a %d\n", x * x, sin(1), c); return 5; }
C
cat > t.c <<'C'
#include <pthread.h>
#include <stdio.h>
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER; static long n;
static void *f(void *a) { for (int i = 0; i < 1000; i++) { pthread_mutex_lock(&m); n++; pthread_mutex_unlock(&m); } return a; }
int main(void) { pthread_t t[4]; for (int i = 0; i < 4; i++) pthread_create(t + i, 0, f, 0); for (int i = 0; i < 4; i++) pthread_join(t[i], 0); printf("%ld\n", n); }
C
gcc -O2 h.c -o h -lm && ./h a; echo $?; gcc -static -pthread t.c -o t && ./t
cat > e.cc <<'C'
#include <iostream>
#include <map>
#include <stdexcept>
#include <vector>
struct D { ~D() { std::cout << "unwound\n"; } };
static int f(int n) { D d; if (n == 0) throw std::runtime_error("deep"); return f(n - 1); }
int main() { try { f(3); } catch (const std::exception &e) { std::cout << e.what() << '\n'; } std::map<int, std::vector<int>> m; for (int i = 0; i < 10; i++) m[i % 3].push_back(i); for (auto &[k, v] : m) std::cout << k << ':' << v.size() << '\n'; }
C
g++ -O1 e.cc -o e && ./e; gcc -c -x c - -o x.o <<< 'int f(int a){return a*3;}'; objdump -d x.o | grep -c ret; echo 'int main(){' | gcc -x c - -o bad 2>/dev/null; echo $?
