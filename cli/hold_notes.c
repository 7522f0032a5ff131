/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * hold_notes.c: see hold.h: what the state file is told of the ports that are held, and what it
 * told of them before. How the file is kept is the affair of leases.c.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/drive.h"
#include "cli/exitcode.h"
#include "cli/hold.h"
#include "cli/output.h"

/* What could not be written, for example because the disk was full, is tried again when something
 * else has to be done, but not always: another's lock is waited for. */
#define REST_MS 60000

int ph_hold_notes_prepare(struct ph_hold *hold) {
    char gateway[PORTHOLE_ADDRESS_SIZE] = "";
    struct ph_lease *list;
    int count = ph_leases_read(hold->leases, &list);
    int code = PH_EXITCODE_DONE;
    /* What is left to its lease is held by nobody. */
    struct ph_holder holder = {0};
    if (!hold->once)
        holder = ph_leases_me();
    (void)porthole_gateway_address(hold->client, gateway, sizeof gateway); /* "" = no network yet */
    for (size_t i = 0; i < hold->count && code == PH_EXITCODE_DONE; i++) {
        struct ph_wish *wish = &hold->wishes[i];
        struct porthole_request request = PORTHOLE_REQUEST_INIT;
        request.protocol = wish->protocol;
        request.internal_port = wish->port;
        const struct ph_lease *found = ph_leases_find(list, count, &request, gateway);
        struct ph_lease *lease = &wish->note.lease;
        if (found && ph_leases_is_alive(&found->holder)) {
            ph_output_error(hold->options.command, "%s %u is held by process %lld",
                            porthole_protocol_name(wish->protocol), (unsigned)wish->port,
                            (long long)found->holder.number);
            code = PH_EXITCODE_FAILED;
        } else if (found) {
            *lease = wish->found = *found;
        } else {
            lease->protocol = wish->protocol;
            lease->internal_port = wish->port;
            lease->external_port = hold->external_port;
            memcpy(lease->gateway, gateway, sizeof gateway);
            if (!ph_leases_draw_key(lease->key))
                lease->key[0] = '\0'; /* the library has other sources */
        }
        lease->holder = holder;
        lease->until_s = 0;
        /* What is known is there for later, and need not be written to be left to its lease. */
        wish->is_noted = (hold->once && found) || gateway[0] == '\0' || lease->key[0] == '\0';
    }
    free(list);
    return code;
}

void ph_hold_notes_write(struct ph_hold *hold) {
    size_t count = 0;
    for (size_t i = 0; i < hold->count; i++)
        if (!hold->wishes[i].is_noted)
            hold->changes[count++] = hold->wishes[i].note;
    if (count == 0 || (!hold->is_ending && ph_drive_now_ms() < hold->notes_rest_ms))
        return;
    if (!ph_leases_write(hold->leases, hold->changes, count)) {
        hold->notes_rest_ms = ph_drive_now_ms() + REST_MS;
        return;
    }
    for (size_t i = 0; i < hold->count; i++)
        hold->wishes[i].is_noted = true;
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
    if (lease->internal_port == 0 || (!is_open && event->type != PORTHOLE_EVENT_UNMAPPED))
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
        wish->note = (struct ph_lease_change){.lease = wish->found}; /* nothing new is known */
    } else if (hold->once && wish->opened) {
        return; /* left to its lease */
    } else {
        note_end(&wish->note, mapping);
    }
    wish->is_noted = lease->gateway[0] == '\0';
}
