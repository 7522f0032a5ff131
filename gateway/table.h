/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * table.h: the gateway's port mappings, found by external port and by client, each with its lease.
 * Every look-up is one hash, a lease is a timer in a heap, so that the cost of a request does not
 * grow with the number of mappings. It knows no protocol and makes no decision: the servers do.
 */
#ifndef PH_GATEWAY_TABLE_H
#define PH_GATEWAY_TABLE_H

#include <porthole/porthole.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/heap.h"
#include "base/table.h"
#include "base/time.h"

#define PH_GW_NONCE_SIZE 12        /* RFC 6887 §11.1 */
#define PH_GW_DESCRIPTION_SIZE 64U /* of a UPnP mapping; the rest is cut off */

/* What a mapping is; all of it is fixed while the mapping exists. */
struct ph_gw_facts {
    enum porthole_method made_by; /* PCP, NATPMP or UPNP: the other two leave it alone */
    uint8_t protocol;             /* IANA number: 6 or 17 */
    uint16_t internal_port;
    uint16_t external_port;
    struct ph_addr client;
    uint8_t nonce[PH_GW_NONCE_SIZE];          /* PCP only */
    char description[PH_GW_DESCRIPTION_SIZE]; /* UPnP only; printable ASCII */
};

struct ph_gw_mapping {
    struct ph_gw_facts facts;
    void *listener; /* belongs to the open and close hooks of server.h */
    /* The table's own. */
    struct ph_timer lease;
    struct ph_node by_external;
    struct ph_node by_client;
    size_t at;
};

struct ph_gw_table {
    struct ph_table by_external;
    struct ph_table by_client;
    struct ph_heap leases;
    struct ph_gw_mapping **all; /* without gaps; removing one moves the last into its place */
    size_t count;
    size_t size;
};

/* False: out of memory; the table may be handed to done() all the same. */
bool ph_gw_table_init(struct ph_gw_table *table);
/* Frees the mappings that are left. */
void ph_gw_table_done(struct ph_gw_table *table);

/* NULL: out of memory. The external port must be free. */
struct ph_gw_mapping *ph_gw_table_add(struct ph_gw_table *table, const struct ph_gw_facts *facts);
void ph_gw_table_remove(struct ph_gw_table *table, struct ph_gw_mapping *mapping);
/* When the lease ends; PH_NEVER = it does not. */
void ph_gw_table_set_lease(struct ph_gw_table *table, struct ph_gw_mapping *mapping, ph_us ends);

/* NULL when there is none. */
struct ph_gw_mapping *ph_gw_table_at_external(const struct ph_gw_table *table, uint8_t protocol,
                                              uint16_t port);
/* The client's mapping of an internal port, made by PCP or by NAT-PMP: these have at most one of it
 * each. UPnP may give one internal port thousands of external ones, which are not found this way.
 */
struct ph_gw_mapping *ph_gw_table_of_client(const struct ph_gw_table *table,
                                            enum porthole_method made_by,
                                            const struct ph_addr *client, uint8_t protocol,
                                            uint16_t internal_port);
/* The mapping whose lease is over at `now`, the earliest first; NULL when none is. */
struct ph_gw_mapping *ph_gw_table_expired(const struct ph_gw_table *table, ph_us now);
/* Whole seconds until the lease ends, rounded up; 0 = without end, or over. */
uint32_t ph_gw_mapping_left_s(const struct ph_gw_mapping *mapping, ph_us now);

#endif
