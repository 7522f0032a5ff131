/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * world_ask.c: what the application and the system tell the client of a world, and what a test asks
 * about it. The link and the gateway are in world.c.
 */
#include <string.h>

#include "sim/world.h"

int ph_world_map_request(struct ph_world *world, const struct ph_map_request *request,
                         porthole_id *ret_id) {
    struct ph_input input = {.type = PH_INPUT_MAP};
    input.u.map.id = *ret_id = ++world->last_id;
    input.u.map.request = request;
    return ph_world_step(world, &input);
}

int ph_world_remove(struct ph_world *world, const struct ph_map_request *request,
                    porthole_id *ret_id) {
    struct ph_input input = {.type = PH_INPUT_REMOVE};
    input.u.map.id = *ret_id = ++world->last_id;
    input.u.map.request = request;
    return ph_world_step(world, &input);
}

porthole_id ph_world_map(struct ph_world *world, enum porthole_protocol protocol, uint16_t port) {
    struct ph_map_request request = {
        .protocol = protocol, .internal_port = port, .external_port = port, .lifetime_s = 7200};
    porthole_id id;
    return ph_world_map_request(world, &request, &id) < 0 ? 0 : id;
}

void ph_world_unmap(struct ph_world *world, porthole_id id) {
    ph_world_step(world, &(struct ph_input){.type = PH_INPUT_UNMAP, .u.id = id});
}

void ph_world_refresh(struct ph_world *world, porthole_id id) {
    ph_world_step(world, &(struct ph_input){.type = PH_INPUT_REFRESH, .u.id = id});
}

int ph_world_probe(struct ph_world *world, ph_us duration, bool address_only) {
    struct ph_input input = {.type = PH_INPUT_PROBE};
    input.u.probe.deadline = world->now + duration;
    input.u.probe.address_only = address_only;
    return ph_world_step(world, &input);
}

int ph_world_list(struct ph_world *world, ph_us duration) {
    return ph_world_step(
        world, &(struct ph_input){.type = PH_INPUT_LIST, .u.list_deadline = world->now + duration});
}

void ph_world_stop(struct ph_world *world, ph_us duration) {
    ph_world_step(
        world, &(struct ph_input){.type = PH_INPUT_STOP, .u.stop_deadline = world->now + duration});
}

void ph_world_network(struct ph_world *world, bool is_there) {
    struct ph_network network = {.error = PORTHOLE_ERR_NO_NETWORK};
    if (is_there) {
        network.count = 1;
        network.paths[0] = world->path;
    }
    ph_world_step(world, &(struct ph_input){.type = PH_INPUT_NETWORK, .u.network = &network});
}

struct ph_mapping_info ph_world_query(struct ph_world *world, porthole_id id) {
    struct ph_mapping_info info = {.state = PORTHOLE_DESTROYED};
    ph_engine_query(world->engine, id, &info);
    return info;
}

unsigned ph_world_count(const struct ph_world *world, porthole_id id,
                        enum porthole_event_type type) {
    unsigned count = 0;
    for (size_t i = 0; i < world->event_count; i++)
        count += world->events[i].info.id == id && world->events[i].type == type;
    return count;
}

struct ph_event ph_world_last(const struct ph_world *world) {
    if (world->event_count == 0)
        return (struct ph_event){.info.id = 0};
    return world->events[world->event_count - 1];
}

bool ph_world_has_result(struct ph_world *world) {
    enum porthole_event_type type = ph_world_last(world).type;
    return type == PORTHOLE_EVENT_MAPPED || type == PORTHOLE_EVENT_FAILED;
}

bool ph_world_traced(const struct ph_world *world, const char *line) {
    return world->trace && strstr(world->trace, line) != NULL;
}

void ph_world_deafen(struct ph_world *world) {
    struct ph_input input = {.type = PH_INPUT_UNREACHABLE};
    input.u.unreachable.gateway = world->gateway;
    input.u.unreachable.error = PORTHOLE_ERR_NOT_AVAILABLE;
    for (unsigned i = PH_CHANNEL_ANNOUNCE; i < PH_CHANNELS; i++) {
        input.u.unreachable.channel = (enum ph_channel)i;
        ph_world_step(world, &input);
    }
}
