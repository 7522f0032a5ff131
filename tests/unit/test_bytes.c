/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_bytes.c: spans, the bounded reader and the bounded writer.
 */
#include "base/bytes.h"

#include <porthole/porthole.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void span_of_text_has_its_length(void **state) {
    (void)state;
    assert_int_equal(ph_span_of("abc").len, 3);
    assert_int_equal(ph_span_of("").len, 0);
    assert_int_equal(ph_span_of(NULL).len, 0);
    assert_int_equal(PH_SPAN("abcd").len, 4);
}

static void span_compares_with_and_without_case(void **state) {
    (void)state;
    assert_true(ph_span_equal(PH_SPAN("ab"), PH_SPAN("ab")));
    assert_false(ph_span_equal(PH_SPAN("ab"), PH_SPAN("aB")));
    assert_false(ph_span_equal(PH_SPAN("ab"), PH_SPAN("abc")));
    assert_true(ph_span_equal((struct ph_span){NULL, 0}, PH_SPAN("")));
    assert_true(ph_span_equal_nocase(PH_SPAN("Location"), PH_SPAN("LOCATION")));
    assert_false(ph_span_equal_nocase(PH_SPAN("Location"), PH_SPAN("Locatio")));
    /* 0x20 apart, but no letters. */
    assert_false(ph_span_equal_nocase(PH_SPAN("@"), PH_SPAN("`")));
    assert_false(ph_span_equal_nocase(PH_SPAN("["), PH_SPAN("{")));
}

static void span_knows_its_beginning(void **state) {
    (void)state;
    assert_true(ph_span_starts_nocase(PH_SPAN("HTTP/1.1 200"), PH_SPAN("http/1.")));
    assert_true(ph_span_starts_nocase(PH_SPAN("x"), PH_SPAN("")));
    assert_false(ph_span_starts_nocase(PH_SPAN("HTT"), PH_SPAN("HTTP")));
    assert_false(ph_span_starts_nocase(PH_SPAN("xHTTP"), PH_SPAN("HTTP")));
}

static void trim_takes_blanks_from_the_ends_only(void **state) {
    (void)state;
    assert_true(ph_span_equal(ph_span_trim(PH_SPAN(" \t\r\na b\n\r\t ")), PH_SPAN("a b")));
    assert_true(ph_span_equal(ph_span_trim(PH_SPAN("a")), PH_SPAN("a")));
    assert_int_equal(ph_span_trim(PH_SPAN(" \r\n")).len, 0);
    assert_int_equal(ph_span_trim((struct ph_span){NULL, 0}).len, 0);
}

static void number_is_digits_only_up_to_its_maximum(void **state) {
    uint64_t v = 99;
    (void)state;
    assert_true(ph_span_to_u64(PH_SPAN("0"), 0, &v));
    assert_int_equal(v, 0);
    assert_true(ph_span_to_u64(PH_SPAN("65535"), 65535, &v));
    assert_int_equal(v, 65535);
    assert_true(ph_span_to_u64(PH_SPAN("007"), 7, &v));
    assert_int_equal(v, 7);
    assert_true(ph_span_to_u64(PH_SPAN("18446744073709551615"), UINT64_MAX, &v));
    assert_true(v == UINT64_MAX);
}

static void number_refuses_the_rest_and_keeps_the_result(void **state) {
    static const char *const bad[] = {"",    "-1",  "+1",    " 1",    "1 ",
                                      "0x1", "1.0", "65536", "99999", "18446744073709551616"};
    uint64_t v = 99;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(ph_span_to_u64(ph_span_of(bad[i]), 65535, &v));
    assert_false(ph_span_to_u64(PH_SPAN("18446744073709551616"), UINT64_MAX, &v));
    assert_false(ph_span_to_u64(PH_SPAN("99999999999999999999"), UINT64_MAX, &v));
    assert_false(ph_span_to_u64(PH_SPAN("7"), 6, &v));
    assert_int_equal(v, 99);
}

static void print_cuts_and_masks(void **state) {
    char text[8];
    (void)state;
    ph_span_print(PH_SPAN("ab\x1b\n\x7f\xff\0c"), text, sizeof text);
    assert_string_equal(text, "ab?????");
    ph_span_print(PH_SPAN(" ~"), text, sizeof text);
    assert_string_equal(text, " ~");
    ph_span_print(PH_SPAN("abc"), text, 1);
    assert_string_equal(text, "");
    ph_span_print((struct ph_span){NULL, 0}, text, sizeof text);
    assert_string_equal(text, "");
}

static void reader_reads_network_byte_order(void **state) {
    static const uint8_t bytes[] = {0x01, 0x02, 0x03, 0x84, 0x05, 0x06, 0x87, 'x', 'a', 'b'};
    uint8_t two[2];
    struct ph_reader r;
    (void)state;
    ph_reader_init(&r, bytes, sizeof bytes);
    assert_int_equal(ph_read_u8(&r), 0x01);
    assert_int_equal(ph_read_u16(&r), 0x0203);
    assert_int_equal(ph_read_u32(&r), 0x84050687U);
    ph_read_skip(&r, 1);
    assert_int_equal(ph_reader_left(&r), 2);
    ph_read_bytes(&r, two, sizeof two);
    assert_memory_equal(two, "ab", 2);
    assert_int_equal(ph_reader_left(&r), 0);
    assert_false(r.failed);
}

static void failed_read_gives_zeros_and_moves_nothing(void **state) {
    static const uint8_t bytes[] = {0xff, 0xff, 0xff};
    uint8_t four[4] = {1, 1, 1, 1};
    struct ph_reader r;
    (void)state;
    ph_reader_init(&r, bytes, sizeof bytes);
    assert_int_equal(ph_read_u32(&r), 0);
    assert_true(r.failed);
    assert_int_equal(ph_reader_left(&r), 3);
    /* The first failure stays, also for what would fit. */
    assert_int_equal(ph_read_u8(&r), 0);
    assert_int_equal(ph_read_u16(&r), 0);
    ph_read_bytes(&r, four, sizeof four);
    assert_memory_equal(four, "\0\0\0\0", 4);
    ph_read_skip(&r, 1);
    assert_int_equal(ph_reader_left(&r), 3);
}

static void reader_refuses_lengths_that_would_wrap(void **state) {
    static const uint8_t bytes[] = {1, 2};
    struct ph_reader r;
    (void)state;
    ph_reader_init(&r, bytes, sizeof bytes);
    ph_read_skip(&r, SIZE_MAX);
    assert_true(r.failed);
    ph_reader_init(&r, NULL, 0);
    assert_int_equal(ph_reader_left(&r), 0);
    ph_read_skip(&r, 0);
    assert_false(r.failed);
    assert_int_equal(ph_read_u8(&r), 0);
    assert_true(r.failed);
}

static void writer_writes_all_kinds(void **state) {
    static const uint8_t expected[] = {0x01, 0x02, 0x03, 0x84, 0x05, 0x06, 0x87, 0,
                                       0,    'a',  'b',  'c',  'd',  'e',  '4',  '2'};
    uint8_t buffer[sizeof expected];
    struct ph_writer w;
    (void)state;
    ph_writer_init(&w, buffer, sizeof buffer);
    ph_write_u8(&w, 0x01);
    ph_write_u16(&w, 0x0203);
    ph_write_u32(&w, 0x84050687U);
    ph_write_zeros(&w, 2);
    ph_write_bytes(&w, "ab", 2);
    ph_write_text(&w, "c");
    ph_write_span(&w, PH_SPAN("de"));
    ph_write_decimal(&w, 42);
    assert_int_equal(ph_writer_result(&w), sizeof expected);
    assert_memory_equal(buffer, expected, sizeof expected);
}

static void decimal_writes_the_largest_number(void **state) {
    char buffer[20];
    struct ph_writer w;
    (void)state;
    ph_writer_init(&w, buffer, sizeof buffer);
    ph_write_decimal(&w, UINT64_MAX);
    assert_int_equal(ph_writer_result(&w), 20);
    assert_memory_equal(buffer, "18446744073709551615", 20);
}

static void failed_write_writes_nothing_and_stays(void **state) {
    uint8_t buffer[4] = {0xee, 0xee, 0xee, 0xee};
    struct ph_writer w;
    (void)state;
    ph_writer_init(&w, buffer, 3);
    ph_write_u16(&w, 0x0102);
    ph_write_u16(&w, 0x0304);
    assert_int_equal(ph_writer_result(&w), PORTHOLE_ERR_TOO_LARGE);
    ph_write_u8(&w, 0x05);
    assert_int_equal(ph_writer_result(&w), PORTHOLE_ERR_TOO_LARGE);
    assert_memory_equal(buffer, "\x01\x02\xee\xee", 4);
    ph_writer_init(&w, buffer, 3);
    ph_write_zeros(&w, SIZE_MAX);
    assert_int_equal(ph_writer_result(&w), PORTHOLE_ERR_TOO_LARGE);
}

static void writer_without_room_takes_nothing_at_all(void **state) {
    uint8_t outside = 0xee;
    struct ph_writer w;
    (void)state;
    ph_writer_init(&w, &outside, 0);
    ph_write_text(&w, "");
    ph_write_span(&w, (struct ph_span){NULL, 0});
    ph_write_zeros(&w, 0);
    assert_int_equal(ph_writer_result(&w), 0);
    ph_write_u8(&w, 1);
    assert_int_equal(ph_writer_result(&w), PORTHOLE_ERR_TOO_LARGE);
    assert_int_equal(outside, 0xee);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(span_of_text_has_its_length),
        cmocka_unit_test(span_compares_with_and_without_case),
        cmocka_unit_test(span_knows_its_beginning),
        cmocka_unit_test(trim_takes_blanks_from_the_ends_only),
        cmocka_unit_test(number_is_digits_only_up_to_its_maximum),
        cmocka_unit_test(number_refuses_the_rest_and_keeps_the_result),
        cmocka_unit_test(print_cuts_and_masks),
        cmocka_unit_test(reader_reads_network_byte_order),
        cmocka_unit_test(failed_read_gives_zeros_and_moves_nothing),
        cmocka_unit_test(reader_refuses_lengths_that_would_wrap),
        cmocka_unit_test(writer_writes_all_kinds),
        cmocka_unit_test(decimal_writes_the_largest_number),
        cmocka_unit_test(failed_write_writes_nothing_and_stays),
        cmocka_unit_test(writer_without_room_takes_nothing_at_all),
    };
    return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
