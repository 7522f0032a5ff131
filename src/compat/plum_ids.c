/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * plum_ids.c: see plum_ids.h. An array in order of id, searched by halves: new ids are the largest,
 * so that adding is appending.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "compat/plum_ids.h"

#define ROOM_FIRST 16U

static bool make_room(struct ph_plum_ids *ids) {
    if (ids->count < ids->room)
        return true;
    size_t room = ids->room ? 2 * ids->room : ROOM_FIRST;
    struct ph_plum_entry **entries = realloc(ids->entries, room * sizeof *entries);
    if (!entries)
        return false;
    ids->entries = entries;
    ids->room = room;
    return true;
}

/* Where an id is, or would be. */
static size_t place_of_id(const struct ph_plum_ids *ids, int id) {
    size_t low = 0;
    size_t high = ids->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ids->entries[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool ph_plum_ids_add(struct ph_plum_ids *ids, struct ph_plum_entry *entry) {
    if (ids->next == INT_MAX || !make_room(ids))
        return false;
    entry->id = ids->next++;
    ids->entries[ids->count++] = entry;
    return true;
}

struct ph_plum_entry *ph_plum_ids_find(const struct ph_plum_ids *ids, int id) {
    size_t place = place_of_id(ids, id);
    return place < ids->count && ids->entries[place]->id == id ? ids->entries[place] : NULL;
}

void ph_plum_ids_remove(struct ph_plum_ids *ids, int id) {
    size_t place = place_of_id(ids, id);
    if (place == ids->count || ids->entries[place]->id != id)
        return;
    ids->count--;
    memmove(&ids->entries[place], &ids->entries[place + 1],
            (ids->count - place) * sizeof ids->entries[0]);
}

void ph_plum_ids_done(struct ph_plum_ids *ids) {
    for (size_t i = 0; i < ids->count; i++)
        free(ids->entries[i]);
    free(ids->entries);
    *ids = (struct ph_plum_ids){.next = 0};
}
