/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * upnp_list.c: what there is, told to whoever asks: entry by entry by an index, which is its place
 * in the table at that moment, and as a whole (WANIPConnection:2 §2.5.21). Router models see to it
 * that neither can be relied on.
 */
#include "gateway/upnp_parts.h"
#include "wire/portlist.h"

/* What comes and goes while the list is read: another host's. It is no mapping, and is only told.
 */
static const struct ph_gw_mapping passing = {
    .facts = {.made_by = PORTHOLE_UPNP,
              .protocol = PORTHOLE_TCP,
              .internal_port = 7,
              .external_port = 7,
              .client = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 77}},
              .description = "passing"}};

/* Questions by index until it comes or goes: in the midst of a list. */
#define PASSING_CALLS 3U
/* What a router model that tells less tells. */
#define SHORT_LIST_SIZE 2U

static bool is_passing_there(const struct ph_gw_server *server) {
    unsigned calls = server->index_calls;
    return (ph_gw_has(server, PH_GW_QUIRK_LIST_SHRINKS) && calls < PASSING_CALLS) ||
           (ph_gw_has(server, PH_GW_QUIRK_LIST_GROWS) && calls >= PASSING_CALLS) ||
           (ph_gw_has(server, PH_GW_QUIRK_RESTLESS_LIST) && calls / PASSING_CALLS % 2 == 1);
}

unsigned ph_gw_upnp_entry_at(struct ph_gw_server *server, uint32_t index,
                             const struct ph_gw_mapping **ret) {
    const struct ph_gw_table *table = &server->table;
    bool is_there = is_passing_there(server);
    uint32_t first = ph_gw_has(server, PH_GW_QUIRK_INDEX_FROM_ONE) ? 1 : 0;
    uint32_t before = first + (is_there ? 1 : 0);
    server->index_calls++;
    if (ph_gw_has(server, PH_GW_QUIRK_NO_INDEX))
        return PH_UPNP_INVALID_ACTION;
    if (is_there && index == first)
        *ret = &passing;
    else if (index >= before && index - before < table->count)
        *ret = table->all[index - before];
    else if (index >= before && ph_gw_has(server, PH_GW_QUIRK_ENDLESS_LIST))
        *ret = table->count > 0 ? table->all[table->count - 1] : &passing;
    else
        return ph_gw_has(server, PH_GW_QUIRK_INDEX_END_501) ? PH_UPNP_ACTION_FAILED
                                                            : PH_UPNP_ARRAY_INDEX_INVALID;
    return 0;
}

static void write_mapping(struct ph_writer *w, const struct ph_gw_mapping *mapping, ph_us now) {
    const struct ph_gw_facts *facts = &mapping->facts;
    struct ph_portlist_entry entry = {.external_port = facts->external_port,
                                      .internal_port = facts->internal_port,
                                      .protocol = facts->protocol,
                                      .is_enabled = true,
                                      .lease_s = ph_gw_mapping_left_s(mapping, now)};
    char client[PH_ADDR_TEXT_SIZE];
    ph_span_print(ph_span_of(ph_addr_format(&facts->client, client)), entry.client_name,
                  sizeof entry.client_name);
    ph_span_print(ph_span_of(facts->description), entry.description, sizeof entry.description);
    ph_portlist_write(w, &entry);
}

unsigned ph_gw_upnp_write_list(struct ph_gw_call *call, const struct ph_gw_range *range) {
    const struct ph_gw_server *server = call->server;
    const struct ph_gw_table *table = &server->table;
    struct ph_writer w;
    uint32_t count = 0;
    uint32_t most = range->most > 0 ? range->most : UINT32_MAX;
    if (ph_gw_has(server, PH_GW_QUIRK_SHORT_LIST) && most > SHORT_LIST_SIZE)
        most = SHORT_LIST_SIZE;
    if (ph_gw_has(server, PH_GW_QUIRK_NO_LIST))
        return PH_UPNP_INVALID_ACTION;
    ph_writer_init(&w, call->listing, sizeof call->listing - 1);
    ph_portlist_write_head(&w);
    for (size_t i = 0; i < table->count && count < most; i++) {
        const struct ph_gw_facts *facts = &table->all[i]->facts;
        if (facts->protocol != range->protocol || facts->external_port < range->first ||
            facts->external_port > range->last ||
            (!range->of_all && !ph_addr_equal(&facts->client, &call->from->addr)))
            continue;
        write_mapping(&w, table->all[i], call->now);
        count++;
    }
    ph_portlist_write_tail(&w);
    int len = ph_writer_result(&w);
    if (count == 0)
        return PH_UPNP_PORT_MAPPING_NOT_FOUND;
    if (len < 0)
        return PH_UPNP_ACTION_FAILED; /* rather than a part that passes for the whole */
    call->listing[len] = '\0';
    return 0;
}
