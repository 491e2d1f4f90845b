#pragma once
#include <stddef.h>
#include <stdint.h>

/* One line on standard error, and exit code 1. */
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Zeroed memory, or death. */
void *allocate(size_t size);

/* Nanoseconds on the monotonic clock. */
int64_t now_ns(void);

/* CPU time that a process has used, user and system, of all its threads, dead ones too. */
int64_t cpu_ns_of(int pid);

/* Memory of a process that is in RAM. */
long rss_kb_of(int pid);
