// flags: -static
#include "check.h"
#include <dirent.h>
struct de { uint64_t ino; int64_t off; uint16_t len; uint8_t type; char name[]; };
static int cmp(const void *a, const void *b) { return strcmp(*(char **)a, *(char **)b); }
int main(void) {
  scratch(); put("file", ""); mkdir("dir", 0755); symlink("file", "link"); mkfifo("fifo", 0600); mknod("sock", S_IFSOCK | 0600, 0);
  DIR *d = opendir("."); struct dirent *e; char *names[50]; int n = 0; while ((e = readdir(d))) { struct stat st; lstat(e->d_name, &st); char s[400]; sprintf(s, "entry %s: type %d ino %d", e->d_name, e->d_type, strcmp(e->d_name, "..") ? st.st_ino == e->d_ino : 1); names[n++] = strdup(s); } qsort(names, n, sizeof *names, cmp); for (int i = 0; i < n; i++) puts(names[i]); R("count", n);
  char b[4096]; int fd = open(".", O_RDONLY); R("tiny", syscall(SYS_getdents64, fd, b, 10)); R("one", syscall(SYS_getdents64, fd, b, 24)); R("next", syscall(SYS_getdents64, fd, b, 30)); R("file", syscall(SYS_getdents64, open("file", 0), b, 100)); R("bad", syscall(SYS_getdents64, 99, b, 100)); R("bad addr", syscall(SYS_getdents64, fd, 8, 4096)); lseek(fd, 0, 0); R("all", syscall(SYS_getdents64, fd, b, 4096)); R("end", syscall(SYS_getdents64, fd, b, 4096)); lseek(fd, 0, 0); R("old all", syscall(SYS_getdents, fd, b, 4096)); R("seek end", lseek(fd, 0, SEEK_END) >= -1 ? 0 : 1);
  // telldir and seekdir
  rewinddir(d); long pos[50]; char seq[50][64]; n = 0; for (;;) { pos[n] = telldir(d); if (!(e = readdir(d))) break; strcpy(seq[n++], e->d_name); } int same = 0; for (int i = n - 1; i >= 0; i--) { seekdir(d, pos[i]); e = readdir(d); same += e && !strcmp(e->d_name, seq[i]); } R("seekdir", same);
  // remove while reading
  mkdir("many", 0755); for (int i = 0; i < 300; i++) { char s[40]; sprintf(s, "many/%d", i); put(s, ""); } DIR *m = opendir("many"); int seen = 0; while ((e = readdir(m))) if (e->d_name[0] != '.') { char s[300]; sprintf(s, "many/%s", e->d_name); seen += unlink(s) == 0; } R("removed while reading", seen); R("rmdir many", rmdir("many")); rewinddir(m); R("deleted empty", readdir(m) ? 1 : 0); fd = dirfd(m); R("deleted dents", syscall(SYS_getdents64, fd, b, 4096)); struct stat st; fstat(fd, &st); R("deleted nlink", st.st_nlink);
  // entries made while reading are found by a rewind
  rewinddir(d); put("late", ""); rewinddir(d); int found = 0; while ((e = readdir(d))) found += !strcmp(e->d_name, "late"); R("late", found); char odd[] = {(char)0xff, 'x', (char)0x80, '\n', 0}; put(odd, "odd"); rewinddir(d); found = 0; while ((e = readdir(d))) found += !strcmp(e->d_name, odd); R("odd", found); R("odd open", open(odd, O_RDONLY) >= 0);
  return 0;
}
