/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * map.c: mappings asked for, looked at and given back; what blocks is in wait.c. See porthole.h for
 * what each function promises.
 */
#include <stdlib.h>
#include <string.h>

#include "api/client.h"

#define LIFETIME_SHORTEST_S 20U
#define REFRESH_SHORTEST_S 4U /* RFC 6887 §11.2.1 */
#define DESCRIPTION_MAX 63U

static bool is_description(const char *text) {
    for (size_t i = 0; text[i] != '\0'; i++)
        if (text[i] < 0x20 || text[i] > 0x7e || i >= DESCRIPTION_MAX)
            return false;
    return true;
}

static int digit_of(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool read_key(const char *text, uint8_t ret[PH_KEY_SIZE]) {
    for (size_t i = 0; i < PH_KEY_SIZE; i++) {
        int high = digit_of(text[2 * i]);
        int low = high < 0 ? -1 : digit_of(text[2 * i + 1]);
        if (low < 0)
            return false;
        ret[i] = (uint8_t)(high << 4 | low);
    }
    return text[2 * PH_KEY_SIZE] == '\0';
}

static bool is_given(const char *text) { return text && text[0] != '\0'; }

/* What a mapping and a removal have in common. */
static bool check_target(const struct porthole *client, const struct porthole_request *request) {
    uint8_t key[PH_KEY_SIZE];
    return (request->protocol == PORTHOLE_TCP || request->protocol == PORTHOLE_UDP) &&
           (!is_given(request->key) || read_key(request->key, key)) &&
           (request->methods & ~client->methods) == 0;
}

static int check_request(const struct porthole *client, const struct porthole_request *request) {
    const unsigned flags = PORTHOLE_EXACT_PORT | PORTHOLE_LEASE;
    if (!check_target(client, request) || request->internal_port == 0 ||
        (request->flags & ~flags) != 0 ||
        (request->lifetime_s != 0 && request->lifetime_s < LIFETIME_SHORTEST_S) ||
        (request->refresh_s != 0 && request->refresh_s < REFRESH_SHORTEST_S) ||
        (request->description && !is_description(request->description)))
        return PORTHOLE_ERR_INVALID;
    return 0;
}

static int check_removal(const struct porthole *client, const struct porthole_request *request) {
    bool is_all = request->flags == PORTHOLE_ALL_PORTS;
    if (!check_target(client, request) || (request->internal_port == 0) != is_all ||
        (request->flags != 0 && !is_all) || (is_all && request->external_port != 0))
        return PORTHOLE_ERR_INVALID;
    return 0;
}

/* What the engine is asked for, with the defaults in the place of zeros. */
static struct ph_map_request complete(const struct porthole *client,
                                      const struct porthole_request *request,
                                      uint8_t key[PH_KEY_SIZE]) {
    bool has_key = is_given(request->key) && read_key(request->key, key);
    return (struct ph_map_request){
        .protocol = request->protocol,
        .internal_port = request->internal_port,
        .external_port = request->external_port ? request->external_port : request->internal_port,
        .flags = request->flags,
        .lifetime_s = request->lifetime_s ? request->lifetime_s : client->lifetime_s,
        .refresh_s = request->refresh_s,
        .methods = request->methods,
        .key = has_key ? key : NULL,
        .description = is_given(request->description) ? request->description : NULL,
    };
}

int ph_map_ask(struct porthole *client, enum ph_input_type type,
               const struct porthole_request *request, bool is_held, porthole_id *ret_id) {
    struct porthole_request known;
    struct ph_input input = {.type = type};
    uint8_t key[PH_KEY_SIZE];
    if (ph_facts_read(request, &known, sizeof known) != 0)
        return PORTHOLE_ERR_INVALID;
    int fault =
        type == PH_INPUT_MAP ? check_request(client, &known) : check_removal(client, &known);
    if (fault != 0)
        return fault;
    struct ph_map_request asked = complete(client, &known, key);
    if (type == PH_INPUT_REMOVE)
        asked.external_port = known.external_port;
    struct ph_record *record = calloc(1, sizeof *record);
    if (!record)
        return PORTHOLE_ERR_NO_MEMORY;
    input.u.map.id = ++client->last_id;
    input.u.map.request = &asked;
    record->on_event = known.on_event;
    record->user = known.user;
    record->is_held = is_held;
    ph_link_init(&record->in_all);
    ph_list_append(&client->all, &record->in_all);
    ph_table_add(&client->records, &record->by_id, input.u.map.id);
    int error = ph_driver_apply(client->driver, &input);
    if (error != 0) {
        ph_table_remove(&client->records, &record->by_id);
        ph_link_remove(&record->in_all);
        free(record);
        return error;
    }
    *ret_id = input.u.map.id;
    return 0;
}

static int ask_now(struct porthole *client, enum ph_input_type type,
                   const struct porthole_request *request, porthole_id *ret_id) {
    if (!ret_id)
        return PORTHOLE_ERR_INVALID;
    int error = ph_client_enter(client);
    if (error != 0)
        return error;
    return ph_client_leave(client, ph_map_ask(client, type, request, false, ret_id));
}

int porthole_map(struct porthole *client, const struct porthole_request *request,
                 porthole_id *ret_id) {
    return ask_now(client, PH_INPUT_MAP, request, ret_id);
}

int porthole_remove(struct porthole *client, const struct porthole_request *request,
                    porthole_id *ret_id) {
    return ask_now(client, PH_INPUT_REMOVE, request, ret_id);
}

/* ---- What exists ----------------------------------------------------------------------------- */

bool ph_map_facts(struct porthole *client, porthole_id id, struct porthole_mapping *ret) {
    struct ph_mapping_info info;
    if (!ph_engine_query(ph_driver_engine(client->driver), id, &info))
        return false;
    struct ph_node *node = ph_table_find(&client->records, id);
    ph_facts_mapping(&info, node ? PH_CONTAINER(node, struct ph_record, by_id)->user : NULL, ret);
    return true;
}

int porthole_query(struct porthole *client, porthole_id id, struct porthole_mapping *ret_mapping) {
    struct porthole_mapping facts;
    if (!ret_mapping || ph_facts_check(ret_mapping) != 0)
        return PORTHOLE_ERR_INVALID;
    int error = ph_client_enter(client);
    if (error != 0)
        return error;
    if (!ph_map_facts(client, id, &facts))
        return ph_client_leave(client, PORTHOLE_ERR_UNKNOWN_ID);
    ph_facts_write(ret_mapping, &facts, sizeof facts);
    return ph_client_leave(client, 0);
}

int porthole_has_mapping(struct porthole *client, porthole_id id) {
    struct ph_mapping_info info;
    int error = ph_client_enter(client);
    if (error != 0)
        return error;
    bool exists = ph_engine_query(ph_driver_engine(client->driver), id, &info) &&
                  info.state != PORTHOLE_DESTROYING;
    return ph_client_leave(client, exists ? 1 : 0);
}

int porthole_mapping_count(struct porthole *client) {
    int error = ph_client_enter(client);
    if (error != 0)
        return error;
    return ph_client_leave(client, (int)ph_engine_count(ph_driver_engine(client->driver)));
}

/* ---- What becomes of it ---------------------------------------------------------------------- */

static int apply_to(struct porthole *client, enum ph_input_type type, porthole_id id) {
    struct ph_input input = {.type = type, .u.id = id};
    return ph_driver_apply(client->driver, &input);
}

int porthole_refresh(struct porthole *client, porthole_id id) {
    int error = ph_client_enter(client);
    if (error != 0)
        return error;
    return ph_client_leave(client, apply_to(client, PH_INPUT_REFRESH, id));
}

void ph_map_give_up(struct porthole *client, porthole_id id) {
    (void)apply_to(client, PH_INPUT_UNMAP, id); /* which may not know it any more */
}

int porthole_unmap(struct porthole *client, porthole_id id) {
    int error = ph_client_enter(client);
    if (error != 0)
        return error;
    ph_map_give_up(client, id);
    return ph_client_leave(client, 0);
}

int porthole_unmap_all(struct porthole *client) {
    int error = ph_client_enter(client);
    if (error != 0)
        return error;
    /* Each record goes to the end before its turn, and may leave the list in any. */
    struct ph_link end;
    ph_link_init(&end);
    ph_list_append(&client->all, &end);
    while (client->all.next != &end) {
        struct ph_link *link = client->all.next;
        ph_link_remove(link);
        ph_list_append(&client->all, link);
        ph_map_give_up(client, PH_CONTAINER(link, struct ph_record, in_all)->by_id.key);
    }
    ph_link_remove(&end);
    return ph_client_leave(client, 0);
}
