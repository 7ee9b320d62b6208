// A namespace file that is mounted somewhere has the name of that place: open files, mounts, mountstats.
#define _GNU_SOURCE
#include <stdio.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <fcntl.h>
#include <unistd.h>
int main(){char b[300],p[100];unshare(CLONE_NEWNS);mount(0,"/",0,MS_REC|MS_PRIVATE,0);mount("x","/mnt","tmpfs",0,0);chdir("/mnt");close(creat("n",0644));mount("/proc/self/ns/uts","n",0,MS_BIND,0);
int fd=open("n",O_RDONLY);sprintf(p,"/proc/self/fd/%d",fd);b[readlink(p,b,299)]=0;puts(b);fd=open("n",O_PATH);sprintf(p,"/proc/self/fd/%d",fd);b[readlink(p,b,299)]=0;puts(b);
FILE*f=fopen("/proc/self/mounts","r");while(fgets(b,300,f))if(strstr(b,"nsfs")&&strstr(b,"mnt"))puts(b);f=fopen("/proc/self/mountstats","r");while(fgets(b,300,f))if(strstr(b,"nsfs")&&strstr(b,"mnt"))puts(b);}
