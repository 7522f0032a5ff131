/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * story_upnp.c: mappings by UPnP-IGD: when it is turned to, what its faults lead to, and a better
 * method that speaks up late.
 */
#include "tests/story/igd.h"

/* ---- Turning to it --------------------------------------------------------------------------- */

static void searched_at_once_when_5351_is_refused(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_UPNP);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(60));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    story_assert_trace(
        world, 0,
        "    0.000 network: gateway 192.168.77.1, from 192.168.77.2\n"
        "    0.000 pcp: idle -> asking\n"
        "    0.000 tcp 8080: pcp MAP sent, lifetime 7200, external port 8080, try 1\n"
        "    0.000 natpmp: idle -> asking\n"
        "    0.000 natpmp: address request sent, try 1\n"
        "   10.000 pcp: asking -> dead: the gateway has nothing listening on that port\n"
        "   10.000 natpmp: asking -> dead: the gateway has nothing listening on that port\n"
        "   10.000 upnp: idle -> asking\n"
        "   10.000 upnp: off -> searching\n"
        "   10.000 upnp: M-SEARCH sent, try 1\n"
        "   20.000 upnp: 192.168.77.1:1900 answers, described at /rootDesc.xml\n"
        "   20.000 upnp: searching -> describing\n"
        "   40.000 upnp: describing -> addressing\n"
        "   60.000 upnp: urn:schemas-upnp-org:service:WANIPConnection:2 at /ctl/IPConn, external "
        "address 1.2.3.4\n"
        "   60.000 upnp: addressing -> ready\n"
        "   60.000 upnp: asking -> alive\n"
        "   60.000 tcp 8080: upnp AddPortMapping sent, external port 8080, try 1\n"
        "   80.000 tcp 8080: pending -> success\n"
        "   80.000 tcp 8080: upnp GetSpecificPortMappingEntry sent, external port 8080, try 1\n");
    assert_int_equal(world->strays, 0);
    ph_world_free(world);
}

static void silence_of_5351_costs_25_ms(void **state) {
    (void)state;
    struct igd igd;
    igd_init(&igd);
    struct ph_world_options options = igd_options(&igd);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(60));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    assert_true(story_event_time(world, id, PORTHOLE_EVENT_MAPPED) == PH_MS(25 + 70));
    assert_int_equal(world->event_count, 1);
    /* Unicast and multicast, each for IGD:2, IGD:1 and everything. */
    assert_int_equal(world->sent_search, 6);
    ph_world_free(world);
}

static void twenty_mappings_use_four_connections_at_a_time(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_UPNP);
    struct ph_world *world = ph_world_new(&options);
    for (uint16_t i = 0; i < 20; i++)
        ph_world_map(world, PORTHOLE_TCP, (uint16_t)(5000 + i));
    ph_world_run(world, PH_SECONDS(1));
    for (porthole_id id = 1; id <= 20; id++)
        story_assert_mapped(world, id, PORTHOLE_UPNP, (uint16_t)(5000 + id - 1));
    assert_int_equal(world->exchanges_most, 4);
    /* Each is read back once, behind all that are still to be made. */
    assert_int_equal(world->exchanges, 2 + 20 + 20);
    /* Five rounds after the device is found. */
    assert_true(world->event_times[19] - world->started == PH_MS(60 + 5 * 20));
    assert_int_equal(world->exchanges_open, 0);
    ph_world_free(world);
}

/* ---- Faults ---------------------------------------------------------------------------------- */

static void conflict_takes_another_port(void **state) {
    (void)state;
    struct igd igd;
    igd_init(&igd);
    igd.fault = PH_UPNP_CONFLICT;
    igd.faults = 3;
    struct ph_world_options options = igd_options(&igd);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    assert_int_equal(igd.adds, 4);
    assert_int_not_equal(igd.port, STORY_PORT);
    assert_true(igd.port >= 1024);
    story_assert_mapped(world, id, PORTHOLE_UPNP, (uint16_t)igd.port);
    assert_int_equal(world->event_count, 1);
    /* Kept from then on. */
    unsigned port = igd.port;
    ph_world_run(world, PH_SECONDS(5000));
    assert_int_equal(igd.adds, 5);
    assert_int_equal(igd.port, port);
    ph_world_free(world);
}

static void conflict_on_every_port_is_given_up_after_eleven(void **state) {
    (void)state;
    struct igd igd;
    igd_init(&igd);
    igd.fault = PH_UPNP_CONFLICT;
    igd.faults = 1000;
    struct ph_world_options options = igd_options(&igd);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(4));
    assert_int_equal(igd.adds, 11);
    story_assert_failed(world, id, PORTHOLE_ERR_PORT_TAKEN, PORTHOLE_UPNP, 718);
    /* Begins with the wished port when it is tried again. */
    igd.faults = 0;
    ph_world_run(world, PH_SECONDS(10));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    ph_world_free(world);
}

static void exact_port_in_conflict_fails_at_once(void **state) {
    (void)state;
    struct igd igd;
    igd_init(&igd);
    igd.fault = PH_UPNP_CONFLICT;
    igd.faults = 1000;
    struct ph_world_options options = igd_options(&igd);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, PORTHOLE_EXACT_PORT);
    ph_world_run(world, PH_SECONDS(1));
    assert_int_equal(igd.adds, 1);
    ph_world_run(world, PH_SECONDS(9));
    story_assert_failed(world, id, PORTHOLE_ERR_PORT_TAKEN, PORTHOLE_UPNP, 718);
    assert_int_equal(igd.port, STORY_PORT);
    ph_world_free(world);
}

static void other_faults_are_told_with_their_code(void **state) {
    (void)state;
    static const struct {
        unsigned fault;
        int error;
    } faults[] = {{606, PORTHOLE_ERR_NOT_AUTHORIZED},
                  {715, PORTHOLE_ERR_REFUSED},
                  {728, PORTHOLE_ERR_NO_RESOURCES}};
    for (unsigned i = 0; i < LENGTH_OF(faults); i++) {
        struct igd igd;
        igd_init(&igd);
        igd.fault = faults[i].fault;
        igd.faults = 1;
        struct ph_world_options options = igd_options(&igd);
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(4));
        assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_FAILED), 1);
        assert_int_equal(world->events[0].info.error, faults[i].error);
        assert_int_equal(world->events[0].info.code, faults[i].fault);
        assert_int_equal(world->events[0].info.error_method, PORTHOLE_UPNP);
        ph_world_run(world, PH_SECONDS(10));
        story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
        ph_world_free(world);
    }
}

static void connection_that_fails_is_made_again(void **state) {
    (void)state;
    struct igd igd;
    igd_init(&igd);
    igd.refusals = 2;
    struct ph_world_options options = igd_options(&igd);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(2));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    assert_in_range(story_event_time(world, id, PORTHOLE_EVENT_MAPPED), PH_MS(95 + 20 * 2 + 675),
                    PH_MS(95 + 20 * 2 + 750));
    assert_int_equal(world->event_count, 1);
    ph_world_free(world);
}

static void connection_that_always_fails_ends_upnp(void **state) {
    (void)state;
    struct igd igd;
    igd_init(&igd);
    igd.refusals = 1000;
    struct ph_world_options options = igd_options(&igd);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(4));
    assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_FAILED), 1);
    assert_int_equal(story_http_count(world, "#AddPortMapping"), 4);
    igd.refusals = 0;
    ph_world_run(world, PH_SECONDS(30));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    ph_world_free(world);
}

static void answer_without_sense_is_asked_again_and_then_ends_upnp(void **state) {
    (void)state;
    static const struct {
        unsigned status;
        const char *body;
        int error;
    } cases[] = {{404, "<html>no</html>", PORTHOLE_ERR_MALFORMED},
                 {500, "", PORTHOLE_ERR_MALFORMED},
                 {200, "garbage", PORTHOLE_ERR_MALFORMED},
                 {503,
                  "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>"
                  "<AddPortMappingResponse/></s:Body></s:Envelope>",
                  PORTHOLE_ERR_REFUSED}};
    for (unsigned i = 0; i < LENGTH_OF(cases); i++) {
        struct igd igd;
        igd_init(&igd);
        igd.action_status = cases[i].status;
        igd.action_body = cases[i].body;
        struct ph_world_options options = igd_options(&igd);
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(4));
        story_assert_failed(world, id, cases[i].error, PORTHOLE_UPNP, 0);
        assert_int_equal(story_http_count(world, "#AddPortMapping"), 4);
        igd.action_status = 0;
        ph_world_run(world, PH_SECONDS(30));
        story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
        assert_int_equal(world->event_count, 2);
        ph_world_free(world);
    }
}

static void description_is_handed_on_and_never_empty(void **state) {
    (void)state;
    static const char *const descriptions[] = {"a <game> & \"more\"", NULL};
    for (unsigned i = 0; i < LENGTH_OF(descriptions); i++) {
        struct igd igd;
        igd_init(&igd);
        struct ph_world_options options = igd_options(&igd);
        struct ph_world *world = ph_world_new(&options);
        struct ph_map_request request = {.protocol = PORTHOLE_TCP,
                                         .internal_port = STORY_PORT,
                                         .external_port = STORY_PORT,
                                         .lifetime_s = 7200,
                                         .description = descriptions[i]};
        porthole_id id;
        ph_world_map_request(world, &request, &id);
        ph_world_run(world, PH_SECONDS(1));
        story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
        assert_string_equal(igd.description, descriptions[i] ? descriptions[i] : "porthole");
        ph_world_free(world);
    }
}

/* ---- A better method, late ------------------------------------------------------------------- */

struct late_pcp {
    struct igd igd; /* the first member: igd.c takes the pointer for its own */
    struct ph_endpoint external;
    enum ph_pcp_result result;
    unsigned deletes;
};

/* A router whose PCP answers after half a second, beside its UPnP. */
static void answer_late(struct ph_world *world, enum ph_world_port port,
                        const struct ph_endpoint *from, const uint8_t *bytes, size_t len) {
    struct late_pcp *late = world->options.user;
    struct ph_pcp_request request;
    if (story_is_pcp(port, bytes, len, &request)) {
        ph_us delay = world->options.delay;
        bool is_delete = request.lifetime_s == 0;
        late->deletes += is_delete;
        world->options.delay = is_delete ? delay : PH_MS(500);
        story_pcp_answer(world, &request, late->result, request.lifetime_s, &late->external);
        world->options.delay = delay;
    } else {
        igd_script(world, port, from, bytes, len);
    }
}

static struct ph_world *late_world(struct late_pcp *late, struct ph_endpoint external,
                                   enum ph_pcp_result result) {
    *late = (struct late_pcp){.external = external, .result = result};
    igd_init(&late->igd);
    struct ph_world_options options = igd_options(&late->igd);
    options.script = answer_late;
    return ph_world_new(&options);
}

static void late_pcp_with_the_same_port_takes_over(void **state) {
    (void)state;
    struct late_pcp late;
    struct ph_endpoint same = {ph_addr_v4(1, 2, 3, 4), STORY_PORT};
    struct ph_world *world = late_world(&late, same, PH_PCP_SUCCESS);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_MS(400));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    ph_world_run(world, PH_SECONDS(10));
    story_assert_mapped(world, id, PORTHOLE_PCP, STORY_PORT);
    assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_CHANGED), 1);
    assert_int_equal(world->event_count, 2);
    /* Both are taken back in the end. */
    ph_world_unmap(world, id);
    ph_world_run(world, PH_SECONDS(10));
    story_assert_unmapped(world, id, PORTHOLE_FATE_REMOVED);
    assert_int_equal(late.deletes, 1);
    assert_int_equal(late.igd.deletes, 1);
    ph_world_free(world);
}

static void late_pcp_with_another_port_is_given_back(void **state) {
    (void)state;
    struct late_pcp late;
    struct ph_endpoint other = {ph_addr_v4(1, 2, 3, 4), 4000};
    struct ph_world *world = late_world(&late, other, PH_PCP_SUCCESS);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(10));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    assert_int_equal(world->event_count, 1);
    /* Once for each answer to the request and its repetitions, and not again at the end. */
    unsigned deletes = late.deletes;
    assert_in_range(deletes, 1, story_pcp_count(world) - deletes);
    ph_world_unmap(world, id);
    ph_world_run(world, PH_SECONDS(10));
    story_assert_unmapped(world, id, PORTHOLE_FATE_REMOVED);
    assert_int_equal(late.deletes, deletes);
    assert_int_equal(late.igd.deletes, 1);
    ph_world_free(world);
}

static void late_refusal_by_pcp_changes_nothing(void **state) {
    (void)state;
    static const enum ph_pcp_result results[] = {PH_PCP_NO_RESOURCES, PH_PCP_UNSUPP_VERSION};
    for (unsigned i = 0; i < LENGTH_OF(results); i++) {
        struct late_pcp late;
        struct ph_world *world = late_world(&late, (struct ph_endpoint){.port = 0}, results[i]);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(10));
        story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
        assert_int_equal(world->event_count, 1);
        assert_int_equal(late.igd.adds, 1);
        ph_world_free(world);
    }
}

/* ---- Removing -------------------------------------------------------------------------------- */

static void unmapped_at_any_moment_nothing_is_left(void **state) {
    (void)state;
    for (unsigned ms = 0; ms <= 100; ms++) {
        struct ph_world_options options = story_options(PORTHOLE_USE_UPNP);
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_MS(ms));
        ph_world_unmap(world, id);
        ph_world_run(world, PH_SECONDS(30));
        story_assert_unmapped(world, id, ms < 80 ? PORTHOLE_FATE_NONE : PORTHOLE_FATE_REMOVED);
        assert_int_equal(ph_gw_server_count(world->server), 0);
        assert_int_equal(world->exchanges_open, 0);
        ph_world_free(world);
    }
}

static void delete_that_finds_nobody_leaves_it_to_its_lease(void **state) {
    (void)state;
    for (unsigned status = 0; status <= 500; status += 500) {
        struct igd igd;
        igd_init(&igd);
        struct ph_world_options options = igd_options(&igd);
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(1));
        if (status == 0)
            igd.http_port = 49152; /* refused at the old one */
        igd.action_status = status;
        igd.action_body = "";
        ph_world_unmap(world, id);
        ph_world_run(world, PH_SECONDS(10));
        story_assert_unmapped(world, id, PORTHOLE_FATE_EXPIRES);
        ph_world_free(world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(searched_at_once_when_5351_is_refused),
        cmocka_unit_test(silence_of_5351_costs_25_ms),
        cmocka_unit_test(twenty_mappings_use_four_connections_at_a_time),
        cmocka_unit_test(conflict_takes_another_port),
        cmocka_unit_test(conflict_on_every_port_is_given_up_after_eleven),
        cmocka_unit_test(exact_port_in_conflict_fails_at_once),
        cmocka_unit_test(other_faults_are_told_with_their_code),
        cmocka_unit_test(connection_that_fails_is_made_again),
        cmocka_unit_test(connection_that_always_fails_ends_upnp),
        cmocka_unit_test(answer_without_sense_is_asked_again_and_then_ends_upnp),
        cmocka_unit_test(description_is_handed_on_and_never_empty),
        cmocka_unit_test(late_pcp_with_the_same_port_takes_over),
        cmocka_unit_test(late_pcp_with_another_port_is_given_back),
        cmocka_unit_test(late_refusal_by_pcp_changes_nothing),
        cmocka_unit_test(unmapped_at_any_moment_nothing_is_left),
        cmocka_unit_test(delete_that_finds_nobody_leaves_it_to_its_lease),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
