/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * hold_notes.c: see hold.h: what the state file is told of the ports that are held, and what it
 * told of them before. How the file is kept is the affair of leases.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/drive.h"
#include "cli/exitcode.h"
#include "cli/hold.h"
#include "cli/output.h"

/* What could not be written, for example because the disk was full, is tried again when something
 * else has to be done, but not always: another's lock is waited for. */
#define REST_MS 60000

/* Its own note, which is new where the state file has none. */
static void begin_note(struct ph_wish *wish, const struct ph_lease *found, const char *gateway) {
    struct ph_lease *lease = &wish->note.lease;
    bool once = wish->hold->once;
    if (found) {
        *lease = wish->found = *found;
    } else {
        lease->protocol = wish->protocol;
        lease->internal_port = wish->port;
        lease->external_port = wish->group->terms.external_port;
        snprintf(lease->gateway, sizeof lease->gateway, "%s", gateway);
        if (!ph_leases_draw_key(lease->key))
            lease->key[0] = '\0'; /* the library has other sources */
    }
    lease->holder = (struct ph_holder){0}; /* what is left to its lease is held by nobody */
    if (!once)
        lease->holder = ph_leases_me();
    lease->until_s = 0;
    /* What is known is there for later, and need not be written to be left to its lease. */
    wish->is_noted = (once && found) || gateway[0] == '\0' || lease->key[0] == '\0';
}

int ph_hold_notes_prepare(const struct ph_hold *hold, struct porthole *client,
                          struct ph_leases *leases, const struct ph_set *set) {
    char gateway[PORTHOLE_ADDRESS_SIZE] = "";
    struct ph_lease *list;
    if (!leases)
        return PH_EXITCODE_DONE;
    int count = ph_leases_read(leases, &list);
    int code = PH_EXITCODE_DONE;
    struct ph_holder me = ph_leases_me();
    (void)porthole_gateway_address(client, gateway, sizeof gateway); /* "" = no network yet */
    for (size_t i = 0; i < set->count && code == PH_EXITCODE_DONE; i++) {
        struct ph_wish *wish = set->wishes[i];
        struct porthole_request request = PORTHOLE_REQUEST_INIT;
        request.protocol = wish->protocol;
        request.internal_port = wish->port;
        if (wish->note.lease.internal_port != 0)
            continue;
        const struct ph_lease *found = ph_leases_find(list, count, &request, gateway);
        bool is_mine =
            found && found->holder.number == me.number && found->holder.started == me.started;
        if (found && !is_mine && ph_leases_is_alive(&found->holder)) {
            ph_output_error(hold->options.command, "%s %u is held by process %lld",
                            porthole_protocol_name(wish->protocol), (unsigned)wish->port,
                            (long long)found->holder.number);
            code = PH_EXITCODE_FAILED;
        } else {
            begin_note(wish, found, gateway);
            if (is_mine)
                wish->found = (struct ph_lease){0}; /* of a wish that this one stands for now */
        }
    }
    free(list);
    return code;
}

/* One that was not prepared has nothing to say. */
static bool is_news(const struct ph_wish *wish) {
    return !wish->is_noted && wish->note.lease.internal_port != 0;
}

void ph_hold_notes_write(struct ph_hold *hold) {
    const struct ph_set *set = &hold->set;
    size_t count = 0, unknown = 0;
    for (size_t i = 0; i < set->count; i++)
        unknown += is_news(set->wishes[i]);
    if (unknown == 0 || (!hold->is_ending && ph_drive_now_ms() < hold->notes_rest_ms))
        return;
    struct ph_lease_change *changes = calloc(unknown, sizeof *changes);
    for (size_t i = 0; i < set->count && changes; i++)
        if (is_news(set->wishes[i]))
            changes[count++] = set->wishes[i]->note;
    bool is_written = changes && ph_leases_write(hold->leases, changes, count);
    free(changes);
    if (!is_written) {
        hold->notes_rest_ms = ph_drive_now_ms() + REST_MS;
        return;
    }
    for (size_t i = 0; i < set->count; i++)
        set->wishes[i]->is_noted = true;
}

/* When its lease ends, by the system's clock; 0 = it does not. */
static int64_t end_of(const struct porthole_mapping *mapping) {
    return mapping->expires_in_ms ? ph_leases_now_s() + mapping->expires_in_ms / 1000 : 0;
}

static void note_end(struct ph_lease_change *note, const struct porthole_mapping *mapping) {
    note->lease.holder = (struct ph_holder){0};
    note->lease.until_s = end_of(mapping);
    note->is_gone = mapping->fate == PORTHOLE_FATE_REMOVED || mapping->fate == PORTHOLE_FATE_NONE;
}

/* Whether the state file says so already. */
static bool is_known(const struct ph_lease *found, const struct ph_lease *lease) {
    bool is_long_enough =
        found->until_s == 0 ? lease->until_s == 0 : found->until_s >= lease->until_s;
    return found->internal_port != 0 && found->holder.number == 0 && is_long_enough &&
           found->external_port == lease->external_port && found->method == lease->method &&
           strcmp(found->gateway, lease->gateway) == 0 && strcmp(found->key, lease->key) == 0;
}

void ph_hold_notes_event(struct ph_wish *wish, const struct porthole_event *event) {
    const struct porthole_mapping *mapping = &event->mapping;
    const struct ph_hold *hold = wish->hold;
    struct ph_lease *lease = &wish->note.lease;
    bool is_open = event->type == PORTHOLE_EVENT_MAPPED || event->type == PORTHOLE_EVENT_CHANGED;
    if (lease->internal_port == 0 || wish->is_replaced ||
        (!is_open && event->type != PORTHOLE_EVENT_UNMAPPED))
        return;
    if (is_open) {
        memcpy(lease->gateway, mapping->gateway, sizeof lease->gateway);
        memcpy(lease->key, mapping->key, sizeof lease->key);
        lease->external_port = mapping->external_port;
        lease->method = mapping->method;
        wish->note.is_gone = mapping->method == PORTHOLE_DIRECT;
        wish->was_noted_open = true;
        if (hold->once) {
            lease->holder = (struct ph_holder){0};
            lease->until_s = end_of(mapping);
            if (is_known(&wish->found, lease))
                return;
            /* Twice the lease, so that one that is renewed again and again need not be noted each
             * time: replacing a file takes as long as all the rest. */
            if (lease->until_s)
                lease->until_s += mapping->lifetime_s;
        } else if (lease->holder.number == 0) {
            lease->holder = ph_leases_me(); /* it was given up in between */
            lease->until_s = 0;
        }
    } else if (!wish->was_noted_open && wish->found.internal_port != 0) {
        /* Nothing new is known, but of one that was only to be removed. */
        bool is_gone = wish->is_stale && (mapping->fate == PORTHOLE_FATE_REMOVED ||
                                          (mapping->fate == PORTHOLE_FATE_NONE && !mapping->error));
        wish->note = (struct ph_lease_change){.lease = wish->found, .is_gone = is_gone};
    } else if (hold->once && wish->opened) {
        return; /* left to its lease */
    } else {
        note_end(&wish->note, mapping);
    }
    wish->is_noted = lease->gateway[0] == '\0';
}
