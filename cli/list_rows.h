/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * list_rows.h: what `porthole list` shows: the entries of the router's own list, each with what
 * porthole's record knows of it, and what only the record knows.
 */
#ifndef PH_CLI_LIST_ROWS_H
#define PH_CLI_LIST_ROWS_H

#include <porthole/list.h>
#include <stdbool.h>
#include <stdint.h>

#include "cli/leases.h"

enum ph_list_owner {
    PH_LIST_HELD,  /* by a porthole that runs */
    PH_LIST_LEFT,  /* by `map --once`, on purpose */
    PH_LIST_STALE, /* by a porthole that crashed */
    PH_LIST_HOST,  /* by another program of this host */
    PH_LIST_OTHER  /* by another host */
};

/* Texts are borrowed from the listing and the leases. */
struct ph_list_row {
    bool is_listed;  /* by the router; else only noted */
    bool is_missing; /* noted as made by UPnP, and not in the router's list */
    bool is_enabled;
    bool is_permanent;
    bool is_renewed; /* HELD, not listed: its holder sees to its lease */
    bool has_end;    /* lifetime_s is known; when it is not listed, as the most that it can be */
    enum ph_list_owner owner;
    enum porthole_method via; /* NONE = not known */
    enum porthole_protocol protocol;
    uint16_t external_port; /* 0 = every port; not known, when it is not listed */
    uint16_t internal_port;
    const char *internal_address;
    const char *remote_host;
    const char *description;
    uint32_t lifetime_s;
    int64_t holder; /* HELD: the process */
};

struct ph_list_filter {
    bool ours;
    bool tcp; /* neither of the two: both */
    bool udp;
    unsigned methods; /* PORTHOLE_USE_*; 0 = all */
};

/* Fills *ret, to be freed, by external port. `listing` may be NULL; of the leases count those of
 * `gateway`, which lead to `local`. Returns how many rows there are; -1 = out of memory. */
int ph_list_rows(const struct porthole_listing *listing, const struct ph_lease *leases, int count,
                 const char *gateway, const char *local, const struct ph_list_filter *filter,
                 struct ph_list_row **ret);

bool ph_list_is_ours(enum ph_list_owner owner);

/* As a line of JSON, and as a table for people. */
void ph_list_print_json(const struct ph_list_row *row, const char *gateway);
void ph_list_print_table(const struct ph_list_row *rows, int count);

#endif
