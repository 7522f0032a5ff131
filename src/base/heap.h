/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * heap.h: a heap of timers that live inside the objects they belong to. Setting, moving and
 * clearing one costs O(log n), asking for the earliest O(1); so a step's cost does not grow with
 * the table. The heap owns only its array of pointers; room for a timer is made when its owner is
 * made, so that setting one cannot fail.
 *
 * Timers that are due soon are set and moved far more often than the others. While they are few
 * they are kept apart, so that a retransmission does not make its way through thousands of timers
 * of leases, each of them in memory that nobody has touched for an hour.
 */
#ifndef PH_BASE_HEAP_H
#define PH_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

struct ph_timer {
    ph_us due;     /* PH_NEVER = not in the heap */
    uint32_t at;   /* position in its part of the heap, meaningful while set, as is ... */
    bool is_soon;  /* ... which part it is in */
    uint16_t kind; /* the owner's, not looked at here */
};

/* The time is beside the pointer, so that comparing touches no timer but those that move. */
struct ph_heap_place {
    ph_us due;
    struct ph_timer *timer;
};

#define PH_HEAP_SOON_MAX 128U

struct ph_heap_part {
    struct ph_heap_place *places;
    size_t count;
};

/* It must not be moved in memory. */
struct ph_heap {
    ph_us horizon; /* the owner's: what is due earlier is due soon. 0 = nothing is */
    struct ph_heap_part soon;
    struct ph_heap_part later;
    size_t reserved; /* ones that may be set */
    size_t size;     /* of the later part's array */
    struct ph_heap_place few[PH_HEAP_SOON_MAX];
};

void ph_heap_init(struct ph_heap *heap);
/* Frees the array; timers still in it are forgotten, not touched. */
void ph_heap_done(struct ph_heap *heap);
/* Makes room for one more timer and initialises it. False: out of memory, nothing changed. */
bool ph_heap_reserve(struct ph_heap *heap, struct ph_timer *timer, unsigned kind);
/* Clears the timer and gives its room back. */
void ph_heap_release(struct ph_heap *heap, struct ph_timer *timer);
/* Sets or moves the timer; PH_NEVER clears it. */
void ph_heap_set(struct ph_heap *heap, struct ph_timer *timer, ph_us due);
/* The earliest timer, still set; NULL when none is. */
struct ph_timer *ph_heap_first(const struct ph_heap *heap);
/* When the earliest is due; PH_NEVER when none is set. */
ph_us ph_heap_due(const struct ph_heap *heap);

#endif
