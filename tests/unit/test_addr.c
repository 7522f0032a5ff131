/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_addr.c: addresses: their kinds by the IANA special-purpose registries, and their text. The
 * system's inet_pton() is the second opinion on what is an address.
 */
#include "base/addr.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static struct ph_addr addr_of(const char *text) {
    struct ph_addr addr;
    if (!ph_addr_parse(ph_span_of(text), &addr))
        fail_msg("%s is no address", text);
    return addr;
}

/* ---- Kinds ----------------------------------------------------------------------------------- */

static void v4_is_kept_as_mapped(void **state) {
    static const uint8_t bytes[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 33};
    const struct ph_addr addr = ph_addr_v4(192, 0, 2, 33);
    const struct ph_addr almost = {{[11] = 0xff, [12] = 192, [14] = 2, [15] = 33}};
    (void)state;
    assert_memory_equal(addr.b, bytes, sizeof bytes);
    assert_true(ph_addr_is_v4(&addr));
    assert_memory_equal(ph_addr_v4_bytes(&addr), bytes + 12, 4);
    assert_false(ph_addr_is_v4(&ph_addr_none));
    assert_false(ph_addr_is_v4(&almost));
}

static void equal_means_every_byte_and_the_port(void **state) {
    const struct ph_addr a = ph_addr_v4(10, 0, 0, 1);
    const struct ph_addr b = ph_addr_v4(10, 0, 0, 2);
    const struct ph_endpoint e = {a, 80};
    (void)state;
    assert_true(ph_addr_equal(&a, &a));
    assert_false(ph_addr_equal(&a, &b));
    assert_true(ph_endpoint_equal(&e, &(struct ph_endpoint){a, 80}));
    assert_false(ph_endpoint_equal(&e, &(struct ph_endpoint){a, 81}));
    assert_false(ph_endpoint_equal(&e, &(struct ph_endpoint){b, 80}));
}

static void kinds_of_both_families_are_told_apart(void **state) {
    static const struct {
        const char *text;
        bool unspecified, loopback, multicast, link_local;
    } cases[] = {
        {"0.0.0.0", true, false, false, false},
        {"::", true, false, false, false},
        {"0.0.0.1", false, false, false, false},
        {"::1", false, true, false, false},
        {"::2", false, false, false, false},
        {"127.0.0.0", false, true, false, false},
        {"127.255.255.255", false, true, false, false},
        {"126.255.255.255", false, false, false, false},
        {"128.0.0.0", false, false, false, false},
        {"223.255.255.255", false, false, false, false},
        {"224.0.0.0", false, false, true, false},
        {"239.255.255.255", false, false, true, false},
        {"240.0.0.0", false, false, false, false},
        {"ff00::", false, false, true, false},
        {"feff::", false, false, false, false},
        {"169.253.255.255", false, false, false, false},
        {"169.254.0.0", false, false, false, true},
        {"169.254.255.255", false, false, false, true},
        {"169.255.0.0", false, false, false, false},
        {"fe7f::", false, false, false, false},
        {"fe80::", false, false, false, true},
        {"febf::", false, false, false, true},
        {"fec0::", false, false, false, false},
        {"192.0.2.1", false, false, false, false},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        const struct ph_addr addr = addr_of(cases[i].text);
        if (ph_addr_is_unspecified(&addr) != cases[i].unspecified ||
            ph_addr_is_loopback(&addr) != cases[i].loopback ||
            ph_addr_is_multicast(&addr) != cases[i].multicast ||
            ph_addr_is_link_local(&addr) != cases[i].link_local)
            fail_msg("%s is of another kind", cases[i].text);
    }
}

struct reach_case {
    const char *text;
    enum porthole_reach reach;
};

#define PUBLIC PORTHOLE_REACH_PUBLIC
#define PRIVATE PORTHOLE_REACH_PRIVATE
#define SHARED PORTHOLE_REACH_SHARED
#define LOOPBACK PORTHOLE_REACH_LOOPBACK
#define OTHER PORTHOLE_REACH_OTHER

static void check_reach(const struct reach_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const struct ph_addr addr = addr_of(cases[i].text);
        if (ph_addr_reach(&addr) != cases[i].reach)
            fail_msg("%s is judged %s", cases[i].text, porthole_reach_name(ph_addr_reach(&addr)));
    }
}

/* Both ends of each block of the registry, and what lies beside them. */
static void reach_of_v4_is_the_registry_s(void **state) {
    static const struct reach_case cases[] = {
        {"0.0.0.0", OTHER},          {"0.255.255.255", OTHER},    {"1.0.0.0", PUBLIC},
        {"8.8.8.8", PUBLIC},         {"9.255.255.255", PUBLIC},   {"10.0.0.0", PRIVATE},
        {"10.255.255.255", PRIVATE}, {"11.0.0.0", PUBLIC},        {"100.63.255.255", PUBLIC},
        {"100.64.0.0", SHARED},      {"100.127.255.255", SHARED}, {"100.128.0.0", PUBLIC},
        {"126.255.255.255", PUBLIC}, {"127.0.0.0", LOOPBACK},     {"127.255.255.255", LOOPBACK},
        {"128.0.0.0", PUBLIC},       {"169.253.255.255", PUBLIC}, {"169.254.0.0", OTHER},
        {"169.254.255.255", OTHER},  {"169.255.0.0", PUBLIC},     {"172.15.255.255", PUBLIC},
        {"172.16.0.0", PRIVATE},     {"172.31.255.255", PRIVATE}, {"172.32.0.0", PUBLIC},
        {"191.255.255.255", PUBLIC}, {"192.0.0.0", OTHER},        {"192.0.0.7", OTHER},
        {"192.0.0.8", OTHER},        {"192.0.0.9", PUBLIC},       {"192.0.0.10", PUBLIC},
        {"192.0.0.11", OTHER},       {"192.0.0.170", OTHER},      {"192.0.0.171", OTHER},
        {"192.0.0.255", OTHER},      {"192.0.1.0", PUBLIC},       {"192.0.2.0", OTHER},
        {"192.0.2.255", OTHER},      {"192.0.3.0", PUBLIC},       {"192.31.196.0", PUBLIC},
        {"192.52.193.255", PUBLIC},  {"192.88.98.255", PUBLIC},   {"192.88.99.0", OTHER},
        {"192.88.99.2", OTHER},      {"192.88.99.255", OTHER},    {"192.88.100.0", PUBLIC},
        {"192.167.255.255", PUBLIC}, {"192.168.0.0", PRIVATE},    {"192.168.255.255", PRIVATE},
        {"192.169.0.0", PUBLIC},     {"192.175.48.1", PUBLIC},    {"198.17.255.255", PUBLIC},
        {"198.18.0.0", OTHER},       {"198.19.255.255", OTHER},   {"198.20.0.0", PUBLIC},
        {"198.51.99.255", PUBLIC},   {"198.51.100.0", OTHER},     {"198.51.100.255", OTHER},
        {"198.51.101.0", PUBLIC},    {"203.0.112.255", PUBLIC},   {"203.0.113.0", OTHER},
        {"203.0.113.255", OTHER},    {"203.0.114.0", PUBLIC},     {"223.255.255.255", PUBLIC},
        {"224.0.0.0", OTHER},        {"239.255.255.255", OTHER},  {"240.0.0.0", OTHER},
        {"255.255.255.254", OTHER},  {"255.255.255.255", OTHER},
    };
    (void)state;
    check_reach(cases, LENGTH(cases));
}

static void reach_of_v6_is_the_registry_s(void **state) {
    static const struct reach_case cases[] = {
        {"::1", LOOPBACK},
        {"::ffff:10.0.0.1", PRIVATE},
        {"::ffff:8.8.8.8", PUBLIC},
        {"64:ff9b::", PUBLIC},
        {"64:ff9b::ffff:ffff", PUBLIC},
        {"64:ff9b:1::", OTHER},
        {"64:ff9b:1:ffff:ffff:ffff:ffff:ffff", OTHER},
        {"64:ff9b:2::", OTHER},
        {"100::", OTHER},
        {"100::ffff:ffff:ffff:ffff", OTHER},
        {"100:0:0:1::", OTHER},
        {"100:0:0:2::", OTHER},
        {"2000:ffff::", PUBLIC},
        {"::2", OTHER},
        {"4000::1", OTHER},
        {"fec0::1", OTHER},
        {"2001::", OTHER},
        {"2001:0:ffff::", OTHER},
        {"2001:1::", OTHER},
        {"2001:1::1", PUBLIC},
        {"2001:1::2", PUBLIC},
        {"2001:1::3", PUBLIC},
        {"2001:1::4", OTHER},
        {"2001:2::", OTHER},
        {"2001:2:0:ffff::", OTHER},
        {"2001:2:1::", OTHER},
        {"2001:3::", PUBLIC},
        {"2001:3:ffff::", PUBLIC},
        {"2001:4::", OTHER},
        {"2001:4:112::", PUBLIC},
        {"2001:4:112:ffff::", PUBLIC},
        {"2001:4:113::", OTHER},
        {"2001:10::", OTHER},
        {"2001:1f:ffff::", OTHER},
        {"2001:20::", PUBLIC},
        {"2001:2f:ffff::", PUBLIC},
        {"2001:30::", PUBLIC},
        {"2001:3f:ffff::", PUBLIC},
        {"2001:40::", OTHER},
        {"2001:1ff:ffff::", OTHER},
        {"2001:200::", PUBLIC},
        {"2001:db7:ffff::", PUBLIC},
        {"2001:db8::", OTHER},
        {"2001:db8:ffff::", OTHER},
        {"2001:db9::", PUBLIC},
        {"2002::", OTHER},
        {"2002:ffff::", OTHER},
        {"2003::", PUBLIC},
        {"2620:4f:8000::", PUBLIC},
        {"2a00:1450::1", PUBLIC},
        {"3ffe:ffff::", PUBLIC},
        {"3fff::", OTHER},
        {"3fff:fff:ffff::", OTHER},
        {"3fff:1000::", PUBLIC},
        {"5eff:ffff::", OTHER},
        {"5f00::", OTHER},
        {"5f00:ffff::", OTHER},
        {"5f01::", OTHER},
        {"fbff::", OTHER},
        {"fc00::", PRIVATE},
        {"fdff:ffff::", PRIVATE},
        {"fe00::", OTHER},
        {"fe80::", OTHER},
        {"febf:ffff::", OTHER},
        {"fec0::", OTHER},
        {"ff00::", OTHER},
        {"ffff:ffff::", OTHER},
    };
    (void)state;
    check_reach(cases, LENGTH(cases));
}

static void reach_of_none_is_unknown(void **state) {
    (void)state;
    assert_int_equal(ph_addr_reach(&ph_addr_none), PORTHOLE_REACH_UNKNOWN);
}

/* ---- Text ------------------------------------------------------------------------------------ */

static void parse_takes_dotted_quads(void **state) {
    const struct ph_addr expected = ph_addr_v4(192, 0, 2, 33);
    const struct ph_addr lowest = ph_addr_v4(0, 0, 0, 0);
    const struct ph_addr highest = ph_addr_v4(255, 255, 255, 255);
    (void)state;
    assert_memory_equal(addr_of("192.0.2.33").b, expected.b, 16);
    assert_memory_equal(addr_of("0.0.0.0").b, lowest.b, 16);
    assert_memory_equal(addr_of("255.255.255.255").b, highest.b, 16);
}

/* RFC 4291 §2.2: its own examples, and the edges of the grammar. */
static void parse_takes_all_forms_of_v6(void **state) {
    static const struct {
        const char *text;
        uint8_t bytes[16];
    } cases[] = {
        {"ABCD:EF01:2345:6789:ABCD:EF01:2345:6789",
         {0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x67,
          0x89}},
        {"2001:DB8:0:0:8:800:200C:417A",
         {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 8, 8, 0, 0x20, 0x0c, 0x41, 0x7a}},
        {"2001:DB8::8:800:200C:417A",
         {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 8, 8, 0, 0x20, 0x0c, 0x41, 0x7a}},
        {"FF01::101", {0xff, 1, [14] = 1, [15] = 1}},
        {"::1", {[15] = 1}},
        {"::", {0}},
        {"1::", {0, 1}},
        {"1:2:3:4:5:6:7::", {0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7}},
        {"::2:3:4:5:6:7:8", {0, 0, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8}},
        {"::13.1.68.3", {[12] = 13, [13] = 1, [14] = 68, [15] = 3}},
        {"::FFFF:129.144.52.38",
         {[10] = 0xff, [11] = 0xff, [12] = 129, [13] = 144, [14] = 52, [15] = 38}},
        {"1:2:3:4:5:6:7.8.9.10", {0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 7, 8, 9, 10}},
        {"1:2:3:4:5::7.8.9.10", {0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 0, 7, 8, 9, 10}},
        {"64:ff9b::192.0.2.33", {0, 0x64, 0xff, 0x9b, [12] = 192, [13] = 0, [14] = 2, [15] = 33}},
        {"[::1]", {[15] = 1}},
        {"[2001:db8::]", {0x20, 0x01, 0x0d, 0xb8}},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++)
        assert_memory_equal(addr_of(cases[i].text).b, cases[i].bytes, 16);
}

static const char *const not_addresses[] = {"",
                                            " ",
                                            "1",
                                            "1.2",
                                            "1.2.3",
                                            "1.2.3.",
                                            ".1.2.3",
                                            "1..2.3",
                                            "1.2.3.4.",
                                            "1.2.3.4.5",
                                            ".",
                                            "...",
                                            "256.0.0.1",
                                            "1.2.3.256",
                                            "1.2.3.1000",
                                            "01.2.3.4",
                                            "1.2.3.04",
                                            "00.0.0.0",
                                            "0x1.2.3.4",
                                            "1.2.3.0x4",
                                            "-1.2.3.4",
                                            "+1.2.3.4",
                                            "1.2.3.4 ",
                                            " 1.2.3.4",
                                            "1.2.3.4x",
                                            "1.2.3.a",
                                            "1,2,3,4",
                                            "16909060",
                                            "localhost",
                                            "router.example",
                                            "[1.2.3.4]",
                                            ":",
                                            ":::",
                                            "1:::2",
                                            "::1::",
                                            "1::2::3",
                                            "1:2:3:4:5:6:7",
                                            "1:2:3:4:5:6:7:8:9",
                                            "1:2:3:4:5:6:7:8::",
                                            "::1:2:3:4:5:6:7:8",
                                            "1:2:3:4::5:6:7:8",
                                            "1:2:3:4:5:6:7:",
                                            ":1:2:3:4:5:6:7",
                                            "1:2:3:4:5:6:7:8:",
                                            ":1:2:3:4:5:6:7:8",
                                            "12345::",
                                            "::12345",
                                            "::g",
                                            "::1%eth0",
                                            "fe80::1%1",
                                            "::1/128",
                                            "::1 ",
                                            " ::1",
                                            "[::1",
                                            "::1]",
                                            "[]",
                                            "[",
                                            "]",
                                            "[[::1]]",
                                            "[::1]:80",
                                            "::1.2.3",
                                            "::1.2.3.4.5",
                                            "::1.2.3.04",
                                            "::256.1.1.1",
                                            "1.2.3.4::",
                                            "::1.2.3.4:5",
                                            "1:2:3:4:5:6:7:1.2.3.4",
                                            "1:2:3:4:5:1.2.3.4",
                                            "::1:2:3:4:5:6:1.2.3.4",
                                            "0x1::",
                                            "1:-2::",
                                            "::ffff:1.2.3.4x",
                                            "1: 2::3"};

static void parse_refuses_the_rest_and_keeps_the_result(void **state) {
    const struct ph_addr before = ph_addr_v4(9, 9, 9, 9);
    (void)state;
    for (size_t i = 0; i < LENGTH(not_addresses); i++) {
        struct ph_addr addr = before;
        if (ph_addr_parse(ph_span_of(not_addresses[i]), &addr))
            fail_msg("\"%s\" was taken", not_addresses[i]);
        assert_true(ph_addr_equal(&addr, &before));
    }
    assert_false(ph_addr_parse((struct ph_span){"1.2.3.4\0", 8}, &(struct ph_addr){{0}}));
    assert_false(ph_addr_parse((struct ph_span){NULL, 0}, &(struct ph_addr){{0}}));
}

/* Every text that one change turns an address into is an address exactly when the system says so.
 */
static void parse_agrees_with_the_system(void **state) {
    static const char *const seeds[] = {"192.0.2.33",
                                        "0.0.0.0",
                                        "2001:db8::8:800:200c:417a",
                                        "1:2:3:4:5:6:7::",
                                        "::ffff:129.144.52.38",
                                        "1:2:3:4:5:6:7.8.9.10",
                                        "::"};
    static const char letters[] = "0159:.afFgx -%";
    (void)state;
    for (size_t i = 0; i < LENGTH(seeds); i++) {
        size_t len = strlen(seeds[i]);
        for (size_t at = 0; at <= len; at++)
            for (size_t k = 0; k < LENGTH(letters); k++)
                for (size_t cut = 0; cut < 2 && at + cut <= len; cut++) {
                    /* Inserts, replaces, and with the NUL as the letter cuts off. */
                    char text[64];
                    uint8_t expected[16];
                    struct ph_addr addr;
                    snprintf(text, sizeof text, "%.*s%c%s", (int)at, seeds[i], letters[k],
                             seeds[i] + at + cut);
                    bool is_v4 = inet_pton(AF_INET, text, expected) == 1;
                    bool is_v6 = !is_v4 && inet_pton(AF_INET6, text, expected) == 1;
                    bool parsed = ph_addr_parse(ph_span_of(text), &addr);
                    if (parsed != (is_v4 || is_v6))
                        fail_msg("\"%s\": %d", text, parsed);
                    if (is_v6)
                        assert_memory_equal(addr.b, expected, 16);
                    if (is_v4)
                        assert_memory_equal(ph_addr_v4_bytes(&addr), expected, 4);
                }
    }
}

/* RFC 5952 §4 and §5. */
static void format_writes_the_one_recommended_text(void **state) {
    static const struct {
        const char *text;
        const char *expected;
    } cases[] = {
        {"192.0.2.33", "192.0.2.33"},
        {"255.255.255.255", "255.255.255.255"},
        {"::ffff:192.0.2.33", "192.0.2.33"},
        {"2001:0db8::0001", "2001:db8::1"},               /* §4.1: no leading zeros */
        {"2001:db8:0:0:0:0:2:1", "2001:db8::2:1"},        /* §4.2.1: as short as can be */
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"}, /* §4.2.2: not for one group */
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},          /* §4.2.3: the longest run */
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},    /* §4.2.3: the first of equal ones */
        {"2001:DB8::ABCD", "2001:db8::abcd"},             /* §4.3: lower case */
        {"::1", "::1"},
        {"1::", "1::"},
        {"0:0:1::", "0:0:1::"},
        {"0:1:2:3:4:5:0:0", "0:1:2:3:4:5::"},
        {"0:0:1:2:3:4:5:6", "::1:2:3:4:5:6"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    };
    char text[PH_ADDR_TEXT_SIZE];
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        const struct ph_addr addr = addr_of(cases[i].text);
        assert_string_equal(ph_addr_format(&addr, text), cases[i].expected);
        assert_ptr_equal(ph_addr_format(&addr, text), text);
    }
    assert_string_equal(ph_addr_format(&ph_addr_none, text), "");
}

/* Zero groups in every pattern: what is written reads back, and is what the system writes. */
static void every_pattern_of_zeros_reads_back(void **state) {
    (void)state;
    for (unsigned pattern = 1; pattern < 256; pattern++) {
        struct ph_addr addr = ph_addr_none;
        struct ph_addr again;
        char text[PH_ADDR_TEXT_SIZE];
        for (size_t i = 0; i < 8; i++)
            if (pattern & 1U << i)
                addr.b[2 * i] = 0xa0;
        ph_addr_format(&addr, text);
        assert_true(ph_addr_parse(ph_span_of(text), &again));
        assert_true(ph_addr_equal(&addr, &again));
        /* The system writes ::a.b.c.d for the compatible addresses, which are deprecated. */
        char expected[INET6_ADDRSTRLEN];
        inet_ntop(AF_INET6, addr.b, expected, sizeof expected);
        if (!strchr(expected, '.'))
            assert_string_equal(text, expected);
    }
}

static void endpoint_has_brackets_for_v6_only(void **state) {
    char text[PH_ENDPOINT_TEXT_SIZE];
    const struct ph_endpoint v4 = {ph_addr_v4(239, 255, 255, 250), 1900};
    const struct ph_endpoint v6 = {addr_of("2001:db8::1"), 65535};
    const struct ph_endpoint none = {ph_addr_none, 0};
    (void)state;
    assert_string_equal(ph_endpoint_format(&v4, text), "239.255.255.250:1900");
    assert_string_equal(ph_endpoint_format(&v6, text), "[2001:db8::1]:65535");
    assert_string_equal(ph_endpoint_format(&none, text), "[::]:0");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v4_is_kept_as_mapped),
        cmocka_unit_test(equal_means_every_byte_and_the_port),
        cmocka_unit_test(kinds_of_both_families_are_told_apart),
        cmocka_unit_test(reach_of_v4_is_the_registry_s),
        cmocka_unit_test(reach_of_v6_is_the_registry_s),
        cmocka_unit_test(reach_of_none_is_unknown),
        cmocka_unit_test(parse_takes_dotted_quads),
        cmocka_unit_test(parse_takes_all_forms_of_v6),
        cmocka_unit_test(parse_refuses_the_rest_and_keeps_the_result),
        cmocka_unit_test(parse_agrees_with_the_system),
        cmocka_unit_test(format_writes_the_one_recommended_text),
        cmocka_unit_test(every_pattern_of_zeros_reads_back),
        cmocka_unit_test(endpoint_has_brackets_for_v6_only),
    };
    return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
