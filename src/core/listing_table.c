/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * listing_table.c: the entries of a list of mappings, each once and in order. What is new is put
 * behind the others and found by a second array, which is all that has to move.
 */
#include <stdlib.h>
#include <string.h>

#include "core/state.h"

static int compare_entries(const struct ph_portlist_entry *a, const struct ph_portlist_entry *b) {
    if (a->external_port != b->external_port)
        return a->external_port < b->external_port ? -1 : 1;
    if (a->protocol != b->protocol)
        return a->protocol < b->protocol ? -1 : 1;
    return strcmp(a->remote_host, b->remote_host);
}

static bool is_same_entry(const struct ph_portlist_entry *a, const struct ph_portlist_entry *b) {
    return compare_entries(a, b) == 0 && a->internal_port == b->internal_port &&
           strcmp(a->client_name, b->client_name) == 0;
}

void ph_listing_table_free(struct ph_listing_table *t) {
    free(t->at);
    free(t->order);
    *t = (struct ph_listing_table){.at = NULL};
}

static bool table_grow(struct ph_listing_table *t) {
    size_t size = t->size ? t->size * 2 : 16;
    struct ph_portlist_entry *at = realloc(t->at, size * sizeof *at);
    if (at)
        t->at = at;
    uint16_t *order = at ? realloc(t->order, size * sizeof *order) : NULL;
    if (!order)
        return false;
    t->order = order;
    t->size = size;
    return true;
}

const struct ph_portlist_entry *ph_listing_table_at(const struct ph_listing_table *t, size_t i) {
    return &t->at[t->order[i]];
}

/* The place of the first that is not before it. */
static size_t table_find(const struct ph_listing_table *t, const struct ph_portlist_entry *entry) {
    size_t low = 0;
    size_t high = t->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_entries(ph_listing_table_at(t, middle), entry) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int ph_listing_table_add(struct ph_listing_table *t, const struct ph_portlist_entry *entry) {
    size_t place = table_find(t, entry);
    if (place < t->count && compare_entries(ph_listing_table_at(t, place), entry) == 0)
        return 0;
    if (t->count == t->size && !table_grow(t))
        return PORTHOLE_ERR_NO_MEMORY;
    memmove(t->order + place + 1, t->order + place, (t->count - place) * sizeof *t->order);
    t->order[place] = (uint16_t)t->count;
    t->at[t->count++] = *entry;
    return 1;
}

bool ph_listing_table_is_same(const struct ph_listing_table *a, const struct ph_listing_table *b) {
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!is_same_entry(ph_listing_table_at(a, i), ph_listing_table_at(b, i)))
            return false;
    return true;
}
