/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * list_rows.c: whose each mapping is. An entry is porthole's when it leads to this host's address
 * and the record has its ports; PCP's and NAT-PMP's are known by the record alone, unless the
 * router lists them too.
 */
#include "cli/list_rows.h"

#include <stdlib.h>
#include <string.h>

bool ph_list_is_ours(enum ph_list_owner owner) { return owner <= PH_LIST_STALE; }

static enum ph_list_owner owner_of(const struct ph_lease *lease) {
    if (lease->holder.number == 0)
        return PH_LIST_LEFT;
    return ph_leases_is_alive(&lease->holder) ? PH_LIST_HELD : PH_LIST_STALE;
}

static bool is_of(const struct ph_lease *lease, const struct porthole_entry *entry) {
    return entry->is_local && lease->protocol == entry->protocol &&
           lease->internal_port == entry->internal_port &&
           (lease->external_port == entry->external_port || lease->external_port == 0);
}

static struct ph_list_row listed_row(const struct porthole_entry *entry,
                                     const struct ph_lease *lease) {
    enum ph_list_owner stranger = entry->is_local ? PH_LIST_HOST : PH_LIST_OTHER;
    struct ph_list_row row = {
        .is_listed = true,
        .is_enabled = entry->is_enabled != 0,
        .is_permanent = entry->lifetime_s == 0,
        .has_end = entry->lifetime_s != 0,
        .owner = lease ? owner_of(lease) : stranger,
        .via = lease && lease->method ? lease->method : PORTHOLE_UPNP,
        .protocol = entry->protocol,
        .external_port = entry->external_port,
        .internal_port = entry->internal_port,
        .internal_address = entry->internal_address,
        .remote_host = entry->remote_host,
        .description = entry->description,
        .lifetime_s = entry->lifetime_s,
    };
    row.holder = row.owner == PH_LIST_HELD ? lease->holder.number : 0;
    return row;
}

static struct ph_list_row noted_row(const struct ph_lease *lease, bool is_whole,
                                    const char *local) {
    struct ph_list_row row = {
        .is_missing = is_whole && lease->method == PORTHOLE_UPNP,
        .is_enabled = true,
        .owner = owner_of(lease),
        .via = lease->method,
        .protocol = lease->protocol,
        .external_port = lease->external_port,
        .internal_port = lease->internal_port,
        .internal_address = local,
        .remote_host = "",
        .description = "",
    };
    int64_t left_s = lease->until_s - ph_leases_now_s();
    row.has_end = lease->until_s != 0;
    row.is_renewed = !row.has_end && row.owner == PH_LIST_HELD;
    row.is_permanent = !row.has_end && row.owner == PH_LIST_LEFT;
    row.holder = row.owner == PH_LIST_HELD ? lease->holder.number : 0;
    if (row.has_end && left_s > 0)
        row.lifetime_s = left_s < UINT32_MAX ? (uint32_t)left_s : UINT32_MAX;
    return row;
}

static bool passes(const struct ph_list_row *row, const struct ph_list_filter *filter) {
    bool is_wanted = row->protocol == PORTHOLE_TCP ? filter->tcp : filter->udp;
    bool is_by =
        filter->methods == 0 || row->via == PORTHOLE_NONE || (filter->methods & 1U << row->via);
    return (is_wanted || (!filter->tcp && !filter->udp)) && is_by &&
           (!filter->ours || ph_list_is_ours(row->owner));
}

static int compare_rows(const void *left, const void *right) {
    const struct ph_list_row *a = left;
    const struct ph_list_row *b = right;
    if (a->external_port != b->external_port)
        return a->external_port < b->external_port ? -1 : 1;
    if (a->protocol != b->protocol)
        return a->protocol < b->protocol ? -1 : 1;
    if (a->internal_port != b->internal_port)
        return a->internal_port < b->internal_port ? -1 : 1;
    return strcmp(a->remote_host, b->remote_host);
}

int ph_list_rows(const struct porthole_listing *listing, const struct ph_lease *leases, int count,
                 const char *gateway, const char *local, const struct ph_list_filter *filter,
                 struct ph_list_row **ret) {
    size_t entries = listing ? listing->count : 0;
    bool is_whole = listing && listing->error == 0 && listing->flags == 0;
    bool *is_told = calloc((size_t)count + 1, sizeof *is_told);
    struct ph_list_row *rows = calloc(entries + (size_t)count + 1, sizeof *rows);
    int made = 0;
    for (size_t i = 0; i < entries && is_told && rows; i++) {
        const struct ph_lease *lease = NULL;
        for (int n = 0; n < count && !lease; n++)
            if (strcmp(leases[n].gateway, gateway) == 0 && is_of(&leases[n], listing->entries[i])) {
                lease = &leases[n];
                is_told[n] = true;
            }
        rows[made] = listed_row(listing->entries[i], lease);
        made += passes(&rows[made], filter) ? 1 : 0;
    }
    for (int n = 0; n < count && is_told && rows; n++) {
        if (is_told[n] || strcmp(leases[n].gateway, gateway) != 0)
            continue;
        rows[made] = noted_row(&leases[n], is_whole, local);
        made += passes(&rows[made], filter) ? 1 : 0;
    }
    if (!is_told || !rows) {
        free(rows);
        rows = NULL;
        made = -1;
    }
    free(is_told);
    if (made > 1)
        qsort(rows, (size_t)made, sizeof *rows, compare_rows);
    *ret = rows;
    return made;
}
