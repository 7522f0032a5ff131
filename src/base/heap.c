/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * heap.c: see heap.h. places[0] is the earliest; the children of i are 4i + 1 to 4i + 4, which
 * makes it half as deep as with two and keeps them in one cache line or two; each timer knows its
 * own place, so that it can be moved without a search.
 */
#include "base/heap.h"

#include <stdlib.h>

#define HEAP_FIRST_SIZE 8
#define CHILDREN 4U

void ph_heap_init(struct ph_heap *heap) { *heap = (struct ph_heap){0}; }

void ph_heap_done(struct ph_heap *heap) {
    free(heap->places);
    ph_heap_init(heap);
}

bool ph_heap_reserve(struct ph_heap *heap, struct ph_timer *timer, unsigned kind) {
    if (heap->reserved == heap->size) {
        size_t size = heap->size ? 2 * heap->size : HEAP_FIRST_SIZE;
        struct ph_heap_place *places = realloc(heap->places, size * sizeof *places);
        if (!places)
            return false;
        heap->places = places;
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

static void heap_put(struct ph_heap *heap, struct ph_heap_place place, size_t at) {
    heap->places[at] = place;
    place.timer->at = (uint32_t)at;
}

/* Moves what is to be at the free place `at` towards the root until its parent is not later. */
static void sift_up(struct ph_heap *heap, struct ph_heap_place place, size_t at) {
    while (at > 0 && place.due < heap->places[(at - 1) / CHILDREN].due) {
        heap_put(heap, heap->places[(at - 1) / CHILDREN], at);
        at = (at - 1) / CHILDREN;
    }
    heap_put(heap, place, at);
}

static size_t earliest_child(const struct ph_heap *heap, size_t first) {
    size_t end = first + CHILDREN < heap->count ? first + CHILDREN : heap->count;
    size_t earliest = first;
    for (size_t child = first + 1; child < end; child++)
        if (heap->places[child].due < heap->places[earliest].due)
            earliest = child;
    return earliest;
}

/* The same towards the leaves, until no child is earlier. */
static void sift_down(struct ph_heap *heap, struct ph_heap_place place, size_t at) {
    for (size_t first = CHILDREN * at + 1; first < heap->count; first = CHILDREN * at + 1) {
        size_t child = earliest_child(heap, first);
        if (heap->places[child].due >= place.due)
            break;
        heap_put(heap, heap->places[child], at);
        at = child;
    }
    heap_put(heap, place, at);
}

/* Fills the place `at`, with what may belong above or below it. */
static void settle(struct ph_heap *heap, struct ph_heap_place place, size_t at) {
    if (at > 0 && place.due < heap->places[(at - 1) / CHILDREN].due)
        sift_up(heap, place, at);
    else
        sift_down(heap, place, at);
}

static void heap_clear(struct ph_heap *heap, struct ph_timer *timer) {
    struct ph_heap_place last = heap->places[--heap->count];
    if (last.timer != timer)
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
    settle(heap, (struct ph_heap_place){due, timer}, was_set ? timer->at : heap->count++);
}

struct ph_timer *ph_heap_first(const struct ph_heap *heap) {
    return heap->count > 0 ? heap->places[0].timer : NULL;
}

ph_us ph_heap_due(const struct ph_heap *heap) {
    return heap->count > 0 ? heap->places[0].due : PH_NEVER;
}
