/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * heap.c: see heap.h. timers[0] is the earliest; the children of i are 2i + 1 and 2i + 2; each
 * timer knows its own place, so that it can be moved without a search.
 */
#include "base/heap.h"

#include <stdlib.h>

#define HEAP_FIRST_SIZE 8

void ph_heap_init(struct ph_heap *heap) { *heap = (struct ph_heap){0}; }

void ph_heap_done(struct ph_heap *heap) {
    free(heap->timers);
    ph_heap_init(heap);
}

bool ph_heap_reserve(struct ph_heap *heap, struct ph_timer *timer, unsigned kind) {
    if (heap->reserved == heap->size) {
        size_t size = heap->size ? 2 * heap->size : HEAP_FIRST_SIZE;
        struct ph_timer **timers = realloc(heap->timers, size * sizeof(struct ph_timer *));
        if (!timers)
            return false;
        heap->timers = timers;
        heap->size = size;
    }
    heap->reserved++;
    *timer = (struct ph_timer){.due = PH_NEVER, .kind = kind};
    return true;
}

void ph_heap_release(struct ph_heap *heap, struct ph_timer *timer) {
    ph_heap_set(heap, timer, PH_NEVER);
    heap->reserved--;
}

static void heap_put(struct ph_heap *heap, struct ph_timer *timer, size_t at) {
    heap->timers[at] = timer;
    timer->at = at;
}

/* Moves the timer from the free place `at` towards the root until its parent is not later. */
static void sift_up(struct ph_heap *heap, struct ph_timer *timer, size_t at) {
    while (at > 0 && timer->due < heap->timers[(at - 1) / 2]->due) {
        heap_put(heap, heap->timers[(at - 1) / 2], at);
        at = (at - 1) / 2;
    }
    heap_put(heap, timer, at);
}

/* The same towards the leaves, until no child is earlier. */
static void sift_down(struct ph_heap *heap, struct ph_timer *timer, size_t at) {
    for (size_t child = 2 * at + 1; child < heap->count; child = 2 * at + 1) {
        if (child + 1 < heap->count && heap->timers[child + 1]->due < heap->timers[child]->due)
            child++;
        if (heap->timers[child]->due >= timer->due)
            break;
        heap_put(heap, heap->timers[child], at);
        at = child;
    }
    heap_put(heap, timer, at);
}

/* Fills the place `at` with the timer, which may belong above or below it. */
static void settle(struct ph_heap *heap, struct ph_timer *timer, size_t at) {
    if (at > 0 && timer->due < heap->timers[(at - 1) / 2]->due)
        sift_up(heap, timer, at);
    else
        sift_down(heap, timer, at);
}

static void heap_clear(struct ph_heap *heap, struct ph_timer *timer) {
    struct ph_timer *last = heap->timers[--heap->count];
    if (last != timer)
        settle(heap, last, timer->at);
    timer->due = PH_NEVER;
}

void ph_heap_set(struct ph_heap *heap, struct ph_timer *timer, ph_us due) {
    bool was_set = timer->due != PH_NEVER;
    if (due == PH_NEVER) {
        if (was_set)
            heap_clear(heap, timer);
        return;
    }
    timer->due = due;
    settle(heap, timer, was_set ? timer->at : heap->count++);
}

struct ph_timer *ph_heap_first(const struct ph_heap *heap) {
    return heap->count > 0 ? heap->timers[0] : NULL;
}

ph_us ph_heap_due(const struct ph_heap *heap) {
    return heap->count > 0 ? heap->timers[0]->due : PH_NEVER;
}
