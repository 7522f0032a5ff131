/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_gateway_announce.c: what the gateway tells unasked: when it starts, ends, or has another
 * external address.
 */
#include "gateway_fixture.h"
#include "wire/natpmp.h"
#include "wire/pcp.h"
#include "wire/ssdp.h"

/* What the hook was given last of each kind, and how often. */
struct heard {
    unsigned pcp;
    unsigned natpmp;
    unsigned alive;
    unsigned byebye;
    uint32_t pcp_epoch_s;
    struct ph_natpmp_response address;
    uint32_t boot_id;
};

static struct heard heard;

static void on_announce(void *user, uint16_t port, const void *bytes, size_t len) {
    struct ph_pcp_response pcp;
    struct ph_ssdp_message message;
    (void)user;
    if (port == PH_SSDP_PORT) {
        assert_int_equal(ph_ssdp_decode(bytes, len, &message), 0);
        assert_true(message.type == PH_SSDP_ALIVE || message.type == PH_SSDP_BYEBYE);
        *(message.type == PH_SSDP_ALIVE ? &heard.alive : &heard.byebye) += 1;
        heard.boot_id = message.boot_id;
        return;
    }
    assert_int_equal(port, 5350);
    if (((const uint8_t *)bytes)[0] == PH_NATPMP_VERSION) {
        /* RFC 6886 §3.2.1: as the answer to an address request. */
        assert_int_equal(ph_natpmp_decode_response(bytes, len, &heard.address), 12);
        assert_int_equal(heard.address.opcode, PH_NATPMP_ADDRESS);
        heard.natpmp++;
    } else {
        /* RFC 6887 §14.1.1: an ANNOUNCE that succeeded, with lifetime 0. */
        assert_int_equal(ph_pcp_decode_response(bytes, len, &pcp), 24);
        assert_int_equal(pcp.opcode, PH_PCP_ANNOUNCE);
        assert_int_equal(pcp.result, PH_PCP_SUCCESS);
        assert_int_equal(pcp.lifetime_s, 0);
        heard.pcp_epoch_s = pcp.epoch_s;
        heard.pcp++;
    }
}

static struct gateway_fixture *announcing(void **state) {
    struct gateway_fixture *f = *state;
    f->config.hooks.announce = on_announce;
    fixture_start(f);
    heard = (struct heard){0};
    return f;
}

static void start_is_announced_ten_times_with_growing_gaps(void **state) {
    struct gateway_fixture *f = announcing(state);
    ph_us gap = PH_MS(250);
    for (unsigned i = 1; i <= 10; i++) {
        ph_us due = ph_gw_server_deadline(f->server);
        assert_true(due == (i == 1 ? f->now : f->now + gap));
        gap *= i == 1 ? 1 : 2;
        f->now = due;
        ph_gw_server_tick(f->server, f->now);
        assert_int_equal(heard.pcp, i);
        assert_int_equal(heard.natpmp, i);
        assert_true(heard.pcp_epoch_s == (f->now - FIXTURE_START) / PH_SECONDS(1));
        assert_int_equal(heard.address.epoch_s, heard.pcp_epoch_s);
        assert_true(ph_addr_equal(&heard.address.external_addr, &f->config.external));
    }
    assert_true(ph_gw_server_deadline(f->server) == PH_NEVER);
    assert_int_equal(heard.alive % 2, 0);
    assert_true(heard.alive >= 10);
    assert_int_equal(heard.boot_id, 77);
}

static void nothing_is_announced_without_a_hook(void **state) {
    struct gateway_fixture *f = *state;
    fixture_start(f);
    assert_true(ph_gw_server_deadline(f->server) == PH_NEVER);
    ph_gw_server_farewell(f->server);
}

static void what_is_off_is_not_announced(void **state) {
    struct gateway_fixture *f = *state;
    f->config.natpmp = f->config.upnp = false;
    announcing(state);
    ph_gw_server_tick(f->server, f->now);
    assert_int_equal(heard.pcp, 1);
    assert_int_equal(heard.natpmp + heard.alive, 0);
    f->config.natpmp = f->config.behaviour.silent_pcp = true;
    announcing(state);
    ph_gw_server_tick(f->server, f->now);
    assert_int_equal(heard.pcp, 0);
    assert_int_equal(heard.natpmp, 1);
}

static void new_address_is_announced_and_is_an_epoch_of_pcp_only(void **state) {
    struct gateway_fixture *f = announcing(state);
    const struct ph_addr address = ph_addr_v4(203, 0, 113, 8);
    f->now += PH_SECONDS(500);
    ph_gw_server_tick(f->server, f->now);
    heard = (struct heard){0};
    ph_gw_server_renumber(f->server, f->now, &address);
    ph_gw_server_tick(f->server, f->now);
    assert_int_equal(heard.pcp, 1);
    assert_int_equal(heard.pcp_epoch_s, 0);
    assert_int_equal(heard.address.epoch_s, 500);
    assert_true(ph_addr_equal(&heard.address.external_addr, &address));
}

static void farewell_is_said_of_all_devices_and_services(void **state) {
    struct gateway_fixture *f = announcing(state);
    ph_gw_server_tick(f->server, f->now);
    unsigned alive = heard.alive;
    ph_gw_server_farewell(f->server);
    assert_int_equal(heard.byebye, alive);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(start_is_announced_ten_times_with_growing_gaps),
        TEST(nothing_is_announced_without_a_hook),
        TEST(what_is_off_is_not_announced),
        TEST(new_address_is_announced_and_is_an_epoch_of_pcp_only),
        TEST(farewell_is_said_of_all_devices_and_services),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
