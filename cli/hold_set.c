/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * hold_set.c: see hold.h: wishes, the groups they are of, and pairs, in lists that grow. Each is an
 * object of its own, because the client's events and hooks that run have pointers to them.
 */
#define _POSIX_C_SOURCE 200809L

#include <stdlib.h>
#include <string.h>

#include "cli/hold.h"
#include "cli/pair.h"

#define ROOM_FIRST 8U

/* ---- Lists ----------------------------------------------------------------------------------- */

/* The list with room for `more` pointers; NULL = no memory, and it is as it was. */
static void *make_room(void *list, size_t count, size_t *room, size_t more) {
    size_t wanted = *room ? *room : ROOM_FIRST;
    while (wanted < count + more)
        wanted *= 2;
    if (wanted == *room)
        return list;
    void *grown = realloc(list, wanted * sizeof(void *));
    if (grown)
        *room = wanted;
    return grown;
}

bool ph_set_reserve(struct ph_set *set, size_t wishes, size_t groups) {
    struct ph_wish **of_wishes = make_room(set->wishes, set->count, &set->room, wishes);
    if (!of_wishes)
        return false;
    set->wishes = of_wishes;
    struct ph_group **of_groups =
        make_room(set->groups, set->group_count, &set->group_room, groups);
    if (!of_groups)
        return false;
    set->groups = of_groups;
    return true;
}

void ph_set_take(struct ph_set *set, struct ph_wish *wish) {
    wish->place = set->count;
    set->wishes[set->count++] = wish;
}

void ph_set_take_group(struct ph_set *set, struct ph_group *group) {
    set->groups[set->group_count++] = group;
}

static bool reserve_pair(struct ph_set *set) {
    struct ph_pair **pairs = make_room(set->pairs, set->pair_count, &set->pair_room, 1);
    if (pairs)
        set->pairs = pairs;
    return pairs != NULL;
}

/* ---- Groups and wishes ----------------------------------------------------------------------- */

static void free_group(struct ph_group *group) {
    ph_hook_free(group->hook);
    ph_record_free(group->record);
    free(group->name);
    free((char *)group->terms.description);
    free((char *)group->terms.exec);
    free((char *)group->terms.file);
    free(group);
}

/* False: no memory; it is NULL then. */
static bool copy_text(const char **text) {
    if (*text)
        *text = strdup(*text);
    return *text != NULL;
}

struct ph_group *ph_set_add_group(struct ph_set *set, const char *name,
                                  const struct ph_terms *terms) {
    struct ph_group *group = calloc(1, sizeof *group);
    if (!group || !ph_set_reserve(set, 0, 1)) {
        free(group);
        return NULL;
    }
    group->terms = *terms;
    group->name = strdup(name);
    bool is_whole = group->name != NULL;
    is_whole &= !terms->description || copy_text(&group->terms.description);
    is_whole &= !terms->exec || copy_text(&group->terms.exec);
    is_whole &= !terms->file || copy_text(&group->terms.file);
    if (!is_whole) {
        /* What could not be copied is NULL by now. */
        free_group(group);
        return NULL;
    }
    ph_set_take_group(set, group);
    return group;
}

static struct ph_wish *add_wish(struct ph_set *set, struct ph_hold *hold, struct ph_group *group,
                                enum porthole_protocol protocol, uint16_t port) {
    struct ph_wish *wish = calloc(1, sizeof *wish);
    if (!wish)
        return NULL;
    *wish = (struct ph_wish){.hold = hold, .group = group, .protocol = protocol, .port = port};
    ph_set_take(set, wish);
    return wish;
}

bool ph_set_add_port(struct ph_set *set, struct ph_hold *hold, struct ph_group *group,
                     const struct ph_port *port) {
    bool both = port->tcp && port->udp;
    if (!ph_set_reserve(set, 2, 0) || (both && !reserve_pair(set)))
        return false;
    struct ph_wish *tcp = NULL, *udp = NULL;
    if (port->tcp && !(tcp = add_wish(set, hold, group, PORTHOLE_TCP, port->number)))
        return false;
    if (port->udp && !(udp = add_wish(set, hold, group, PORTHOLE_UDP, port->number)))
        return false;
    if (!both)
        return true;
    struct ph_pair *pair = calloc(1, sizeof *pair);
    if (!pair)
        return false;
    ph_pair_join(pair, tcp, udp);
    set->pairs[set->pair_count++] = pair;
    return true;
}

struct ph_wish *ph_set_find(const struct ph_set *set, enum porthole_protocol protocol,
                            uint16_t port) {
    for (size_t i = 0; i < set->count; i++)
        if (set->wishes[i]->protocol == protocol && set->wishes[i]->port == port &&
            !set->wishes[i]->is_leaving)
            return set->wishes[i];
    return NULL;
}

/* ---- The end --------------------------------------------------------------------------------- */

void ph_set_part(struct ph_set *set, struct ph_pair *pair) {
    for (size_t i = 0; i < 2; i++)
        pair->members[i].wish->pair = NULL;
    for (size_t i = 0; i < set->pair_count; i++) {
        if (set->pairs[i] == pair) {
            set->pairs[i] = set->pairs[--set->pair_count];
            break;
        }
    }
    free(pair);
}

void ph_set_free_wish(struct ph_wish *wish) {
    ph_hook_leave(&wish->waits);
    free(wish);
}

static bool is_used(const struct ph_set *set, const struct ph_group *group) {
    if (!ph_hook_is_idle(group->hook))
        return true;
    for (size_t i = 0; i < set->count; i++)
        if (set->wishes[i]->group == group)
            return true;
    return false;
}

bool ph_set_sweep(struct ph_set *set) {
    size_t left = 0;
    bool is_clean = true;
    for (size_t i = 0; i < set->count; i++) {
        struct ph_wish *wish = set->wishes[i];
        /* What became of it is noted before it is forgotten. */
        bool stays = !wish->is_leaving || wish->id != 0 ||
                     (!wish->is_noted && wish->note.lease.internal_port != 0);
        is_clean = is_clean && (!stays || !wish->is_leaving);
        if (stays)
            set->wishes[left++] = wish;
        else
            ph_set_free_wish(wish);
    }
    set->count = left;
    left = 0;
    for (size_t i = 0; i < set->group_count; i++) {
        struct ph_group *group = set->groups[i];
        bool stays = !group->is_leaving || is_used(set, group);
        is_clean = is_clean && (!stays || !group->is_leaving);
        if (stays)
            set->groups[left++] = group;
        else
            free_group(group);
    }
    set->group_count = left;
    return is_clean;
}

void ph_set_free(struct ph_set *set) {
    for (size_t i = 0; i < set->count; i++)
        ph_set_free_wish(set->wishes[i]);
    for (size_t i = 0; i < set->group_count; i++)
        free_group(set->groups[i]);
    for (size_t i = 0; i < set->pair_count; i++)
        free(set->pairs[i]);
    free(set->wishes);
    free(set->groups);
    free(set->pairs);
    *set = (struct ph_set){0};
}
