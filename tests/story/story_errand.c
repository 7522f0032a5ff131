/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * story_errand.c: removing, and renewing, what an earlier process of this host left on the gateway:
 * by each method, with the key and without, one port and all of them, and never another host's.
 */
#include "tests/story/igd.h"

#define LEASE_PORT 8080

static struct ph_map_request request_for(uint16_t port) {
    return (struct ph_map_request){
        .protocol = PORTHOLE_TCP, .internal_port = port, .external_port = port, .lifetime_s = 7200};
}

/* A world in which an earlier process has left leases of these ports, and its last mapping's facts.
 */
static struct ph_world *world_with_leases(unsigned methods, const uint16_t *ports, size_t count,
                                          struct ph_mapping_info *ret_last) {
    struct ph_world_options options = story_options(methods);
    struct ph_world *world = ph_world_new(&options);
    for (size_t i = 0; i < count; i++) {
        struct ph_map_request request = request_for(ports[i]);
        porthole_id id;
        request.flags = PORTHOLE_LEASE;
        assert_int_equal(ph_world_map_request(world, &request, &id), 0);
        ph_world_run(world, PH_SECONDS(1));
        *ret_last = ph_world_query(world, id);
        assert_int_equal(ret_last->state, PORTHOLE_SUCCESS);
    }
    ph_world_restart_client(world);
    assert_int_equal(ph_gw_server_count(world->server), count);
    return world;
}

static struct ph_event removed(struct ph_world *world, const struct ph_map_request *request) {
    porthole_id id;
    size_t before = world->event_count;
    assert_int_equal(ph_world_remove(world, request, &id), 0);
    assert_int_equal(ph_engine_count(world->engine), 0);
    ph_world_run(world, PH_SECONDS(30));
    assert_int_equal(world->event_count, before + 1);
    struct ph_event event = ph_world_last(world);
    assert_int_equal(event.type, PORTHOLE_EVENT_UNMAPPED);
    assert_int_equal(event.info.id, id);
    return event;
}

static const uint16_t one_port[] = {LEASE_PORT};
static const uint16_t some_ports[] = {LEASE_PORT, 9000, 9001};

/* ---- With the key ---------------------------------------------------------------------------- */

static void lease_is_removed_by_a_later_process_that_has_its_key(void **state) {
    (void)state;
    for (unsigned method = PORTHOLE_PCP; method <= PORTHOLE_UPNP; method++) {
        struct ph_mapping_info left;
        struct ph_world *world = world_with_leases(1U << method, one_port, 1, &left);
        struct ph_map_request request = request_for(LEASE_PORT);
        request.key = left.key;
        request.methods = 1U << method;
        struct ph_event event = removed(world, &request);
        assert_int_equal(event.info.fate, PORTHOLE_FATE_REMOVED);
        assert_int_equal(event.info.method, method);
        assert_int_equal(event.info.error, 0);
        assert_int_equal(ph_gw_server_count(world->server), 0);
        ph_world_free(world);
    }
}

static void lease_is_renewed_by_a_later_process_that_has_its_key(void **state) {
    (void)state;
    struct ph_mapping_info left;
    struct ph_world *world = world_with_leases(PORTHOLE_USE_PCP, one_port, 1, &left);
    struct ph_map_request request = request_for(LEASE_PORT);
    porthole_id id;
    request.key = left.key;
    assert_int_equal(ph_world_map_request(world, &request, &id), 0);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_mapped(world, id, PORTHOLE_PCP, LEASE_PORT);
    assert_memory_equal(ph_world_query(world, id).key, left.key, PH_KEY_SIZE);
    assert_int_equal(ph_gw_server_count(world->server), 1);
    ph_world_free(world);
}

static void key_is_kept_until_there_is_a_network(void **state) {
    (void)state;
    struct ph_mapping_info left;
    struct ph_world *world = world_with_leases(PORTHOLE_USE_PCP, one_port, 1, &left);
    struct ph_map_request request = request_for(LEASE_PORT);
    porthole_id id;
    request.key = left.key;
    world->options.no_network = true;
    ph_world_restart_client(world);
    assert_int_equal(ph_world_map_request(world, &request, &id), 0);
    ph_world_network(world, true);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_mapped(world, id, PORTHOLE_PCP, LEASE_PORT);
    assert_memory_equal(ph_world_query(world, id).key, left.key, PH_KEY_SIZE);
    assert_int_equal(ph_gw_server_count(world->server), 1);
    ph_world_free(world);
}

/* ---- Without it ------------------------------------------------------------------------------ */

static void pcp_lease_without_its_key_is_told_as_not_ours(void **state) {
    (void)state;
    struct ph_mapping_info left;
    struct ph_world *world = world_with_leases(PORTHOLE_USE_PCP, one_port, 1, &left);
    struct ph_map_request request = request_for(LEASE_PORT);
    struct ph_event event = removed(world, &request);
    assert_int_equal(event.info.fate, PORTHOLE_FATE_EXPIRES);
    assert_int_equal(event.info.error, PORTHOLE_ERR_NOT_AUTHORIZED);
    assert_int_equal(event.info.error_method, PORTHOLE_PCP);
    assert_int_equal(event.info.code, PH_PCP_NOT_AUTHORIZED);
    assert_int_equal(ph_gw_server_count(world->server), 1);
    ph_world_free(world);
}

static void other_methods_need_no_key_nor_the_external_port(void **state) {
    (void)state;
    static const unsigned methods[] = {PORTHOLE_NATPMP, PORTHOLE_UPNP};
    for (unsigned i = 0; i < LENGTH_OF(methods); i++) {
        struct ph_mapping_info left;
        struct ph_world *world = world_with_leases(1U << methods[i], some_ports, 3, &left);
        struct ph_map_request request = request_for(LEASE_PORT);
        request.external_port = 0;
        struct ph_event event = removed(world, &request);
        assert_int_equal(event.info.fate, PORTHOLE_FATE_REMOVED);
        assert_int_equal(event.info.method, methods[i]);
        assert_int_equal(ph_gw_server_count(world->server), 2);
        ph_world_free(world);
    }
}

static void nothing_to_remove_is_no_failure(void **state) {
    (void)state;
    static const enum porthole_fate fates[] = {
        [PORTHOLE_PCP] = PORTHOLE_FATE_REMOVED,    /* a server confirms it all the same, ... */
        [PORTHOLE_NATPMP] = PORTHOLE_FATE_REMOVED, /* ... as RFC 6886 §3.4 wants it */
        [PORTHOLE_UPNP] = PORTHOLE_FATE_NONE,
    };
    for (unsigned method = PORTHOLE_PCP; method <= PORTHOLE_UPNP; method++) {
        for (uint16_t external_port = 0; external_port <= 1; external_port++) {
            struct ph_world_options options = story_options(1U << method);
            struct ph_world *world = ph_world_new(&options);
            struct ph_map_request request = request_for(LEASE_PORT);
            request.external_port = external_port;
            struct ph_event event = removed(world, &request);
            assert_int_equal(event.info.fate, fates[method]);
            assert_int_equal(event.info.error, 0);
            ph_world_free(world);
        }
    }
}

/* ---- All ports ------------------------------------------------------------------------------- */

static void all_ports_of_a_protocol_go_and_the_other_protocol_s_stay(void **state) {
    (void)state;
    static const unsigned methods[] = {PORTHOLE_NATPMP, PORTHOLE_UPNP};
    for (unsigned i = 0; i < LENGTH_OF(methods); i++) {
        struct ph_mapping_info left;
        struct ph_world *world = world_with_leases(1U << methods[i], some_ports, 3, &left);
        struct ph_map_request request = request_for(0);
        request.flags = PORTHOLE_ALL_PORTS;
        request.protocol = PORTHOLE_UDP;
        (void)removed(world, &request);
        assert_int_equal(ph_gw_server_count(world->server), 3);
        request.protocol = PORTHOLE_TCP;
        struct ph_event event = removed(world, &request);
        assert_int_equal(event.info.fate, PORTHOLE_FATE_REMOVED);
        assert_int_equal(ph_gw_server_count(world->server), 0);
        ph_world_free(world);
    }
}

static void all_ports_cannot_be_asked_of_pcp(void **state) {
    (void)state;
    struct ph_mapping_info left;
    struct ph_world *world = world_with_leases(PORTHOLE_USE_PCP, one_port, 1, &left);
    struct ph_map_request request = request_for(0);
    porthole_id id;
    request.flags = PORTHOLE_ALL_PORTS;
    request.methods = PORTHOLE_USE_PCP;
    assert_int_equal(ph_world_remove(world, &request, &id), PORTHOLE_ERR_UNSUPPORTED);
    request.methods = 0;
    struct ph_event event = removed(world, &request);
    assert_int_equal(event.info.fate, PORTHOLE_FATE_NONE);
    assert_int_equal(event.info.error, PORTHOLE_ERR_NO_GATEWAY);
    assert_int_equal(story_pcp_count(world), 1); /* the mapping's own */
    assert_int_equal(ph_gw_server_count(world->server), 1);
    ph_world_free(world);
}

/* ---- Never another's ------------------------------------------------------------------------- */

/* Ours leads to the client's address, the others do not or to another port. */
static void fill_igd(struct igd *igd) {
    igd_init(igd);
    igd->entries[0] = (struct igd_entry){LEASE_PORT, LEASE_PORT, false, "192.168.77.9"};
    igd->entries[1] = (struct igd_entry){9000, LEASE_PORT, true, "192.168.77.2"};
    igd->entries[2] = (struct igd_entry){9001, LEASE_PORT, false, "192.168.77.2"};
    igd->entries[3] = (struct igd_entry){9002, 7, false, "192.168.77.2"};
}

static void entry_of_another_host_is_left_alone(void **state) {
    (void)state;
    for (unsigned is_named = 0; is_named <= 1; is_named++) {
        struct igd igd;
        fill_igd(&igd);
        struct ph_world_options options = igd_options(&igd);
        struct ph_world *world = ph_world_new(&options);
        struct ph_map_request request = request_for(LEASE_PORT);
        request.external_port = is_named ? LEASE_PORT : 0;
        struct ph_event event = removed(world, &request);
        assert_int_equal(igd.entries[0].external_port, LEASE_PORT);
        assert_int_equal(igd.deletes, is_named ? 0 : 1);
        assert_int_equal(event.info.fate, is_named ? PORTHOLE_FATE_NONE : PORTHOLE_FATE_REMOVED);
        assert_int_equal(event.info.external.port, is_named ? 0 : 9001);
        ph_world_free(world);
    }
}

static void gateway_that_cannot_tell_of_one_entry_is_asked_for_its_list(void **state) {
    (void)state;
    struct igd igd;
    fill_igd(&igd);
    igd.has_no_query = true;
    struct ph_world_options options = igd_options(&igd);
    struct ph_world *world = ph_world_new(&options);
    struct ph_map_request request = request_for(LEASE_PORT);
    request.external_port = LEASE_PORT; /* another host's */
    struct ph_event event = removed(world, &request);
    assert_int_equal(event.info.fate, PORTHOLE_FATE_NONE);
    assert_int_equal(igd.deletes, 0);
    ph_world_restart_client(world);
    request.external_port = 9001;
    event = removed(world, &request);
    assert_int_equal(event.info.fate, PORTHOLE_FATE_REMOVED);
    assert_int_equal(igd.deletes, 1);
    assert_int_equal(igd.entries[0].external_port, LEASE_PORT);
    assert_int_equal(igd.entries[2].external_port, 0);
    ph_world_free(world);
}

/* Entries move up when one goes, also under the other's walk along the list. */
static void two_that_walk_the_list_at_once_miss_nothing(void **state) {
    (void)state;
    struct igd igd;
    igd_init(&igd);
    for (unsigned i = 0; i < IGD_ENTRIES_MAX; i++)
        igd.entries[i] = (struct igd_entry){9000 + i, 9000 + i, i % 2 == 1, "192.168.77.2"};
    struct ph_world_options options = igd_options(&igd);
    struct ph_world *world = ph_world_new(&options);
    struct ph_map_request request = request_for(0);
    porthole_id id;
    request.flags = PORTHOLE_ALL_PORTS;
    assert_int_equal(ph_world_remove(world, &request, &id), 0);
    request.protocol = PORTHOLE_UDP;
    assert_int_equal(ph_world_remove(world, &request, &id), 0);
    ph_world_run(world, PH_SECONDS(60));
    assert_int_equal(world->event_count, 2);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(world->events[i].info.fate, PORTHOLE_FATE_REMOVED);
    for (unsigned i = 0; i < IGD_ENTRIES_MAX; i++)
        assert_int_equal(igd.entries[i].external_port, 0);
    ph_world_free(world);
}

/* It says each time that there is another entry, of another host: a new one, or the same again. */
static size_t endless_list(struct ph_world *world, const struct ph_endpoint *to,
                           const struct ph_http_message *request, uint8_t *ret, size_t size) {
    const struct igd *igd = world->options.user;
    char port[12];
    snprintf(port, sizeof port, "%u",
             igd->has_no_query ? 80 : story_argument(request, "NewPortMappingIndex") + 1);
    const struct ph_soap_argument arguments[] = {{"NewExternalPort", port},
                                                 {"NewProtocol", "TCP"},
                                                 {"NewInternalPort", "8080"},
                                                 {"NewInternalClient", "192.168.77.9"}};
    if (story_calls(request, "GetGenericPortMappingEntry"))
        return story_reply("GetGenericPortMappingEntry", arguments, 4, ret, size);
    return igd_http(world, to, request, ret, size);
}

static void list_without_end_has_one(void **state) {
    (void)state;
    for (unsigned is_same = 0; is_same <= 1; is_same++) {
        struct igd igd;
        fill_igd(&igd);
        igd.has_no_query = is_same;
        struct ph_world_options options = igd_options(&igd);
        options.http = endless_list;
        struct ph_world *world = ph_world_new(&options);
        struct ph_map_request request = request_for(LEASE_PORT);
        porthole_id id;
        request.external_port = 0;
        assert_int_equal(ph_world_remove(world, &request, &id), 0);
        ph_world_run(world, PH_SECONDS(300));
        struct ph_event event = ph_world_last(world);
        assert_int_equal(event.info.fate, PORTHOLE_FATE_EXPIRES);
        assert_int_equal(event.info.error, PORTHOLE_ERR_TOO_LARGE);
        if (is_same)
            assert_in_range(world->exchanges, 16, 32);
        else
            assert_in_range(world->exchanges, 4000, 4200);
        ph_world_free(world);
    }
}

/* ---- When it does not come about ------------------------------------------------------------- */

static void nobody_there_is_told_after_the_verdict(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
    options.silent = true;
    struct ph_world *world = ph_world_new(&options);
    struct ph_map_request request = request_for(LEASE_PORT);
    porthole_id id;
    assert_int_equal(ph_world_remove(world, &request, &id), 0);
    ph_world_run(world, PH_MS(3300));
    struct ph_event event = ph_world_last(world);
    assert_int_equal(event.type, PORTHOLE_EVENT_UNMAPPED);
    assert_int_equal(event.info.error, PORTHOLE_ERR_NO_GATEWAY);
    assert_int_equal(event.info.fate, PORTHOLE_FATE_NONE);
    ph_world_run(world, PH_SECONDS(600));
    assert_int_equal(world->event_count, 1);
    ph_world_free(world);
}

static void no_network_is_told_at_once(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
    options.no_network = true;
    struct ph_world *world = ph_world_new(&options);
    struct ph_map_request request = request_for(LEASE_PORT);
    porthole_id id;
    assert_int_equal(ph_world_remove(world, &request, &id), 0);
    assert_int_equal(ph_world_last(world).info.error, PORTHOLE_ERR_NO_NETWORK);
    ph_world_free(world);
}

static void gateway_that_falls_silent_leaves_a_doubt(void **state) {
    (void)state;
    for (unsigned method = PORTHOLE_PCP; method <= PORTHOLE_UPNP; method++) {
        struct ph_mapping_info left;
        struct ph_world *world = world_with_leases(1U << method, one_port, 1, &left);
        struct ph_map_request other = request_for(9000);
        struct ph_map_request request = request_for(LEASE_PORT);
        porthole_id id;
        assert_int_equal(ph_world_map_request(world, &other, &id), 0);
        ph_world_run(world, PH_SECONDS(1));
        world->options.silent = true;
        request.key = left.key;
        request.methods = 1U << method;
        assert_int_equal(ph_world_remove(world, &request, &id), 0);
        ph_world_run(world, PH_SECONDS(60));
        assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_UNMAPPED), 1);
        for (size_t i = 0; i < world->event_count; i++) {
            if (world->events[i].info.id != id)
                continue;
            assert_int_not_equal(world->events[i].info.error, 0);
            assert_int_not_equal(world->events[i].info.fate, PORTHOLE_FATE_REMOVED);
        }
        ph_world_free(world);
    }
}

static void losses_are_made_up_for(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct ph_mapping_info left;
        struct ph_world *world =
            world_with_leases(PORTHOLE_USE_PCP | PORTHOLE_USE_NATPMP, one_port, 1, &left);
        struct ph_map_request request = request_for(LEASE_PORT);
        request.key = left.key;
        world->random.state = seed;
        world->options.loss_percent = 20;
        (void)removed(world, &request);
        assert_int_equal(ph_gw_server_count(world->server), 0);
        ph_world_free(world);
    }
}

static void given_up_it_ends_at_once(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
    struct ph_world *world = ph_world_new(&options);
    struct ph_map_request request = request_for(LEASE_PORT);
    porthole_id id;
    assert_int_equal(ph_world_remove(world, &request, &id), 0);
    ph_world_unmap(world, id);
    assert_int_equal(world->event_count, 1);
    assert_int_equal(ph_world_last(world).type, PORTHOLE_EVENT_UNMAPPED);
    ph_world_run(world, PH_SECONDS(60));
    assert_int_equal(world->event_count, 1);
    ph_world_free(world);
}

/* ---- Beside mappings ------------------------------------------------------------------------- */

static void what_is_mapped_here_is_not_for_an_errand(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
    struct ph_world *world = ph_world_new(&options);
    struct ph_map_request request = request_for(STORY_PORT);
    porthole_id id;
    story_map(world, 0);
    assert_int_equal(ph_world_remove(world, &request, &id), PORTHOLE_ERR_EXISTS);
    request.internal_port = 0;
    request.flags = PORTHOLE_ALL_PORTS;
    assert_int_equal(ph_world_remove(world, &request, &id), PORTHOLE_ERR_EXISTS);
    ph_world_free(world);
}

static void mapping_waits_for_the_removal_of_its_port(void **state) {
    (void)state;
    for (unsigned is_all = 0; is_all <= 1; is_all++) {
        struct ph_mapping_info left;
        struct ph_world *world = world_with_leases(PORTHOLE_USE_NATPMP, one_port, 1, &left);
        struct ph_map_request request = request_for(is_all ? 0 : LEASE_PORT);
        porthole_id id;
        request.flags = is_all ? PORTHOLE_ALL_PORTS : 0;
        assert_int_equal(ph_world_remove(world, &request, &id), 0);
        porthole_id mapped = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(20));
        assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_UNMAPPED), 1);
        ph_us end = story_event_time(world, id, PORTHOLE_EVENT_UNMAPPED);
        const struct ph_world_sent *sent;
        unsigned asked = 0;
        for (unsigned n = 0; (sent = story_natpmp_sent(world, PH_NATPMP_MAP_TCP, n)); n++) {
            bool is_delete = memcmp(sent->bytes + 8, "\0\0\0\0", 4) == 0;
            bool is_before = sent->at - world->started < end;
            asked += is_delete ? 0 : 1;
            if (asked > 1) /* the first was the earlier process's */
                assert_false(is_before);
        }
        assert_int_equal(asked, 2);
        story_assert_mapped(world, mapped, PORTHOLE_NATPMP, STORY_PORT);
        assert_int_equal(ph_gw_server_count(world->server), 1);
        ph_world_free(world);
    }
}

/* Its port is not the removal's, but among those that it removes. */
static void mapping_waits_for_the_removal_of_all_ports(void **state) {
    (void)state;
    struct ph_mapping_info left;
    struct ph_world *world =
        world_with_leases(PORTHOLE_USE_NATPMP | PORTHOLE_USE_UPNP, one_port, 1, &left);
    struct ph_map_request request = request_for(0);
    porthole_id errand;
    request.flags = PORTHOLE_ALL_PORTS;
    assert_int_equal(ph_world_remove(world, &request, &errand), 0);
    porthole_id id = ph_world_map(world, PORTHOLE_TCP, 9000);
    ph_world_run(world, PH_SECONDS(1));
    assert_int_equal(ph_world_count(world, errand, PORTHOLE_EVENT_UNMAPPED), 1);
    story_assert_mapped(world, id, PORTHOLE_NATPMP, 9000);
    assert_int_equal(ph_gw_server_count(world->server), 1);
    ph_world_free(world);
}

static void stop_waits_for_it_within_its_deadline(void **state) {
    (void)state;
    struct ph_mapping_info left;
    struct ph_world *world = world_with_leases(PORTHOLE_USE_NATPMP, one_port, 1, &left);
    struct ph_map_request request = request_for(LEASE_PORT);
    porthole_id id;
    request.methods = PORTHOLE_USE_NATPMP;
    assert_int_equal(ph_world_remove(world, &request, &id), 0);
    ph_world_stop(world, PH_SECONDS(3));
    ph_world_run(world, PH_SECONDS(3));
    assert_true(ph_engine_is_stopped(world->engine));
    assert_int_equal(ph_world_last(world).info.fate, PORTHOLE_FATE_REMOVED);
    assert_int_equal(ph_gw_server_count(world->server), 0);
    assert_int_equal(ph_world_remove(world, &request, &id), PORTHOLE_ERR_STATE);
    ph_world_free(world);
}

/* ---- At one's own pace ----------------------------------------------------------------------- */

static void mapping_is_renewed_as_often_as_is_wished(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    struct ph_world *world = ph_world_new(&options);
    struct ph_map_request request = request_for(LEASE_PORT);
    porthole_id id;
    request.refresh_s = 100;
    assert_int_equal(ph_world_map_request(world, &request, &id), 0);
    ph_world_run(world, PH_SECONDS(1));
    assert_int_equal(story_pcp_count(world), 1);
    ph_world_run(world, PH_SECONDS(98));
    assert_int_equal(story_pcp_count(world), 1);
    ph_world_run(world, PH_SECONDS(2));
    assert_int_equal(story_pcp_count(world), 2);
    /* Asked for now, the time runs from now. */
    ph_world_run(world, PH_SECONDS(50));
    ph_world_refresh(world, id);
    ph_world_run(world, PH_SECONDS(99));
    assert_int_equal(story_pcp_count(world), 3);
    ph_world_run(world, PH_SECONDS(2));
    assert_int_equal(story_pcp_count(world), 4);
    ph_world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lease_is_removed_by_a_later_process_that_has_its_key),
        cmocka_unit_test(lease_is_renewed_by_a_later_process_that_has_its_key),
        cmocka_unit_test(key_is_kept_until_there_is_a_network),
        cmocka_unit_test(pcp_lease_without_its_key_is_told_as_not_ours),
        cmocka_unit_test(other_methods_need_no_key_nor_the_external_port),
        cmocka_unit_test(nothing_to_remove_is_no_failure),
        cmocka_unit_test(all_ports_of_a_protocol_go_and_the_other_protocol_s_stay),
        cmocka_unit_test(all_ports_cannot_be_asked_of_pcp),
        cmocka_unit_test(entry_of_another_host_is_left_alone),
        cmocka_unit_test(gateway_that_cannot_tell_of_one_entry_is_asked_for_its_list),
        cmocka_unit_test(two_that_walk_the_list_at_once_miss_nothing),
        cmocka_unit_test(list_without_end_has_one),
        cmocka_unit_test(nobody_there_is_told_after_the_verdict),
        cmocka_unit_test(no_network_is_told_at_once),
        cmocka_unit_test(gateway_that_falls_silent_leaves_a_doubt),
        cmocka_unit_test(losses_are_made_up_for),
        cmocka_unit_test(given_up_it_ends_at_once),
        cmocka_unit_test(what_is_mapped_here_is_not_for_an_errand),
        cmocka_unit_test(mapping_waits_for_the_removal_of_its_port),
        cmocka_unit_test(mapping_waits_for_the_removal_of_all_ports),
        cmocka_unit_test(stop_waits_for_it_within_its_deadline),
        cmocka_unit_test(mapping_is_renewed_as_often_as_is_wished),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
