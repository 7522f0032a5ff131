/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_doctor_verdict.c: what a doctor concludes from facts: a table of networks, each with the
 * facts that a report of it has, and the verdict that is right for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/doctor_parts.h"
#include "cli/exitcode.h"

static struct ph_doctor_report report;

/* ---- Facts ----------------------------------------------------------------------------------- */

static struct ph_doctor_method *method(enum porthole_method which) {
    return ph_doctor_method_of(&report, which);
}

static void copy(char *ret, const char *text) {
    ph_doctor_format(ret, PORTHOLE_ADDRESS_SIZE, "%s", text);
}

/* A host behind a router that was asked and answers nothing. */
static void begin(void) {
    report = (struct ph_doctor_report){.is_map_allowed = true, .way.is_there = true};
    copy(report.gateway, "192.168.1.1");
    copy(report.way.gateway, "192.168.1.1");
    copy(report.way.source, "192.168.1.5");
    copy(report.way.interface, "eth0");
    report.way.link = PH_DOCTOR_LINK_ETHERNET;
    ph_doctor_set_address(&report.local, "192.168.1.5");
    report.firewall.is_read = true;
    report.firewall.is_tcp_wanted = report.firewall.is_udp_wanted = true;
    report.firewall.answers.effect = PH_DOCTOR_EFFECT_ACCEPTED;
    report.firewall.strays.effect = PH_DOCTOR_EFFECT_ACCEPTED;
    report.firewall.inbound_tcp.effect = PH_DOCTOR_EFFECT_ACCEPTED;
    report.firewall.inbound_udp.effect = PH_DOCTOR_EFFECT_ACCEPTED;
    report.probe_error = PORTHOLE_ERR_NO_GATEWAY;
    for (size_t i = 0; i < PH_DOCTOR_METHODS; i++)
        report.methods[i] =
            (struct ph_doctor_method){.method = (enum porthole_method)(PORTHOLE_PCP + (int)i),
                                      .is_asked = true,
                                      .error = PORTHOLE_ERR_NO_GATEWAY};
}

static void answers(enum porthole_method which, const char *external) {
    report.probe_error = 0;
    method(which)->error = 0;
    ph_doctor_set_address(&method(which)->external, external);
}

static void tried(enum porthole_method which, int error) {
    method(which)->is_tried = true;
    method(which)->trial_error = error;
    if (error == 0) {
        method(which)->trial_external = method(which)->external;
        method(which)->trial_external_port = 40000;
        method(which)->trial_lifetime_s = 120;
        method(which)->trial_fate = PORTHOLE_FATE_REMOVED;
    }
}

static void opens(enum porthole_method which, const char *external) {
    answers(which, external);
    tried(which, 0);
}

static void found_device(const char *address, bool is_used) {
    struct ph_doctor_device *device = &report.devices[report.device_count++];
    copy(device->address, address);
    device->is_used = is_used;
    device->is_gateway = strcmp(address, report.gateway) == 0;
}

static void by_tunnel(const char *gateway, const char *source) {
    copy(report.way.gateway, gateway);
    copy(report.way.source, source);
    copy(report.way.interface, "wg0");
    report.way.link = PH_DOCTOR_LINK_TUNNEL;
}

/* ---- Networks -------------------------------------------------------------------------------- */

static void public_address(void) { ph_doctor_set_address(&report.local, "5.6.7.2"); }

static void public_address_and_port_shut(void) {
    public_address();
    report.firewall.port = 8080;
    report.firewall.inbound_tcp.effect = PH_DOCTOR_EFFECT_DROPPED;
}

static void one_nat(void) { opens(PORTHOLE_PCP, "1.2.3.4"); }

static void one_nat_by_upnp_alone(void) {
    opens(PORTHOLE_UPNP, "1.2.3.4");
    found_device("192.168.1.1", true);
}

static void one_nat_not_tried(void) {
    answers(PORTHOLE_NATPMP, "1.2.3.4");
    report.is_map_allowed = false;
}

static void one_nat_and_no_uplink_by_another(void) {
    opens(PORTHOLE_PCP, "1.2.3.4");
    answers(PORTHOLE_UPNP, "0.0.0.0");
}

static void one_of_two_refuses(void) {
    opens(PORTHOLE_UPNP, "1.2.3.4");
    found_device("192.168.1.1", true);
    method(PORTHOLE_PCP)->error = PORTHOLE_ERR_NOT_AUTHORIZED;
}

static void another_device_beside_the_gateway(void) {
    opens(PORTHOLE_PCP, "1.2.3.4");
    found_device("192.168.1.3", false);
}

static void port_of_the_user_shut(void) {
    one_nat();
    report.firewall.port = 8080;
    report.firewall.inbound_tcp.effect = PH_DOCTOR_EFFECT_DROPPED;
}

static void port_of_the_user_shut_for_the_other_protocol(void) {
    port_of_the_user_shut();
    report.firewall.is_tcp_wanted = false;
}

static void any_port_shut(void) {
    port_of_the_user_shut();
    report.firewall.port = 0;
}

static void double_nat(void) { opens(PORTHOLE_PCP, "10.0.0.2"); }

static void double_nat_and_refused(void) {
    answers(PORTHOLE_UPNP, "192.168.100.2");
    tried(PORTHOLE_UPNP, PORTHOLE_ERR_REFUSED);
}

static void carrier_nat(void) { opens(PORTHOLE_NATPMP, "100.64.9.9"); }

static void carrier_nat_without_a_router(void) {
    begin();
    report.gateway[0] = '\0';
    report.way.gateway[0] = '\0';
    report.way.link = PH_DOCTOR_LINK_PPP;
    report.probe_error = PORTHOLE_ERR_NO_NETWORK;
    for (size_t i = 0; i < PH_DOCTOR_METHODS; i++)
        report.methods[i].is_asked = false;
    ph_doctor_set_address(&report.local, "100.64.3.4");
}

static void no_uplink(void) { method(PORTHOLE_PCP)->error = PORTHOLE_ERR_NO_UPLINK; }

static void no_address_told(void) {
    answers(PORTHOLE_UPNP, "");
    found_device("192.168.1.1", true);
    report.is_map_allowed = false;
}

static void refused_by_the_trial(void) {
    answers(PORTHOLE_UPNP, "1.2.3.4");
    found_device("192.168.1.1", true);
    tried(PORTHOLE_UPNP, PORTHOLE_ERR_NOT_AUTHORIZED);
}

static void refused_by_the_probe(void) { method(PORTHOLE_PCP)->error = PORTHOLE_ERR_NO_RESOURCES; }

static void trial_without_an_end(void) {
    answers(PORTHOLE_PCP, "1.2.3.4");
    tried(PORTHOLE_PCP, PORTHOLE_ERR_TIMEOUT);
}

static void protocols_disagree(void) {
    opens(PORTHOLE_PCP, "1.2.3.4");
    opens(PORTHOLE_UPNP, "5.6.7.8");
}

static void another_router_opens_ports(void) {
    opens(PORTHOLE_UPNP, "1.2.3.4");
    found_device("192.168.1.3", true);
}

static void gateway_is_gone(void) {
    report.neighbour_count = 1;
    copy(report.neighbours[0].address, report.gateway);
    report.neighbours[0].is_gateway = true;
}

static void gateway_is_there(void) {
    gateway_is_gone();
    report.neighbours[0].is_resolved = true;
}

static void firewall_drops_answers(void) {
    report.firewall.answers.effect = PH_DOCTOR_EFFECT_DROPPED;
}

static void answers_come_and_are_dropped(void) {
    report.firewall.strays.effect = PH_DOCTOR_EFFECT_DROPPED;
    report.firewall.dropped_answers = 3;
}

static void network_says_unreachable(void) {
    for (size_t i = 0; i < PH_DOCTOR_METHODS; i++)
        report.methods[i].error = PORTHOLE_ERR_UNREACHABLE;
}

static void all_closed(void) {
    for (size_t i = 0; i < PH_DOCTOR_METHODS; i++)
        report.methods[i].error = PORTHOLE_ERR_PORT_CLOSED;
}

static void version_not_supported(void) { method(PORTHOLE_PCP)->error = PORTHOLE_ERR_UNSUPPORTED; }

static void firewall_drops_strays(void) {
    report.firewall.strays.effect = PH_DOCTOR_EFFECT_DROPPED;
}

static void nothing_that_makes_sense(void) {
    method(PORTHOLE_UPNP)->error = PORTHOLE_ERR_UNTRUSTED;
}

static void external_address_of_no_use(void) { opens(PORTHOLE_PCP, "203.0.113.7"); }

static void vpn_alone(void) {
    by_tunnel("", "10.8.0.2");
    report.gateway[0] = '\0';
    ph_doctor_set_address(&report.local, "10.8.0.2");
}

static void vpn_beside_a_router_that_works(void) {
    one_nat();
    by_tunnel("10.8.0.1", "10.8.0.2");
}

static void vpn_that_answers_nothing(void) {
    by_tunnel("10.8.0.1", "10.8.0.2");
    copy(report.gateway, "10.8.0.1");
    ph_doctor_set_address(&report.local, "10.8.0.2");
}

static void vpn_that_forwards_ports(void) {
    vpn_that_answers_nothing();
    opens(PORTHOLE_NATPMP, "1.2.3.4");
}

static void no_route(void) {
    report.way = (struct ph_doctor_way){.is_there = false};
    report.gateway[0] = '\0';
    report.local = (struct ph_doctor_address){.reach = PORTHOLE_REACH_UNKNOWN};
}

static void no_route_but_by_ipv6(void) {
    no_route();
    report.route_count = 1;
    copy(report.routes[0].destination, "default (IPv6)");
}

static void nobody_was_asked(void) {
    for (size_t i = 0; i < PH_DOCTOR_METHODS; i++)
        report.methods[i].is_asked = false;
}

static void no_route_but_a_named_gateway(void) {
    report.way = (struct ph_doctor_way){.is_there = false};
    one_nat();
}

static void gateway_on_this_host(void) {
    by_tunnel("10.8.0.1", "10.8.0.2");
    copy(report.gateway, "127.77.0.1");
    ph_doctor_set_address(&report.local, "127.0.0.1");
    opens(PORTHOLE_PCP, "1.2.3.4");
}

/* What is to be found in the reason, an advice or a note. */
#define CASE(facts, verdict, words)                                                                \
    { #facts, facts, PH_DOCTOR_##verdict, words }
static const struct network {
    const char *name;
    void (*facts)(void);
    enum ph_doctor_verdict verdict;
    const char *words;
} networks[] = {
    CASE(public_address, DIRECT, "5.6.7.2 is a public address"),
    CASE(public_address_and_port_shut, HOST_FIREWALL, "TCP port 8080"),
    CASE(one_nat, MAPPED, "by PCP, at 1.2.3.4"),
    CASE(one_nat_by_upnp_alone, MAPPED, "by UPnP, at 1.2.3.4"),
    CASE(one_nat_not_tried, MAPPABLE, "--no-map"),
    CASE(one_nat_and_no_uplink_by_another, MAPPED, "at 1.2.3.4"),
    CASE(one_of_two_refuses, MAPPED, "PCP answers, but is of no use"),
    CASE(another_device_beside_the_gateway, MAPPED, "Another router answers UPnP at 192.168.1.3"),
    CASE(port_of_the_user_shut, HOST_FIREWALL, "TCP port 8080"),
    CASE(port_of_the_user_shut_for_the_other_protocol, MAPPED, "at 1.2.3.4"),
    CASE(any_port_shut, MAPPED, "drops what comes in on a port that no rule names"),
    CASE(double_nat, DOUBLE_NAT, "10.0.0.2, is a private one"),
    CASE(double_nat_and_refused, DOUBLE_NAT, "192.168.100.2"),
    CASE(carrier_nat, CARRIER_NAT, "100.64.9.9"),
    CASE(carrier_nat_without_a_router, CARRIER_NAT, "100.64.3.4"),
    CASE(no_uplink, NO_UPLINK, "no external address"),
    CASE(no_address_told, NO_UPLINK, "no external address"),
    CASE(refused_by_the_trial, REFUSED, "by UPnP"),
    CASE(refused_by_the_probe, REFUSED, "Its table is full"),
    CASE(trial_without_an_end, UNCLEAR, "see the attempts"),
    CASE(protocols_disagree, TWO_ROUTERS, "UPnP tells 5.6.7.8"),
    CASE(another_router_opens_ports, TWO_ROUTERS, "the one that opens ports is 192.168.1.3"),
    CASE(gateway_is_gone, FILTERED, "not even on the link"),
    CASE(gateway_is_there, NO_PROTOCOL, "switch on UPnP"),
    CASE(firewall_drops_answers, FILTERED, "own firewall drops what the router would answer"),
    CASE(answers_come_and_are_dropped, FILTERED, "3 of them"),
    CASE(network_says_unreachable, FILTERED, "cannot be reached"),
    CASE(all_closed, NO_PROTOCOL, "nothing of it listens"),
    CASE(version_not_supported, NO_PROTOCOL, "switch on UPnP"),
    CASE(firewall_drops_strays, NO_PROTOCOL, "some routers answer from another port"),
    CASE(nothing_that_makes_sense, UNCLEAR, "by UPnP, but not in a way"),
    CASE(external_address_of_no_use, UNCLEAR, "203.0.113.7"),
    CASE(vpn_alone, VPN, "by the tunnel wg0"),
    CASE(vpn_beside_a_router_that_works, VPN, "by the router 192.168.1.1"),
    CASE(vpn_that_answers_nothing, VPN, "at its far end"),
    CASE(vpn_that_forwards_ports, MAPPED, "by the VPN wg0"),
    CASE(no_route, NO_ROUTE, "no default route"),
    CASE(no_route_but_by_ipv6, NO_ROUTE, "only one for IPv6"),
    CASE(nobody_was_asked, UNCLEAR, "no router to ask"),
    CASE(no_route_but_a_named_gateway, MAPPED, "at 1.2.3.4"),
    CASE(gateway_on_this_host, MAPPED, "at 1.2.3.4"),
};
#define NETWORKS (sizeof networks / sizeof *networks)

static bool is_said(const char *words) {
    bool found = strstr(report.reason, words) != NULL;
    for (size_t i = 0; i < report.advice_count; i++)
        found = found || strstr(report.advice[i], words);
    for (size_t i = 0; i < report.note_count; i++)
        found = found || strstr(report.notes[i], words);
    return found;
}

static void judge(const struct network *network) {
    begin();
    network->facts();
    ph_doctor_judge(&report);
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static void each_network_has_its_verdict(void **state) {
    (void)state;
    for (size_t i = 0; i < NETWORKS; i++) {
        judge(&networks[i]);
        if (report.verdict != networks[i].verdict)
            fail_msg("%s: %s, not %s: %s", networks[i].name, ph_doctor_verdict_name(report.verdict),
                     ph_doctor_verdict_name(networks[i].verdict), report.reason);
        if (!is_said(networks[i].words))
            fail_msg("%s: nobody says \"%s\": %s", networks[i].name, networks[i].words,
                     report.reason);
    }
}

static void every_verdict_has_a_network(void **state) {
    (void)state;
    for (int verdict = 0; verdict <= PH_DOCTOR_UNCLEAR; verdict++) {
        bool found = false;
        for (size_t i = 0; i < NETWORKS; i++)
            found = found || (int)networks[i].verdict == verdict;
        assert_true(found);
    }
}

static void each_reason_is_whole_and_has_advice(void **state) {
    (void)state;
    for (size_t i = 0; i < NETWORKS; i++) {
        judge(&networks[i]);
        assert_true(strlen(report.reason) > 20);
        assert_int_equal(report.reason[strlen(report.reason) - 1], '.');
        assert_true(strlen(report.reason) < sizeof report.reason - 1);
        assert_true(report.advice_count > 0);
        for (size_t k = 0; k < report.advice_count; k++)
            assert_in_range(strlen(report.advice[k]), 20, sizeof report.advice[k] - 2);
        for (size_t k = 0; k < report.note_count; k++)
            assert_in_range(strlen(report.notes[k]), 20, sizeof report.notes[k] - 2);
    }
}

/* From this host to the Internet, which is reached when the verdict is good; else the path says
 * where it ends. */
static void each_path_leads_from_here_to_the_internet(void **state) {
    (void)state;
    for (size_t i = 0; i < NETWORKS; i++) {
        bool is_blocked = false;
        judge(&networks[i]);
        assert_in_range(report.hop_count, 2, PH_DOCTOR_HOPS_MAX);
        assert_int_equal(report.hops[0].kind, PH_DOCTOR_HOP_HOST);
        const struct ph_doctor_hop *last = &report.hops[report.hop_count - 1];
        assert_int_equal(last->kind, PH_DOCTOR_HOP_INTERNET);
        bool is_good = ph_doctor_is_good(report.verdict);
        assert_int_equal(last->state == PH_DOCTOR_HOP_FINE, is_good);
        for (size_t k = 0; k < report.hop_count; k++)
            is_blocked = is_blocked || report.hops[k].state == PH_DOCTOR_HOP_BLOCKED;
        if (report.verdict != PH_DOCTOR_UNCLEAR && is_blocked == is_good)
            fail_msg("%s: the path is %s", networks[i].name, is_good ? "blocked" : "open");
    }
}

static void a_vpns_path_begins_at_its_own_address(void **state) {
    (void)state;
    begin();
    vpn_beside_a_router_that_works();
    ph_doctor_judge(&report);
    assert_string_equal(report.hops[0].inside, "10.8.0.2");
    assert_string_equal(report.hops[1].name, "wg0");
}

static void a_report_may_be_judged_again(void **state) {
    (void)state;
    static struct ph_doctor_report before;
    for (size_t i = 0; i < NETWORKS; i++) {
        judge(&networks[i]);
        before = report;
        ph_doctor_judge(&report);
        assert_int_equal(report.verdict, before.verdict);
        assert_string_equal(report.reason, before.reason);
        assert_int_equal(report.advice_count, before.advice_count);
        assert_int_equal(report.note_count, before.note_count);
        assert_int_equal(report.hop_count, before.hop_count);
    }
}

static void exit_codes_are_those_of_the_command(void **state) {
    (void)state;
    assert_int_equal(ph_doctor_exitcode(PH_DOCTOR_DIRECT), PH_EXITCODE_DONE);
    assert_int_equal(ph_doctor_exitcode(PH_DOCTOR_MAPPED), PH_EXITCODE_DONE);
    assert_int_equal(ph_doctor_exitcode(PH_DOCTOR_MAPPABLE), PH_EXITCODE_DONE);
    assert_int_equal(ph_doctor_exitcode(PH_DOCTOR_DOUBLE_NAT), PH_EXITCODE_FAILED);
    assert_int_equal(ph_doctor_exitcode(PH_DOCTOR_REFUSED), PH_EXITCODE_REFUSED);
    assert_int_equal(ph_doctor_exitcode(PH_DOCTOR_NO_PROTOCOL), PH_EXITCODE_NO_GATEWAY);
}

static void every_value_has_a_name(void **state) {
    (void)state;
    assert_string_equal(ph_doctor_verdict_name(PH_DOCTOR_UNCLEAR), "unclear");
    assert_string_equal(ph_doctor_verdict_name((enum ph_doctor_verdict)99), "?");
    assert_string_equal(ph_doctor_link_name(PH_DOCTOR_LINK_TUNNEL), "tunnel");
    assert_string_equal(ph_doctor_effect_name(PH_DOCTOR_EFFECT_UNSURE), "unsure");
    assert_string_equal(ph_doctor_outcome_name(PH_DOCTOR_OUTCOME_DROPPED), "dropped");
    assert_string_equal(ph_doctor_hop_kind_name(PH_DOCTOR_HOP_INTERNET), "internet");
    assert_string_equal(ph_doctor_hop_state_name(PH_DOCTOR_HOP_UNKNOWN), "unknown");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_network_has_its_verdict),
        cmocka_unit_test(every_verdict_has_a_network),
        cmocka_unit_test(each_reason_is_whole_and_has_advice),
        cmocka_unit_test(each_path_leads_from_here_to_the_internet),
        cmocka_unit_test(a_vpns_path_begins_at_its_own_address),
        cmocka_unit_test(a_report_may_be_judged_again),
        cmocka_unit_test(exit_codes_are_those_of_the_command),
        cmocka_unit_test(every_value_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
