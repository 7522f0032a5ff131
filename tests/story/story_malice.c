/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * story_malice.c: answers that are forged, cut off, repeated, out of order or far too many. What
 * comes of a mapping is the same as without them, and nobody is asked who must not be.
 */
#include "tests/story/igd.h"

static const unsigned each_method[] = {PORTHOLE_USE_PCP, PORTHOLE_USE_NATPMP, PORTHOLE_USE_UPNP};

/* ---- Forgeries at every moment --------------------------------------------------------------- */

struct forgery {
    const char *name;
    enum ph_world_port port;
    uint8_t from; /* last byte of the sender's address: 1 = the gateway's */
    uint16_t from_port;
    size_t len;
    const char *bytes;
};

#define SSDP_HEAD "HTTP/1.1 200 OK\r\nUSN: uuid:1::upnp:rootdevice\r\nST: "
#define IGD_HEAD SSDP_HEAD PH_SSDP_TARGET_IGD1 "\r\nLOCATION: "
#define BYTES(literal) sizeof(literal) - 1, literal
/* A PCP header of an answer to MAP that granted an hour, and a body with another's nonce. */
#define PCP_GRANT                                                                                  \
    "\2\x81\0\0\0\0\x0e\x10\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0AAAABBBBCCCC\6\0\0\0\x1f\x90\x1f\x90"   \
    "\0\0\0\0\0\0\0\0\0\0\xff\xff\6\6\6\6"

static const struct forgery forgeries[] = {
    {"nothing", PH_WORLD_CONTROL, 1, 5351, 0, ""},
    {"one byte", PH_WORLD_CONTROL, 1, 5351, BYTES("\2")},
    {"version 3", PH_WORLD_CONTROL, 1, 5351, BYTES("\3\x81\0\0\0\0\0\0\0\0\0\0")},
    {"another nonce", PH_WORLD_CONTROL, 1, 5351, BYTES(PCP_GRANT)},
    {"announcement", PH_WORLD_CONTROL, 1, 5351,
     BYTES("\2\x80\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0")},
    {"grant for another port", PH_WORLD_CONTROL, 1, 5351,
     BYTES("\0\x82\0\0\0\0\0\0\0\x50\0\x50\0\0\x0e\x10")},
    {"version refused by a neighbour", PH_WORLD_CONTROL, 66, 5351, BYTES("\0\x81\0\1\0\0\0\0")},
    {"version refused from another port", PH_WORLD_CONTROL, 1, 5350, BYTES("\0\x81\0\1\0\0\0\0")},
    {"address from a neighbour", PH_WORLD_CONTROL, 66, 5351, BYTES("\0\x80\0\0\0\0\0\0\6\6\6\6")},
    {"grant from a neighbour", PH_WORLD_CONTROL, 66, 5351,
     BYTES("\0\x82\0\0\0\0\0\0\x1f\x90\x0f\xa0\0\0\x0e\x10")},
    {"noise", PH_WORLD_SSDP, 1, 1900, BYTES("\1\2\3\4")},
    {"farewell", PH_WORLD_SSDP, 1, 1900,
     BYTES("NOTIFY * HTTP/1.1\r\nNTS: ssdp:byebye\r\nNT: " PH_SSDP_TARGET_IGD1
           "\r\nUSN: uuid:1\r\n\r\n")},
    {"a television", PH_WORLD_SSDP, 66, 1900,
     BYTES(SSDP_HEAD "urn:schemas-upnp-org:device:MediaRenderer:1\r\nLOCATION: "
                     "http://192.168.77.66/tv.xml\r\n\r\n")},
    {"another host", PH_WORLD_SSDP, 1, 1900, BYTES(IGD_HEAD "http://8.8.4.4/a.xml\r\n\r\n")},
    {"loopback", PH_WORLD_SSDP, 1, 1900, BYTES(IGD_HEAD "http://127.0.0.1:631/\r\n\r\n")},
    {"a neighbour's neighbour", PH_WORLD_SSDP, 66, 1900,
     BYTES(IGD_HEAD "http://192.168.77.67/a.xml\r\n\r\n")},
    {"from far away", PH_WORLD_SSDP, 0, 1900, BYTES(IGD_HEAD "http://8.8.4.4/a.xml\r\n\r\n")},
    {"contradiction", PH_WORLD_SSDP, 1, 1900,
     BYTES(IGD_HEAD "http://192.168.77.1/a.xml\r\nLOCATION: http://8.8.4.4/b.xml\r\n\r\n")},
};

static void forge(struct ph_world *world, const struct forgery *forgery) {
    struct ph_endpoint from = story_outsider(forgery->from_port);
    if (forgery->from != 0)
        from.addr = ph_addr_v4(192, 168, 77, forgery->from);
    ph_world_answer(world, forgery->port, &from, forgery->bytes, forgery->len);
}

static void forgery_at_any_moment_changes_nothing(void **state) {
    (void)state;
    static const ph_us mapped_at[] = {PH_MS(10), PH_MS(20), PH_MS(80)};
    for (unsigned m = 0; m < LENGTH_OF(each_method); m++) {
        for (unsigned i = 0; i < LENGTH_OF(forgeries); i++) {
            for (unsigned ms = 0; ms <= 80; ms += 3) {
                struct ph_world_options options = story_options(each_method[m]);
                struct ph_world *world = ph_world_new(&options);
                porthole_id id = story_map(world, 0);
                ph_world_run(world, PH_MS(ms));
                forge(world, &forgeries[i]);
                ph_world_run(world, PH_SECONDS(5));
                story_assert_mapped(world, id, (enum porthole_method)(m + PORTHOLE_PCP),
                                    STORY_PORT);
                if (story_event_time(world, id, PORTHOLE_EVENT_MAPPED) != mapped_at[m])
                    fail_msg("%s at %u ms changed when it was mapped", forgeries[i].name, ms);
                assert_int_equal(ph_world_query(world, id).lifetime_s, 7200);
                assert_int_equal(world->event_count, 1);
                assert_int_equal(world->strays, 0);
                ph_world_free(world);
            }
        }
    }
}

/* ---- Cut off --------------------------------------------------------------------------------- */

struct cut {
    unsigned answer; /* which one, counted from 0 */
    size_t len;
    bool was_there; /* there is such an answer, and it is longer */
};

static void cut_off(struct ph_world *world, enum ph_world_port port, const struct ph_endpoint *from,
                    const uint8_t *bytes, size_t len) {
    struct cut *cut = world->options.user;
    if (cut->answer-- == 0 && cut->len < len) {
        cut->was_there = true;
        len = cut->len;
    }
    ph_world_answer(world, port, from, bytes, len);
}

static void datagram_that_is_cut_off_anywhere_is_as_good_as_lost(void **state) {
    (void)state;
    for (unsigned m = 0; m < LENGTH_OF(each_method); m++) {
        bool is_any_left = true;
        for (unsigned answer = 0; answer < 4 && is_any_left; answer++) {
            is_any_left = false;
            for (size_t len = 0; len < 400; len++) {
                struct cut cut = {answer, len, false};
                struct ph_world_options options = story_options(each_method[m]);
                options.meddle = cut_off;
                options.user = &cut;
                struct ph_world *world = ph_world_new(&options);
                porthole_id id = story_map(world, 0);
                ph_world_run(world, PH_SECONDS(2));
                story_assert_mapped(world, id, (enum porthole_method)(m + PORTHOLE_PCP),
                                    STORY_PORT);
                assert_int_equal(world->event_count, 1);
                assert_int_equal(world->strays, 0);
                ph_world_free(world);
                is_any_left |= cut.was_there;
                if (!cut.was_there)
                    break;
            }
        }
        assert_true(m == 2 || !is_any_left || each_method[m] == PORTHOLE_USE_NATPMP);
    }
}

static size_t cut_off_http(struct ph_world *world, const struct ph_endpoint *to,
                           const struct ph_http_message *request, uint8_t *ret, size_t size) {
    struct cut *cut = world->options.user;
    (void)to;
    size_t len = ph_world_serve_http(world, request, ret, size);
    if (cut->answer-- != 0 || cut->len >= len)
        return len;
    cut->was_there = true;
    return cut->len ? cut->len : PH_WORLD_NO_ANSWER;
}

static void http_answer_that_is_cut_off_anywhere_is_asked_for_again(void **state) {
    (void)state;
    for (unsigned answer = 0; answer < 3; answer++) {
        for (size_t len = 0;; len += 7) {
            struct cut cut = {answer, len, false};
            struct ph_world_options options = story_options(PORTHOLE_USE_UPNP);
            options.http = cut_off_http;
            options.user = &cut;
            struct ph_world *world = ph_world_new(&options);
            porthole_id id = story_map(world, 0);
            ph_world_run(world, PH_SECONDS(20));
            story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
            assert_int_equal(ph_gw_server_count(world->server), 1);
            assert_int_equal(world->strays, 0);
            ph_world_free(world);
            if (!cut.was_there)
                break;
        }
    }
}

/* ---- Twice, late, out of order --------------------------------------------------------------- */

static void repeat(struct ph_world *world, enum ph_world_port port, const struct ph_endpoint *from,
                   const uint8_t *bytes, size_t len) {
    static const ph_us delays[] = {0, 0, PH_MS(7), PH_MS(600), PH_SECONDS(9)};
    for (unsigned i = 0; i < LENGTH_OF(delays); i++)
        ph_world_answer_late(world, port, from, bytes, len, delays[i]);
}

static void answers_that_come_again_and_again_are_told_once(void **state) {
    (void)state;
    for (unsigned m = 0; m < LENGTH_OF(each_method); m++) {
        struct ph_world_options options = story_options(each_method[m]);
        options.meddle = repeat;
        struct ph_world *world = ph_world_new(&options);
        porthole_id first = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(1));
        ph_world_unmap(world, first);
        ph_world_run(world, PH_SECONDS(1));
        story_assert_unmapped(world, first, PORTHOLE_FATE_REMOVED);
        assert_int_equal(ph_gw_server_count(world->server), 0);
        porthole_id second = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(60));
        story_assert_mapped(world, second, (enum porthole_method)(m + PORTHOLE_PCP), STORY_PORT);
        assert_int_equal(ph_gw_server_count(world->server), 1);
        assert_int_equal(world->event_count, 3);
        ph_world_free(world);
    }
}

static void shuffle(struct ph_world *world, enum ph_world_port port, const struct ph_endpoint *from,
                    const uint8_t *bytes, size_t len) {
    struct ph_random random = {ph_seeded_fill, &world->random};
    ph_us extra = ph_random_below(&random, 60000);
    ph_world_answer_late(world, port, from, bytes, len, extra);
}

static void answers_out_of_order_make_and_remove_all_the_same(void **state) {
    (void)state;
    for (unsigned i = 0; i < 60; i++) {
        unsigned m = i % LENGTH_OF(each_method);
        struct ph_world_options options = story_options(each_method[m]);
        options.meddle = shuffle;
        options.seed = i;
        struct ph_world *world = ph_world_new(&options);
        for (uint16_t port = 0; port < 10; port++)
            ph_world_map(world, PORTHOLE_TCP, (uint16_t)(5000 + port));
        ph_world_run(world, PH_SECONDS(5));
        for (porthole_id id = 1; id <= 10; id++)
            story_assert_mapped(world, id, (enum porthole_method)(m + PORTHOLE_PCP),
                                (uint16_t)(5000 + id - 1));
        assert_int_equal(ph_gw_server_count(world->server), 10);
        assert_int_equal(world->event_count, 10);
        ph_world_stop(world, PH_SECONDS(3));
        ph_world_run(world, PH_SECONDS(5));
        for (porthole_id id = 1; id <= 10; id++)
            story_assert_unmapped(world, id, PORTHOLE_FATE_REMOVED);
        assert_int_equal(ph_gw_server_count(world->server), 0);
        ph_world_free(world);
    }
}

/* ---- Far too many ---------------------------------------------------------------------------- */

enum crowd {
    NEIGHBOURS,
    OUTSIDERS,
    NEIGHBOURS_THAT_NAME_THE_GATEWAY,
    GATEWAY_OF_MANY_NAMES,
    CROWDS
};

/* A thousand devices answer the first search before the gateway does. */
static void answer_by_crowd(struct ph_world *world, enum ph_world_port port,
                            const struct ph_endpoint *from, const uint8_t *bytes, size_t len) {
    enum crowd *crowd = world->options.user;
    for (unsigned i = 0; *crowd != CROWDS && port == PH_WORLD_SSDP && i < 1000; i++) {
        char location[64];
        struct ph_endpoint source = story_outsider((uint16_t)(1024 + i));
        if (*crowd != OUTSIDERS)
            source.addr = ph_addr_v4(192, 168, 77, (uint8_t)(10 + i % 200));
        if (*crowd == GATEWAY_OF_MANY_NAMES)
            source.addr = world->path.gateway;
        char host[PH_ADDR_TEXT_SIZE];
        bool is_own = *crowd == NEIGHBOURS || *crowd == OUTSIDERS;
        snprintf(location, sizeof location, "http://%s:%u/%u.xml",
                 ph_addr_format(is_own ? &source.addr : &world->path.gateway, host), 2000 + i, i);
        story_ssdp_answer(world, &source, PH_SSDP_TARGET_IGD1, location);
    }
    if (port == PH_WORLD_SSDP)
        *crowd = CROWDS;
    ph_world_serve(world, port, from, bytes, len);
}

static void crowd_does_not_keep_the_gateway_from_being_found(void **state) {
    (void)state;
    for (enum crowd i = NEIGHBOURS; i < GATEWAY_OF_MANY_NAMES; i++) {
        enum crowd crowd = i;
        struct ph_world_options options = story_options(PORTHOLE_USE_UPNP);
        options.methods = PORTHOLE_USE_UPNP;
        options.script = answer_by_crowd;
        options.user = &crowd;
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(2));
        story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
        assert_true(story_event_time(world, id, PORTHOLE_EVENT_MAPPED) == PH_MS(70));
        assert_int_equal(world->exchanges, 4);
        assert_int_equal(world->strays, 0);
        ph_world_free(world);
    }
}

static void crowd_without_a_gateway_is_asked_four_times_at_most(void **state) {
    (void)state;
    for (enum crowd i = NEIGHBOURS; i < CROWDS; i++) {
        enum crowd crowd = i;
        struct ph_world_options options = story_options(PORTHOLE_USE_UPNP);
        options.methods = PORTHOLE_USE_UPNP;
        options.script = answer_by_crowd;
        options.user = &crowd;
        struct ph_world *world = ph_world_new(&options);
        world->server_config.upnp = false;
        ph_world_restart_gateway(world);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(4));
        assert_int_equal(ph_world_query(world, id).state, PORTHOLE_FAILURE);
        assert_true(world->exchanges <= 4);
        assert_true(i != OUTSIDERS || world->exchanges == 0);
        for (unsigned n = 0; n < world->exchanges; n++) {
            const struct ph_addr *to = &story_http_sent(world, "HTTP", n)->to.addr;
            assert_memory_equal(to->b, world->path.source.b, 15);
        }
        ph_world_free(world);
    }
}

static void description_of_a_thousand_services_is_asked_about_eight(void **state) {
    (void)state;
    static char body[200000];
    size_t len = (size_t)snprintf(body, sizeof body, "<root><device><serviceList>");
    for (unsigned i = 0; i < 1000; i++)
        len += (size_t)snprintf(body + len, sizeof body - len,
                                "<service><serviceType>urn:schemas-upnp-org:service:"
                                "WANIPConnection:1</serviceType><controlURL>/ctl/0</controlURL>"
                                "</service>");
    snprintf(body + len, sizeof body - len, "</serviceList></device></root>");
    struct igd igd;
    igd_init(&igd);
    igd.description_body = body;
    igd.addresses[0] = "0.0.0.0";
    struct ph_world_options options = igd_options(&igd);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(4));
    story_assert_failed(world, id, PORTHOLE_ERR_NO_UPLINK, PORTHOLE_UPNP, 0);
    assert_int_equal(world->exchanges, 1 + 8);
    ph_world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forgery_at_any_moment_changes_nothing),
        cmocka_unit_test(datagram_that_is_cut_off_anywhere_is_as_good_as_lost),
        cmocka_unit_test(http_answer_that_is_cut_off_anywhere_is_asked_for_again),
        cmocka_unit_test(answers_that_come_again_and_again_are_told_once),
        cmocka_unit_test(answers_out_of_order_make_and_remove_all_the_same),
        cmocka_unit_test(crowd_does_not_keep_the_gateway_from_being_found),
        cmocka_unit_test(crowd_without_a_gateway_is_asked_four_times_at_most),
        cmocka_unit_test(description_of_a_thousand_services_is_asked_about_eight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
