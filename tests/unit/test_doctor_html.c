/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_doctor_html.c: the doctor's page says what the report says, for every verdict. How it looks
 * is tested in tests/page.
 */
#define _POSIX_C_SOURCE 200809L

#include "cli/doctor_html.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/doctor_svg.h"
#include "cli/markup.h"
#include "tests/page/doctor_samples.h"

static struct ph_doctor_report report;
static char *page;

static void print_page(void) {
    size_t size = 0;
    free(page);
    page = NULL;
    FILE *out = open_memstream(&page, &size);
    assert_non_null(out);
    ph_doctor_html_print(out, &report);
    fclose(out);
    assert_int_equal(strlen(page), size);
}

static int free_page(void **state) {
    (void)state;
    free(page);
    page = NULL;
    return 0;
}

static size_t count(const char *text) {
    size_t found = 0;
    for (const char *at = page; (at = strstr(at, text)); at += strlen(text))
        found++;
    return found;
}

#define expect_in_page(text)                                                                       \
    do {                                                                                           \
        if (!strstr(page, (text)))                                                                 \
            fail_msg("the page has no \"%s\"", (text));                                            \
    } while (0)

/* As the page has it. */
static void expect_text_in_page(const char *text) {
    char *escaped = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&escaped, &size);
    assert_non_null(out);
    ph_markup_print(out, "%s", text);
    fclose(out);
    expect_in_page(escaped);
    free(escaped);
}

static void every_verdict_is_told_with_reason_and_advice(void **state) {
    (void)state;
    for (size_t i = 0; i < PH_SAMPLE_VERDICTS; i++) {
        ph_sample_verdict((enum ph_doctor_verdict)i, &report);
        print_page();
        char heading[256];
        snprintf(heading, sizeof heading, "<h1>%s", ph_doctor_verdict_title(report.verdict));
        heading[strcspn(heading, "'")] = '\0'; /* which is escaped */
        expect_in_page(heading);
        expect_text_in_page(report.reason);
        assert_true(report.advice_count > 0);
        for (size_t k = 0; k < report.advice_count; k++)
            expect_text_in_page(report.advice[k]);
        for (size_t k = 0; k < report.note_count; k++)
            expect_text_in_page(report.notes[k]);
        const char *end = strrchr(page, '<');
        assert_string_equal(end, "</html>\n");
    }
}

static void the_mood_is_the_exit_codes(void **state) {
    (void)state;
    for (size_t i = 0; i < PH_SAMPLE_VERDICTS; i++) {
        enum ph_doctor_verdict verdict = (enum ph_doctor_verdict)i;
        ph_sample_verdict(verdict, &report);
        print_page();
        assert_int_equal(count("<body class=\"good\">"), ph_doctor_is_good(verdict));
        assert_int_equal(count("<body class=\"warn\">"),
                         verdict == PH_DOCTOR_TWO_ROUTERS || verdict == PH_DOCTOR_UNCLEAR);
        assert_int_equal(count("<body class="), 1);
    }
}

static void an_empty_report_is_a_whole_page(void **state) {
    (void)state;
    ph_sample_empty(&report);
    print_page();
    assert_int_equal(count("role=\"img\""), 0);
    assert_int_equal(count("What to do"), 0);
    expect_in_page("was not asked");
    expect_in_page("</html>");
}

static void hostile_text_makes_no_element(void **state) {
    (void)state;
    static const char *const texts[] = {"<script>", "</style><script>", "\"><img src=x onerror=y>",
                                        "'",        "&lt;b&gt;",        "\x01\xff<\xe2\x80\xae"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        ph_sample_fill("x", &report);
        print_page();
        size_t elements = count("<"), ends = count(">"), quotes = count("\"");
        ph_sample_fill(texts[i], &report);
        print_page();
        /* A text that is not empty is there wherever it was: the same elements come out. */
        assert_int_equal(count("<"), elements);
        assert_int_equal(count(">"), ends);
        assert_int_equal(count("\""), quotes);
        assert_null(strpbrk(page, "\x01\x1b\xff"));
    }
}

static void backticks_make_commands(void **state) {
    (void)state;
    ph_sample_empty(&report);
    snprintf(report.reason, sizeof report.reason, "Run `a <b>` or `c`, not `` or ` alone.");
    print_page();
    expect_in_page("<p class=\"reason\">Run <code>a &lt;b&gt;</code> or <code>c</code>, not `` or "
                   "` alone.</p>");
    snprintf(report.reason, sizeof report.reason, "`");
    print_page();
    expect_in_page("<p class=\"reason\">`</p>");
}

/* ---- The path -------------------------------------------------------------------------------- */

static void a_connection_ends_at_the_outermost_obstacle(void **state) {
    (void)state;
    ph_sample_verdict(PH_DOCTOR_CARRIER_NAT, &report);
    assert_int_equal(report.hop_count, 4);
    assert_int_equal(ph_doctor_path_end(&report), 2);
    report.hops[0].state = PH_DOCTOR_HOP_BLOCKED;
    assert_int_equal(ph_doctor_path_end(&report), 2);
    print_page();
    /* In two drawings: a bar, one line up to it, and two beyond that nothing comes through. */
    assert_int_equal(count("class=\"stop\""), 2);
    assert_int_equal(count("class=\"cut\""), 2 * 2);
    assert_int_equal(count("class=\"flow\""), 2 * 2);
    expect_in_page("It ends at: carrier NAT.");
}

static void a_free_way_is_one_line(void **state) {
    (void)state;
    ph_sample_verdict(PH_DOCTOR_MAPPED, &report);
    assert_int_equal(ph_doctor_path_end(&report), report.hop_count);
    print_page();
    assert_int_equal(count("class=\"stop\""), 0);
    assert_int_equal(count("class=\"cut\""), 0);
    assert_int_equal(count("class=\"flow\""), 2 * 2 * 2);
    expect_in_page("it comes all the way");
}

static void beyond_what_is_not_known_the_line_is_dashed(void **state) {
    (void)state;
    ph_sample_verdict(PH_DOCTOR_MAPPABLE, &report);
    assert_int_equal(report.hops[1].state, PH_DOCTOR_HOP_UNKNOWN);
    print_page();
    assert_int_equal(count("class=\"flow maybe\""), 2);
    expect_in_page("nobody can tell from here");
}

static void a_host_that_is_not_known_to_let_in_is_reached_by_dashes(void **state) {
    (void)state;
    ph_sample_verdict(PH_DOCTOR_MAPPED, &report);
    report.hops[0].state = PH_DOCTOR_HOP_UNKNOWN;
    print_page();
    assert_int_equal(count("class=\"flow maybe\""), 2);
    assert_int_equal(count("it comes all the way"), 0);
}

static void where_nothing_is_known_all_of_the_line_is_dashed(void **state) {
    (void)state;
    ph_sample_verdict(PH_DOCTOR_UNCLEAR, &report);
    assert_int_equal(report.hops[2].state, PH_DOCTOR_HOP_UNKNOWN);
    print_page();
    assert_int_equal(count("class=\"flow maybe\""), 2 * 2);
    expect_in_page("nobody can tell from here");
    assert_int_equal(count("it comes all the way"), 0);
}

/* ---- The timeline ---------------------------------------------------------------------------- */

static void every_packet_and_outcome_has_its_mark(void **state) {
    (void)state;
    ph_sample_verdict(PH_DOCTOR_FILTERED, &report);
    size_t sends = 0;
    for (size_t i = 0; i < report.attempt_count; i++)
        sends += report.attempts[i].send_count;
    print_page();
    /* In two drawings and in the key. */
    assert_int_equal(count("class=\"sent\""), 2 * report.attempt_count + 1);
    assert_int_equal(count("class=\"sent again\""), 2 * (sends - report.attempt_count) + 1);
    assert_int_equal(count("class=\"shut\""), 2 + 1);
    assert_int_equal(count("class=\"broken\""), 2 + 1);
    assert_int_equal(count("<circle class=\"yes\""), 0);
    expect_in_page("came to this host and no further: 3.");
    expect_in_page("sent 5 times, at 3.1, 255.1, 771.1, 1793.1, 3113.1 ms");
}

static struct ph_doctor_attempt attempt_of(enum ph_doctor_outcome outcome, double start_ms,
                                           double end_ms) {
    return (struct ph_doctor_attempt){
        .outcome = outcome, .start_ms = start_ms, .end_ms = end_ms, .code = -1};
}

static void expect_result(struct ph_doctor_attempt attempt, const char *wanted) {
    char ret[PH_DOCTOR_SVG_RESULT_SIZE];
    assert_string_equal(ph_doctor_svg_result(&attempt, ret), wanted);
}

static void a_result_says_how_long_it_took(void **state) {
    (void)state;
    expect_result(attempt_of(PH_DOCTOR_OUTCOME_ANSWERED, 1, 1.42), "0.4 ms");
    expect_result(attempt_of(PH_DOCTOR_OUTCOME_ANSWERED, 0, 99.94), "99.9 ms");
    expect_result(attempt_of(PH_DOCTOR_OUTCOME_ANSWERED, 0, 99.96), "100 ms");
    expect_result(attempt_of(PH_DOCTOR_OUTCOME_ANSWERED, 0, 999.6), "1.0 s");
    expect_result(attempt_of(PH_DOCTOR_OUTCOME_REFUSED, 0, 999499), "refused 999 s");
    expect_result(attempt_of(PH_DOCTOR_OUTCOME_REFUSED, 0, 1e300), "refused > 999 s");
    expect_result(attempt_of(PH_DOCTOR_OUTCOME_ANSWERED, -1, 5), "answered");
    expect_result(attempt_of(PH_DOCTOR_OUTCOME_ANSWERED, 5, 1), "answered");
    expect_result(attempt_of(PH_DOCTOR_OUTCOME_SILENT, 0, 3250), "no answer");
}

static void an_attempt_that_ends_before_it_begins_is_a_point(void **state) {
    (void)state;
    ph_sample_fill("x", &report); /* has such times, and impossible ones */
    print_page();
    assert_int_equal(count("nan"), 0);
    assert_int_equal(count("inf"), 0);
    assert_int_equal(count("1000 more are not shown"), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verdict_is_told_with_reason_and_advice),
        cmocka_unit_test(the_mood_is_the_exit_codes),
        cmocka_unit_test(an_empty_report_is_a_whole_page),
        cmocka_unit_test(hostile_text_makes_no_element),
        cmocka_unit_test(backticks_make_commands),
        cmocka_unit_test(a_connection_ends_at_the_outermost_obstacle),
        cmocka_unit_test(a_free_way_is_one_line),
        cmocka_unit_test(beyond_what_is_not_known_the_line_is_dashed),
        cmocka_unit_test(a_host_that_is_not_known_to_let_in_is_reached_by_dashes),
        cmocka_unit_test(where_nothing_is_known_all_of_the_line_is_dashed),
        cmocka_unit_test(every_packet_and_outcome_has_its_mark),
        cmocka_unit_test(a_result_says_how_long_it_took),
        cmocka_unit_test(an_attempt_that_ends_before_it_begins_is_a_point),
    };
    return cmocka_run_group_tests(tests, NULL, free_page);
}
