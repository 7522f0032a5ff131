/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * heap.c: see heap.h. Of each part places[0] is the earliest; the children of i are 4i + 1 to
 * 4i + 4, which makes it half as deep as with two and keeps them in one cache line or two; each
 * timer knows its own place, so that it can be moved without a search.
 */
#include "base/heap.h"

#include <stdlib.h>

#define HEAP_FIRST_SIZE 8
#define CHILDREN 4U

void ph_heap_init(struct ph_heap *heap) {
    *heap = (struct ph_heap){.horizon = 0};
    heap->soon.places = heap->few;
}

void ph_heap_done(struct ph_heap *heap) {
    free(heap->later.places);
    ph_heap_init(heap);
}

bool ph_heap_reserve(struct ph_heap *heap, struct ph_timer *timer, unsigned kind) {
    if (heap->reserved == heap->size) {
        size_t size = heap->size ? heap->size + heap->size / 2 : HEAP_FIRST_SIZE;
        struct ph_heap_place *places = realloc(heap->later.places, size * sizeof *places);
        if (!places)
            return false;
        heap->later.places = places;
        heap->size = size;
    }
    heap->reserved++;
    *timer = (struct ph_timer){.due = PH_NEVER, .kind = (uint16_t)kind};
    return true;
}

void ph_heap_release(struct ph_heap *heap, struct ph_timer *timer) {
    ph_heap_set(heap, timer, PH_NEVER);
    heap->reserved--;
}

static void heap_put(struct ph_heap_part *part, struct ph_heap_place place, size_t at) {
    part->places[at] = place;
    place.timer->at = (uint32_t)at;
}

/* Moves what is to be at the free place `at` towards the root until its parent is not later. */
static void sift_up(struct ph_heap_part *part, struct ph_heap_place place, size_t at) {
    while (at > 0 && place.due < part->places[(at - 1) / CHILDREN].due) {
        heap_put(part, part->places[(at - 1) / CHILDREN], at);
        at = (at - 1) / CHILDREN;
    }
    heap_put(part, place, at);
}

static size_t earliest_child(const struct ph_heap_part *part, size_t first) {
    size_t end = first + CHILDREN < part->count ? first + CHILDREN : part->count;
    size_t earliest = first;
    for (size_t child = first + 1; child < end; child++)
        if (part->places[child].due < part->places[earliest].due)
            earliest = child;
    return earliest;
}

/* The same towards the leaves, until no child is earlier. */
static void sift_down(struct ph_heap_part *part, struct ph_heap_place place, size_t at) {
    for (size_t first = CHILDREN * at + 1; first < part->count; first = CHILDREN * at + 1) {
        size_t child = earliest_child(part, first);
        if (part->places[child].due >= place.due)
            break;
        heap_put(part, part->places[child], at);
        at = child;
    }
    heap_put(part, place, at);
}

/* Fills the place `at`, with what may belong above or below it. */
static void settle(struct ph_heap_part *part, struct ph_heap_place place, size_t at) {
    if (at > 0 && place.due < part->places[(at - 1) / CHILDREN].due)
        sift_up(part, place, at);
    else
        sift_down(part, place, at);
}

static struct ph_heap_part *part_of(struct ph_heap *heap, const struct ph_timer *timer) {
    return timer->is_soon ? &heap->soon : &heap->later;
}

static void heap_clear(struct ph_heap *heap, struct ph_timer *timer) {
    struct ph_heap_part *part = part_of(heap, timer);
    struct ph_heap_place last = part->places[--part->count];
    if (last.timer != timer)
        settle(part, last, timer->at);
    timer->due = PH_NEVER;
}

void ph_heap_set(struct ph_heap *heap, struct ph_timer *timer, ph_us due) {
    bool was_set = timer->due != PH_NEVER;
    bool has_place = heap->soon.count < PH_HEAP_SOON_MAX || (was_set && timer->is_soon);
    bool is_soon = has_place && due < heap->horizon;
    if (was_set && (due == PH_NEVER || is_soon != timer->is_soon)) {
        heap_clear(heap, timer);
        was_set = false;
    }
    if (due == PH_NEVER)
        return;
    timer->due = due;
    timer->is_soon = is_soon;
    struct ph_heap_part *part = part_of(heap, timer);
    settle(part, (struct ph_heap_place){due, timer}, was_set ? timer->at : part->count++);
}

struct ph_timer *ph_heap_first(const struct ph_heap *heap) {
    const struct ph_heap_part *soon = &heap->soon;
    const struct ph_heap_part *later = &heap->later;
    if (soon->count == 0)
        return later->count > 0 ? later->places[0].timer : NULL;
    bool is_later = later->count > 0 && later->places[0].due < soon->places[0].due;
    return is_later ? later->places[0].timer : soon->places[0].timer;
}

ph_us ph_heap_due(const struct ph_heap *heap) {
    ph_us soon = heap->soon.count > 0 ? heap->soon.places[0].due : PH_NEVER;
    ph_us later = heap->later.count > 0 ? heap->later.places[0].due : PH_NEVER;
    return soon < later ? soon : later;
}
