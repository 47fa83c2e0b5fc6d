/* Preloaded by test_slow_disk.py: syncs take as many milliseconds as the file SLOW_MS says. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static void nap(void) {
    const char *path = getenv("SLOW_MS");
    FILE *file = path ? fopen(path, "r") : NULL;
    long ms = 0;
    if (file) {
        if (fscanf(file, "%ld", &ms) != 1)
            ms = 0;
        fclose(file);
    }
    usleep(ms * 1000);
}

int fsync(int fd) {
    nap();
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd) {
    nap();
    return (int)syscall(SYS_fdatasync, fd);
}
