// flags: -static
// CLONE_IO: the I/O priority is shared with it, and inherited without.
#define _GNU_SOURCE
#include <stdio.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
int main(void){ int me=getpid(); for(int io=0;io<2;io++) for(int set=0;set<2;set++){ fflush(stdout); if(set) syscall(SYS_ioprio_set,1,0,(2<<13)|3); int p[2]; pipe(p); int c=syscall(SYS_clone,SIGCHLD|(io?CLONE_IO:0),0,0,0,0); if(!c){ char x; read(p[0],&x,1); printf("io %d set %d: child %lx same %d",io,set,syscall(SYS_ioprio_get,1,0),syscall(SYS_kcmp,me,getpid(),5,0,0)==0); syscall(SYS_ioprio_set,1,0,(3<<13)); fflush(stdout); _exit(0);} syscall(SYS_ioprio_set,1,0,(2<<13)|6); write(p[1],"",1); wait(0); printf(" then parent %lx\n",syscall(SYS_ioprio_get,1,0)); } }
