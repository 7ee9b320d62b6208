// The name of a listening socket stays its own when connections that it accepted are closed, and goes when it is closed.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main() {
  struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "\0vivarium-listener"};
  socklen_t size = sizeof(sa_family_t) + 18;
  for (int round = 0; round < 2; round++) {
    int l = socket(AF_UNIX, SOCK_STREAM, 0), taken = socket(AF_UNIX, SOCK_STREAM, 0);
    printf("bind %d listen %d\n", bind(l, (void *)&a, size), listen(l, 4));
    for (int i = 0; i < 4; i++) {
      int c = socket(AF_UNIX, SOCK_STREAM, 0);
      printf("connect %d\n", connect(c, (void *)&a, size));
      int d = accept(l, 0, 0);
      if (i & 1) close(c), close(d); else close(d), close(c);
    }
    printf("bind again %d %d\n", bind(taken, (void *)&a, size), errno == EADDRINUSE);
    close(l);
    printf("connect to a closed one %d %d\n", connect(taken, (void *)&a, size), errno == ECONNREFUSED);
    close(taken);
  }
  return 0;
}
