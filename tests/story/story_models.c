/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * story_models.c: what the simulation of many seeds found in the engine at gateways that are router
 * models (gateway/quirks.h), each told as the shortest story that shows it.
 */
#include "tests/story/igd.h"

static struct ph_world *world_of(unsigned methods, enum ph_gw_quirk quirk, ph_us delay) {
    struct ph_world_options options = story_quirk_options(methods, quirk);
    options.delay = delay;
    return ph_world_new(&options);
}

/* Until when the gateway holds it, as the client's clock has it; 0 = it does not. */
static ph_us held_until(const struct ph_world *world, uint16_t port) {
    const struct ph_gw_mapping *m =
        world->server ? ph_gw_server_at_external(world->server, PORTHOLE_TCP, port) : NULL;
    return m ? m->lease.due : 0;
}

/* ---- No address ------------------------------------------------------------------------------ */

/* It speaks NAT-PMP, by its refusal of PCP; but it never tells an address. */
static void gateway_without_an_address_is_asked_less_and_less_often(void **state) {
    (void)state;
    struct ph_world *world = world_of(PORTHOLE_USE_NATPMP, PH_GW_QUIRK_ZERO_ADDRESS, PH_MS(5));
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1200));
    story_assert_failed(world, id, PORTHOLE_ERR_NO_UPLINK, PORTHOLE_NATPMP, 0);
    assert_in_range(story_pcp_count(world), 8, 16);
    assert_in_range(story_natpmp_count(world, PH_NATPMP_ADDRESS), 8, 40);
    /* It gets an uplink. */
    world->server_config.behaviour.quirks = 0;
    ph_world_restart_gateway(world);
    ph_world_run(world, PH_SECONDS(301));
    story_assert_mapped(world, id, PORTHOLE_NATPMP, STORY_PORT);
    ph_world_free(world);
}

/* It refuses PCP in the words of NAT-PMP, and speaks that no more than this. */
static void gateway_that_only_refuses_is_asked_less_and_less_often(void **state) {
    (void)state;
    struct ph_world *world = world_of(PORTHOLE_USE_PCP, PH_GW_QUIRK_SHORT_REFUSAL, PH_MS(5));
    for (uint16_t i = 0; i < 5; i++) {
        ph_world_map(world, PORTHOLE_UDP, (uint16_t)(STORY_PORT + i));
        ph_world_run(world, PH_SECONDS(7));
    }
    ph_world_run(world, PH_SECONDS(1800));
    assert_in_range(world->sent_search, 24, 24 * 32);
    ph_world_free(world);
}

/* ---- Leases ---------------------------------------------------------------------------------- */

/* PCP refuses to renew, and NAT-PMP takes the mapping over while its lease goes on. */
static void lease_of_the_method_that_takes_over_counts_from_its_request(void **state) {
    (void)state;
    struct ph_world *world =
        world_of(PORTHOLE_USE_PCP | PORTHOLE_USE_NATPMP, PH_GW_QUIRK_PCP_NO_RENEWAL, PH_MS(100));
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(4600));
    struct ph_mapping_info info = ph_world_query(world, id);
    assert_int_equal(info.method, PORTHOLE_NATPMP);
    assert_true(held_until(world, info.external.port) > world->now);
    assert_true(info.expires <= held_until(world, info.external.port));
    ph_world_free(world);
}

static void lease_that_is_read_back_counts_from_the_question(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_UPNP);
    options.delay = PH_MS(400);
    options.lease_max_s = 600;
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(10));
    struct ph_mapping_info info = ph_world_query(world, id);
    assert_in_range(info.lifetime_s, 590, 600);
    assert_true(info.expires <= held_until(world, STORY_PORT));
    ph_world_free(world);
}

static void short_lease_that_is_not_extended_is_noticed(void **state) {
    (void)state;
    struct ph_world *world = world_of(PORTHOLE_USE_UPNP, PH_GW_QUIRK_LEASE_NOT_EXTENDED, PH_MS(5));
    struct ph_map_request request = {.protocol = PORTHOLE_TCP,
                                     .internal_port = STORY_PORT,
                                     .external_port = STORY_PORT,
                                     .lifetime_s = 20};
    porthole_id id;
    assert_int_equal(ph_world_map_request(world, &request, &id), 0);
    for (unsigned n = 0; n < 200; n++) {
        ph_world_run(world, PH_SECONDS(1));
        if (ph_world_query(world, id).expires > held_until(world, STORY_PORT) + PH_SECONDS(4))
            ph_world_run(world, PH_MS(100)); /* it is being read back, or made anew */
        struct ph_mapping_info info = ph_world_query(world, id);
        assert_int_equal(info.state, PORTHOLE_SUCCESS);
        assert_true(info.expires <= held_until(world, STORY_PORT) + PH_SECONDS(4));
    }
    assert_false(ph_world_traced(world, "lost: the gateway forgot it"));
    ph_world_free(world);
}

/* Another mapping's answer, which came before, has had the device asked for weeks from then on. */
static void lease_is_the_one_that_was_asked_for(void **state) {
    (void)state;
    struct ph_world_options options =
        story_quirk_options(PORTHOLE_USE_UPNP, PH_GW_QUIRK_HOUR_LEASE);
    options.quirks |= PH_GW_QUIRK_BIT(PH_GW_QUIRK_NO_READ_BACK);
    struct ph_world *world = ph_world_new(&options);
    struct ph_map_request request = {
        .protocol = PORTHOLE_TCP, .internal_port = 5000, .external_port = 5000, .lifetime_s = 3600};
    story_map(world, 0);
    porthole_id id;
    assert_int_equal(ph_world_map_request(world, &request, &id), 0);
    ph_world_run(world, PH_SECONDS(1));
    struct ph_mapping_info info = ph_world_query(world, id);
    assert_int_equal(info.state, PORTHOLE_SUCCESS);
    assert_true(info.expires <= held_until(world, info.external.port));
    ph_world_free(world);
}

/* ---- Two connections ------------------------------------------------------------------------- */

/* The question whether it is connected gets no answer at first. */
static size_t hang_on_status(struct ph_world *world, const struct ph_endpoint *to,
                             const struct ph_http_message *request, uint8_t *ret, size_t size) {
    (void)to;
    if (story_calls(request, "GetStatusInfo"))
        return PH_WORLD_NO_ANSWER;
    return ph_world_serve_http(world, request, ret, size);
}

static void connection_whose_status_was_lost_is_asked_again(void **state) {
    (void)state;
    struct ph_world_options options =
        story_quirk_options(PORTHOLE_USE_UPNP, PH_GW_QUIRK_STALE_CONNECTION);
    options.http = hang_on_status;
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(30));
    assert_int_equal(ph_gw_server_count(world->server), 0); /* it is believed all the same */
    world->options.http = NULL;
    ph_world_run(world, PH_SECONDS(320));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    assert_int_equal(ph_gw_server_count(world->server), 1);
    /* Once it has answered it is not asked any more. */
    unsigned asked = story_http_count(world, "#GetStatusInfo");
    ph_world_run(world, PH_SECONDS(3600));
    assert_int_equal(story_http_count(world, "#GetStatusInfo"), asked);
    ph_world_free(world);
}

/* The other connection cannot be asked for its address at first, so the one that is down must do.
 */
static size_t hang_on_other(struct ph_world *world, const struct ph_endpoint *to,
                            const struct ph_http_message *request, uint8_t *ret, size_t size) {
    (void)to;
    if (ph_span_equal(request->target, PH_SPAN("/ctl/IPConn")))
        return PH_WORLD_NO_ANSWER;
    return ph_world_serve_http(world, request, ret, size);
}

static void better_connection_is_looked_for_at_the_next_recheck(void **state) {
    (void)state;
    struct ph_world_options options =
        story_quirk_options(PORTHOLE_USE_UPNP, PH_GW_QUIRK_STALE_CONNECTION);
    options.http = hang_on_other;
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(30));
    assert_int_equal(ph_gw_server_count(world->server), 0);
    world->options.http = NULL;
    ph_world_run(world, PH_SECONDS(320));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    assert_int_equal(ph_gw_server_count(world->server), 1);
    ph_world_free(world);
}

/* ---- A device that changes its ways ---------------------------------------------------------- */

/* The entry that it had just made is gone when it is asked about it: it has restarted. */
static void device_that_missed_an_entry_once_is_asked_again(void **state) {
    (void)state;
    struct igd igd;
    igd_init(&igd);
    struct ph_world_options options = igd_options(&igd);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    while (ph_world_query(world, id).state != PORTHOLE_SUCCESS)
        ph_world_run(world, PH_MS(1));
    memset(igd.entries, 0, sizeof igd.entries);
    ph_world_run(world, PH_SECONDS(10));
    assert_int_equal(igd.entries[0].external_port, 0);
    ph_world_run(world, PH_SECONDS(310)); /* the recheck makes it again, and finds it then */
    assert_int_equal(igd.entries[0].external_port, STORY_PORT);
    unsigned adds = igd.adds;
    ph_world_run(world, PH_SECONDS(900));
    assert_int_equal(igd.adds, adds);
    ph_world_free(world);
}

/* Two mappings of this client wish for one port, and the device gives it to both in turn. */
static void port_of_another_mapping_is_no_port_that_was_forced(void **state) {
    (void)state;
    struct ph_world *world = world_of(PORTHOLE_USE_UPNP, PH_GW_QUIRK_OVERWRITES, PH_MS(5));
    struct ph_map_request request = {.protocol = PORTHOLE_TCP,
                                     .internal_port = 5000,
                                     .external_port = STORY_PORT,
                                     .flags = PORTHOLE_EXACT_PORT,
                                     .lifetime_s = 7200};
    porthole_id other;
    porthole_id id;
    assert_int_equal(ph_world_map_request(world, &request, &other), 0);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_mapped(world, other, PORTHOLE_UPNP, STORY_PORT);
    id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1200));
    struct ph_mapping_info info = ph_world_query(world, other);
    assert_true(info.code != PH_UPNP_SAME_PORT_REQUIRED);
    ph_world_unmap(world, id);
    ph_world_run(world, PH_SECONDS(301));
    story_assert_mapped(world, other, PORTHOLE_UPNP, STORY_PORT);
    ph_world_free(world);
}

/* Its control URL is where it was, but of a service that does not know the old version's actions.
 */
static void device_that_knows_no_action_any_more_is_described_anew(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_UPNP);
    struct ph_world *world = ph_world_new(&options);
    world->server_config.behaviour.igd_version = 1;
    ph_world_restart_gateway(world);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    ph_world_unmap(world, id);
    ph_world_run(world, PH_SECONDS(20));
    world->server_config.behaviour.igd_version = 2;
    world->server_config.behaviour.quirks = PH_GW_QUIRK_BIT(PH_GW_QUIRK_V2_ONLY);
    ph_world_restart_gateway(world);
    id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(5));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    ph_world_free(world);
}

/* The device before could only give the port that leads to its like. */
static void other_device_may_give_what_the_one_before_could_not(void **state) {
    (void)state;
    struct ph_world *world = world_of(PORTHOLE_USE_UPNP, PH_GW_QUIRK_SAME_PORTS_ONLY, PH_MS(5));
    struct ph_map_request request = {.protocol = PORTHOLE_TCP,
                                     .internal_port = 5000,
                                     .external_port = STORY_PORT,
                                     .flags = PORTHOLE_EXACT_PORT,
                                     .lifetime_s = 7200};
    porthole_id id;
    assert_int_equal(ph_world_map_request(world, &request, &id), 0);
    ph_world_run(world, PH_SECONDS(100));
    story_assert_failed(world, id, PORTHOLE_ERR_REFUSED, PORTHOLE_UPNP, PH_UPNP_SAME_PORT_REQUIRED);
    world->server_config.behaviour.quirks = 0;
    world->server_config.http_port = 5005;
    snprintf(world->server_config.uuid, sizeof world->server_config.uuid,
             "00000000-0000-4000-8000-000000000001");
    ph_world_restart_gateway(world);
    ph_world_run(world, PH_SECONDS(310));
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    ph_world_free(world);
}

/* It answers for the address, and not for the mapping. */
static void deaf_to_mappings(struct ph_world *world, enum ph_world_port port,
                             const struct ph_endpoint *from, const uint8_t *bytes, size_t len) {
    struct ph_natpmp_request request;
    if (!story_is_natpmp(port, bytes, len, &request) || request.opcode == PH_NATPMP_ADDRESS)
        ph_world_serve(world, port, from, bytes, len);
}

/* The gateway's UPnP answers 4 s late, and the client is elsewhere by then. */
static void late_answer_of_a_gateway_that_was_left_is_none(void **state) {
    (void)state;
    struct ph_world *world =
        world_of(PORTHOLE_USE_NATPMP | PORTHOLE_USE_UPNP, PH_GW_QUIRK_LATE_ANSWERS, PH_MS(50));
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_MS(3600));
    story_assert_mapped(world, id, PORTHOLE_NATPMP, STORY_PORT);
    assert_true(ph_world_traced(world, "upnp: asking -> dead: no gateway answered"));
    world->options.script = deaf_to_mappings; /* so that there is something to be deleted yet */
    ph_world_move(world, "10.1.1.1", "10.1.1.2");
    ph_world_run(world, PH_SECONDS(2));
    assert_int_equal(story_http_count(world, "GET "), 0);
    ph_world_free(world);
}

static void repetitions_are_not_used_up_by_answers_for_the_address(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_NATPMP);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(10));
    world->options.script = deaf_to_mappings;
    unsigned before = story_natpmp_count(world, PH_NATPMP_MAP_TCP);
    ph_us asked = world->now;
    ph_world_refresh(world, id);
    ph_world_run(world, PH_SECONDS(10));
    assert_int_equal(story_natpmp_count(world, PH_NATPMP_MAP_TCP), before + 4);
    assert_true(story_natpmp_sent(world, PH_NATPMP_MAP_TCP, before + 3)->at - world->started >=
                asked - world->started + PH_SECONDS(1));
    ph_world_free(world);
}

static size_t hang(struct ph_world *world, const struct ph_endpoint *to,
                   const struct ph_http_message *request, uint8_t *ret, size_t size) {
    (void)world, (void)to, (void)request, (void)ret, (void)size;
    return PH_WORLD_NO_ANSWER;
}

/* Its announcement has one method looked at, which comes to nothing; the other two may be asked
 * again since, and their silence must not put the next round off. The gateway answers then. */
static struct ph_world *world_with_two_idle(porthole_id *ret_id) {
    struct ph_world_options options = story_options(PORTHOLE_USE_UPNP);
    options.announces = true;
    struct ph_world *world = ph_world_new(&options);
    porthole_id held = story_map(world, 0); /* so that it is listened for */
    ph_world_run(world, PH_SECONDS(3));
    world->options.http = hang;
    *ret_id = ph_world_map(world, PORTHOLE_UDP, STORY_PORT);
    ph_world_run(world, PH_SECONDS(1));
    ph_world_unmap(world, held);
    ph_world_run(world, PH_SECONDS(1500));
    ph_world_map(world, PORTHOLE_TCP, 9000); /* another round, behind which there is the next */
    ph_world_run(world, PH_SECONDS(15));
    ph_world_restart_gateway(world);
    ph_world_run(world, PH_SECONDS(15));
    world->options.http = NULL;
    return world;
}

static void try_after_an_announcement_asks_all_methods(void **state) {
    (void)state;
    porthole_id id;
    struct ph_world *world = world_with_two_idle(&id);
    ph_world_run(world, PH_SECONDS(75)); /* 300 s since its last try */
    story_assert_mapped(world, id, PORTHOLE_UPNP, STORY_PORT);
    ph_world_free(world);
}

static void new_mapping_after_an_announcement_asks_all_methods(void **state) {
    (void)state;
    porthole_id id;
    struct ph_world *world = world_with_two_idle(&id);
    id = ph_world_map(world, PORTHOLE_UDP, 9000);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_mapped(world, id, PORTHOLE_UPNP, 9000);
    ph_world_free(world);
}

/* It answers PCP's third repetition with another port than NAT-PMP, and no delete. */
static void grant_beside(struct ph_world *world, enum ph_world_port port,
                         const struct ph_endpoint *from, const uint8_t *bytes, size_t len) {
    static const struct ph_endpoint elsewhere = {{{[10] = 0xff, 0xff, 1, 2, 3, 4}}, 9000};
    struct ph_pcp_request request;
    unsigned *asked = world->options.user;
    if (!story_is_pcp(port, bytes, len, &request))
        ph_world_serve(world, port, from, bytes, len);
    else if (request.lifetime_s > 0 && ++*asked == 3)
        story_pcp_answer(world, &request, PH_PCP_SUCCESS, request.lifetime_s, &elsewhere);
}

static void what_is_being_deleted_beside_a_loss_is_asked_for_behind_that(void **state) {
    (void)state;
    unsigned asked = 0;
    struct ph_world_options options = story_options(PORTHOLE_USE_NATPMP);
    options.script = grant_beside;
    options.user = &asked;
    struct ph_world *world = ph_world_new(&options);
    ph_world_run(world, PH_SECONDS(100));
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(1));
    story_assert_mapped(world, id, PORTHOLE_NATPMP, STORY_PORT);
    assert_int_equal(asked, 3);
    assert_true(story_pcp_count(world) > asked); /* the delete */
    ph_world_restart_gateway(world);
    assert_int_equal(ph_world_step(world, &(struct ph_input){.type = PH_INPUT_RESUMED}), 0);
    ph_world_run(world, PH_MS(500));
    assert_true(ph_world_traced(world, "tcp 8080: lost: the gateway restarted"));
    assert_int_equal(asked, 3);
    ph_world_run(world, PH_SECONDS(15));
    assert_true(asked > 3);
    story_assert_mapped(world, id, PORTHOLE_NATPMP, STORY_PORT);
    ph_world_free(world);
}

/* ---- Another host's port --------------------------------------------------------------------- */

/* The device says that the port is taken, and is being asked by whom. */
static struct ph_world *world_that_looks(struct igd *igd, porthole_id *ret_id) {
    igd_init(igd);
    igd->fault = PH_UPNP_CONFLICT;
    igd->faults = 1000;
    igd->entries[0] = (struct igd_entry){
        .external_port = STORY_PORT, .internal_port = 1, .client = "192.168.77.9"};
    struct ph_world_options options = igd_options(igd);
    struct ph_world *world = ph_world_new(&options);
    *ret_id = story_map(world, 0);
    while (story_http_count(world, "#GetSpecificPortMappingEntry") == 0)
        ph_world_run(world, PH_MS(1));
    return world;
}

static void port_that_is_only_looked_at_is_not_deleted(void **state) {
    (void)state;
    struct igd igd;
    porthole_id id;
    struct ph_world *world = world_that_looks(&igd, &id);
    ph_world_unmap(world, id);
    ph_world_run(world, PH_SECONDS(30));
    assert_int_equal(ph_world_last(world).type, PORTHOLE_EVENT_UNMAPPED);
    assert_int_equal(igd.deletes, 0);
    assert_int_equal(igd.entries[0].external_port, STORY_PORT);
    ph_world_free(world);
}

static void port_that_is_only_looked_at_is_not_deleted_when_the_address_changes(void **state) {
    (void)state;
    struct igd igd;
    porthole_id id;
    struct ph_world *world = world_that_looks(&igd, &id);
    ph_world_readdress(world, "192.168.77.3");
    ph_world_run(world, PH_SECONDS(1));
    assert_int_equal(igd.deletes, 0);
    assert_int_equal(igd.entries[0].external_port, STORY_PORT);
    ph_world_free(world);
}

/* ---- Renewals -------------------------------------------------------------------------------- */

/* NAT-PMP: a renewal extends nothing, and the clock counts 996 ms for each second. */
static void slow_clock(struct ph_world *world, enum ph_world_port port,
                       const struct ph_endpoint *from, const uint8_t *bytes, size_t len) {
    struct ph_natpmp_request request;
    if (!story_is_natpmp(port, bytes, len, &request)) {
        ph_world_serve(world, port, from, bytes, len);
        return;
    }
    uint32_t passed_s = (uint32_t)((world->now - world->started) / PH_SECONDS(1) * 996 / 1000);
    struct ph_natpmp_response response = {.opcode = request.opcode,
                                          .external_addr = world->server_config.external,
                                          .internal_port = request.internal_port,
                                          .external_port = request.external_port,
                                          .lifetime_s = request.lifetime_s ? 7200 - passed_s : 0};
    story_natpmp_answer(world, &response);
}

/* By a clock that is slow by 0.4 %, what is left is more than it should be. */
static void lease_that_is_not_extended_by_a_slow_clock_is_noticed(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_NATPMP);
    options.script = slow_clock;
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(4600));
    assert_true(ph_world_traced(world, "tcp 8080: lost: its lease was not extended"));
    ph_world_unmap(world, id);
    ph_world_free(world);
}

static void renewal_that_nobody_answers_is_repeated_within_the_period(void **state) {
    (void)state;
    struct ph_world_options options = story_options(PORTHOLE_USE_NATPMP);
    struct ph_world *world = ph_world_new(&options);
    porthole_id id = story_map(world, 0);
    ph_world_run(world, PH_SECONDS(10));
    world->options.silent = true;
    ph_world_refresh(world, id);
    ph_world_run(world, PH_SECONDS(10));
    world->options.silent = false;
    unsigned sent = story_natpmp_count(world, PH_NATPMP_MAP_TCP);
    ph_world_run(world, PH_SECONDS(300));
    assert_int_equal(story_natpmp_count(world, PH_NATPMP_MAP_TCP), sent + 1);
    ph_world_free(world);
}

/* Leases of 20 s that can be had anew only by deleting them. */
static void others_are_not_searched_for_at_each_refusal(void **state) {
    (void)state;
    struct ph_world_options options =
        story_quirk_options(PORTHOLE_USE_PCP, PH_GW_QUIRK_PCP_NO_RENEWAL);
    options.lease_max_s = 20;
    struct ph_world *world = ph_world_new(&options);
    story_map(world, 0);
    ph_world_run(world, PH_SECONDS(600));
    assert_true(ph_world_traced(world, "tcp 8080: its renewal was refused; its lease goes on"));
    /* A round a minute, of four searches. */
    assert_in_range(world->sent_search, 24, 24 * 11);
    ph_world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gateway_without_an_address_is_asked_less_and_less_often),
        cmocka_unit_test(gateway_that_only_refuses_is_asked_less_and_less_often),
        cmocka_unit_test(lease_of_the_method_that_takes_over_counts_from_its_request),
        cmocka_unit_test(lease_that_is_read_back_counts_from_the_question),
        cmocka_unit_test(short_lease_that_is_not_extended_is_noticed),
        cmocka_unit_test(lease_is_the_one_that_was_asked_for),
        cmocka_unit_test(connection_whose_status_was_lost_is_asked_again),
        cmocka_unit_test(better_connection_is_looked_for_at_the_next_recheck),
        cmocka_unit_test(device_that_missed_an_entry_once_is_asked_again),
        cmocka_unit_test(port_of_another_mapping_is_no_port_that_was_forced),
        cmocka_unit_test(device_that_knows_no_action_any_more_is_described_anew),
        cmocka_unit_test(other_device_may_give_what_the_one_before_could_not),
        cmocka_unit_test(try_after_an_announcement_asks_all_methods),
        cmocka_unit_test(new_mapping_after_an_announcement_asks_all_methods),
        cmocka_unit_test(what_is_being_deleted_beside_a_loss_is_asked_for_behind_that),
        cmocka_unit_test(port_that_is_only_looked_at_is_not_deleted),
        cmocka_unit_test(port_that_is_only_looked_at_is_not_deleted_when_the_address_changes),
        cmocka_unit_test(lease_that_is_not_extended_by_a_slow_clock_is_noticed),
        cmocka_unit_test(late_answer_of_a_gateway_that_was_left_is_none),
        cmocka_unit_test(repetitions_are_not_used_up_by_answers_for_the_address),
        cmocka_unit_test(renewal_that_nobody_answers_is_repeated_within_the_period),
        cmocka_unit_test(others_are_not_searched_for_at_each_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
