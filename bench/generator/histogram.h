/* How long things took: counts in buckets that grow by about 1.6 % each. */
#pragma once
#include <stdint.h>

void record(int64_t nanoseconds);
void forget_records(void);
void print_histogram(void); /* as JSON: [[microseconds, count], ...], the middle of each bucket that is not empty */
