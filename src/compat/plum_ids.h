/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * plum_ids.h: the mappings of the libplum interface by their ids: small integers that count up from
 * 0 and are not used again. It knows nothing of locks: its user holds one.
 */
#ifndef PH_COMPAT_PLUM_IDS_H
#define PH_COMPAT_PLUM_IDS_H

#include <plum/plum.h>
#include <porthole/porthole.h>
#include <stdbool.h>
#include <stddef.h>

struct ph_plum_entry {
    int id;
    plum_state_t state;
    plum_state_t told;  /* by the last callback; PENDING before the first */
    porthole_id handle; /* 0 while not known yet */
    plum_mapping_callback_t callback;
    plum_mapping_t mapping; /* as the user sees it */
};

/* All zero is an empty one. In order of id, because ids only count up. */
struct ph_plum_ids {
    struct ph_plum_entry **entries;
    size_t count;
    size_t room;
    int next;
};

/* Adds an entry and gives it the next id. False: no memory, or no id is left. */
bool ph_plum_ids_add(struct ph_plum_ids *ids, struct ph_plum_entry *entry);
/* NULL: there is none. */
struct ph_plum_entry *ph_plum_ids_find(const struct ph_plum_ids *ids, int id);
/* Takes an entry out, which stays the caller's; no-op when it is not in. */
void ph_plum_ids_remove(struct ph_plum_ids *ids, int id);
/* Frees all that is in, and starts over at 0. */
void ph_plum_ids_done(struct ph_plum_ids *ids);

#endif
