/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_xml.c: the pass over an XML document (src/wire/xml.c), and the writing of text into one.
 * What the handlers saw is compared as one line: "<a" opens, "a=text>" closes, "!" is a restart.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <porthole/porthole.h>

#include "wire/xml.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

struct trace {
    char line[4096];
    const char *stop_open; /* the handlers return false at these names */
    const char *stop_close;
    unsigned opened;
    unsigned depth;
    size_t longest;
};

static void note(struct trace *trace, const char *a, const char *b, const char *c, const char *d) {
    size_t len = strlen(trace->line);
    snprintf(trace->line + len, sizeof trace->line - len, "%s%s%s%s", a, b, c, d);
}

static bool trace_open(void *user, const char *name, unsigned depth) {
    struct trace *trace = user;
    trace->opened++;
    assert_int_equal(depth, ++trace->depth);
    note(trace, "<", name, "", "");
    return !trace->stop_open || strcmp(name, trace->stop_open) != 0;
}

static bool trace_close(void *user, const char *name, struct ph_span text, unsigned depth) {
    struct trace *trace = user;
    assert_int_equal(depth, trace->depth--);
    assert_int_equal(text.at[text.len], '\0');
    if (text.len > trace->longest)
        trace->longest = text.len;
    note(trace, name, "=", text.at, ">");
    return !trace->stop_close || strcmp(name, trace->stop_close) != 0;
}

static void trace_restart(void *user) {
    struct trace *trace = user;
    strcpy(trace->line, "!");
    trace->opened = trace->depth = 0;
}

/* Parses a copy of the exact size, so that a sanitizer sees a read past its end. */
static int parse(struct trace *trace, struct ph_span document) {
    struct ph_xml_handler handler = {.open = trace_open, .close = trace_close, .user = trace};
    char *copy = malloc(document.len ? document.len : 1);
    assert_non_null(copy);
    if (document.len > 0)
        memcpy(copy, document.at, document.len);
    int r = ph_xml_parse((struct ph_span){copy, document.len}, &handler, trace_restart);
    free(copy);
    return r;
}

static void assert_reads(struct ph_span document, const char *expected) {
    struct trace trace = {0};
    int r = parse(&trace, document);
    if (r != 0)
        fail_msg("%s: %d", document.at, r);
    assert_string_equal(trace.line, expected);
}

static void assert_refused(struct ph_span document, int error) {
    struct trace trace = {0};
    int r = parse(&trace, document);
    if (r != error)
        fail_msg("%.60s: %d instead of %d", document.at ? document.at : "", r, error);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static void elements_and_their_text_are_told(void **state) {
    (void)state;
    assert_reads(PH_SPAN("<?xml version=\"1.0\"?><a><b>x</b><c/></a>"), "<a<bb=x><cc=>a=>");
    assert_reads(PH_SPAN("<a/>"), "<aa=>");
}

static void text_is_trimmed_and_the_elements_own(void **state) {
    (void)state;
    assert_reads(PH_SPAN("<a> \r\n one <b>\ttwo\t</b> three\n</a>"), "<a<bb=two>a=one  three>");
    assert_reads(PH_SPAN("<a>\n  <b>\n  </b>\n</a>"), "<a<bb=>a=>");
}

static void references_and_cdata_are_resolved(void **state) {
    (void)state;
    assert_reads(PH_SPAN("<a>&lt;&amp;&gt;&quot;&apos;&#65;&#x42;</a>"), "<aa=<&>\"'AB>");
    assert_reads(PH_SPAN("<a><![CDATA[<b>&amp;]]> <!-- no --> c<?pi x?></a>"), "<aa=<b>&amp;  c>");
}

static void prefixes_are_dropped_declared_or_not(void **state) {
    (void)state;
    assert_reads(PH_SPAN("<s:a xmlns:s=\"urn:x\"><s:b>1</s:b><m:c xmlns:m=\"y\">2</m:c></s:a>"),
                 "<a<bb=1><cc=2>a=>");
    assert_reads(PH_SPAN("<x:a><y:b z:q=\"1\">1</y:b></x:a>"), "<a<bb=1>a=>");
}

static void attributes_and_odd_spacing_do_not_matter(void **state) {
    (void)state;
    assert_reads(PH_SPAN("<a\n\tx='1' y=\"2\" ><b >1</b\n><c  /></a \r\n>"), "<a<bb=1><cc=>a=>");
}

static void handlers_may_stop_the_pass(void **state) {
    static const char text[] = "<a><b>1</b><c>2</c></a>";
    struct trace at_open = {.stop_open = "b"}, at_close = {.stop_close = "b"};
    struct trace at_empty = {.stop_open = "e"};
    (void)state;
    assert_int_equal(parse(&at_open, PH_SPAN(text)), 0);
    assert_string_equal(at_open.line, "<a<b");
    assert_int_equal(parse(&at_close, PH_SPAN(text)), 0);
    assert_string_equal(at_close.line, "<a<bb=1>");
    assert_int_equal(parse(&at_empty, PH_SPAN("<a><e/><f/></a>")), 0);
    assert_string_equal(at_empty.line, "<a<e");
}

/* ---- Leniency that the field needs ----------------------------------------------------------- */

static void blanks_and_bom_before_the_declaration_are_skipped(void **state) {
    (void)state;
    assert_reads(PH_SPAN("\r\n \t<?xml version=\"1.0\"?><a/>"), "<aa=>");
    assert_reads(PH_SPAN("\xef\xbb\xbf<?xml version=\"1.0\"?><a/>"), "<aa=>");
    assert_reads(PH_SPAN("\xef\xbb\xbf\r\n<?xml version=\"1.0\"?><a/>"), "<aa=>");
    assert_reads(PH_SPAN("\n\xef\xbb\xbf<?xml version=\"1.0\"?><a/>"), "<aa=>");
}

static void bytes_after_the_root_element_are_ignored(void **state) {
    (void)state;
    assert_reads(PH_SPAN("<a>1</a>\0\0\0"), "<aa=1>");
    assert_reads(PH_SPAN("<a>1</a>\r\n</a> rubbish & \xff"), "<aa=1>");
    assert_reads(PH_SPAN("<a>1</a><!DOCTYPE x><b/>"), "<aa=1>");
}

static void bare_ampersands_are_read_at_the_second_try(void **state) {
    (void)state;
    assert_reads(PH_SPAN("<a><b>1</b>R&D &amp; &#65; &#x42; &nbsp; &; &# &#x; &#1 & </a>"),
                 "!<a<bb=1>a=R&D & A B &nbsp; &; &# &#x; &#1 &>");
    assert_reads(PH_SPAN("<a>&lt&lt;&</a>"), "!<aa=&lt<&>");
}

/* ISO-8859-1 comes out as UTF-8. */
static void wrong_encodings_are_read_at_the_second_try(void **state) {
    (void)state;
    assert_reads(PH_SPAN("<a>M\xfcller</a>"), "!<aa=M\xc3\xbcller>");
    assert_reads(PH_SPAN("<?xml version=\"1.0\" encoding=\"utf8x\"?><a>1</a>"), "!<aa=1>");
    assert_reads(PH_SPAN("<?xml version=\"1.0\" encoding=\"gb2312\"?><a>\xb0\xa1</a>"),
                 "!<aa=\xc2\xb0\xc2\xa1>");
}

static void restart_may_be_absent(void **state) {
    struct trace trace = {0};
    struct ph_xml_handler handler = {.open = trace_open, .close = trace_close, .user = &trace};
    (void)state;
    assert_int_equal(ph_xml_parse(PH_SPAN("&"), &handler, NULL), PORTHOLE_ERR_MALFORMED);
}

/* ---- Refusals -------------------------------------------------------------------------------- */

static void what_is_not_well_formed_is_refused(void **state) {
    static const char *const texts[] = {
        "",        " \r\n",      "\xef\xbb\xbf", "x",           "<a>",
        "<a></b>", "<a",         "<a><b></a>",   "<a x=1/>",    "<a x='1/>",
        "<>",      "</a>",       "<a>\x01</a>",  "<a>&#0;</a>", "HTTP/1.1 200 OK",
        "{}",      "<a>]]></a>", "<?xml?><a/>",
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(texts); i++)
        assert_refused(ph_span_of(texts[i]), PORTHOLE_ERR_MALFORMED);
    assert_refused((struct ph_span){NULL, 0}, PORTHOLE_ERR_MALFORMED);
    assert_refused(PH_SPAN("<a>\0</a>"), PORTHOLE_ERR_MALFORMED);
}

static void every_truncation_is_refused(void **state) {
    static const char text[] = "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
                               "<a x=\"1\"><b>R&D &amp;\xc3\xa4</b><![CDATA[c]]><d/></a>";
    (void)state;
    for (size_t len = 0; len < sizeof text - 1; len++)
        assert_refused((struct ph_span){text, len}, PORTHOLE_ERR_MALFORMED);
    struct trace trace = {0};
    assert_int_equal(parse(&trace, PH_SPAN(text)), 0);
}

/* Refused when it opens: no entity is ever declared, nothing is fetched, and there is no second
 * try, so no handler hears of it. */
static void doctype_is_refused_at_once(void **state) {
    static const char *const texts[] = {
        "<!DOCTYPE a><a/>",
        "<?xml version=\"1.0\"?>\n<!DOCTYPE a SYSTEM \"http://10.0.0.1/x.dtd\"><a/>",
        "<!DOCTYPE a PUBLIC \"p\" \"file:///etc/passwd\" [<!ENTITY e SYSTEM \"file:///etc/passwd\">"
        "]><a>&e;</a>",
        "<!DOCTYPE l [<!ENTITY a \"lol\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">"
        "<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\"><!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;\">"
        "<!ENTITY e \"&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;\">]><l>&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;</l>",
        "<!DOCTYPE a [<!ATTLIST a b CDATA \"c\">]><a/>",
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(texts); i++) {
        struct trace trace = {0};
        assert_int_equal(parse(&trace, ph_span_of(texts[i])), PORTHOLE_ERR_MALFORMED);
        assert_string_equal(trace.line, "");
    }
}

/* "prefix, then `piece` `count` times, then suffix"; to be freed. */
static struct ph_span repeat(const char *prefix, const char *piece, size_t count,
                             const char *suffix) {
    size_t size = strlen(prefix) + strlen(piece) * count + strlen(suffix) + 1;
    char *text = malloc(size), *at = text;
    assert_non_null(text);
    at += sprintf(at, "%s", prefix);
    for (size_t i = 0; i < count; i++)
        at += sprintf(at, "%s", piece);
    at += sprintf(at, "%s", suffix);
    return (struct ph_span){text, (size_t)(at - text)};
}

/* Parses and frees a document made by repeat(). */
static int parse_repeated(struct trace *trace, struct ph_span document) {
    int r = parse(trace, document);
    free((char *)(uintptr_t)document.at);
    return r;
}

static void depth_has_a_cap(void **state) {
    struct trace fits = {0}, over = {0}, far = {0};
    char closing[PH_XML_DEPTH_MAX * 4 + 1];
    (void)state;
    for (size_t i = 0; i < PH_XML_DEPTH_MAX; i++)
        memcpy(closing + 4 * i, "</a>", 5);
    assert_int_equal(parse_repeated(&fits, repeat("", "<a>", PH_XML_DEPTH_MAX, closing)), 0);
    assert_int_equal(parse_repeated(&over, repeat("", "<a>", PH_XML_DEPTH_MAX + 1, "")),
                     PORTHOLE_ERR_TOO_LARGE);
    assert_int_equal(over.opened, PH_XML_DEPTH_MAX);
    assert_int_equal(parse_repeated(&far, repeat("", "<a>", 10000, "")), PORTHOLE_ERR_TOO_LARGE);
    assert_int_equal(far.opened, PH_XML_DEPTH_MAX);
}

static void elements_have_a_cap(void **state) {
    struct trace fits = {0}, over = {0};
    (void)state;
    assert_int_equal(parse_repeated(&fits, repeat("<a>", "<b/>", PH_XML_ELEMENTS_MAX - 1, "</a>")),
                     0);
    assert_int_equal(parse_repeated(&over, repeat("<a>", "<b/>", PH_XML_ELEMENTS_MAX, "</a>")),
                     PORTHOLE_ERR_TOO_LARGE);
    assert_int_equal(over.opened, PH_XML_ELEMENTS_MAX);
}

static void text_has_a_cap(void **state) {
    struct trace fits = {0}, over = {0}, split = {0};
    (void)state;
    assert_int_equal(parse_repeated(&fits, repeat("<a>", "x", PH_XML_TEXT_MAX, "</a>")), 0);
    assert_int_equal(fits.longest, PH_XML_TEXT_MAX);
    assert_int_equal(parse_repeated(&over, repeat("<a>", "x", PH_XML_TEXT_MAX + 1, "</a>")),
                     PORTHOLE_ERR_TOO_LARGE);
    assert_int_equal(parse_repeated(&split, repeat("<a>", "x<b/>", PH_XML_TEXT_MAX + 1, "</a>")),
                     PORTHOLE_ERR_TOO_LARGE);
}

/* The buffer of all open elements' texts at its fullest. */
static void text_fits_at_every_depth(void **state) {
    struct trace trace = {0};
    char piece[PH_XML_TEXT_MAX + 4], closing[PH_XML_DEPTH_MAX * 4 + 1];
    (void)state;
    memset(piece, 'x', sizeof piece);
    memcpy(piece, "<a>", 3);
    piece[sizeof piece - 1] = '\0';
    for (size_t i = 0; i < PH_XML_DEPTH_MAX; i++)
        memcpy(closing + 4 * i, "</a>", 5);
    assert_int_equal(parse_repeated(&trace, repeat("", piece, PH_XML_DEPTH_MAX, closing)), 0);
    assert_int_equal(trace.longest, PH_XML_TEXT_MAX);
}

static void indentation_does_not_count_as_text(void **state) {
    struct trace trace = {0};
    (void)state;
    assert_int_equal(parse_repeated(&trace, repeat("<a>", "\n        <b>x</b>", 500, "</a>")), 0);
    assert_int_equal(trace.longest, 1);
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void assert_escaped(struct ph_span text, const char *expected) {
    char buffer[128];
    struct ph_writer w;
    ph_writer_init(&w, buffer, sizeof buffer - 1);
    ph_xml_write_escaped(&w, text);
    int n = ph_writer_result(&w);
    assert_true(n >= 0);
    buffer[n] = '\0';
    assert_string_equal(buffer, expected);
}

static void markup_is_escaped(void **state) {
    (void)state;
    assert_escaped(PH_SPAN("a<b>c&d\"e'f"), "a&lt;b&gt;c&amp;d&quot;e&apos;f");
    assert_escaped(PH_SPAN("</x><y>&amp;"), "&lt;/x&gt;&lt;y&gt;&amp;amp;");
    assert_escaped(PH_SPAN("\xc3\xa4 \t\r\n~"), "\xc3\xa4 \t\r\n~");
    assert_escaped((struct ph_span){NULL, 0}, "");
}

/* XML 1.0 §2.2: no document can have these, escaped or not. */
static void control_characters_are_left_out(void **state) {
    (void)state;
    assert_escaped(PH_SPAN("a\0b\x01\x08\x0b\x0c\x0e\x1f\x1b[0mc"), "ab[0mc");
}

static void what_does_not_fit_is_told(void **state) {
    char buffer[4];
    struct ph_writer w;
    (void)state;
    ph_writer_init(&w, buffer, sizeof buffer);
    ph_xml_write_escaped(&w, PH_SPAN("&"));
    assert_int_equal(ph_writer_result(&w), PORTHOLE_ERR_TOO_LARGE);
}

/* Any text survives writing and reading. */
static void escaped_text_reads_back(void **state) {
    static const char text[] = "<a href=\"x\">&amp;'</a>]]>&#0;";
    char buffer[256];
    struct ph_writer w;
    struct trace trace = {0};
    (void)state;
    ph_writer_init(&w, buffer, sizeof buffer);
    ph_write_text(&w, "<v>");
    ph_xml_write_escaped(&w, PH_SPAN(text));
    ph_write_text(&w, "</v>");
    assert_int_equal(parse(&trace, (struct ph_span){buffer, w.len}), 0);
    assert_string_equal(trace.line, "<vv=<a href=\"x\">&amp;'</a>]]>&#0;>");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_and_their_text_are_told),
        cmocka_unit_test(text_is_trimmed_and_the_elements_own),
        cmocka_unit_test(references_and_cdata_are_resolved),
        cmocka_unit_test(prefixes_are_dropped_declared_or_not),
        cmocka_unit_test(attributes_and_odd_spacing_do_not_matter),
        cmocka_unit_test(handlers_may_stop_the_pass),
        cmocka_unit_test(blanks_and_bom_before_the_declaration_are_skipped),
        cmocka_unit_test(bytes_after_the_root_element_are_ignored),
        cmocka_unit_test(bare_ampersands_are_read_at_the_second_try),
        cmocka_unit_test(wrong_encodings_are_read_at_the_second_try),
        cmocka_unit_test(restart_may_be_absent),
        cmocka_unit_test(what_is_not_well_formed_is_refused),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(doctype_is_refused_at_once),
        cmocka_unit_test(depth_has_a_cap),
        cmocka_unit_test(elements_have_a_cap),
        cmocka_unit_test(text_has_a_cap),
        cmocka_unit_test(text_fits_at_every_depth),
        cmocka_unit_test(indentation_does_not_count_as_text),
        cmocka_unit_test(markup_is_escaped),
        cmocka_unit_test(control_characters_are_left_out),
        cmocka_unit_test(what_does_not_fit_is_told),
        cmocka_unit_test(escaped_text_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
