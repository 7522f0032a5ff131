/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_gateway_table.c: the gateway's table finds mappings by both of their ends, keeps their
 * leases, and does not mix up what looks alike.
 */
#include "gateway/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct ph_gw_facts some_facts(uint16_t internal_port, uint16_t external_port) {
    return (struct ph_gw_facts){.made_by = PORTHOLE_PCP,
                                .protocol = PORTHOLE_TCP,
                                .internal_port = internal_port,
                                .external_port = external_port,
                                .client = ph_addr_v4(192, 168, 1, 50)};
}

static void mapping_is_found_by_both_ends(void **state) {
    struct ph_gw_table table;
    struct ph_gw_facts facts = some_facts(80, 8080);
    (void)state;
    assert_true(ph_gw_table_init(&table));
    struct ph_gw_mapping *mapping = ph_gw_table_add(&table, &facts);
    assert_non_null(mapping);
    assert_ptr_equal(ph_gw_table_at_external(&table, PORTHOLE_TCP, 8080), mapping);
    assert_null(ph_gw_table_at_external(&table, PORTHOLE_UDP, 8080));
    assert_null(ph_gw_table_at_external(&table, PORTHOLE_TCP, 80));
    assert_ptr_equal(ph_gw_table_of_client(&table, PORTHOLE_PCP, &facts.client, PORTHOLE_TCP, 80),
                     mapping);
    assert_null(ph_gw_table_of_client(&table, PORTHOLE_NATPMP, &facts.client, PORTHOLE_TCP, 80));
    assert_null(ph_gw_table_of_client(&table, PORTHOLE_PCP, &facts.client, PORTHOLE_UDP, 80));
    assert_null(ph_gw_table_of_client(&table, PORTHOLE_PCP, &facts.client, PORTHOLE_TCP, 8080));
    struct ph_addr other = ph_addr_v4(192, 168, 1, 51);
    assert_null(ph_gw_table_of_client(&table, PORTHOLE_PCP, &other, PORTHOLE_TCP, 80));
    ph_gw_table_remove(&table, mapping);
    assert_null(ph_gw_table_at_external(&table, PORTHOLE_TCP, 8080));
    assert_null(ph_gw_table_of_client(&table, PORTHOLE_PCP, &facts.client, PORTHOLE_TCP, 80));
    ph_gw_table_done(&table);
}

static void upnp_mappings_are_not_found_by_client(void **state) {
    struct ph_gw_table table;
    (void)state;
    assert_true(ph_gw_table_init(&table));
    for (uint16_t port = 1; port < 100; port++) {
        struct ph_gw_facts facts = some_facts(80, port);
        facts.made_by = PORTHOLE_UPNP;
        assert_non_null(ph_gw_table_add(&table, &facts));
    }
    struct ph_addr client = some_facts(0, 0).client;
    assert_null(ph_gw_table_of_client(&table, PORTHOLE_UPNP, &client, PORTHOLE_TCP, 80));
    while (table.count > 0)
        ph_gw_table_remove(&table, table.all[0]);
    ph_gw_table_done(&table);
}

static void ipv6_clients_with_equal_ends_are_told_apart(void **state) {
    struct ph_gw_table table;
    struct ph_gw_facts facts = some_facts(80, 8080);
    struct ph_addr twin;
    (void)state;
    assert_true(ph_gw_table_init(&table));
    assert_true(ph_addr_parse(PH_SPAN("2001:db8::1:2:3:4"), &facts.client));
    assert_true(ph_addr_parse(PH_SPAN("2001:db8:5::1:2:3:4"), &twin));
    assert_non_null(ph_gw_table_add(&table, &facts));
    assert_null(ph_gw_table_of_client(&table, PORTHOLE_PCP, &twin, PORTHOLE_TCP, 80));
    assert_non_null(ph_gw_table_of_client(&table, PORTHOLE_PCP, &facts.client, PORTHOLE_TCP, 80));
    ph_gw_table_done(&table);
}

static void leases_end_in_order(void **state) {
    struct ph_gw_table table;
    (void)state;
    assert_true(ph_gw_table_init(&table));
    for (uint16_t i = 1; i <= 5; i++) {
        struct ph_gw_facts facts = some_facts(i, i);
        struct ph_gw_mapping *mapping = ph_gw_table_add(&table, &facts);
        assert_non_null(mapping);
        if (i < 5) /* the fifth has no end */
            ph_gw_table_set_lease(&table, mapping, PH_SECONDS(10 * (5 - i)));
    }
    assert_null(ph_gw_table_expired(&table, PH_SECONDS(10) - 1));
    for (uint16_t i = 4; i >= 1; i--) {
        struct ph_gw_mapping *mapping = ph_gw_table_expired(&table, PH_SECONDS(40));
        assert_non_null(mapping);
        assert_int_equal(mapping->facts.external_port, i);
        ph_gw_table_remove(&table, mapping);
    }
    assert_null(ph_gw_table_expired(&table, PH_NEVER - 1));
    ph_gw_table_done(&table);
}

static void what_is_left_of_a_lease_is_rounded_up(void **state) {
    struct ph_gw_table table;
    struct ph_gw_facts facts = some_facts(1, 1);
    (void)state;
    assert_true(ph_gw_table_init(&table));
    struct ph_gw_mapping *mapping = ph_gw_table_add(&table, &facts);
    assert_non_null(mapping);
    assert_int_equal(ph_gw_mapping_left_s(mapping, 5), 0);
    ph_gw_table_set_lease(&table, mapping, PH_SECONDS(10));
    assert_int_equal(ph_gw_mapping_left_s(mapping, 0), 10);
    assert_int_equal(ph_gw_mapping_left_s(mapping, 1), 10);
    assert_int_equal(ph_gw_mapping_left_s(mapping, PH_SECONDS(9)), 1);
    assert_int_equal(ph_gw_mapping_left_s(mapping, PH_SECONDS(10)), 0);
    ph_gw_table_done(&table);
}

static void all_is_without_gaps_whatever_is_removed(void **state) {
    struct ph_gw_table table;
    (void)state;
    assert_true(ph_gw_table_init(&table));
    for (uint16_t i = 1; i <= 1000; i++) {
        struct ph_gw_facts facts = some_facts(i, i);
        assert_non_null(ph_gw_table_add(&table, &facts));
    }
    for (size_t i = 0; table.count > 1; i = (i + 617) % table.count) {
        ph_gw_table_remove(&table, table.all[i]);
        for (size_t j = 0; j < table.count; j += 97)
            assert_int_equal(table.all[j]->at, j);
    }
    ph_gw_table_done(&table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mapping_is_found_by_both_ends),
        cmocka_unit_test(upnp_mappings_are_not_found_by_client),
        cmocka_unit_test(ipv6_clients_with_equal_ends_are_told_apart),
        cmocka_unit_test(leases_end_in_order),
        cmocka_unit_test(what_is_left_of_a_lease_is_rounded_up),
        cmocka_unit_test(all_is_without_gaps_whatever_is_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
