/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_doctor_rules.c: what a firewall's rules, as the system's programs print them, do with a
 * packet: in both languages, and where it cannot be known.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/doctor_parts.h"

#define TABLE "{\"table\":{\"family\":\"inet\",\"name\":\"f\"}},"
#define BASE(policy)                                                                               \
    "{\"chain\":{\"family\":\"inet\",\"table\":\"f\",\"name\":\"input\",\"type\":\"filter\","      \
    "\"hook\":\"input\",\"prio\":0,\"policy\":\"" policy "\"}}"
#define CHAIN(name) ",{\"chain\":{\"family\":\"inet\",\"table\":\"f\",\"name\":\"" name "\"}}"
#define RULE_IN(chain, expressions)                                                                \
    ",{\"rule\":{\"family\":\"inet\",\"table\":\"f\",\"chain\":\"" chain                           \
    "\",\"expr\":[" expressions "]}}"
#define RULE(expressions) RULE_IN("input", expressions)
#define MATCH(left, op, right)                                                                     \
    "{\"match\":{\"op\":\"" op "\",\"left\":" left ",\"right\":" right "}}"
#define DPORT(protocol) "{\"payload\":{\"protocol\":\"" protocol "\",\"field\":\"dport\"}}"
#define SPORT "{\"payload\":{\"protocol\":\"udp\",\"field\":\"sport\"}}"
#define SADDR "{\"payload\":{\"protocol\":\"ip\",\"field\":\"saddr\"}}"
#define STATE "{\"ct\":{\"key\":\"state\"}}"
#define ACCEPT "{\"accept\":null}"
#define DROP "{\"drop\":null}"
#define REJECT "{\"reject\":{\"type\":\"icmp\",\"expr\":\"port-unreachable\"}}"

static struct ph_doctor_rules rules;

static struct ph_doctor_packet inbound_tcp(uint16_t port) {
    return (struct ph_doctor_packet){.protocol = PORTHOLE_TCP,
                                     .interface = "eth0",
                                     .source = "",
                                     .destination = "192.168.1.5",
                                     .destination_port = port};
}

static struct ph_doctor_packet answer_from(const char *source, uint16_t port, bool is_answer) {
    return (struct ph_doctor_packet){.protocol = PORTHOLE_UDP,
                                     .interface = "eth0",
                                     .source = source,
                                     .destination = "192.168.1.5",
                                     .source_port = port,
                                     .destination_port = 45000,
                                     .is_answer = is_answer};
}

static struct ph_doctor_filter judged(const struct ph_doctor_packet *packet, const char *nft,
                                      const char *iptables) {
    struct ph_doctor_filter filter;
    char whole[8192];
    rules = (struct ph_doctor_rules){.chain_count = 0};
    if (iptables)
        assert_true(ph_doctor_rules_iptables(&rules, packet, iptables));
    if (nft) {
        assert_true((size_t)snprintf(whole, sizeof whole, "{\"nftables\":[%s]}", nft) <
                    sizeof whole);
        assert_true(ph_doctor_rules_nft(&rules, packet, whole, iptables != NULL));
    }
    ph_doctor_rules_judge(&rules, &filter);
    return filter;
}

static void expect_nft(const struct ph_doctor_packet *packet, const char *nft,
                       enum ph_doctor_effect effect, const char *rule) {
    struct ph_doctor_filter filter = judged(packet, nft, NULL);
    assert_string_equal(ph_doctor_effect_name(filter.effect), ph_doctor_effect_name(effect));
    assert_string_equal(filter.rule, rule);
}

static void expect_iptables(const struct ph_doctor_packet *packet, const char *text,
                            enum ph_doctor_effect effect, const char *rule) {
    struct ph_doctor_filter filter = judged(packet, NULL, text);
    assert_string_equal(ph_doctor_effect_name(filter.effect), ph_doctor_effect_name(effect));
    assert_string_equal(filter.rule, rule);
}

/* ---- nftables -------------------------------------------------------------------------------- */

static void no_rules_accept_everything(void **state) {
    (void)state;
    struct ph_doctor_packet packet = inbound_tcp(0);
    expect_nft(&packet, "{\"metainfo\":{\"version\":\"1.0.6\"}}", PH_DOCTOR_EFFECT_ACCEPTED, "");
    expect_nft(&packet, TABLE BASE("accept"), PH_DOCTOR_EFFECT_ACCEPTED, "");
}

static void a_policy_decides_what_no_rule_does(void **state) {
    (void)state;
    struct ph_doctor_packet packet = inbound_tcp(8081);
    static const char text[] =
        TABLE BASE("drop") RULE(MATCH(DPORT("tcp"), "==", "8080") "," ACCEPT);
    expect_nft(&packet, text, PH_DOCTOR_EFFECT_DROPPED, "policy of chain inet f input");
    packet = inbound_tcp(8080);
    expect_nft(&packet, text, PH_DOCTOR_EFFECT_ACCEPTED, "rule 1 of chain inet f input");
}

static void any_port_is_none_that_a_rule_names(void **state) {
    (void)state;
    struct ph_doctor_packet packet = inbound_tcp(0);
    expect_nft(&packet,
               TABLE BASE("drop") RULE(
                   MATCH(DPORT("tcp"), "==", "{\"set\":[22,{\"range\":[6000,7000]}]}") "," ACCEPT),
               PH_DOCTOR_EFFECT_DROPPED, "policy of chain inet f input");
    expect_nft(&packet,
               TABLE BASE("drop")
                   RULE(MATCH(DPORT("th"), "==", "{\"range\":[1024,65535]}") "," ACCEPT),
               PH_DOCTOR_EFFECT_ACCEPTED, "rule 1 of chain inet f input");
}

static void sets_and_ranges_are_looked_into(void **state) {
    (void)state;
    struct ph_doctor_packet packet = inbound_tcp(6881);
    static const char text[] = TABLE BASE("drop")
        RULE(MATCH(DPORT("tcp"), "==", "{\"set\":[22,{\"range\":[6000,7000]}]}") "," ACCEPT);
    expect_nft(&packet, text, PH_DOCTOR_EFFECT_ACCEPTED, "rule 1 of chain inet f input");
    packet.protocol = PORTHOLE_UDP;
    expect_nft(&packet, text, PH_DOCTOR_EFFECT_DROPPED, "policy of chain inet f input");
}

static void answers_belong_to_a_connection_and_strangers_do_not(void **state) {
    (void)state;
    static const char text[] =
        TABLE BASE("drop") RULE("{\"vmap\":{\"key\":" STATE ",\"data\":{\"set\":[[\"invalid\"," DROP
                                "],[\"established\"," ACCEPT "],[\"related\"," ACCEPT "]]}}}");
    struct ph_doctor_packet packet = answer_from("192.168.1.1", 1900, true);
    expect_nft(&packet, text, PH_DOCTOR_EFFECT_ACCEPTED, "rule 1 of chain inet f input");
    packet = answer_from("192.168.1.1", 0, false);
    expect_nft(&packet, text, PH_DOCTOR_EFFECT_DROPPED, "policy of chain inet f input");
    static const char list[] =
        TABLE BASE("drop") RULE(MATCH(STATE, "in", "[\"established\",\"related\"]") "," ACCEPT);
    expect_nft(&packet, list, PH_DOCTOR_EFFECT_DROPPED, "policy of chain inet f input");
    packet.is_answer = true;
    expect_nft(&packet, list, PH_DOCTOR_EFFECT_ACCEPTED, "rule 1 of chain inet f input");
}

static void the_gateways_network_is_told_from_strangers(void **state) {
    (void)state;
    static const char text[] = TABLE BASE("drop")
        RULE(MATCH(SADDR, "==", "{\"prefix\":{\"addr\":\"192.168.1.0\",\"len\":24}}") "," ACCEPT);
    struct ph_doctor_packet packet = answer_from("192.168.1.1", 0, false);
    expect_nft(&packet, text, PH_DOCTOR_EFFECT_ACCEPTED, "rule 1 of chain inet f input");
    packet = answer_from("192.168.2.1", 0, false);
    expect_nft(&packet, text, PH_DOCTOR_EFFECT_DROPPED, "policy of chain inet f input");
    packet = inbound_tcp(80);
    expect_nft(&packet, text, PH_DOCTOR_EFFECT_DROPPED, "policy of chain inet f input");
}

static void the_source_port_of_answers_counts(void **state) {
    (void)state;
    struct ph_doctor_packet packet = answer_from("192.168.1.1", 1900, true);
    static const char text[] =
        TABLE BASE("accept") RULE(MATCH(SPORT, "==", "1900") ",{\"counter\":{}}," DROP);
    expect_nft(&packet, text, PH_DOCTOR_EFFECT_DROPPED, "rule 1 of chain inet f input");
    packet.source_port = 5351;
    expect_nft(&packet, text, PH_DOCTOR_EFFECT_ACCEPTED, "");
}

static void interfaces_and_negations_are_understood(void **state) {
    (void)state;
    struct ph_doctor_packet packet = inbound_tcp(80);
    expect_nft(&packet,
               TABLE BASE("drop")
                   RULE(MATCH("{\"meta\":{\"key\":\"iifname\"}}", "==", "\"eth*\"") "," ACCEPT),
               PH_DOCTOR_EFFECT_ACCEPTED, "rule 1 of chain inet f input");
    expect_nft(&packet,
               TABLE BASE("accept")
                   RULE(MATCH("{\"meta\":{\"key\":\"iifname\"}}", "!=", "\"lo\"") "," REJECT),
               PH_DOCTOR_EFFECT_DROPPED, "rule 1 of chain inet f input");
}

static void jumps_return_where_they_came_from(void **state) {
    (void)state;
    struct ph_doctor_packet packet = inbound_tcp(80);
    expect_nft(&packet,
               TABLE BASE("drop") CHAIN("web") RULE("{\"jump\":{\"target\":\"web\"}}")
                   RULE(MATCH(DPORT("tcp"), "==", "80") "," ACCEPT)
                       RULE_IN("web", MATCH(DPORT("tcp"), "==", "443") "," ACCEPT)
                           RULE_IN("web", "{\"return\":null}") RULE_IN("web", DROP),
               PH_DOCTOR_EFFECT_ACCEPTED, "rule 2 of chain inet f input");
    expect_nft(&packet,
               TABLE BASE("accept") CHAIN("web") RULE("{\"goto\":{\"target\":\"web\"}}") RULE(DROP)
                   RULE_IN("web", MATCH(DPORT("tcp"), "==", "443") "," ACCEPT),
               PH_DOCTOR_EFFECT_ACCEPTED, "");
}

static void a_loop_of_jumps_ends(void **state) {
    (void)state;
    struct ph_doctor_packet packet = inbound_tcp(80);
    expect_nft(&packet,
               TABLE BASE("accept") CHAIN("a") RULE("{\"jump\":{\"target\":\"a\"}}")
                   RULE_IN("a", "{\"jump\":{\"target\":\"a\"}}")
                       RULE_IN("a", "{\"jump\":{\"target\":\"a\"}}"),
               PH_DOCTOR_EFFECT_ACCEPTED, "");
}

static void what_is_not_known_makes_the_end_unsure(void **state) {
    (void)state;
    struct ph_doctor_packet packet = inbound_tcp(80);
    /* A limit, a named set, an extension of iptables. */
    expect_nft(&packet,
               TABLE BASE("drop") RULE("{\"limit\":{\"rate\":5,\"per\":\"second\"}}," ACCEPT),
               PH_DOCTOR_EFFECT_UNSURE, "rule 1 of chain inet f input");
    expect_nft(&packet, TABLE BASE("accept") RULE(MATCH(SADDR, "==", "\"@bad\"") "," DROP),
               PH_DOCTOR_EFFECT_UNSURE, "rule 1 of chain inet f input");
    expect_nft(&packet,
               TABLE BASE("accept") RULE("{\"xt\":{\"type\":\"match\",\"name\":\"recent\"}}," DROP),
               PH_DOCTOR_EFFECT_UNSURE, "rule 1 of chain inet f input");
    /* It does not matter where both ends are the same. */
    expect_nft(&packet,
               TABLE BASE("drop") RULE("{\"limit\":{\"rate\":5,\"per\":\"second\"}}," DROP),
               PH_DOCTOR_EFFECT_DROPPED, "policy of chain inet f input");
}

static void every_base_chain_must_let_it_pass(void **state) {
    (void)state;
    struct ph_doctor_packet packet = inbound_tcp(80);
    expect_nft(&packet,
               TABLE BASE("accept") RULE(ACCEPT) ",{\"chain\":{\"family\":\"ip\",\"table\":\"g\","
                                                 "\"name\":\"late\",\"hook\":\"input\","
                                                 "\"prio\":10,\"policy\":\"drop\"}}",
               PH_DOCTOR_EFFECT_DROPPED, "policy of chain ip g late");
    expect_nft(
        &packet,
        TABLE BASE("accept") ",{\"chain\":{\"family\":\"ip\",\"table\":\"g\",\"name\":\"raw\","
                             "\"hook\":\"prerouting\",\"prio\":-300,\"policy\":\"drop\"}}",
        PH_DOCTOR_EFFECT_DROPPED, "policy of chain ip g raw");
}

static void other_families_and_hooks_are_others_affair(void **state) {
    (void)state;
    struct ph_doctor_packet packet = inbound_tcp(80);
    expect_nft(&packet,
               "{\"chain\":{\"family\":\"ip6\",\"table\":\"g\",\"name\":\"i\",\"hook\":\"input\","
               "\"prio\":0,\"policy\":\"drop\"}},"
               "{\"chain\":{\"family\":\"ip\",\"table\":\"g\",\"name\":\"f\",\"hook\":\"forward\","
               "\"prio\":0,\"policy\":\"drop\"}}",
               PH_DOCTOR_EFFECT_ACCEPTED, "");
}

static void nonsense_is_no_ruleset(void **state) {
    (void)state;
    struct ph_doctor_packet packet = inbound_tcp(80);
    rules = (struct ph_doctor_rules){.chain_count = 0};
    assert_false(ph_doctor_rules_nft(&rules, &packet, "", false));
    assert_false(ph_doctor_rules_nft(&rules, &packet, "{\"nftables\":7}", false));
    assert_false(ph_doctor_rules_nft(&rules, &packet, "[[[", false));
    assert_true(ph_doctor_rules_nft(
        &rules, &packet, "{\"nftables\":[7,{\"rule\":7},{\"chain\":{\"family\":3}},null]}", false));
}

/* ---- iptables -------------------------------------------------------------------------------- */

/* As ufw lays it out, with what does not matter here left out. */
static const char ufw[] =
    "# Generated by iptables-save\n"
    "*filter\n"
    ":INPUT DROP [0:0]\n"
    ":FORWARD DROP [0:0]\n"
    ":OUTPUT ACCEPT [0:0]\n"
    ":ufw-before-input - [0:0]\n"
    ":ufw-user-input - [0:0]\n"
    ":ufw-not-local - [0:0]\n"
    "-A INPUT -j ufw-before-input\n"
    "-A INPUT -j ufw-user-input\n"
    "-A ufw-before-input -i lo -j ACCEPT\n"
    "-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
    "-A ufw-before-input -m conntrack --ctstate INVALID -j DROP\n"
    "-A ufw-before-input -j ufw-not-local\n"
    "-A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN\n"
    "-A ufw-not-local -j DROP\n"
    "-A ufw-user-input -p tcp -m tcp --dport 8080 -m comment --comment "
    "\"the game -j DROP\" -j ACCEPT\n"
    "-A ufw-user-input -p udp -m multiport --dports 6881:6889,51820 -j ACCEPT\n"
    "COMMIT\n";

static void ufw_lets_in_what_was_allowed(void **state) {
    (void)state;
    struct ph_doctor_packet packet = inbound_tcp(8080);
    expect_iptables(&packet, ufw, PH_DOCTOR_EFFECT_ACCEPTED,
                    "rule 1 of chain filter ufw-user-input");
    packet = inbound_tcp(8081);
    expect_iptables(&packet, ufw, PH_DOCTOR_EFFECT_DROPPED, "policy of chain filter INPUT");
    packet.protocol = PORTHOLE_UDP;
    packet.destination_port = 6885;
    expect_iptables(&packet, ufw, PH_DOCTOR_EFFECT_ACCEPTED,
                    "rule 2 of chain filter ufw-user-input");
    packet = inbound_tcp(0);
    expect_iptables(&packet, ufw, PH_DOCTOR_EFFECT_DROPPED, "policy of chain filter INPUT");
}

static void ufw_lets_answers_in(void **state) {
    (void)state;
    struct ph_doctor_packet packet = answer_from("192.168.1.1", 1900, true);
    expect_iptables(&packet, ufw, PH_DOCTOR_EFFECT_ACCEPTED,
                    "rule 2 of chain filter ufw-before-input");
    packet = answer_from("192.168.1.1", 0, false);
    expect_iptables(&packet, ufw, PH_DOCTOR_EFFECT_DROPPED, "policy of chain filter INPUT");
}

static void an_exclamation_mark_inverts(void **state) {
    (void)state;
    struct ph_doctor_packet packet = inbound_tcp(80);
    expect_iptables(&packet,
                    "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT ! -i lo -j REJECT "
                    "--reject-with icmp-port-unreachable\n",
                    PH_DOCTOR_EFFECT_DROPPED, "rule 1 of chain filter INPUT");
    expect_iptables(&packet,
                    "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT ! -s 192.168.0.0/16 -p tcp -j DROP\n",
                    PH_DOCTOR_EFFECT_DROPPED, "rule 1 of chain filter INPUT");
    packet = answer_from("192.168.1.1", 0, false);
    expect_iptables(&packet, "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT ! -s 192.168.0.0/16 -j DROP\n",
                    PH_DOCTOR_EFFECT_ACCEPTED, "");
}

static void an_unknown_extension_is_unsure(void **state) {
    (void)state;
    struct ph_doctor_packet packet = inbound_tcp(80);
    expect_iptables(&packet,
                    "*filter\n:INPUT DROP [0:0]\n"
                    "-A INPUT -m recent --update --seconds 60 --name x --rsource -j ACCEPT\n",
                    PH_DOCTOR_EFFECT_UNSURE, "rule 1 of chain filter INPUT");
}

static void tables_of_iptables_are_read_once(void **state) {
    (void)state;
    struct ph_doctor_packet packet = inbound_tcp(8080);
    /* nft shows iptables' table too, with a match that it cannot name. */
    struct ph_doctor_filter filter = judged(
        &packet,
        "{\"chain\":{\"family\":\"ip\",\"table\":\"filter\",\"name\":\"INPUT\","
        "\"hook\":\"input\",\"prio\":0,\"policy\":\"drop\"}},"
        "{\"rule\":{\"family\":\"ip\",\"table\":\"filter\",\"chain\":\"INPUT\",\"expr\":[{\"xt\":"
        "null}," ACCEPT "]}}",
        ufw);
    assert_int_equal(filter.effect, PH_DOCTOR_EFFECT_ACCEPTED);
}

static void nonsense_is_no_table(void **state) {
    (void)state;
    struct ph_doctor_packet packet = inbound_tcp(80);
    rules = (struct ph_doctor_rules){.chain_count = 0};
    assert_false(ph_doctor_rules_iptables(&rules, &packet, ""));
    assert_false(ph_doctor_rules_iptables(&rules, &packet, "-A\n:\n-A INPUT\n\"\n"));
    assert_true(ph_doctor_rules_iptables(&rules, &packet,
                                         "*filter\n:\n-A\n-A INPUT -j\n-A INPUT !\n-A INPUT -p\n"
                                         "-A INPUT --comment \"open\n"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_rules_accept_everything),
        cmocka_unit_test(a_policy_decides_what_no_rule_does),
        cmocka_unit_test(any_port_is_none_that_a_rule_names),
        cmocka_unit_test(sets_and_ranges_are_looked_into),
        cmocka_unit_test(answers_belong_to_a_connection_and_strangers_do_not),
        cmocka_unit_test(the_gateways_network_is_told_from_strangers),
        cmocka_unit_test(the_source_port_of_answers_counts),
        cmocka_unit_test(interfaces_and_negations_are_understood),
        cmocka_unit_test(jumps_return_where_they_came_from),
        cmocka_unit_test(a_loop_of_jumps_ends),
        cmocka_unit_test(what_is_not_known_makes_the_end_unsure),
        cmocka_unit_test(every_base_chain_must_let_it_pass),
        cmocka_unit_test(other_families_and_hooks_are_others_affair),
        cmocka_unit_test(nonsense_is_no_ruleset),
        cmocka_unit_test(ufw_lets_in_what_was_allowed),
        cmocka_unit_test(ufw_lets_answers_in),
        cmocka_unit_test(an_exclamation_mark_inverts),
        cmocka_unit_test(an_unknown_extension_is_unsure),
        cmocka_unit_test(tables_of_iptables_are_read_once),
        cmocka_unit_test(nonsense_is_no_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
