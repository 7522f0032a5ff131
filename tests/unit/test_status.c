/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_status.c: the texts and names of the public enums.
 */
#include <porthole/porthole.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ROW(upper, number, name, text) {(number), (name), (text)},
static const struct {
    int number;
    const char *name;
    const char *text;
} rows[] = {PORTHOLE_ERROR_TABLE(ROW)};
#undef ROW
#define ROW_COUNT (sizeof rows / sizeof rows[0])

static void errors_answer_with_their_row(void **state) {
    (void)state;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        assert_string_equal(porthole_errname(rows[i].number), rows[i].name);
        assert_string_equal(porthole_strerror(rows[i].number), rows[i].text);
    }
}

static void error_numbers_and_names_are_unique(void **state) {
    (void)state;
    for (size_t i = 0; i < ROW_COUNT; i++)
        for (size_t k = i + 1; k < ROW_COUNT; k++) {
            assert_int_not_equal(rows[i].number, rows[k].number);
            assert_string_not_equal(rows[i].name, rows[k].name);
        }
}

static void errors_are_negative_and_success_is_zero(void **state) {
    (void)state;
    assert_int_equal(PORTHOLE_ERR_OK, 0);
    for (size_t i = 1; i < ROW_COUNT; i++)
        assert_true(rows[i].number < 0);
}

/* Programs that were written for libplum know these three by number. */
static void first_errors_keep_their_numbers(void **state) {
    (void)state;
    assert_int_equal(PORTHOLE_ERR_INVALID, -1);
    assert_int_equal(PORTHOLE_ERR_FAILED, -2);
    assert_int_equal(PORTHOLE_ERR_NOT_AVAILABLE, -3);
}

static void unknown_errors_have_a_text(void **state) {
    (void)state;
    assert_string_equal(porthole_strerror(1), "unknown error");
    assert_string_equal(porthole_strerror(-12345), "unknown error");
    assert_string_equal(porthole_errname(-12345), "unknown");
}

static void version_is_the_header_s(void **state) {
    char text[32];
    (void)state;
    snprintf(text, sizeof text, "%d.%d.%d", PORTHOLE_VERSION_MAJOR, PORTHOLE_VERSION_MINOR,
             PORTHOLE_VERSION_PATCH);
    assert_string_equal(porthole_version(), text);
    assert_string_equal(porthole_version(), PORTHOLE_VERSION);
}

static void words_have_their_names(void **state) {
    (void)state;
    assert_string_equal(porthole_protocol_name(PORTHOLE_TCP), "tcp");
    assert_string_equal(porthole_protocol_name(PORTHOLE_UDP), "udp");
    assert_string_equal(porthole_method_name(PORTHOLE_NONE), "none");
    assert_string_equal(porthole_method_name(PORTHOLE_PCP), "pcp");
    assert_string_equal(porthole_method_name(PORTHOLE_NATPMP), "natpmp");
    assert_string_equal(porthole_method_name(PORTHOLE_UPNP), "upnp");
    assert_string_equal(porthole_method_name(PORTHOLE_DIRECT), "direct");
    assert_string_equal(porthole_state_name(PORTHOLE_DESTROYED), "destroyed");
    assert_string_equal(porthole_state_name(PORTHOLE_PENDING), "pending");
    assert_string_equal(porthole_state_name(PORTHOLE_SUCCESS), "success");
    assert_string_equal(porthole_state_name(PORTHOLE_FAILURE), "failure");
    assert_string_equal(porthole_state_name(PORTHOLE_DESTROYING), "destroying");
    assert_string_equal(porthole_reach_name(PORTHOLE_REACH_UNKNOWN), "unknown");
    assert_string_equal(porthole_reach_name(PORTHOLE_REACH_PUBLIC), "public");
    assert_string_equal(porthole_reach_name(PORTHOLE_REACH_PRIVATE), "private");
    assert_string_equal(porthole_reach_name(PORTHOLE_REACH_SHARED), "shared");
    assert_string_equal(porthole_reach_name(PORTHOLE_REACH_LOOPBACK), "loopback");
    assert_string_equal(porthole_reach_name(PORTHOLE_REACH_OTHER), "other");
    assert_string_equal(porthole_fate_name(PORTHOLE_FATE_NONE), "none");
    assert_string_equal(porthole_fate_name(PORTHOLE_FATE_REMOVED), "removed");
    assert_string_equal(porthole_fate_name(PORTHOLE_FATE_EXPIRES), "expires");
    assert_string_equal(porthole_fate_name(PORTHOLE_FATE_LEFT), "left");
    assert_string_equal(porthole_event_name(PORTHOLE_EVENT_PENDING), "pending");
    assert_string_equal(porthole_event_name(PORTHOLE_EVENT_MAPPED), "mapped");
    assert_string_equal(porthole_event_name(PORTHOLE_EVENT_CHANGED), "changed");
    assert_string_equal(porthole_event_name(PORTHOLE_EVENT_FAILED), "failed");
    assert_string_equal(porthole_event_name(PORTHOLE_EVENT_UNMAPPED), "unmapped");
}

static void numbers_without_a_word_are_a_question_mark(void **state) {
    static const int bad[] = {6, 16, 100000, -1};
    (void)state;
    assert_string_equal(porthole_protocol_name((enum porthole_protocol)0), "?");
    assert_string_equal(porthole_event_name((enum porthole_event_type)0), "?");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_string_equal(porthole_method_name((enum porthole_method)bad[i]), "?");
        assert_string_equal(porthole_state_name((enum porthole_state)bad[i]), "?");
        assert_string_equal(porthole_reach_name((enum porthole_reach)bad[i]), "?");
        assert_string_equal(porthole_fate_name((enum porthole_fate)bad[i]), "?");
        assert_string_equal(porthole_event_name((enum porthole_event_type)bad[i]), "?");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_answer_with_their_row),
        cmocka_unit_test(error_numbers_and_names_are_unique),
        cmocka_unit_test(errors_are_negative_and_success_is_zero),
        cmocka_unit_test(first_errors_keep_their_numbers),
        cmocka_unit_test(unknown_errors_have_a_text),
        cmocka_unit_test(version_is_the_header_s),
        cmocka_unit_test(words_have_their_names),
        cmocka_unit_test(numbers_without_a_word_are_a_question_mark),
    };
    return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
