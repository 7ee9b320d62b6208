// For mount_setattr_test: what it asks the shell for, without an ext4 in a file. The idmapped mounts are then of a tmpfs.
#include <string.h>
#include <sys/mount.h>

int __wrap_system(const char *command) { return strncmp(command, "mount", 5) ? 0 : mount("testing", "/mnt/D/", "tmpfs", 0, "mode=755"); }
