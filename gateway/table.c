/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * table.c: see table.h.
 */
#include "gateway/table.h"

#include <stdlib.h>
#include <string.h>

bool ph_gw_table_init(struct ph_gw_table *table) {
    memset(table, 0, sizeof *table);
    ph_heap_init(&table->leases);
    return ph_table_init(&table->by_external) && ph_table_init(&table->by_client);
}

void ph_gw_table_done(struct ph_gw_table *table) {
    for (size_t i = 0; i < table->count; i++)
        free(table->all[i]);
    free(table->all);
    ph_heap_done(&table->leases);
    ph_table_done(&table->by_client);
    ph_table_done(&table->by_external);
}

static uint64_t external_key(uint8_t protocol, uint16_t port) {
    return (uint64_t)protocol << 16 | port;
}

/* Different for all (client, protocol, port) of IPv4, so that a client cannot make its entries
 * collide; of an IPv6 address the upper part is folded in, and a match is always checked in full.
 */
static uint64_t client_key(const struct ph_addr *client, uint8_t protocol, uint16_t port) {
    uint64_t upper = 0;
    uint64_t lower = 0;
    for (size_t i = 0; i < 12; i++)
        upper = upper * 0x100000001b3U + client->b[i];
    for (size_t i = 12; i < 16; i++)
        lower = lower << 8 | client->b[i];
    return (lower << 24 | (uint64_t)protocol << 16 | port) ^ (upper << 8);
}

static bool has_one_port(const struct ph_gw_facts *facts) {
    return facts->made_by != PORTHOLE_UPNP;
}

static bool make_room(struct ph_gw_table *table) {
    if (table->count < table->size)
        return true;
    size_t size = table->size > 0 ? table->size * 2 : 16;
    struct ph_gw_mapping **all = realloc(table->all, size * sizeof(struct ph_gw_mapping *));
    if (!all)
        return false;
    table->all = all;
    table->size = size;
    return true;
}

struct ph_gw_mapping *ph_gw_table_add(struct ph_gw_table *table, const struct ph_gw_facts *facts) {
    struct ph_gw_mapping *mapping = calloc(1, sizeof *mapping);
    if (!mapping || !make_room(table) || !ph_heap_reserve(&table->leases, &mapping->lease, 0)) {
        free(mapping);
        return NULL;
    }
    mapping->facts = *facts;
    mapping->at = table->count;
    table->all[table->count++] = mapping;
    ph_table_add(&table->by_external, &mapping->by_external,
                 external_key(facts->protocol, facts->external_port));
    if (has_one_port(facts))
        ph_table_add(&table->by_client, &mapping->by_client,
                     client_key(&facts->client, facts->protocol, facts->internal_port));
    return mapping;
}

void ph_gw_table_remove(struct ph_gw_table *table, struct ph_gw_mapping *mapping) {
    ph_table_remove(&table->by_external, &mapping->by_external);
    if (has_one_port(&mapping->facts))
        ph_table_remove(&table->by_client, &mapping->by_client);
    ph_heap_release(&table->leases, &mapping->lease);
    struct ph_gw_mapping *last = table->all[--table->count];
    table->all[mapping->at] = last;
    last->at = mapping->at;
    free(mapping);
}

void ph_gw_table_set_lease(struct ph_gw_table *table, struct ph_gw_mapping *mapping, ph_us ends) {
    ph_heap_set(&table->leases, &mapping->lease, ends);
}

struct ph_gw_mapping *ph_gw_table_at_external(const struct ph_gw_table *table, uint8_t protocol,
                                              uint16_t port) {
    struct ph_node *node = ph_table_find(&table->by_external, external_key(protocol, port));
    return node ? PH_CONTAINER(node, struct ph_gw_mapping, by_external) : NULL;
}

struct ph_gw_mapping *ph_gw_table_of_client(const struct ph_gw_table *table,
                                            enum porthole_method made_by,
                                            const struct ph_addr *client, uint8_t protocol,
                                            uint16_t internal_port) {
    uint64_t key = client_key(client, protocol, internal_port);
    struct ph_node *node = ph_table_find(&table->by_client, key);
    for (; node; node = ph_table_find_next(node)) {
        struct ph_gw_mapping *mapping = PH_CONTAINER(node, struct ph_gw_mapping, by_client);
        const struct ph_gw_facts *facts = &mapping->facts;
        if (facts->made_by == made_by && facts->protocol == protocol &&
            facts->internal_port == internal_port && ph_addr_equal(&facts->client, client))
            return mapping;
    }
    return NULL;
}

struct ph_gw_mapping *ph_gw_table_expired(const struct ph_gw_table *table, ph_us now) {
    struct ph_timer *timer = ph_heap_first(&table->leases);
    return timer && timer->due <= now ? PH_CONTAINER(timer, struct ph_gw_mapping, lease) : NULL;
}

uint32_t ph_gw_mapping_left_s(const struct ph_gw_mapping *mapping, ph_us now) {
    ph_us ends = mapping->lease.due;
    return ends == PH_NEVER || ends <= now ? 0 : (uint32_t)((ends - now + 999999U) / 1000000U);
}
