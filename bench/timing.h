// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What all timed programs share: the clock, and the one line of JSON that run_bench.py reads from
// their standard output.
#ifndef BENCH_TIMING_H
#define BENCH_TIMING_H

#include <stdio.h>
#include <time.h>

static inline double timing_now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

// Prints how many of the wanted mappings were made since started_ms; gives main's exit code.
static inline int timing_report(int ok, int wanted, double started_ms, const char *note) {
    printf("{\"ok\": %d, \"wanted\": %d, \"elapsed_ms\": %.4f, \"note\": \"%s\"}\n", ok, wanted,
           timing_now_ms() - started_ms, note);
    return ok == wanted ? 0 : 1;
}

#endif
