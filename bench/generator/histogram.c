#include "histogram.h"

#include <stdio.h>
#include <string.h>

/* A value is its 7 leading bits, and how far they are shifted. */
enum { BITS = 6, STEPS = 1 << BITS, BUCKETS = 64 * STEPS };
static uint64_t counts[BUCKETS];

static int bucket_of(uint64_t value) {
    if (value < STEPS) return (int)value;
    int shift = 63 - __builtin_clzll(value) - BITS;
    return (shift + 1) * STEPS + (int)((value >> shift) - STEPS);
}

static double middle_of(int bucket) {
    if (bucket < STEPS) return bucket;
    int shift = bucket / STEPS - 1;
    return ((double)(bucket % STEPS + STEPS) + 0.5) * (double)(1ULL << shift);
}

void record(int64_t nanoseconds) { counts[bucket_of(nanoseconds < 0 ? 0 : (uint64_t)nanoseconds)]++; }

void forget_records(void) { memset(counts, 0, sizeof counts); }

void print_histogram(void) {
    const char *separator = "";
    putchar('[');
    for (int i = 0; i < BUCKETS; i++) {
        if (!counts[i]) continue;
        printf("%s[%.3f,%llu]", separator, middle_of(i) / 1000.0, (unsigned long long)counts[i]);
        separator = ",";
    }
    putchar(']');
}
