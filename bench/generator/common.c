#define _GNU_SOURCE
#include "common.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

void die(const char *format, ...) {
    va_list values;
    va_start(values, format);
    fputs("generator: ", stderr);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    va_end(values);
    exit(1);
}

void *allocate(size_t size) {
    void *memory = calloc(1, size ? size : 1);
    if (!memory) die("out of memory");
    return memory;
}

static int64_t read_clock(clockid_t clock) {
    struct timespec time;
    if (clock_gettime(clock, &time)) die("a clock cannot be read");
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int64_t now_ns(void) { return read_clock(CLOCK_MONOTONIC); }

int64_t cpu_ns_of(int pid) {
    clockid_t clock;
    if (clock_getcpuclockid(pid, &clock)) die("the server (process %d) has gone", pid);
    return read_clock(clock);
}

long rss_kb_of(int pid) {
    char path[64];
    long size = 0, resident = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", pid);
    FILE *file = fopen(path, "r");
    if (!file || fscanf(file, "%ld %ld", &size, &resident) != 2) die("the server (process %d) has gone", pid);
    fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}
