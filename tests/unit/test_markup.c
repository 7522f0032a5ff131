/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_markup.c: what is filled into markup: escaped, made whole UTF-8, cut to what fits.
 */
#define _POSIX_C_SOURCE 200809L

#include "cli/markup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MARK "\xef\xbf\xbd" /* U+FFFD */

/* What one %s becomes. */
static void expect_text(const char *text, const char *wanted) {
    char *got = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&got, &size);
    assert_non_null(out);
    ph_markup_print(out, "%s", text);
    fclose(out);
    assert_string_equal(got, wanted);
    free(got);
}

#define expect_print(wanted, ...)                                                                  \
    do {                                                                                           \
        char *got_ = NULL;                                                                         \
        size_t size_ = 0;                                                                          \
        FILE *out_ = open_memstream(&got_, &size_);                                                \
        assert_non_null(out_);                                                                     \
        ph_markup_print(out_, __VA_ARGS__);                                                        \
        fclose(out_);                                                                              \
        assert_string_equal(got_, wanted);                                                         \
        free(got_);                                                                                \
    } while (0)

static void what_means_something_in_markup_is_escaped(void **state) {
    (void)state;
    expect_text("<b title=\"x\" id='y'>&amp;</b>",
                "&lt;b title=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp;&lt;/b&gt;");
    expect_text("]]>--></svg>", "]]&gt;--&gt;&lt;/svg&gt;");
}

static void the_format_itself_is_markup(void **state) {
    (void)state;
    expect_print("<i>&lt;</i>", "<i>%s</i>", "<");
    expect_print("100%;-7 8 9", "100%%;%d %u %zu", -7, 8U, (size_t)9);
}

static void numbers_have_a_decimal_where_they_need_it(void **state) {
    (void)state;
    expect_print("1.5 0.1 2 0 -3 -0.5", "%f %f %f %f %f %f", 1.5, 0.1, 2.0, 0.0, -3.0, -0.5);
    expect_print("0 1", "%f %f", -0.04, 0.96);
}

static void numbers_that_are_none_are_zero(void **state) {
    (void)state;
    expect_print("0 0 0", "%f %f %f", 1e300, -1e300, strtod("nan", NULL));
}

static void good_text_of_any_language_stays(void **state) {
    (void)state;
    expect_text("M\xc3\xbcller \xe8\xb7\xaf\xe7\x94\xb1\xe5\x99\xa8 \xf0\x9f\x93\xb6 ~",
                "M\xc3\xbcller \xe8\xb7\xaf\xe7\x94\xb1\xe5\x99\xa8 \xf0\x9f\x93\xb6 ~");
    expect_text("", "");
}

static void control_characters_are_marked(void **state) {
    (void)state;
    expect_text("a\x01"
                "b\x1b[31m\n\r\t\x7f",
                "a" MARK "b" MARK "[31m" MARK MARK MARK MARK);
    expect_text("\xc2\x80\xc2\x85\xc2\x9f", MARK MARK MARK); /* C1 */
    expect_text("\xc2\xa0", "\xc2\xa0");
}

static void what_turns_the_direction_of_writing_is_marked(void **state) {
    (void)state;
    expect_text("\xe2\x80\xae"
                "exe",
                MARK "exe");                            /* U+202E */
    expect_text("\xe2\x80\x8f\xd8\x9c", MARK MARK);     /* U+200F, U+061C */
    expect_text("\xe2\x81\xa6\xe2\x81\xa9", MARK MARK); /* U+2066, U+2069 */
    expect_text("\xe2\x80\xa8\xef\xbb\xbf", MARK MARK); /* U+2028, U+FEFF */
    expect_text("\xf3\xa0\x81\x81", MARK);              /* U+E0041, a tag */
}

static void bytes_that_are_no_utf8_are_marked_one_by_one(void **state) {
    (void)state;
    expect_text("a\xff\xfe"
                "b",
                "a" MARK MARK "b");
    expect_text("\x80", MARK);
    expect_text("\xc0\xaf", MARK MARK);                   /* "/" in two bytes */
    expect_text("\xe0\x80\xbc", MARK MARK MARK);          /* "<" in three */
    expect_text("\xf0\x80\x80\xbc", MARK MARK MARK MARK); /* and in four */
    expect_text("\xed\xa0\x80", MARK);                    /* a surrogate */
    expect_text("\xf4\x90\x80\x80", MARK);                /* above U+10FFFF */
    expect_text("\xf5\x80\x80\x80", MARK MARK MARK MARK);
    expect_text("\xef\xbf\xbf", MARK); /* U+FFFF */
}

static void a_sequence_that_ends_too_early_takes_nothing_with_it(void **state) {
    (void)state;
    expect_text("\xe2<", MARK "&lt;");
    expect_text("\xe2\x80<", MARK MARK "&lt;");
    expect_text("\xf0\x9f\x93", MARK MARK MARK);
    expect_text("\xc3", MARK);
}

static void expect_cut(const char *text, size_t columns, const char *wanted) {
    char ret[PH_MARKUP_CUT_SIZE];
    assert_ptr_equal(ph_markup_cut(text, columns, ret), ret);
    assert_string_equal(ret, wanted);
}

static void expect_cut_middle(const char *text, size_t columns, const char *wanted) {
    char ret[PH_MARKUP_CUT_SIZE];
    assert_ptr_equal(ph_markup_cut_middle(text, columns, ret), ret);
    assert_string_equal(ret, wanted);
}

static void text_is_cut_to_columns(void **state) {
    (void)state;
    expect_cut("router", 6, "router");
    expect_cut("router", 5, "rout\xe2\x80\xa6");
    expect_cut("router", 1, "\xe2\x80\xa6");
    expect_cut("router", 0, "");
    expect_cut("", 5, "");
    expect_cut_middle("2001:db8::1234", 9,
                      "2001\xe2\x80\xa6"
                      "1234");
    expect_cut_middle("2001:db8::1234", 14, "2001:db8::1234");
    expect_cut_middle("2001:db8::1234", 1, "\xe2\x80\xa6");
}

static void characters_are_never_halved(void **state) {
    (void)state;
    expect_cut("\xe8\xb7\xaf\xe7\x94\xb1\xe5\x99\xa8", 6, "\xe8\xb7\xaf\xe7\x94\xb1\xe5\x99\xa8");
    expect_cut("\xe8\xb7\xaf\xe7\x94\xb1\xe5\x99\xa8", 5, "\xe8\xb7\xaf\xe7\x94\xb1\xe2\x80\xa6");
    expect_cut("\xe8\xb7\xaf\xe7\x94\xb1\xe5\x99\xa8", 4, "\xe8\xb7\xaf\xe2\x80\xa6");
    expect_cut_middle("\xe8\xb7\xaf\xe7\x94\xb1\xe5\x99\xa8", 5,
                      "\xe8\xb7\xaf\xe2\x80\xa6\xe5\x99\xa8");
    expect_cut("\xff\xff", 4, MARK MARK);
}

static void the_longest_text_fits_into_the_buffer(void **state) {
    (void)state;
    char text[4096], ret[PH_MARKUP_CUT_SIZE];
    memset(text, 0xff, sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (size_t columns = 0; columns < 200; columns++) {
        assert_true(strlen(ph_markup_cut(text, columns, ret)) < sizeof ret);
        assert_true(strlen(ph_markup_cut_middle(text, columns, ret)) < sizeof ret);
    }
    memset(text, 'x', sizeof text - 1);
    assert_int_equal(strlen(ph_markup_cut(text, SIZE_MAX, ret)), PH_MARKUP_COLUMNS_MAX - 1 + 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_means_something_in_markup_is_escaped),
        cmocka_unit_test(the_format_itself_is_markup),
        cmocka_unit_test(numbers_have_a_decimal_where_they_need_it),
        cmocka_unit_test(numbers_that_are_none_are_zero),
        cmocka_unit_test(good_text_of_any_language_stays),
        cmocka_unit_test(control_characters_are_marked),
        cmocka_unit_test(what_turns_the_direction_of_writing_is_marked),
        cmocka_unit_test(bytes_that_are_no_utf8_are_marked_one_by_one),
        cmocka_unit_test(a_sequence_that_ends_too_early_takes_nothing_with_it),
        cmocka_unit_test(text_is_cut_to_columns),
        cmocka_unit_test(characters_are_never_halved),
        cmocka_unit_test(the_longest_text_fits_into_the_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
