/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * story_tunnel.c: leases of 60 s by NAT-PMP from a provider at the far end of a tunnel, which
 * chooses the port, the same for TCP and UDP, and another one at will. They are held for hours, and
 * at no moment is there none.
 */
#include "tests/story/story.h"

#define LEASE_S 60U
#define HELD PH_SECONDS(6 * 3600)
/* A port is the provider's for two leases, and asked for again within 5/8 of one. */
#define CHANGES_MIN (6 * 3600 / (2 * LEASE_S) - 10)

static const uint8_t protocols[] = {PORTHOLE_TCP, PORTHOLE_UDP};

struct tunnel {
    struct ph_world *world;
    porthole_id ids[2];
    uint16_t ports[2]; /* as the client has been told, last */
    unsigned changes[2];
    ph_us apart; /* how long the two have had different ports, in all */
};

static struct tunnel tunnel_of(uint64_t seed, unsigned loss_percent) {
    struct ph_world_options options =
        story_quirk_options(PORTHOLE_USE_NATPMP, PH_GW_QUIRK_PROVIDER_PORT);
    options.gateway = "10.2.0.1";
    options.client = "10.2.0.2";
    options.lease_max_s = LEASE_S;
    options.seed = seed;
    options.loss_percent = loss_percent;
    options.delay = PH_MS(40);
    struct tunnel tunnel = {.world = ph_world_new(&options)};
    for (unsigned i = 0; i < 2; i++)
        tunnel.ids[i] = ph_world_map(tunnel.world, protocols[i], STORY_PORT);
    ph_world_run(tunnel.world, PH_SECONDS(30));
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(ph_world_query(tunnel.world, tunnel.ids[i]).state, PORTHOLE_SUCCESS);
        tunnel.ports[i] = ph_world_query(tunnel.world, tunnel.ids[i]).external.port;
    }
    return tunnel;
}

/* One of each protocol at the gateway, and the client knows where, but for what is on its way. */
static void look(struct tunnel *tunnel, ph_us step) {
    struct ph_world *world = tunnel->world;
    ph_gw_server_tick(world->server, world->now);
    assert_int_equal(ph_gw_server_count(world->server), 2);
    for (unsigned i = 0; i < 2; i++) {
        struct ph_mapping_info info = ph_world_query(world, tunnel->ids[i]);
        assert_int_equal(info.state, PORTHOLE_SUCCESS);
        tunnel->changes[i] += info.external.port != tunnel->ports[i];
        tunnel->ports[i] = info.external.port;
    }
    if (tunnel->ports[0] != tunnel->ports[1])
        tunnel->apart += step;
}

static void held_for_hours_while_the_port_changes(void **state) {
    (void)state;
    for (unsigned loss_percent = 0; loss_percent <= 10; loss_percent += 5) {
        struct tunnel tunnel = tunnel_of(loss_percent, loss_percent);
        struct ph_world *world = tunnel.world;
        const ph_us step = PH_MS(250);
        ph_us until = world->now + HELD;
        size_t before = world->event_count;
        while (world->now < until) {
            ph_world_run(world, step);
            look(&tunnel, step);
        }
        for (unsigned i = 0; i < 2; i++) {
            assert_in_range(tunnel.changes[i], CHANGES_MIN, CHANGES_MIN + 15);
            assert_int_equal(ph_world_count(world, tunnel.ids[i], PORTHOLE_EVENT_CHANGED),
                             tunnel.changes[i]);
        }
        /* Each change is told, and nothing else happens. */
        assert_int_equal(world->event_count - before, tunnel.changes[0] + tunnel.changes[1]);
        for (unsigned i = 0; i < 2; i++)
            ph_world_unmap(world, tunnel.ids[i]);
        ph_world_run(world, PH_SECONDS(30));
        assert_int_equal(ph_gw_server_count(world->server), 0);
        ph_world_free(world);
    }
}

/* What the command does: when one has moved, the other is asked for again. */
static void both_move_together_when_the_other_is_asked_too(void **state) {
    (void)state;
    struct tunnel tunnel = tunnel_of(7, 0);
    struct ph_world *world = tunnel.world;
    const ph_us step = PH_MS(20);
    ph_us until = world->now + HELD;
    while (world->now < until) {
        unsigned before[2] = {tunnel.changes[0], tunnel.changes[1]};
        ph_world_run(world, step);
        look(&tunnel, step);
        for (unsigned i = 0; i < 2; i++)
            if (tunnel.changes[i] > before[i] && tunnel.ports[0] != tunnel.ports[1])
                ph_world_refresh(world, tunnel.ids[1 - i]);
    }
    assert_int_equal(tunnel.changes[0], tunnel.changes[1]);
    assert_in_range(tunnel.changes[0], CHANGES_MIN, CHANGES_MIN + 15);
    /* A round trip each time. */
    assert_true(tunnel.apart <= tunnel.changes[0] * PH_MS(120));
    ph_world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(held_for_hours_while_the_port_changes),
        cmocka_unit_test(both_move_together_when_the_other_is_asked_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
