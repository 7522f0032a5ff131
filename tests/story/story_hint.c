/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * story_hint.c: a gateway that tells of its restart, or of another external address, and somebody
 * who forges that. What is told unasked makes the client ask, soon but not often, and what it keeps
 * is there again with its old port and nonce.
 */
#include "story.h"

static const enum porthole_method all_methods[] = {PORTHOLE_PCP, PORTHOLE_NATPMP, PORTHOLE_UPNP};

/* A mapping in a world whose gateway has only this method. */
static struct ph_world *hint_world(enum porthole_method method, uint64_t seed, bool announces,
                                   porthole_id *ret_id) {
    struct ph_world_options options = story_options(1U << method);
    options.seed = seed;
    options.announces = announces;
    struct ph_world *world = ph_world_new(&options);
    *ret_id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(200)); /* all that the first start announces is said */
    story_assert_mapped(world, *ret_id, method, STORY_PORT);
    assert_int_equal(world->event_count, 1);
    assert_true(world->is_listening);
    return world;
}

/* ---- Restarts -------------------------------------------------------------------------------- */

static void announced_restart_is_mended_within_6_s(void **state) {
    (void)state;
    for (unsigned i = 0; i < LENGTH_OF(all_methods); i++) {
        ph_us latest = 0;
        for (uint64_t seed = 1; seed <= 50; seed++) {
            porthole_id id;
            struct ph_world *world = hint_world(all_methods[i], seed, true, &id);
            ph_us restarted = world->now;
            ph_world_restart_gateway(world);
            ph_world_run(world, PH_SECONDS(6));
            story_assert_mapped(world, id, all_methods[i], STORY_PORT);
            assert_int_equal(ph_gw_server_count(world->server), 1);
            assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_PENDING), 1);
            assert_int_equal(ph_world_last(world).type, PORTHOLE_EVENT_MAPPED);
            assert_int_equal(world->event_count, 3);
            ph_us took = world->event_times[2] - restarted;
            latest = took > latest ? took : latest;
            ph_world_free(world);
        }
        /* The wait is random: RFC 6887 §14.1.3 and RFC 6886 §3.7 want up to 5 s of it. */
        assert_true(latest > (all_methods[i] == PORTHOLE_UPNP ? PH_MS(800) : PH_SECONDS(4)));
    }
}

static void restarted_gateway_is_given_the_old_nonces_and_ports(void **state) {
    (void)state;
    porthole_id id;
    struct ph_world *world = hint_world(PORTHOLE_PCP, 1, true, &id);
    for (uint16_t port = 1; port < 100; port++)
        ph_world_map(world, PORTHOLE_UDP, (uint16_t)(9000 + port));
    ph_world_run(world, PH_SECONDS(5));
    unsigned before = story_pcp_count(world);
    assert_int_equal(before, 100);
    ph_world_restart_gateway(world);
    ph_world_run(world, PH_SECONDS(6));
    assert_int_equal(story_pcp_count(world), 200);
    assert_int_equal(ph_gw_server_count(world->server), 100);
    for (unsigned i = 100; i < 200; i++) {
        bool is_old = false;
        for (unsigned k = 0; k < 100 && !is_old; k++)
            /* Nonce, protocol and both ports: RFC 6887 §11.1. */
            is_old = memcmp(story_pcp_sent(world, i)->bytes + 24,
                            story_pcp_sent(world, k)->bytes + 24, 20) == 0;
        assert_true(is_old);
    }
    ph_world_free(world);
}

static void all_that_was_held_is_back_a_moment_later(void **state) {
    (void)state;
    for (unsigned i = 0; i < LENGTH_OF(all_methods); i++) {
        porthole_id id;
        struct ph_world *world = hint_world(all_methods[i], 1, true, &id);
        for (uint16_t port = 1; port < 100; port++)
            ph_world_map(world, PORTHOLE_UDP, (uint16_t)(9000 + port));
        ph_world_run(world, PH_SECONDS(10));
        assert_int_equal(ph_gw_server_count(world->server), 100);
        ph_world_restart_gateway(world);
        world->exchanges_most = 0;
        ph_world_run(world, PH_SECONDS(8));
        assert_int_equal(ph_gw_server_count(world->server), 100);
        assert_true(world->exchanges_most <= 5); /* the window, and the address */
        ph_world_free(world);
    }
}

static void restart_that_nobody_announces_is_not_noticed_so_soon(void **state) {
    (void)state;
    for (unsigned i = 0; i < LENGTH_OF(all_methods); i++) {
        porthole_id id;
        struct ph_world *world = hint_world(all_methods[i], 1, false, &id);
        ph_world_restart_gateway(world);
        ph_world_run(world, PH_SECONDS(6));
        assert_int_equal(ph_gw_server_count(world->server), 0);
        ph_world_run(world, PH_SECONDS(296));
        story_assert_mapped(world, id, all_methods[i], STORY_PORT);
        assert_int_equal(ph_gw_server_count(world->server), 1);
        ph_world_free(world);
    }
}

/* As miniupnpd: one ANNOUNCE of PCP, also where PCP is of no use to the client. */
static void announcement_by_another_protocol_counts_too(void **state) {
    (void)state;
    for (unsigned i = 1; i < LENGTH_OF(all_methods); i++) {
        porthole_id id;
        struct ph_world *world = hint_world(all_methods[i], 1, false, &id);
        struct ph_endpoint from = {world->path.gateway, PH_PCP_PORT};
        struct ph_pcp_response response = {.version = PH_PCP_VERSION, .epoch_s = 201};
        uint8_t bytes[PH_PCP_SIZE_MAX];
        int len = ph_pcp_encode_response(&response, bytes, sizeof bytes);
        size_t before = world->sent_count;
        ph_world_answer(world, PH_WORLD_ANNOUNCE, &from, bytes, (size_t)len);
        ph_world_run(world, PH_SECONDS(10));
        assert_int_equal(world->sent_count, before); /* it started before the mapping was made */
        ph_world_restart_gateway(world);
        response.epoch_s = 0;
        len = ph_pcp_encode_response(&response, bytes, sizeof bytes);
        ph_world_answer(world, PH_WORLD_ANNOUNCE, &from, bytes, (size_t)len);
        ph_world_run(world, PH_SECONDS(6));
        story_assert_mapped(world, id, all_methods[i], STORY_PORT);
        assert_int_equal(ph_gw_server_count(world->server), 1);
        ph_world_free(world);
    }
}

static void restart_wakes_what_rests_after_a_refusal(void **state) {
    (void)state;
    porthole_id id;
    struct ph_world *world = hint_world(PORTHOLE_PCP, 1, true, &id);
    world->server_config.behaviour.mappings_max = 1;
    ph_world_restart_gateway(world);
    ph_world_run(world, PH_SECONDS(200));
    porthole_id refused = ph_world_map(world, PORTHOLE_UDP, 9000);
    ph_world_run(world, PH_SECONDS(5000));
    assert_int_equal(ph_world_query(world, refused).state, PORTHOLE_FAILURE);
    world->server_config.behaviour.mappings_max = 10;
    ph_world_restart_gateway(world);
    ph_world_run(world, PH_SECONDS(6));
    story_assert_mapped(world, refused, PORTHOLE_PCP, 9000);
    story_assert_mapped(world, id, PORTHOLE_PCP, STORY_PORT);
    ph_world_free(world);
}

static void gateway_that_has_not_restarted_may_announce_what_it_likes(void **state) {
    (void)state;
    for (unsigned i = 0; i < LENGTH_OF(all_methods); i++) {
        porthole_id id;
        struct ph_world *world = hint_world(all_methods[i], 1, true, &id);
        size_t before = world->sent_count;
        /* The same address, clock and BOOTID once more, ten times over two minutes. */
        world->server_config.external = ph_addr_v4(1, 2, 3, 4);
        ph_gw_server_renumber(world->server, world->started, &world->server_config.external);
        ph_world_run(world, PH_SECONDS(60));
        assert_int_equal(world->sent_count, before);
        ph_world_free(world);
    }
}

static void device_that_goes_and_comes_back_elsewhere_is_found(void **state) {
    (void)state;
    porthole_id id;
    struct ph_world *world = hint_world(PORTHOLE_UPNP, 1, true, &id);
    ph_gw_server_farewell(world->server);
    ph_gw_server_free(world->server);
    world->server = NULL;
    ph_world_run(world, PH_SECONDS(20));
    assert_true(ph_world_traced(world, "upnp: the gateway announces something"));
    world->server_config.http_port = 49152;
    ph_world_restart_gateway(world);
    ph_world_run(world, PH_SECONDS(6));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    assert_int_equal(ph_gw_server_count(world->server), 1);
    ph_world_free(world);
}

static void device_that_moves_with_the_same_boot_id_is_found(void **state) {
    (void)state;
    porthole_id id;
    struct ph_world *world = hint_world(PORTHOLE_UPNP, 1, true, &id);
    world->server_config.http_port = 49152;
    world->server_config.boot_id--;
    ph_world_restart_gateway(world);
    ph_world_run(world, PH_SECONDS(6));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    assert_int_equal(ph_gw_server_count(world->server), 1);
    ph_world_free(world);
}

static void device_that_was_out_of_reach_is_asked_when_it_is_heard(void **state) {
    (void)state;
    porthole_id id;
    struct ph_world *world = hint_world(PORTHOLE_UPNP, 1, true, &id);
    for (unsigned turn = 0; turn < 2; turn++) {
        world->options.silent = true;
        ph_world_run(world, PH_SECONDS(400)); /* a recheck finds it gone */
        assert_int_equal(ph_world_query(world, id).state, PORTHOLE_SUCCESS);
        world->options.silent = false;
        unsigned before = story_http_count(world, "#GetSpecificPortMappingEntry");
        ph_gw_server_renumber(world->server, world->now, &world->server_config.external);
        ph_world_run(world, PH_SECONDS(6));
        assert_int_equal(story_http_count(world, "#GetSpecificPortMappingEntry"), before + 1);
    }
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    assert_int_equal(world->event_count, 1);
    ph_world_free(world);
}

static void gateway_that_was_away_is_found_when_it_announces_itself(void **state) {
    (void)state;
    for (unsigned i = 0; i < LENGTH_OF(all_methods); i++) {
        porthole_id id;
        struct ph_world *world = hint_world(all_methods[i], 1, true, &id);
        ph_gw_server_free(world->server);
        world->server = NULL;
        world->options.silent = true;
        ph_world_run(world, PH_SECONDS(30000));
        assert_int_equal(ph_world_query(world, id).state, PORTHOLE_FAILURE);
        world->options.silent = false;
        ph_world_restart_gateway(world);
        ph_world_run(world, PH_SECONDS(6));
        story_assert_mapped(world, id, all_methods[i], STORY_PORT);
        ph_world_free(world);
    }
}

/* ---- Addresses ------------------------------------------------------------------------------- */

static void announced_address_is_told_within_6_s(void **state) {
    (void)state;
    for (unsigned i = 0; i < LENGTH_OF(all_methods) - 1; i++) {
        porthole_id id;
        struct ph_world *world = hint_world(all_methods[i], 1, true, &id);
        ph_world_renumber(world, "5.6.7.8");
        ph_world_run(world, PH_SECONDS(6));
        story_assert_mapped(world, id, all_methods[i], STORY_PORT);
        assert_int_equal(ph_gw_server_count(world->server), 1);
        /* With PCP a new address is a new epoch, in which the mapping is made again. */
        bool is_pcp = all_methods[i] == PORTHOLE_PCP;
        assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_CHANGED), is_pcp ? 0 : 1);
        assert_int_equal(world->event_count, is_pcp ? 3 : 2);
        ph_world_free(world);
    }
}

/* UPnP announces no address, but the same gateway may by NAT-PMP. */
static void address_of_a_upnp_mapping_is_told_at_the_recheck_or_by_natpmp(void **state) {
    (void)state;
    for (unsigned has_natpmp = 0; has_natpmp < 2; has_natpmp++) {
        struct ph_world_options options = story_options(PORTHOLE_USE_UPNP);
        options.methods = PORTHOLE_USE_UPNP;
        options.natpmp = has_natpmp;
        options.announces = true;
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(200));
        ph_world_renumber(world, "5.6.7.8");
        ph_world_run(world, PH_SECONDS(6));
        assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_CHANGED), has_natpmp);
        ph_world_run(world, PH_SECONDS(300));
        story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
        assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_CHANGED), 1);
        assert_int_equal(world->event_count, 2);
        ph_world_free(world);
    }
}

/* ---- Forgers --------------------------------------------------------------------------------- */

/* Each different from the one before it, and from what the gateway would say. */
static void forge(struct ph_world *world, const struct ph_addr *from, uint32_t n) {
    struct ph_endpoint server = {*from, PH_PCP_PORT};
    struct ph_endpoint device = {*from, PH_SSDP_PORT};
    uint8_t bytes[PH_SSDP_SIZE_MAX];
    struct ph_pcp_response pcp = {.version = PH_PCP_VERSION, .epoch_s = n * 7919};
    int len = ph_pcp_encode_response(&pcp, bytes, sizeof bytes);
    ph_world_answer(world, PH_WORLD_ANNOUNCE, &server, bytes, (size_t)len);
    struct ph_natpmp_response natpmp = {.epoch_s = n * 104729,
                                        .external_addr = ph_addr_v4(9, 9, 9, (uint8_t)n)};
    len = ph_natpmp_encode_response(&natpmp, bytes, sizeof bytes);
    ph_world_answer(world, PH_WORLD_ANNOUNCE, &server, bytes, (size_t)len);
    char location[64];
    snprintf(location, sizeof location, "http://192.168.77.1:%u/x", (unsigned)(1 + n % 60000));
    struct ph_ssdp_answer ssdp = {.target = PH_SSDP_TARGET_IGD1,
                                  .usn = "uuid:1::" PH_SSDP_TARGET_IGD1,
                                  .location = location,
                                  .server = "x",
                                  .boot_id = 1 + n,
                                  .max_age_s = 1800};
    len = ph_ssdp_encode_answer(&ssdp, n % 3 ? "ssdp:alive" : "ssdp:byebye", bytes, sizeof bytes);
    ph_world_answer(world, PH_WORLD_NOTIFY, &device, bytes, (size_t)len);
}

/* What the client sends in a minute: an HTTP exchange is a connection of about 8 packets. */
static unsigned packets_since(const struct ph_world *world, size_t first) {
    unsigned count = 0;
    for (size_t i = first; i < world->sent_count; i++)
        count += world->sent[i].port == PH_WORLD_HTTP ? 8 : 1;
    return count;
}

/* No two questions for the time within a second. */
static void assert_announces_are_spaced(const struct ph_world *world, size_t first) {
    ph_us last = 0;
    for (size_t i = first; i < world->sent_count; i++) {
        const struct ph_world_sent *sent = &world->sent[i];
        if (sent->port != PH_WORLD_CONTROL || sent->bytes[0] != PH_PCP_VERSION ||
            sent->bytes[1] != PH_PCP_ANNOUNCE)
            continue;
        assert_true(last == 0 || sent->at >= last + PH_SECONDS(1));
        last = sent->at;
    }
}

/* Three times 333 a second, for a minute in which a mapping is made and one renewed. */
static unsigned flooded_minute(enum porthole_method method, const struct ph_addr *from) {
    struct ph_world_options options = story_options(1U << method);
    struct ph_world *world = ph_world_new(&options);
    struct ph_map_request request = {.protocol = PORTHOLE_TCP,
                                     .internal_port = STORY_PORT,
                                     .external_port = STORY_PORT,
                                     .lifetime_s = 60};
    porthole_id first;
    ph_world_map_request(world, &request, &first);
    ph_world_run(world, PH_SECONDS(20));
    size_t before = world->sent_count;
    porthole_id second = 0;
    for (uint32_t n = 0; n < 60 * 333; n++) {
        if (from)
            forge(world, from, n);
        if (n == 10 * 333)
            second = ph_world_map(world, PORTHOLE_UDP, 9000);
        ph_world_run(world, PH_SECONDS(1) / 333);
        if (second && n == 10 * 333 + 60)
            assert_int_equal(ph_world_query(world, second).state, PORTHOLE_SUCCESS);
    }
    story_assert_mapped(world, first, method, STORY_PORT);
    assert_true(ph_world_query(world, first).expires > world->started + PH_SECONDS(80));
    assert_int_equal(world->event_count, 2);
    assert_int_equal(world->strays, 0);
    assert_int_equal(ph_gw_server_count(world->server), 2);
    assert_announces_are_spaced(world, before);
    unsigned packets = packets_since(world, before);
    ph_world_free(world);
    return packets;
}

static void flood_of_forged_announcements_costs_a_packet_a_second_at_most(void **state) {
    (void)state;
    const struct ph_addr gateway = ph_addr_v4(192, 168, 77, 1);
    for (unsigned i = 0; i < LENGTH_OF(all_methods); i++) {
        unsigned quiet = flooded_minute(all_methods[i], NULL);
        unsigned flooded = flooded_minute(all_methods[i], &gateway);
        assert_in_range(flooded, quiet + 10, quiet + 60); /* it is looked into, now and then */
    }
}

static void flood_from_another_address_costs_nothing(void **state) {
    (void)state;
    const struct ph_addr neighbour = story_neighbour(0).addr;
    for (unsigned i = 0; i < LENGTH_OF(all_methods); i++)
        assert_int_equal(flooded_minute(all_methods[i], &neighbour),
                         flooded_minute(all_methods[i], NULL));
}

static void restart_amid_a_flood_is_mended_all_the_same(void **state) {
    (void)state;
    for (unsigned i = 0; i < LENGTH_OF(all_methods); i++) {
        porthole_id id;
        struct ph_world *world = hint_world(all_methods[i], 1, true, &id);
        for (uint32_t n = 0; n < 40 * 100; n++) {
            forge(world, &world->path.gateway, n);
            if (n == 10 * 100)
                ph_world_restart_gateway(world);
            ph_world_run(world, PH_MS(10));
        }
        story_assert_mapped(world, id, all_methods[i], STORY_PORT);
        assert_int_equal(ph_gw_server_count(world->server), 1);
        ph_world_free(world);
    }
}

static void junk_and_answers_to_others_are_no_hints(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "\x02",
        "\x02\x80",
        /* A refused ANNOUNCE, a MAP answer, a request; a NAT-PMP mapping's answer. */
        "\x02\x80\x00\x01____\x00\x00\x00\x01____________",
        "\x02\x81\x00\x00____\x00\x00\x00\x01____________"
        "____________________________________",
        "\x02\x00______________________",
        "\x00\x81\x00\x00____________",
        "NOTIFY * HTTP/1.1\r\nNTS: ssdp:byebye\r\nNT: urn:x:device:MediaServer:1\r\n\r\n",
        "M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\nST: " PH_SSDP_TARGET_IGD1
        "\r\nBOOTID.UPNP.ORG: 99\r\n\r\n",
        "HTTP/1.1 200 OK\r\nST: " PH_SSDP_TARGET_IGD1 "\r\nBOOTID.UPNP.ORG: 99\r\n\r\n",
    };
    static const size_t sizes[] = {0, 1, 2, 24, 60, 24, 16, 0, 0, 0};
    for (unsigned i = 0; i < LENGTH_OF(all_methods); i++) {
        porthole_id id;
        struct ph_world *world = hint_world(all_methods[i], 1, true, &id);
        struct ph_endpoint from = {world->path.gateway, PH_PCP_PORT};
        size_t before = world->sent_count;
        for (unsigned k = 0; k < LENGTH_OF(texts); k++) {
            size_t len = sizes[k] || k == 0 ? sizes[k] : strlen(texts[k]);
            ph_world_answer(world, PH_WORLD_ANNOUNCE, &from, texts[k], len);
            ph_world_answer(world, PH_WORLD_NOTIFY, &from, texts[k], len);
        }
        ph_world_run(world, PH_SECONDS(10));
        assert_int_equal(world->sent_count, before);
        ph_world_free(world);
    }
}

/* ---- Listening ------------------------------------------------------------------------------- */

static void listens_only_while_something_is_held(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_PCP);
    struct ph_world *world = ph_world_new(&options);
    ph_world_probe(world, PH_SECONDS(5), false);
    ph_world_run(world, PH_SECONDS(10));
    assert_false(world->is_listening);
    porthole_id lease = story_map(world, PORTHOLE_LEASE);
    ph_world_run(world, PH_SECONDS(10));
    assert_false(world->is_listening);
    porthole_id held = ph_world_map(world, PORTHOLE_UDP, 9000);
    assert_true(ph_world_run_until(world, PH_SECONDS(1), ph_world_has_result));
    assert_false(world->is_listening); /* the result does not wait for it */
    ph_world_run(world, PH_SECONDS(1));
    assert_true(world->is_listening);
    ph_world_unmap(world, held);
    ph_world_unmap(world, lease);
    ph_world_run(world, PH_SECONDS(1));
    assert_false(world->is_listening);
    assert_true(ph_engine_deadline(world->engine) == PH_NEVER);
    ph_world_free(world);
}

static void another_gateway_is_listened_to_in_its_turn(void **state) {
    (void)state;
    porthole_id id;
    struct ph_world *world = hint_world(PORTHOLE_PCP, 1, true, &id);
    uint32_t first = world->listener;
    ph_world_move(world, "192.168.78.1", "192.168.78.2");
    ph_world_run(world, PH_SECONDS(10));
    assert_true(world->listener > first);
    ph_world_restart_gateway(world);
    ph_world_run(world, PH_SECONDS(6));
    story_assert_mapped(world, id, PORTHOLE_PCP, STORY_PORT);
    assert_int_equal(ph_gw_server_count(world->server), 1);
    ph_world_free(world);
}

static void deaf_client_rechecks_every_minute(void **state) {
    (void)state;
    for (unsigned i = 0; i < LENGTH_OF(all_methods); i++) {
        struct ph_world_options options = story_options(1U << all_methods[i]);
        options.announces = options.deaf = true;
        struct ph_world *world = ph_world_new(&options);
        porthole_id id = story_map(world, 0);
        ph_world_run(world, PH_SECONDS(200));
        ph_world_restart_gateway(world);
        ph_world_run(world, PH_SECONDS(62));
        story_assert_mapped(world, id, all_methods[i], STORY_PORT);
        assert_int_equal(ph_gw_server_count(world->server), 1);
        assert_int_equal(ph_world_count(world, id, PORTHOLE_EVENT_PENDING), 1);
        ph_world_free(world);
    }
}

static void device_without_boot_id_is_asked_every_minute(void **state) {
    (void)state;
    for (unsigned is_mute = 0; is_mute < 2; is_mute++) {
        struct ph_world_options options = story_options(PORTHOLE_USE_UPNP);
        struct ph_world *world = ph_world_new(&options);
        if (is_mute) {
            world->server_config.boot_id = UINT32_MAX; /* 0 after the restart */
            ph_world_restart_gateway(world);
        }
        story_map(world, 0);
        ph_world_run(world, PH_SECONDS(1200));
        unsigned count = story_http_count(world, "#GetSpecificPortMappingEntry");
        assert_in_range(count, is_mute ? 20 : 4, is_mute ? 23 : 5);
        ph_world_free(world);
    }
}

/* ---- Many ------------------------------------------------------------------------------------ */

static void many_upnp_mappings_are_read_back_one_after_the_other(void **state) {
    (void)state;
    porthole_id id;
    struct ph_world *world = hint_world(PORTHOLE_UPNP, 1, false, &id);
    for (uint16_t port = 1; port < 200; port++)
        ph_world_map(world, PORTHOLE_UDP, (uint16_t)(9000 + port));
    ph_world_run(world, PH_SECONDS(20));
    assert_int_equal(ph_gw_server_count(world->server), 200);
    size_t before = world->sent_count;
    ph_world_run(world, PH_SECONDS(290));
    unsigned count = 0;
    for (size_t i = before; i < world->sent_count; i++) {
        unsigned in_a_second = 0;
        for (size_t k = i; k < world->sent_count; k++)
            in_a_second += world->sent[k].at < world->sent[i].at + PH_SECONDS(1);
        assert_true(in_a_second <= 6);
        count++;
    }
    assert_in_range(count, 200, 230);
    ph_world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(announced_restart_is_mended_within_6_s),
        cmocka_unit_test(restarted_gateway_is_given_the_old_nonces_and_ports),
        cmocka_unit_test(all_that_was_held_is_back_a_moment_later),
        cmocka_unit_test(restart_that_nobody_announces_is_not_noticed_so_soon),
        cmocka_unit_test(announcement_by_another_protocol_counts_too),
        cmocka_unit_test(restart_wakes_what_rests_after_a_refusal),
        cmocka_unit_test(gateway_that_has_not_restarted_may_announce_what_it_likes),
        cmocka_unit_test(device_that_goes_and_comes_back_elsewhere_is_found),
        cmocka_unit_test(device_that_moves_with_the_same_boot_id_is_found),
        cmocka_unit_test(device_that_was_out_of_reach_is_asked_when_it_is_heard),
        cmocka_unit_test(gateway_that_was_away_is_found_when_it_announces_itself),
        cmocka_unit_test(announced_address_is_told_within_6_s),
        cmocka_unit_test(address_of_a_upnp_mapping_is_told_at_the_recheck_or_by_natpmp),
        cmocka_unit_test(flood_of_forged_announcements_costs_a_packet_a_second_at_most),
        cmocka_unit_test(flood_from_another_address_costs_nothing),
        cmocka_unit_test(restart_amid_a_flood_is_mended_all_the_same),
        cmocka_unit_test(junk_and_answers_to_others_are_no_hints),
        cmocka_unit_test(listens_only_while_something_is_held),
        cmocka_unit_test(another_gateway_is_listened_to_in_its_turn),
        cmocka_unit_test(deaf_client_rechecks_every_minute),
        cmocka_unit_test(device_without_boot_id_is_asked_every_minute),
        cmocka_unit_test(many_upnp_mappings_are_read_back_one_after_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
