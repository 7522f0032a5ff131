/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * story_igd.c: finding the UPnP device and the service that leads out: many kinds of devices, and
 * answers that point where they must not.
 */
#include "tests/story/igd.h"

#define VERDICT PH_MS(3300)

/* ---- Kinds of devices ------------------------------------------------------------------------ */

static void every_kind_of_wan_service_will_do(void **state) {
    (void)state;
    static const char *const types[] = {"WANIPConnection:1", "WANIPConnection:2",
                                        "WANPPPConnection:1", "WANPPPConnection:2"};
    for (unsigned i = 0; i < LENGTH_OF(types); i++) {
        struct igd igd;
        igd_init(&igd);
        igd.types[0] = types[i];
        struct ph_world_options options = igd_options(&igd);
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(1));
        story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
        /* It is spoken to by its own name. */
        char action[128];
        snprintf(action, sizeof action, "\"urn:schemas-upnp-org:service:%s#AddPortMapping\"",
                 types[i]);
        assert_int_equal(story_http_count(world, action), 1);
        ph_world_free(world);
    }
}

static void embedded_gateway_of_version_1_will_do(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_UPNP);
    struct ph_world *world = ph_world_new(&options);
    world->server_config.behaviour.igd_version = 1;
    ph_world_restart_gateway(world);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    ph_world_free(world);
}

static void description_without_a_wan_service_is_unsupported(void **state) {
    (void)state;
    struct igd igd;
    igd_init(&igd);
    igd.types[0] = "WANCommonInterfaceConfig:1";
    struct ph_world_options options = igd_options(&igd);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, VERDICT);
    story_assert_failed(world, id, PORTHOLE_ERR_UNSUPPORTED, PORTHOLE_UPNP, 0);
    ph_world_free(world);
}

/* ---- Which service --------------------------------------------------------------------------- */

static void service_that_leads_out_is_chosen(void **state) {
    (void)state;
    static const struct {
        const char *addresses[3]; /* NULL = a fault */
        unsigned count;
        unsigned chosen;
        const char *external;
    } cases[] = {
        {{"1.2.3.4", "5.6.7.8"}, 2, 0, "1.2.3.4"},
        {{"0.0.0.0", "1.2.3.4"}, 2, 1, "1.2.3.4"},
        {{"", "1.2.3.4"}, 2, 1, "1.2.3.4"},
        {{NULL, "1.2.3.4"}, 2, 1, "1.2.3.4"},
        {{"fe80::1%0", "1.2.3.4"}, 2, 1, "1.2.3.4"},
        {{"192.168.0.2", "1.2.3.4"}, 2, 1, "1.2.3.4"},
        {{"100.64.0.9", "0.0.0.0", "1.2.3.4"}, 3, 2, "1.2.3.4"},
        /* None of them is public: the first that has an address at all. */
        {{"192.168.0.2"}, 1, 0, "192.168.0.2"},
        {{"192.168.0.2", "0.0.0.0"}, 2, 0, "192.168.0.2"},
        {{"192.168.0.2", NULL}, 2, 0, "192.168.0.2"},
        {{"0.0.0.0", "100.64.0.9", "10.0.0.9"}, 3, 1, "100.64.0.9"},
    };
    for (unsigned i = 0; i < LENGTH_OF(cases); i++) {
        struct igd igd;
        igd_init(&igd);
        for (unsigned s = 0; s < cases[i].count; s++) {
            igd.types[s] = s % 2 ? "WANPPPConnection:1" : "WANIPConnection:1";
            igd.addresses[s] = cases[i].addresses[s];
        }
        struct ph_world_options options = igd_options(&igd);
        options.external = cases[i].external;
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(1));
        story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
        assert_int_equal(igd.service, cases[i].chosen);
        ph_world_free(world);
    }
}

static void no_service_with_an_address_is_no_uplink(void **state) {
    (void)state;
    static const char *const addresses[] = {"0.0.0.0", "::", "", "unknown"};
    for (unsigned i = 0; i < LENGTH_OF(addresses); i++) {
        struct igd igd;
        igd_init(&igd);
        igd.addresses[0] = addresses[i];
        struct ph_world_options options = igd_options(&igd);
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, VERDICT);
        story_assert_failed(world, id, PORTHOLE_ERR_NO_UPLINK, PORTHOLE_UPNP, 0);
        assert_int_equal(igd.adds, 0);
        /* The uplink comes up. */
        igd.addresses[0] = "1.2.3.4";
        ph_world_run(world, PH_SECONDS(10));
        story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
        ph_world_free(world);
    }
}

/* ---- Whom it believes ------------------------------------------------------------------------ */

static void location_on_another_host_is_never_asked(void **state) {
    (void)state;
    static const char *const locations[] = {
        "http://192.168.77.66:5000/root.xml", /* a neighbour that did not answer itself */
        "http://8.8.4.4:5000/root.xml",
        "http://169.254.1.1:5000/root.xml",
        "http://239.255.255.250:5000/root.xml",
    };
    for (unsigned i = 0; i < LENGTH_OF(locations); i++) {
        struct igd igd;
        igd_init(&igd);
        igd.location = locations[i];
        struct ph_world_options options = igd_options(&igd);
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, VERDICT);
        story_assert_failed(world, id, PORTHOLE_ERR_UNTRUSTED, PORTHOLE_UPNP, 0);
        assert_int_equal(world->exchanges, 0);
        assert_int_equal(world->strays, 0);
        ph_world_free(world);
    }
}

static void location_on_this_host_is_asked_where_the_answer_came_from(void **state) {
    (void)state;
    static const char *const locations[] = {
        "http://127.0.0.1:5000/root.xml", "http://[::1]:5000/root.xml",
        "http://[::ffff:127.0.0.1]:5000/root.xml", "http://0.0.0.0:5000/root.xml"};
    for (unsigned i = 0; i < LENGTH_OF(locations); i++) {
        struct igd igd;
        igd_init(&igd);
        igd.location = locations[i];
        struct ph_world_options options = igd_options(&igd);
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(1));
        story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
        assert_int_equal(world->strays, 0);
        ph_world_free(world);
    }
}

static void location_that_is_no_url_of_ours_is_malformed(void **state) {
    (void)state;
    static const char *const locations[] = {"https://192.168.77.1:5000/root.xml",
                                            "http://router.lan:5000/root.xml",
                                            "http://user@192.168.77.1:5000/root.xml",
                                            "http://192.168.77.1:0/root.xml",
                                            "",
                                            "/root.xml"};
    for (unsigned i = 0; i < LENGTH_OF(locations); i++) {
        struct igd igd;
        igd_init(&igd);
        igd.location = locations[i];
        struct ph_world_options options = igd_options(&igd);
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, VERDICT);
        story_assert_failed(world, id, PORTHOLE_ERR_MALFORMED, PORTHOLE_UPNP, 0);
        assert_int_equal(world->exchanges, 0);
        ph_world_free(world);
    }
}

static void neighbour_is_taken_for_the_device_after_200_ms(void **state) {
    (void)state;
    struct igd igd;
    igd_init(&igd);
    igd.answers_from = story_neighbour(PH_SSDP_PORT);
    struct ph_world_options options = igd_options(&igd);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_MS(25 + 199));
    assert_int_equal(world->exchanges, 0);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    assert_true(story_event_time(world, id, PORTHOLE_EVENT_MAPPED) <= PH_MS(25 + 250 + 60));
    for (unsigned i = 0; i < world->exchanges; i++)
        assert_true(
            ph_addr_equal(&story_http_sent(world, "HTTP", i)->to.addr, &igd.answers_from.addr));
    ph_world_free(world);
}

static void device_from_far_away_is_refused(void **state) {
    (void)state;
    const struct ph_endpoint sources[] = {story_outsider(PH_SSDP_PORT),
                                          {ph_addr_v4(127, 0, 0, 1), 1900},
                                          {ph_addr_v4(169, 254, 7, 7), 1900}};
    for (unsigned i = 0; i < LENGTH_OF(sources); i++) {
        struct igd igd;
        igd_init(&igd);
        igd.answers_from = sources[i];
        struct ph_world_options options = igd_options(&igd);
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, VERDICT);
        story_assert_failed(world, id, PORTHOLE_ERR_UNTRUSTED, PORTHOLE_UPNP, 0);
        assert_int_equal(world->exchanges, 0);
        ph_world_free(world);
    }
}

static void control_url_on_another_host_is_never_asked(void **state) {
    (void)state;
    static const char *const bases[] = {"http://8.8.4.4:5000", "http://127.0.0.1:5000",
                                        "http://192.168.77.66", "//192.168.77.66"};
    for (unsigned i = 0; i < LENGTH_OF(bases); i++) {
        struct igd igd;
        igd_init(&igd);
        igd.base = bases[i];
        struct ph_world_options options = igd_options(&igd);
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, VERDICT);
        story_assert_failed(world, id, PORTHOLE_ERR_UNTRUSTED, PORTHOLE_UPNP, 0);
        assert_int_equal(world->exchanges, 1);
        assert_int_equal(world->strays, 0);
        ph_world_free(world);
    }
}

static void service_elsewhere_does_not_stand_in_the_way_of_one_here(void **state) {
    (void)state;
    struct igd igd;
    igd_init(&igd);
    igd.description_body =
        "<root><device><serviceList><service>"
        "<serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType>"
        "<controlURL>http://8.8.4.4/ctl/1</controlURL></service><service>"
        "<serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType>"
        "<controlURL>/ctl/0</controlURL></service></serviceList></device></root>";
    struct ph_world_options options = igd_options(&igd);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    assert_int_equal(world->strays, 0);
    ph_world_free(world);
}

/* ---- Descriptions that will not do ----------------------------------------------------------- */

static void description_that_will_not_do_is_told_by_its_error(void **state) {
    (void)state;
    static const struct {
        unsigned status;
        const char *body;
        int error;
        int code;
    } cases[] = {{404, "<html>not here</html>", PORTHOLE_ERR_REFUSED, 404},
                 {500, "", PORTHOLE_ERR_REFUSED, 500},
                 {200, "", PORTHOLE_ERR_MALFORMED, 0},
                 {200, "no XML at all", PORTHOLE_ERR_MALFORMED, 0},
                 {200, "<root><device>", PORTHOLE_ERR_MALFORMED, 0},
                 {200, "<!DOCTYPE a [<!ENTITY b \"c\">]><root/>", PORTHOLE_ERR_MALFORMED, 0},
                 {200, "<root/>", PORTHOLE_ERR_UNSUPPORTED, 0}};
    for (unsigned i = 0; i < LENGTH_OF(cases); i++) {
        struct igd igd;
        igd_init(&igd);
        igd.description_status = cases[i].status;
        igd.description_body = cases[i].body;
        struct ph_world_options options = igd_options(&igd);
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, VERDICT);
        story_assert_failed(world, id, cases[i].error, PORTHOLE_UPNP, cases[i].code);
        ph_world_free(world);
    }
}

static void device_that_hangs_is_given_up_within_the_discovery_timeout(void **state) {
    (void)state;
    /* In each of the exchanges with a device of four services. */
    for (unsigned at = 0; at < 7; at++) {
        struct igd igd;
        igd_init(&igd);
        for (unsigned s = 0; s < IGD_SERVICES_MAX; s++) {
            igd.types[s] = "WANIPConnection:1";
            igd.addresses[s] = s == 3 ? "1.2.3.4" : "0.0.0.0";
        }
        igd.hangs = 1000;
        igd.hangs_at = at;
        struct ph_world_options options = igd_options(&igd);
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        /* Finding it takes at most 10 s, and so does the request to what was found, behind a second
         * for its status. */
        ph_world_run(world, at < 5 ? PH_MS(10100) : PH_MS(11250));
        assert_int_equal(ph_world_query(world, id).state, PORTHOLE_FAILURE);
        igd.hangs = 0;
        ph_world_run(world, PH_SECONDS(60));
        story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
        ph_world_free(world);
    }
}

/* ---- Several devices ------------------------------------------------------------------------- */

struct several {
    struct igd igd; /* the first member: igd.c takes the pointer for its own */
    bool gateway_is_late;
    unsigned gets;
};

/* A neighbour answers, and the gateway, whose first LOCATION is a dead one. */
static void answer_by_several(struct ph_world *world, enum ph_world_port port,
                              const struct ph_endpoint *from, const uint8_t *bytes, size_t len) {
    struct several *several = world->options.user;
    struct ph_ssdp_message search;
    (void)from;
    if (port != PH_WORLD_SSDP || ph_ssdp_decode(bytes, len, &search) < 0 ||
        !ph_span_equal(search.target, PH_SPAN(PH_SSDP_TARGET_IGD1)))
        return;
    struct ph_endpoint neighbour = story_neighbour(1900);
    struct ph_endpoint gateway = {world->path.gateway, 1900};
    story_ssdp_answer(world, &neighbour, PH_SSDP_TARGET_IGD1, "http://192.168.77.66:80/n.xml");
    ph_us delay = world->options.delay;
    world->options.delay = several->gateway_is_late ? PH_MS(150) : delay;
    story_ssdp_answer(world, &gateway, PH_SSDP_TARGET_IGD1, "http://192.168.77.1:5000/dead.xml");
    story_ssdp_answer(world, &gateway, PH_SSDP_TARGET_IGD1, "http://192.168.77.1:5000/live.xml");
    world->options.delay = delay;
}

static size_t serve_several(struct ph_world *world, const struct ph_endpoint *to,
                            const struct ph_http_message *request, uint8_t *ret, size_t size) {
    struct several *several = world->options.user;
    several->gets++;
    if (ph_span_equal(request->target, PH_SPAN("/dead.xml")))
        return story_http_answer(404, "", ret, size);
    return igd_http(world, to, request, ret, size);
}

static void gateway_is_preferred_to_a_neighbour_that_answers_first(void **state) {
    (void)state;
    for (int late = 0; late < 2; late++) {
        struct several several = {.gateway_is_late = late};
        igd_init(&several.igd);
        struct ph_world_options options = igd_options(&several.igd);
        options.script = answer_by_several;
        options.http = serve_several;
        options.user = &several;
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(1));
        story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
        /* The dead description, the live one, its address, the mapping, and whether it is there. */
        assert_int_equal(several.gets, 5);
        assert_int_equal(world->strays, 0);
        ph_world_free(world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_wan_service_will_do),
        cmocka_unit_test(embedded_gateway_of_version_1_will_do),
        cmocka_unit_test(description_without_a_wan_service_is_unsupported),
        cmocka_unit_test(service_that_leads_out_is_chosen),
        cmocka_unit_test(no_service_with_an_address_is_no_uplink),
        cmocka_unit_test(location_on_another_host_is_never_asked),
        cmocka_unit_test(location_on_this_host_is_asked_where_the_answer_came_from),
        cmocka_unit_test(location_that_is_no_url_of_ours_is_malformed),
        cmocka_unit_test(neighbour_is_taken_for_the_device_after_200_ms),
        cmocka_unit_test(device_from_far_away_is_refused),
        cmocka_unit_test(control_url_on_another_host_is_never_asked),
        cmocka_unit_test(service_elsewhere_does_not_stand_in_the_way_of_one_here),
        cmocka_unit_test(description_that_will_not_do_is_told_by_its_error),
        cmocka_unit_test(device_that_hangs_is_given_up_within_the_discovery_timeout),
        cmocka_unit_test(gateway_is_preferred_to_a_neighbour_that_answers_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
