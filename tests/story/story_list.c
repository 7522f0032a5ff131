/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * story_list.c: what a UPnP router has mapped: asked for as a whole and by index, from routers that
 * tell less than they have, begin or end in odd ways, never end, and change while they are read.
 */
#include "gateway/server_parts.h"
#include "tests/story/igd.h"

#define LIST_TIME PH_SECONDS(15)

/* ---- Worlds ---------------------------------------------------------------------------------- */

static struct ph_world *world_of(uint64_t quirks) {
    struct ph_world_options options = story_options(PORTHOLE_USE_UPNP);
    options.quirks = quirks;
    return ph_world_new(&options);
}

#define QUIRK(name) PH_GW_QUIRK_BIT(PH_GW_QUIRK_##name)

/* Mappings of another host, of ports from this one on, TCP and UDP in turns. */
static void fill(struct ph_world *world, unsigned first, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        struct ph_gw_facts facts = {.made_by = PORTHOLE_UPNP,
                                    .protocol = i % 2 ? PORTHOLE_UDP : PORTHOLE_TCP,
                                    .internal_port = (uint16_t)(first + i),
                                    .external_port = (uint16_t)(first + i),
                                    .client = ph_addr_v4(192, 168, 77, 9)};
        struct ph_gw_mapping *mapping;
        snprintf(facts.description, sizeof facts.description, "number %u", i);
        assert_int_equal(ph_gw_server_open(world->server, world->now, &facts, true, 3600, &mapping),
                         0);
    }
}

/* The list, once it is there. */
static const struct ph_list_result *list_of(struct ph_world *world) {
    assert_int_equal(ph_world_list(world, LIST_TIME), 0);
    ph_world_run(world, LIST_TIME);
    const struct ph_list_result *result = ph_engine_list(world->engine);
    assert_true(result->done);
    return result;
}

#define BY_INDEX "#GetGenericPortMappingEntry"
#define AS_A_WHOLE "#GetListOfPortMappings"

/* Ports from `first` on without a gap, in their order. */
static void assert_whole(const struct ph_list_result *result, unsigned first, size_t count) {
    assert_int_equal(result->error, 0);
    assert_int_equal(result->flags, 0);
    assert_int_equal(result->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(result->entries[i].external_port, first + i);
        assert_int_equal(result->entries[i].protocol, i % 2 ? PORTHOLE_UDP : PORTHOLE_TCP);
    }
}

/* ---- Honest routers -------------------------------------------------------------------------- */

static void router_of_version_2_tells_all_at_once(void **state) {
    (void)state;
    struct ph_world *world = world_of(0);
    fill(world, 9000, 20);
    const struct ph_list_result *result = list_of(world);
    assert_whole(result, 9000, 20);
    const struct ph_portlist_entry *entry = &result->entries[1];
    assert_string_equal(entry->client_name, "192.168.77.9");
    assert_string_equal(entry->description, "number 1");
    assert_string_equal(entry->remote_host, "");
    assert_int_equal(entry->internal_port, 9001);
    assert_true(entry->is_enabled);
    assert_in_range(entry->lease_s, 3590, 3600);
    assert_int_equal(story_http_count(world, AS_A_WHOLE), 2);
    assert_int_equal(story_http_count(world, BY_INDEX), 1);
    assert_true(result->elapsed < PH_MS(200));
    assert_string_not_equal(result->device, "");
    ph_world_free(world);
}

/* Twice: the second reading must agree with the first. */
static void router_without_that_action_is_asked_index_by_index_several_at_a_time(void **state) {
    (void)state;
    struct ph_world *world = world_of(QUIRK(NO_LIST));
    fill(world, 9000, 20);
    assert_whole(list_of(world), 9000, 20);
    assert_in_range(story_http_count(world, BY_INDEX), 2 * 21, 2 * 24);
    assert_int_equal(world->exchanges_most, 4);
    /* It is known now. */
    unsigned asked = story_http_count(world, AS_A_WHOLE);
    assert_whole(list_of(world), 9000, 20);
    assert_int_equal(story_http_count(world, AS_A_WHOLE), asked);
    ph_world_free(world);
}

static void router_without_mappings_has_an_empty_list(void **state) {
    (void)state;
    static const uint64_t quirks[] = {0, QUIRK(NO_LIST), QUIRK(NO_LIST) | QUIRK(INDEX_END_501),
                                      QUIRK(NO_LIST) | QUIRK(INDEX_FROM_ONE)};
    for (unsigned i = 0; i < LENGTH_OF(quirks); i++) {
        struct ph_world *world = world_of(quirks[i]);
        assert_whole(list_of(world), 0, 0);
        ph_world_free(world);
    }
}

static void list_that_is_too_long_for_one_answer_is_read_by_index(void **state) {
    (void)state;
    struct ph_world *world = world_of(0);
    fill(world, 9000, 500);
    assert_whole(list_of(world), 9000, 500);
    assert_in_range(story_http_count(world, BY_INDEX), 1000, 1010);
    ph_world_free(world);
}

static void what_this_client_has_mapped_is_known_as_its_own(void **state) {
    (void)state;
    struct ph_world *world = world_of(0);
    fill(world, 9000, 2);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    const struct ph_list_result *result = list_of(world);
    assert_int_equal(result->count, 3);
    assert_int_equal(ph_engine_holder(world->engine, &result->entries[0]), id);
    assert_int_equal(ph_engine_holder(world->engine, &result->entries[1]), 0);
    assert_int_equal(ph_world_query(world, id).state, PORTHOLE_SUCCESS);
    ph_world_free(world);
}

/* ---- Odd ones -------------------------------------------------------------------------------- */

static void list_that_is_not_whole_is_found_out_and_read_by_index(void **state) {
    (void)state;
    struct ph_world *world = world_of(QUIRK(SHORT_LIST));
    fill(world, 9000, 4);
    assert_whole(list_of(world), 9000, 4); /* two of each protocol is all there is */
    assert_int_equal(story_http_count(world, BY_INDEX), 1);
    fill(world, 9004, 1);
    assert_whole(list_of(world), 9000, 5);
    ph_world_free(world);
}

static void list_that_begins_or_ends_in_its_own_way_is_read(void **state) {
    (void)state;
    static const uint64_t quirks[] = {
        QUIRK(INDEX_FROM_ONE), QUIRK(INDEX_END_501),   QUIRK(INDEX_FROM_ONE) | QUIRK(INDEX_END_501),
        QUIRK(ODD_SPACING),    QUIRK(WRONG_NAMESPACE), QUIRK(M_PREFIX_ONLY),
        QUIRK(HTTP10_ONLY),    QUIRK(STRICT_REQUESTS), QUIRK(V1_ACTIONS),
        QUIRK(V2_ONLY),        QUIRK(PPP_ONLY),        QUIRK(DEAD_CONNECTION)};
    for (unsigned i = 0; i < LENGTH_OF(quirks); i++) {
        for (unsigned count = 1; count <= 6; count++) {
            for (unsigned has_list = 0; has_list <= 1; has_list++) {
                struct ph_world *world = world_of(quirks[i] | (has_list ? 0 : QUIRK(NO_LIST)));
                fill(world, 9000, count);
                assert_whole(list_of(world), 9000, count);
                ph_world_free(world);
            }
        }
    }
}

static void router_without_any_list_is_told_as_such(void **state) {
    (void)state;
    struct ph_world *world = world_of(QUIRK(NO_LIST) | QUIRK(NO_INDEX));
    fill(world, 9000, 4);
    const struct ph_list_result *result = list_of(world);
    assert_int_equal(result->error, PORTHOLE_ERR_UNSUPPORTED);
    assert_int_equal(result->code, 401);
    assert_int_equal(result->count, 0);
    ph_world_free(world);
    /* One that has the other is believed. */
    world = world_of(QUIRK(NO_INDEX));
    fill(world, 9000, 4);
    assert_whole(list_of(world), 9000, 4);
    ph_world_free(world);
}

static void list_without_end_is_cut_and_told_once_an_entry(void **state) {
    (void)state;
    static const unsigned counts[] = {0, 1, 30};
    for (unsigned i = 0; i < LENGTH_OF(counts); i++) {
        struct ph_world *world = world_of(QUIRK(NO_LIST) | QUIRK(ENDLESS_LIST));
        fill(world, 9000, counts[i]);
        const struct ph_list_result *result = list_of(world);
        assert_int_equal(result->error, 0);
        assert_int_equal(result->flags, PORTHOLE_LIST_CUT);
        assert_int_equal(result->count, counts[i] ? counts[i] : 1);
        assert_true(story_http_count(world, BY_INDEX) < counts[i] + 24);
        ph_world_free(world);
    }
}

static void list_that_is_longer_than_any_is_cut(void **state) {
    (void)state;
    struct ph_world *world = world_of(QUIRK(NO_LIST));
    fill(world, 2000, 5000);
    assert_int_equal(ph_world_list(world, PH_SECONDS(100)), 0);
    ph_world_run(world, PH_SECONDS(100));
    const struct ph_list_result *result = ph_engine_list(world->engine);
    assert_int_equal(result->error, 0);
    assert_int_equal(result->flags, PORTHOLE_LIST_CUT);
    assert_int_equal(result->count, 4096);
    assert_in_range(story_http_count(world, BY_INDEX), 4096, 4096 + 8);
    ph_world_free(world);
}

/* ---- While it changes ------------------------------------------------------------------------ */

static void change_under_the_reading_is_seen_and_all_is_read_again(void **state) {
    (void)state;
    static const uint64_t quirks[] = {QUIRK(LIST_SHRINKS), QUIRK(LIST_GROWS)};
    for (unsigned i = 0; i < 2; i++) {
        for (unsigned count = 3; count <= 12; count++) {
            struct ph_world *world = world_of(quirks[i] | QUIRK(NO_LIST));
            fill(world, 9000, count);
            const struct ph_list_result *result = list_of(world);
            assert_int_equal(result->error, 0);
            assert_int_equal(result->flags, 0);
            /* The one that came is there, the one that went is not. */
            assert_int_equal(result->count, count + i);
            for (unsigned n = 0; n < count; n++)
                assert_int_equal(result->entries[n + i].external_port, 9000 + n);
            ph_world_free(world);
        }
    }
}

static void list_that_keeps_changing_is_told_with_a_doubt(void **state) {
    (void)state;
    struct ph_world *world = world_of(QUIRK(RESTLESS_LIST) | QUIRK(NO_LIST));
    fill(world, 9000, 10);
    const struct ph_list_result *result = list_of(world);
    assert_int_equal(result->error, 0);
    assert_int_equal(result->flags, PORTHOLE_LIST_CHANGED);
    assert_in_range(result->count, 5, 11);
    assert_in_range(story_http_count(world, BY_INDEX), 25, 45);
    ph_world_free(world);
}

/* Of an earlier process of this host: nine, from this port on. */
static void leave_leases(struct ph_world *world, unsigned first) {
    for (unsigned port = first; port < first + 9; port++) {
        struct ph_map_request lease = {.protocol = PORTHOLE_TCP,
                                       .internal_port = (uint16_t)port,
                                       .external_port = (uint16_t)port,
                                       .flags = PORTHOLE_LEASE,
                                       .lifetime_s = 7200};
        porthole_id id;
        assert_int_equal(ph_world_map_request(world, &lease, &id), 0);
    }
    ph_world_run(world, PH_SECONDS(2));
    ph_world_restart_client(world);
}

static void errand_on_a_list_that_changes_leaves_nothing_behind(void **state) {
    (void)state;
    static const uint64_t quirks[] = {QUIRK(LIST_SHRINKS), QUIRK(LIST_GROWS), QUIRK(RESTLESS_LIST),
                                      QUIRK(INDEX_FROM_ONE), QUIRK(SHORT_LIST)};
    for (unsigned i = 0; i < LENGTH_OF(quirks); i++) {
        struct ph_world *world = world_of(quirks[i] | QUIRK(NO_LIST));
        leave_leases(world, 9000);
        fill(world, 20000, 6);
        struct ph_map_request request = {.protocol = PORTHOLE_TCP, .flags = PORTHOLE_ALL_PORTS};
        porthole_id id;
        assert_int_equal(ph_world_remove(world, &request, &id), 0);
        ph_world_run(world, PH_SECONDS(60));
        assert_int_equal(ph_world_last(world).info.fate, PORTHOLE_FATE_REMOVED);
        assert_int_equal(ph_gw_server_count(world->server), 6);
        ph_world_free(world);
    }
}

/* A question for the list under way while an errand deletes: the list that both get is whole. */
static void list_and_errand_at_once_disturb_nobody(void **state) {
    (void)state;
    for (ph_us later = 0; later <= PH_MS(300); later += PH_MS(20)) {
        struct ph_world *world = world_of(QUIRK(NO_LIST));
        leave_leases(world, 8000);
        fill(world, 9000, 10);
        struct ph_map_request request = {.protocol = PORTHOLE_TCP, .flags = PORTHOLE_ALL_PORTS};
        porthole_id id;
        assert_int_equal(ph_world_remove(world, &request, &id), 0);
        ph_world_run(world, later);
        const struct ph_list_result *result = list_of(world);
        assert_int_equal(result->error, 0);
        assert_int_equal(ph_gw_server_count(world->server), 10);
        assert_in_range(result->count, 10, 19);
        for (unsigned n = 0; n < 10; n++)
            assert_int_equal(result->entries[result->count - 10 + n].external_port, 9000 + n);
        ph_world_free(world);
    }
}

/* ---- When it does not come about ------------------------------------------------------------- */

static void nobody_there_is_told_after_the_verdict(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
    options.upnp = false;
    struct ph_world *world = ph_world_new(&options);
    assert_int_equal(ph_world_list(world, LIST_TIME), 0);
    ph_world_run(world, PH_MS(3300));
    const struct ph_list_result *result = ph_engine_list(world->engine);
    assert_true(result->done);
    assert_int_equal(result->error, PORTHOLE_ERR_NO_GATEWAY);
    /* And asked again, all is tried again. */
    world->options.upnp = true;
    world->server_config.upnp = true;
    ph_world_restart_gateway(world);
    fill(world, 9000, 3);
    assert_whole(list_of(world), 9000, 3);
    ph_world_free(world);
}

static void what_cannot_be_asked_is_told_at_once(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    options.methods = PORTHOLE_USE_PCP;
    struct ph_world *world = ph_world_new(&options);
    assert_int_equal(ph_world_list(world, LIST_TIME), PORTHOLE_ERR_UNSUPPORTED);
    ph_world_free(world);
    options = story_options(PORTHOLE_USE_ALL);
    options.no_network = true;
    world = ph_world_new(&options);
    assert_int_equal(ph_world_list(world, LIST_TIME), PORTHOLE_ERR_NO_NETWORK);
    ph_world_network(world, true);
    assert_int_equal(ph_world_list(world, LIST_TIME), 0);
    assert_int_equal(ph_world_list(world, LIST_TIME), PORTHOLE_ERR_STATE);
    ph_world_network(world, false);
    assert_true(ph_engine_list(world->engine)->done);
    assert_int_equal(ph_engine_list(world->engine)->error, PORTHOLE_ERR_NO_NETWORK);
    ph_world_free(world);
}

/* Of a list that hangs in the middle, the half is told. */
static void what_was_read_until_the_deadline_is_told(void **state) {
    (void)state;
    struct igd igd;
    igd_init(&igd);
    for (unsigned i = 0; i < IGD_ENTRIES_MAX; i++)
        igd.entries[i] = (struct igd_entry){9000 + i, 9000 + i, i % 2 == 1, "192.168.77.9"};
    igd.hangs = 100;
    igd.hangs_at = 2 + 6; /* the description, the address, six entries */
    struct ph_world_options options = igd_options(&igd);
    struct ph_world *world = ph_world_new(&options);
    assert_int_equal(ph_world_list(world, PH_SECONDS(5)), 0);
    ph_world_run(world, PH_MS(4900));
    const struct ph_list_result *result = ph_engine_list(world->engine);
    assert_false(result->done);
    ph_world_run(world, PH_MS(200));
    assert_true(result->done);
    assert_int_equal(result->error, PORTHOLE_ERR_TIMEOUT);
    assert_int_equal(result->count, 6);
    unsigned exchanges = world->exchanges;
    ph_world_run(world, PH_SECONDS(60));
    assert_int_equal(world->exchanges, exchanges); /* nobody wants it any more */
    ph_world_free(world);
}

/* The second reading is broken off: the first one was whole. */
static void reading_that_is_broken_off_does_not_hide_the_one_before(void **state) {
    (void)state;
    struct igd igd;
    igd_init(&igd);
    for (unsigned i = 0; i < IGD_ENTRIES_MAX; i++)
        igd.entries[i] = (struct igd_entry){9000 + i, 9000 + i, i % 2 == 1, "192.168.77.9"};
    igd.hangs = 100;
    igd.hangs_at = 2 + 12 + 3;
    struct ph_world_options options = igd_options(&igd);
    struct ph_world *world = ph_world_new(&options);
    assert_int_equal(ph_world_list(world, PH_SECONDS(5)), 0);
    ph_world_run(world, PH_SECONDS(6));
    const struct ph_list_result *result = ph_engine_list(world->engine);
    assert_int_equal(result->error, PORTHOLE_ERR_TIMEOUT);
    assert_int_equal(result->count, IGD_ENTRIES_MAX);
    ph_world_free(world);
    /* The same, when it is the device that gives up. */
    igd.hangs = 100;
    igd.hangs_at = 2 + 12 + 3;
    world = ph_world_new(&options);
    assert_int_equal(ph_world_list(world, PH_SECONDS(300)), 0);
    ph_world_run(world, PH_SECONDS(60));
    result = ph_engine_list(world->engine);
    assert_true(result->done);
    assert_int_equal(result->error, PORTHOLE_ERR_TIMEOUT);
    assert_int_equal(result->count, IGD_ENTRIES_MAX);
    ph_world_free(world);
}

static void connection_that_fails_now_and_then_is_tried_again(void **state) {
    (void)state;
    for (unsigned at = 2; at < 12; at++) {
        struct igd igd;
        igd_init(&igd);
        for (unsigned i = 0; i < IGD_ENTRIES_MAX; i++)
            igd.entries[i] = (struct igd_entry){9000 + i, 9000 + i, i % 2 == 1, "192.168.77.9"};
        igd.hangs = 1;
        igd.hangs_at = at;
        struct ph_world_options options = igd_options(&igd);
        struct ph_world *world = ph_world_new(&options);
        assert_whole(list_of(world), 9000, IGD_ENTRIES_MAX);
        ph_world_free(world);
    }
}

static void device_that_moved_is_found_again(void **state) {
    (void)state;
    struct ph_world *world = world_of(QUIRK(MOVING_CONTROL));
    fill(world, 9000, 5);
    assert_whole(list_of(world), 9000, 5);
    world->server_config.boot_id++;
    ph_world_restart_gateway(world);
    fill(world, 9000, 7);
    assert_whole(list_of(world), 9000, 7);
    ph_world_free(world);
}

static void stop_ends_it(void **state) {
    (void)state;
    struct ph_world *world = world_of(QUIRK(NO_LIST));
    fill(world, 9000, 400);
    assert_int_equal(ph_world_list(world, LIST_TIME), 0);
    ph_world_run(world, PH_MS(200));
    ph_world_stop(world, PH_SECONDS(1));
    assert_true(ph_engine_is_stopped(world->engine));
    assert_int_equal(ph_engine_list(world->engine)->error, PORTHOLE_ERR_CANCELLED);
    unsigned exchanges = world->exchanges;
    ph_world_run(world, PH_SECONDS(20));
    assert_int_equal(world->exchanges, exchanges);
    assert_int_equal(world->exchanges_open, 0);
    assert_int_equal(ph_world_list(world, LIST_TIME), PORTHOLE_ERR_STATE);
    ph_world_free(world);
}

static void list_ends_where_the_host_moves_to_another_network(void **state) {
    (void)state;
    for (unsigned has_errand = 0; has_errand <= 1; has_errand++) {
        struct ph_world *world = world_of(QUIRK(NO_LIST));
        fill(world, 9000, 400);
        assert_int_equal(ph_world_list(world, LIST_TIME), 0);
        if (has_errand) {
            struct ph_map_request request = {.protocol = PORTHOLE_TCP, .internal_port = 80};
            porthole_id id;
            assert_int_equal(ph_world_remove(world, &request, &id), 0);
        }
        ph_world_run(world, PH_MS(200));
        ph_world_move(world, "192.168.88.1", "192.168.88.2");
        const struct ph_list_result *result = ph_engine_list(world->engine);
        assert_true(result->done);
        assert_int_equal(result->error, PORTHOLE_ERR_NO_NETWORK);
        assert_in_range(result->count, 1, 399);
        assert_int_equal(world->exchanges_open, has_errand ? 4 : 0);
        assert_whole(list_of(world), 0, 0);
        assert_int_equal(world->exchanges_open, 0);
        assert_int_equal(world->event_count, has_errand);
        ph_world_free(world);
    }
}

/* Who waits for a port goes first. */
static void list_waits_for_mappings(void **state) {
    (void)state;
    struct ph_world *world = world_of(0);
    fill(world, 9000, 30);
    for (uint16_t i = 0; i < 60; i++)
        ph_world_map(world, PORTHOLE_TCP, (uint16_t)(7000 + i));
    assert_int_equal(ph_world_list(world, LIST_TIME), 0);
    ph_world_run(world, LIST_TIME);
    const struct ph_list_result *result = ph_engine_list(world->engine);
    assert_int_equal(result->error, 0);
    assert_int_equal(result->count, 90);
    assert_int_equal(result->entries[0].external_port, 7000);
    assert_int_equal(world->exchanges_most, 4);
    const struct ph_world_sent *list = story_http_sent(world, AS_A_WHOLE, 0);
    assert_true(list->at >= story_http_sent(world, "#AddPortMapping", 59)->at);
    ph_world_free(world);
}

/* What looks at a single mapping hangs. */
static size_t hanging_look(struct ph_world *world, const struct ph_endpoint *to,
                           const struct ph_http_message *request, uint8_t *ret, size_t size) {
    (void)to;
    if (story_calls(request, "GetSpecificPortMappingEntry"))
        return PH_WORLD_NO_ANSWER;
    return ph_world_serve_http(world, request, ret, size);
}

static void list_is_read_by_the_one_place_that_is_left(void **state) {
    (void)state;
    struct ph_world *world = world_of(QUIRK(NO_LIST) | QUIRK(INDEX_FROM_ONE));
    world->options.http = hanging_look;
    for (uint16_t i = 0; i < 3; i++)
        ph_world_map(world, PORTHOLE_TCP, (uint16_t)(7000 + i));
    ph_world_run(world, PH_SECONDS(1));
    assert_int_equal(world->exchanges_open, 3);
    assert_int_equal(ph_world_list(world, LIST_TIME), 0);
    ph_world_run(world, PH_SECONDS(2));
    const struct ph_list_result *result = ph_engine_list(world->engine);
    assert_true(result->done);
    assert_int_equal(result->error, 0);
    assert_int_equal(result->count, 3);
    ph_world_free(world);
}

static void mapping_is_made_while_a_long_list_is_read(void **state) {
    (void)state;
    struct ph_world *world = world_of(QUIRK(NO_LIST));
    fill(world, 9000, 400);
    assert_int_equal(ph_world_list(world, LIST_TIME), 0);
    ph_world_run(world, PH_MS(200));
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_MS(200));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    ph_world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(router_of_version_2_tells_all_at_once),
        cmocka_unit_test(router_without_that_action_is_asked_index_by_index_several_at_a_time),
        cmocka_unit_test(router_without_mappings_has_an_empty_list),
        cmocka_unit_test(list_that_is_too_long_for_one_answer_is_read_by_index),
        cmocka_unit_test(what_this_client_has_mapped_is_known_as_its_own),
        cmocka_unit_test(list_that_is_not_whole_is_found_out_and_read_by_index),
        cmocka_unit_test(list_that_begins_or_ends_in_its_own_way_is_read),
        cmocka_unit_test(router_without_any_list_is_told_as_such),
        cmocka_unit_test(list_without_end_is_cut_and_told_once_an_entry),
        cmocka_unit_test(list_that_is_longer_than_any_is_cut),
        cmocka_unit_test(change_under_the_reading_is_seen_and_all_is_read_again),
        cmocka_unit_test(list_that_keeps_changing_is_told_with_a_doubt),
        cmocka_unit_test(errand_on_a_list_that_changes_leaves_nothing_behind),
        cmocka_unit_test(list_and_errand_at_once_disturb_nobody),
        cmocka_unit_test(nobody_there_is_told_after_the_verdict),
        cmocka_unit_test(what_cannot_be_asked_is_told_at_once),
        cmocka_unit_test(what_was_read_until_the_deadline_is_told),
        cmocka_unit_test(reading_that_is_broken_off_does_not_hide_the_one_before),
        cmocka_unit_test(connection_that_fails_now_and_then_is_tried_again),
        cmocka_unit_test(device_that_moved_is_found_again),
        cmocka_unit_test(stop_ends_it),
        cmocka_unit_test(list_ends_where_the_host_moves_to_another_network),
        cmocka_unit_test(list_waits_for_mappings),
        cmocka_unit_test(list_is_read_by_the_one_place_that_is_left),
        cmocka_unit_test(mapping_is_made_while_a_long_list_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
