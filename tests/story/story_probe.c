/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * story_probe.c: asking what there is, without making anything that stays.
 */
#include "tests/story/story.h"

#define PROBE_TIME PH_MS(3250)

static const struct ph_probe_answer *answer(struct ph_world *world, enum porthole_method method) {
    return &ph_engine_probe(world->engine)->answers[method];
}

static bool is_probed(struct ph_world *world) { return ph_engine_probe(world->engine)->done; }

static void assert_answered(struct ph_world *world, enum porthole_method method) {
    const struct ph_probe_answer *a = answer(world, method);
    assert_string_equal(porthole_errname(a->error), "ok");
    assert_true(ph_addr_equal(&a->external, &world->server_config.external));
    assert_true(a->rtt == PH_MS(10));
}

static void assert_not_answered(struct ph_world *world, enum porthole_method method, int error) {
    const struct ph_probe_answer *a = answer(world, method);
    assert_string_equal(porthole_errname(a->error), porthole_errname(error));
    assert_true(ph_addr_is_unspecified(&a->external));
}

/* Nothing is left at the gateway, and no event was told. */
static void assert_no_trace_of_it(struct ph_world *world, size_t events) {
    ph_world_run(world, PH_SECONDS(5));
    ph_gw_server_tick(world->server, world->now);
    assert_int_equal(ph_gw_server_count(world->server), 0);
    assert_int_equal(world->event_count, events);
    assert_int_equal(ph_engine_count(world->engine), 0);
}

/* ---- What is there --------------------------------------------------------------------------- */

static void every_method_tells_what_it_is_or_why_not(void **state) {
    (void)state;
    for (unsigned methods = 0; methods < 16; methods += 2) {
        struct ph_world_options options = story_options(methods);
        struct ph_world *world = ph_world_new(&options);
        assert_int_equal(ph_world_probe(world, PROBE_TIME, false), 0);
        assert_true(ph_world_run_until(world, PROBE_TIME, is_probed));
        bool is_closed = !(methods & (PORTHOLE_USE_PCP | PORTHOLE_USE_NATPMP));
        int absent = is_closed ? PORTHOLE_ERR_PORT_CLOSED : PORTHOLE_ERR_UNSUPPORTED;
        if (methods & PORTHOLE_USE_PCP)
            assert_answered(world, PORTHOLE_PCP);
        else
            assert_not_answered(world, PORTHOLE_PCP, absent);
        if (methods & PORTHOLE_USE_NATPMP)
            assert_answered(world, PORTHOLE_NATPMP);
        else
            assert_not_answered(world, PORTHOLE_NATPMP, absent);
        if (methods & PORTHOLE_USE_UPNP)
            assert_answered(world, PORTHOLE_UPNP);
        else
            assert_not_answered(world, PORTHOLE_UPNP, PORTHOLE_ERR_NO_GATEWAY);
        /* Done as soon as the last has spoken; without UPnP that is its verdict. */
        ph_us elapsed = ph_engine_probe(world->engine)->elapsed;
        assert_true(elapsed == (methods & PORTHOLE_USE_UPNP ? PH_MS(50) : PROBE_TIME));
        assert_no_trace_of_it(world, 0);
        ph_world_free(world);
    }
}

static void upnp_tells_its_name_and_where_it_is(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_UPNP);
    struct ph_world *world = ph_world_new(&options);
    snprintf(world->server_config.friendly_name, PH_GW_NAME_SIZE, "A \"good\" <box>");
    snprintf(world->server_config.model_name, PH_GW_NAME_SIZE, "Mk 2");
    ph_world_restart_gateway(world);
    ph_world_probe(world, PROBE_TIME, false);
    ph_world_run(world, PROBE_TIME);
    assert_string_equal(answer(world, PORTHOLE_UPNP)->device, "A \"good\" <box> (Mk 2)");
    assert_string_equal(answer(world, PORTHOLE_UPNP)->url, "http://192.168.77.1:5000/rootDesc.xml");
    ph_world_free(world);
}

static void clock_of_the_gateway_is_told(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
    struct ph_world *world = ph_world_new(&options);
    ph_world_run(world, PH_SECONDS(1234));
    ph_world_probe(world, PROBE_TIME, false);
    ph_world_run(world, PROBE_TIME);
    assert_int_equal(answer(world, PORTHOLE_PCP)->epoch_s, 1234);
    assert_int_equal(answer(world, PORTHOLE_NATPMP)->epoch_s, 1234);
    ph_world_free(world);
}

static void methods_that_are_not_wanted_are_told_as_cancelled(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
    options.methods = PORTHOLE_USE_NATPMP;
    struct ph_world *world = ph_world_new(&options);
    ph_world_probe(world, PROBE_TIME, false);
    ph_world_run(world, PH_MS(10));
    assert_true(is_probed(world));
    assert_not_answered(world, PORTHOLE_PCP, PORTHOLE_ERR_CANCELLED);
    assert_answered(world, PORTHOLE_NATPMP);
    assert_not_answered(world, PORTHOLE_UPNP, PORTHOLE_ERR_CANCELLED);
    assert_int_equal(world->sent_count, 1);
    ph_world_free(world);
}

static void refusals_are_told_with_their_codes(void **state) {
    (void)state;
    /* PCP that knows the protocol, but has no room for port 9. */
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    struct ph_world *world = ph_world_new(&options);
    world->server_config.behaviour.mappings_max = 0;
    ph_world_restart_gateway(world);
    ph_world_probe(world, PROBE_TIME, false);
    ph_world_run(world, PROBE_TIME);
    assert_not_answered(world, PORTHOLE_PCP, PORTHOLE_ERR_NO_RESOURCES);
    assert_int_equal(answer(world, PORTHOLE_PCP)->code, PH_PCP_NO_RESOURCES);
    assert_int_equal(answer(world, PORTHOLE_PCP)->error_method, PORTHOLE_PCP);
    ph_world_free(world);
}

/* ---- For the address alone ------------------------------------------------------------------- */

static void address_is_enough_by_whichever_is_first(void **state) {
    (void)state;
    static const struct {
        unsigned methods;
        ph_us elapsed;
    } cases[] = {{PORTHOLE_USE_ALL, PH_MS(10)},
                 {PORTHOLE_USE_PCP, PH_MS(10)},
                 {PORTHOLE_USE_NATPMP, PH_MS(10)},
                 {PORTHOLE_USE_UPNP, PH_MS(50)}};
    for (unsigned i = 0; i < LENGTH_OF(cases); i++) {
        struct ph_world_options options = story_options(cases[i].methods);
        struct ph_world *world = ph_world_new(&options);
        ph_world_probe(world, PROBE_TIME, true);
        assert_true(ph_world_run_until(world, PROBE_TIME, is_probed));
        assert_true(ph_engine_probe(world->engine)->elapsed == cases[i].elapsed);
        assert_no_trace_of_it(world, 0);
        ph_world_free(world);
    }
}

/* ---- Its end --------------------------------------------------------------------------------- */

static void silence_ends_it_at_its_deadline(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
    options.silent = true;
    struct ph_world *world = ph_world_new(&options);
    ph_world_probe(world, PH_MS(777), false);
    assert_true(ph_world_run_until(world, PROBE_TIME, is_probed));
    assert_true(ph_engine_probe(world->engine)->elapsed == PH_MS(777));
    for (enum porthole_method m = PORTHOLE_PCP; m <= PORTHOLE_UPNP; m++)
        assert_not_answered(world, m, PORTHOLE_ERR_NO_GATEWAY);
    /* Nothing is asked on for nobody's sake. */
    ph_world_run(world, PH_SECONDS(5));
    size_t sent = world->sent_count;
    ph_world_run(world, PH_SECONDS(3600));
    assert_int_equal(world->sent_count, sent);
    ph_world_free(world);
}

static void second_probe_at_a_time_is_refused_and_after_it_is_not(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
    struct ph_world *world = ph_world_new(&options);
    assert_int_equal(ph_world_probe(world, PROBE_TIME, false), 0);
    assert_int_equal(ph_world_probe(world, PROBE_TIME, false), PORTHOLE_ERR_STATE);
    ph_world_run(world, PH_SECONDS(1));
    /* Known methods are asked again, also by the same probe. */
    world->server_config.external = ph_addr_v4(5, 6, 7, 8);
    ph_world_restart_gateway(world);
    assert_int_equal(ph_world_probe(world, PROBE_TIME, false), 0);
    assert_false(is_probed(world));
    ph_world_run(world, PH_SECONDS(1));
    assert_true(is_probed(world));
    for (enum porthole_method m = PORTHOLE_PCP; m <= PORTHOLE_UPNP; m++)
        assert_answered(world, m);
    assert_no_trace_of_it(world, 0);
    ph_world_free(world);
}

static void without_a_network_there_is_nothing_to_ask(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
    options.no_network = true;
    struct ph_world *world = ph_world_new(&options);
    assert_int_equal(ph_world_probe(world, PROBE_TIME, false), PORTHOLE_ERR_NO_NETWORK);
    assert_false(ph_engine_probe(world->engine)->has_path);
    ph_world_free(world);
}

static void network_that_changes_under_it_ends_it(void **state) {
    (void)state;
    for (int gone = 0; gone < 2; gone++) {
        struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
        struct ph_world *world = ph_world_new(&options);
        ph_world_probe(world, PROBE_TIME, false);
        ph_world_run(world, PH_MS(4));
        if (gone)
            ph_world_network(world, false);
        else
            ph_world_move(world, "10.1.1.1", "10.1.1.2");
        assert_true(is_probed(world));
        /* What was asked on the old way can only be left to its lease. */
        ph_world_run(world, PH_SECONDS(70));
        assert_no_trace_of_it(world, 0);
        ph_world_free(world);
    }
}

static void stop_ends_it_and_what_it_made(void **state) {
    (void)state;
    for (unsigned ms = 0; ms <= 60; ms += 3) {
        struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
        struct ph_world *world = ph_world_new(&options);
        ph_world_probe(world, PROBE_TIME, false);
        ph_world_run(world, PH_MS(ms));
        ph_world_stop(world, PH_SECONDS(3));
        assert_true(is_probed(world));
        ph_world_run(world, PH_MS(20));
        assert_true(ph_engine_is_stopped(world->engine));
        size_t sent = world->sent_count;
        assert_no_trace_of_it(world, 0);
        assert_int_equal(world->sent_count, sent);
        ph_world_free(world);
    }
}

/* ---- Beside mappings ------------------------------------------------------------------------- */

static void mappings_do_not_notice_it(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
    struct ph_world *world = ph_world_new(&options);
    porthole_id before = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    ph_world_probe(world, PROBE_TIME, false);
    porthole_id during = ph_world_map(world, PORTHOLE_UDP, 9090);
    assert_int_equal(ph_engine_count(world->engine), 2);
    ph_world_run(world, PH_SECONDS(1));
    assert_true(is_probed(world));
    story_assert_mapped(world, before, PORTHOLE_PCP, STORY_PORT);
    story_assert_mapped(world, during, PORTHOLE_PCP, 9090);
    assert_int_equal(world->event_count, 2);
    assert_int_equal(ph_gw_server_count(world->server), 2);
    for (enum porthole_method m = PORTHOLE_PCP; m <= PORTHOLE_UPNP; m++)
        assert_answered(world, m);
    ph_world_free(world);
}

static void port_9_of_the_application_is_left_alone(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = ph_world_map(world, PORTHOLE_UDP, 9);
    ph_world_run(world, PH_SECONDS(1));
    ph_world_probe(world, PROBE_TIME, false);
    ph_world_run(world, PH_SECONDS(5));
    assert_true(is_probed(world));
    assert_answered(world, PORTHOLE_PCP);
    story_assert_mapped(world, id, PORTHOLE_PCP, 9);
    assert_int_equal(ph_gw_server_count(world->server), 1);
    ph_world_free(world);
}

static void port_9_of_the_application_waits_for_the_probe(void **state) {
    (void)state;
    for (unsigned loss = 0; loss <= 60; loss += 20) {
        struct ph_world_options options = story_options(PORTHOLE_USE_ALL);
        options.loss_percent = loss;
        struct ph_world *world = ph_world_new(&options);
        ph_world_probe(world, PROBE_TIME, false);
        ph_world_run(world, PH_MS(2));
        porthole_id id = ph_world_map(world, PORTHOLE_UDP, 9);
        assert_true(id != 0);
        ph_world_run(world, PH_SECONDS(300));
        assert_int_equal(ph_world_query(world, id).state, PORTHOLE_SUCCESS);
        if (loss == 0)
            story_assert_mapped(world, id, PORTHOLE_PCP, 9);
        ph_world_free(world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_method_tells_what_it_is_or_why_not),
        cmocka_unit_test(upnp_tells_its_name_and_where_it_is),
        cmocka_unit_test(clock_of_the_gateway_is_told),
        cmocka_unit_test(methods_that_are_not_wanted_are_told_as_cancelled),
        cmocka_unit_test(refusals_are_told_with_their_codes),
        cmocka_unit_test(address_is_enough_by_whichever_is_first),
        cmocka_unit_test(silence_ends_it_at_its_deadline),
        cmocka_unit_test(second_probe_at_a_time_is_refused_and_after_it_is_not),
        cmocka_unit_test(without_a_network_there_is_nothing_to_ask),
        cmocka_unit_test(network_that_changes_under_it_ends_it),
        cmocka_unit_test(stop_ends_it_and_what_it_made),
        cmocka_unit_test(mappings_do_not_notice_it),
        cmocka_unit_test(port_9_of_the_application_is_left_alone),
        cmocka_unit_test(port_9_of_the_application_waits_for_the_probe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
