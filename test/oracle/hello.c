// The smallest program: a static executable that prints and exits.
// flags: -static
#include <stdio.h>
int main(int argc, char **argv) { printf("hello: world\nargc: %d\n", argc); return 3; }
