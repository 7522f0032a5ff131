/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * hold_change.c: see hold.h: from what is held to what is to be held, with as little as possible
 * happening on the gateway. A wish that is wished for in the same terms is taken over as it is,
 * with its id. All that can fail is done before anything is changed.
 */
#define _POSIX_C_SOURCE 200809L

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cli/drive.h"
#include "cli/exitcode.h"
#include "cli/hold.h"
#include "cli/output.h"
#include "cli/pair.h"

#define LEAVE_MS 3000

static bool is_same_text(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* ---- What stays ------------------------------------------------------------------------------ */

static uint16_t wished_outside(const struct ph_wish *wish) {
    uint16_t port = wish->group->terms.external_port;
    return port ? port : wish->port;
}

/* Whether the gateway has nothing to do for the one to become the other. */
static bool is_same_port(const struct ph_wish *old, const struct ph_wish *next) {
    const struct ph_terms *a = &old->group->terms, *b = &next->group->terms;
    uint16_t wished = wished_outside(next);
    bool has_it = old->is_open && old->newest.external_port == wished;
    return (wished_outside(old) == wished || has_it) && a->exact == b->exact &&
           a->lifetime_s == b->lifetime_s && a->refresh_s == b->refresh_s &&
           a->methods == b->methods && is_same_text(a->description, b->description);
}

/* The same of half a pair, which stays with the other half only. Both have one group. */
static bool is_as_before(const struct ph_wish *old, const struct ph_wish *next) {
    if (!old->pair || !next->pair)
        return !old->pair && !next->pair && is_same_port(old, next);
    for (size_t i = 0; i < 2; i++)
        if (!is_same_port(old->pair->members[i].wish, next->pair->members[i].wish))
            return false;
    return true;
}

/* Whether the client serves for both. */
static bool is_same_client(const struct ph_options *a, const struct ph_options *b) {
    return is_same_text(a->gateway, b->gateway) && is_same_text(a->bind_address, b->bind_address) &&
           a->methods == b->methods && a->timeout_ms == b->timeout_ms;
}

/* ---- Groups ---------------------------------------------------------------------------------- */

static struct ph_group *find_group(const struct ph_set *set, const char *name) {
    for (size_t i = 0; i < set->group_count; i++)
        if (!set->groups[i]->is_leaving && strcmp(set->groups[i]->name, name) == 0)
            return set->groups[i];
    return NULL;
}

/* A section that has the same command as before keeps its hook, so that no two of its runs overlap,
 * and what is leaving it is told by that. */
static void hand_hook_over(struct ph_set *set, struct ph_group *old, struct ph_group *next) {
    if (!old || !old->hook || !is_same_text(old->terms.exec, next->terms.exec))
        return;
    next->hook = old->hook;
    old->hook = NULL;
    ph_hook_set(next->hook, next->terms.exec, next->name, next->terms.exec_limit_s);
    for (size_t i = 0; i < set->count; i++)
        if (set->wishes[i]->group == old)
            set->wishes[i]->group = next;
}

/* Whoever had this file until now. */
static struct ph_record *take_record(struct ph_hold *hold, const char *path) {
    struct ph_record **place = NULL, *taken;
    if (is_same_text(hold->file, path) && hold->record)
        place = &hold->record;
    for (size_t i = 0; i < hold->set.group_count; i++)
        if (hold->set.groups[i]->record && is_same_text(hold->set.groups[i]->terms.file, path))
            place = &hold->set.groups[i]->record;
    if (!place)
        return NULL;
    taken = *place;
    *place = NULL;
    ph_record_set_path(taken, path);
    ph_record_touch(taken);
    return taken;
}

static void remove_record(struct ph_record **record) {
    ph_record_remove(*record);
    ph_record_free(*record);
    *record = NULL;
}

/* Hooks and files go over to the next groups; what nobody wants any more ends. */
static void change_listeners(struct ph_hold *hold, struct ph_hold_plan *plan) {
    struct ph_set *set = &hold->set;
    struct ph_record *record = plan->file ? take_record(hold, plan->file) : NULL;
    for (size_t i = 0; i < plan->set.group_count; i++) {
        struct ph_group *next = plan->set.groups[i];
        hand_hook_over(set, find_group(set, next->name), next);
        if (next->terms.file)
            next->record = take_record(hold, next->terms.file);
    }
    if (hold->record)
        remove_record(&hold->record);
    for (size_t i = 0; i < set->group_count; i++) {
        if (set->groups[i]->record)
            remove_record(&set->groups[i]->record);
        set->groups[i]->is_leaving = true;
    }
    hold->record = record;
    hold->file = plan->file;
    if (plan->file && !record)
        hold->record = ph_record_new(plan->file, "file", hold->options.command);
    for (size_t i = 0; i < plan->set.group_count; i++)
        (void)ph_hold_make_listeners(hold, plan->set.groups[i]); /* what fails was said */
}

/* ---- Wishes ---------------------------------------------------------------------------------- */

/* One that an earlier change gave back, and that has not gone yet, would take the note along. */
static void keep_note_from_leaving(const struct ph_set *set, const struct ph_wish *next) {
    for (size_t i = 0; i < set->count; i++) {
        struct ph_wish *wish = set->wishes[i];
        if (wish->is_leaving && wish->protocol == next->protocol && wish->port == next->port)
            wish->is_replaced = wish->is_noted = true;
    }
}

/* Which of the hold's take the places of the plan's, and what those who must ask anew ask for. */
static void match(const struct ph_hold *hold, const struct ph_set *next_set, bool is_moving,
                  bool has_other_file, struct ph_wish **ret_olds) {
    for (size_t i = 0; i < next_set->count; i++) {
        struct ph_wish *next = next_set->wishes[i];
        struct ph_wish *old = ph_set_find(&hold->set, next->protocol, next->port);
        bool stays = old && !is_moving && is_as_before(old, next);
        ret_olds[i] = stays ? old : NULL;
        keep_note_from_leaving(&hold->set, next);
        if (!old)
            continue;
        old->stays = stays;
        struct ph_lease *lease = &next->note.lease;
        old->is_replaced =
            !stays && !has_other_file && strcmp(old->note.lease.gateway, lease->gateway) == 0;
        if (old->is_replaced && old->note.lease.internal_port != 0) {
            *lease = old->note.lease;
            next->is_noted = false;
            old->is_noted = true;
        }
        if (wished_outside(old) != wished_outside(next))
            lease->external_port = next->group->terms.external_port;
        else if (old->newest.external_port != 0)
            lease->external_port = old->newest.external_port;
    }
}

static void leave(struct ph_hold *hold, struct ph_wish *wish) {
    if (wish->pair)
        ph_set_part(&hold->set, wish->pair);
    hold->unsettled -= !wish->settled;
    wish->settled = wish->is_leaving = true;
    hold->is_changing = true;
    if (wish->id != 0)
        porthole_unmap(hold->client, wish->id);
    else
        ph_hold_tell_own(wish, PORTHOLE_EVENT_UNMAPPED, 0);
}

static void leave_others(struct ph_hold *hold) {
    for (size_t i = 0; i < hold->set.count; i++)
        if (!hold->set.wishes[i]->stays && !hold->set.wishes[i]->is_leaving)
            leave(hold, hold->set.wishes[i]);
}

/* The old wish takes the place of the next one. A command that was not told of it is told how it
 * stands. */
static void stay(struct ph_set *next_set, struct ph_wish *old, struct ph_wish *next) {
    const struct ph_hook *before = old->group->hook;
    struct porthole_event event = {
        .size = sizeof event, .type = PORTHOLE_EVENT_MAPPED, .mapping = old->newest};
    old->group = next->group;
    old->place = next->place;
    old->stays = false;
    next_set->wishes[next->place] = old;
    ph_set_free_wish(next);
    if (before == old->group->hook)
        return;
    ph_hook_leave(&old->waits);
    if (old->is_open)
        ph_hook_post(old->group->hook, &old->waits, &event);
}

/* The plan's set becomes the hold's; it has room for what is still leaving. */
static void exchange(struct ph_hold *hold, struct ph_set *next, struct ph_wish *const *olds) {
    struct ph_set *set = &hold->set;
    for (size_t i = 0; i < next->pair_count; i++) {
        size_t place = next->pairs[i]->members[0].wish->place;
        if (!olds[place])
            continue;
        free(next->pairs[i]);
        next->pairs[i] = olds[place]->pair;
    }
    size_t count = next->count;
    for (size_t i = 0; i < count; i++) {
        if (olds[i])
            stay(next, olds[i], next->wishes[i]);
        else
            hold->unsettled++;
    }
    for (size_t i = 0; i < set->count; i++)
        if (set->wishes[i]->is_leaving)
            ph_set_take(next, set->wishes[i]);
    for (size_t i = 0; i < set->group_count; i++)
        ph_set_take_group(next, set->groups[i]);
    free(set->wishes);
    free(set->groups);
    free(set->pairs);
    *set = *next;
    *next = (struct ph_set){0};
}

static void ask_new(struct ph_hold *hold) {
    for (size_t i = 0; i < hold->set.count; i++) {
        struct ph_wish *wish = hold->set.wishes[i];
        if (wish->is_leaving || wish->was_asked)
            continue;
        int result = ph_hold_begin(wish);
        if (result < 0)
            ph_hold_tell_own(wish, PORTHOLE_EVENT_FAILED, result);
    }
}

/* ---- All of it ------------------------------------------------------------------------------- */

static bool is_any_mapped(const struct ph_hold *hold) {
    for (size_t i = 0; i < hold->set.count; i++)
        if (hold->set.wishes[i]->id != 0)
            return true;
    return false;
}

/* Until all that were given back are gone. */
static void await_end(struct ph_hold *hold) {
    int64_t until_ms = ph_drive_now_ms() + LEAVE_MS;
    int stop_number = 0;
    while (is_any_mapped(hold) && ph_drive_now_ms() < until_ms) {
        int number = ph_hold_turn(hold, until_ms);
        if (number == SIGINT || number == SIGTERM || (number == SIGHUP && stop_number == 0))
            stop_number = number;
        if (number < 0)
            break;
    }
    hold->stop_number = stop_number;
}

void ph_hold_leave_all(struct ph_hold *hold) {
    ph_hold_unmap_all(hold);
    await_end(hold);
}

/* To another gateway, or another state file. */
static void move(struct ph_hold *hold, struct porthole *client, struct ph_leases *leases) {
    leave_others(hold);
    await_end(hold);
    porthole_close(hold->client, 0);
    ph_hold_tend(hold); /* notes the ends */
    ph_leases_close(hold->leases);
    hold->client = client;
    hold->leases = leases;
}

/* What has been made so far, for a change that fails. */
static int give_up(struct ph_hold *hold, struct ph_hold_plan *plan, struct porthole *client,
                   struct ph_leases *leases, int code) {
    if (client != hold->client)
        porthole_close(client, 0);
    if (leases != hold->leases)
        ph_leases_close(leases);
    ph_set_free(&plan->set);
    return code;
}

int ph_hold_change(struct ph_hold *hold, struct ph_hold_plan *plan) {
    struct porthole *client = hold->client;
    struct ph_leases *leases = hold->leases;
    bool has_other_file = !is_same_text(hold->state, plan->state);
    bool is_moving = has_other_file || !is_same_client(&hold->options, &plan->options);
    struct ph_options options = hold->options;
    options.gateway = plan->options.gateway;
    options.bind_address = plan->options.bind_address;
    options.methods = plan->options.methods;
    options.timeout_ms = plan->options.timeout_ms;
    if (is_moving) {
        int code = ph_options_open(&options, &client);
        if (code != PH_EXITCODE_DONE)
            return give_up(hold, plan, hold->client, leases, code);
        leases = ph_leases_open(options.command, plan->state);
    }
    struct ph_wish **olds = calloc(plan->set.count + 1, sizeof(struct ph_wish *));
    if (!is_moving) /* that takes its time */
        (void)ph_leases_lock(leases);
    int code = ph_hold_notes_prepare(hold, client, leases, &plan->set);
    if (!olds || !ph_set_reserve(&plan->set, hold->set.count, hold->set.group_count)) {
        ph_output_error(options.command, "%s", porthole_strerror(PORTHOLE_ERR_NO_MEMORY));
        code = PH_EXITCODE_FAILED;
    }
    if (code != PH_EXITCODE_DONE) {
        ph_leases_unlock(leases);
        free(olds);
        return give_up(hold, plan, client, leases, code);
    }
    match(hold, &plan->set, is_moving, has_other_file, olds);
    if (is_moving)
        move(hold, client, leases);
    else
        leave_others(hold);
    hold->options = options;
    hold->state = plan->state;
    change_listeners(hold, plan);
    exchange(hold, &plan->set, olds);
    free(olds);
    hold->is_changing = true;
    ph_hold_notes_write(hold);
    ph_leases_unlock(leases);
    ask_new(hold);
    ph_hold_tend(hold);
    return PH_EXITCODE_DONE;
}

/* ---- What an earlier process left ------------------------------------------------------------ */

/* Removes a lease, as a wish that is leaving already. */
static bool remove_stale(struct ph_hold *hold, struct ph_group *group,
                         const struct ph_lease *lease) {
    struct porthole_request request = PORTHOLE_REQUEST_INIT;
    struct ph_port port = {.number = lease->internal_port,
                           .tcp = lease->protocol == PORTHOLE_TCP,
                           .udp = lease->protocol == PORTHOLE_UDP};
    if (!ph_set_add_port(&hold->set, hold, group, &port))
        return false;
    struct ph_wish *wish = hold->set.wishes[hold->set.count - 1];
    wish->is_leaving = wish->is_stale = wish->is_noted = wish->settled = wish->was_asked = true;
    wish->found = wish->note.lease = *lease;
    request.protocol = lease->protocol;
    request.internal_port = lease->internal_port;
    request.external_port = lease->external_port;
    request.key = lease->key;
    if (lease->method != PORTHOLE_NONE)
        request.methods = (1U << lease->method) &
                          (hold->options.methods ? hold->options.methods : PORTHOLE_USE_ALL);
    return ph_hold_remove(wish, &request) == 0;
}

void ph_hold_remove_stale(struct ph_hold *hold) {
    char gateway[PORTHOLE_ADDRESS_SIZE] = "";
    struct ph_lease *list;
    struct ph_group *group = NULL;
    const struct ph_terms terms = {0};
    int count = ph_leases_read(hold->leases, &list);
    (void)porthole_gateway_address(hold->client, gateway, sizeof gateway);
    for (int i = 0; i < count; i++) {
        const struct ph_lease *lease = &list[i];
        if (lease->holder.number == 0 || ph_leases_is_alive(&lease->holder) ||
            strcmp(lease->gateway, gateway) != 0 ||
            ph_set_find(&hold->set, lease->protocol, lease->internal_port))
            continue;
        if (!group && !(group = ph_set_add_group(&hold->set, "", &terms)))
            break;
        group->is_leaving = hold->is_changing = true;
        if (!remove_stale(hold, group, lease))
            break;
    }
    free(list);
}
