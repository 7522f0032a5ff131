/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_http_reader.c: the incremental reader of one HTTP message (src/wire/http_reader.c). Every
 * vector is fed whole, byte by byte, and split in two at every position, and must read the same
 * each time. Pieces are copies of their exact size, so that a sanitizer sees a read past one.
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

#include "wire/http.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define CHUNKED_HEAD OK_HEAD "Transfer-Encoding: chunked\r\n\r\n"

struct vector {
    struct ph_span bytes;
    int result; /* after the bytes and the end of the connection */
    unsigned status;
    const char *body;
};
#define WHOLE(text, status, body)                                                                  \
    { {text, sizeof(text) - 1}, 1, status, body }
#define BAD(text, error)                                                                           \
    { {text, sizeof(text) - 1}, PORTHOLE_ERR_##error, 0, NULL }

static int feed_copy(struct ph_http_reader *reader, const char *bytes, size_t len) {
    char *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    int r = ph_http_reader_feed(reader, copy, len);
    free(copy);
    return r;
}

/* Feeds the vector cut at `cut`, or byte by byte with cut = SIZE_MAX. */
static void check_split(enum ph_http_kind kind, const struct vector *v, size_t cut) {
    struct ph_http_reader *reader = ph_http_reader_new(kind);
    assert_non_null(reader);
    int r = 0;
    for (size_t i = 0; i < v->bytes.len && r == 0;) {
        size_t n = cut == SIZE_MAX ? 1 : i < cut ? cut - i : v->bytes.len - i;
        r = feed_copy(reader, v->bytes.at + i, n);
        i += n;
    }
    if (r == 0)
        r = ph_http_reader_end(reader);
    if (r != v->result)
        fail_msg("%s: %d instead of %d (cut at %zu)", v->bytes.at, r, v->result, cut);
    /* Both ends of a message are final. */
    assert_int_equal(ph_http_reader_feed(reader, "x", 1), r);
    assert_int_equal(ph_http_reader_end(reader), r);
    if (r == 1) {
        struct ph_http_message message = ph_http_reader_message(reader);
        assert_int_equal(message.status, v->status);
        if (!ph_span_equal(message.body, ph_span_of(v->body)))
            fail_msg("%s: body is \"%.*s\" (cut at %zu)", v->bytes.at, (int)message.body.len,
                     message.body.at, cut);
    }
    ph_http_reader_free(reader);
}

static void check_vectors(enum ph_http_kind kind, const struct vector *vectors, size_t count) {
    for (size_t i = 0; i < count; i++) {
        check_split(kind, &vectors[i], SIZE_MAX);
        for (size_t cut = 0; cut <= vectors[i].bytes.len; cut++)
            check_split(kind, &vectors[i], cut);
    }
}

/* ---- Framing --------------------------------------------------------------------------------- */

/* RFC 9112 §4, §6.3 */
static void responses_are_framed(void **state) {
    static const struct vector vectors[] = {
        WHOLE(OK_HEAD "Content-Length: 5\r\n\r\nhello", 200, "hello"),
        WHOLE(OK_HEAD "Content-Length: 5\r\n\r\nhelloHTTP/1.1 surplus", 200, "hello"),
        WHOLE("HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", 200, "hello"),
        WHOLE("HTTP/1.1 200 OK\r\nContent-Length: 5\n\r\nhello", 200, "hello"),
        WHOLE("HTTP/1.1 200\r\ncontent-LENGTH \t:5\r\n\r\nhello", 200, "hello"),
        WHOLE("HTTP/1.1 500 \r\nContent-Length: 5\r\n\r\nfault", 500, "fault"),
        WHOLE("\r\n\r\nHTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n", 404, ""),
        WHOLE(OK_HEAD "Content-Length: 0005\r\n\r\nhello", 200, "hello"),
        WHOLE(OK_HEAD "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 200, "hello"),
        WHOLE(OK_HEAD "Server: Content-Length: 3\r\nX-Content-Length: 2\r\n"
                      "Content-Length: 5\r\n\r\nhello",
              200, "hello"),
        /* To the end of the connection. */
        WHOLE(OK_HEAD "\r\nall of\r\n\r\nthis", 200, "all of\r\n\r\nthis"),
        WHOLE("HTTP/1.0 200 OK\r\nServer: x\r\n\r\nhello", 200, "hello"),
        WHOLE(OK_HEAD "\r\n", 200, ""),
        WHOLE(OK_HEAD "no colon in here\r\n: no name\r\n\r\nhello", 200, "hello"),
        /* No body whatever the header says. */
        WHOLE("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", 204, ""),
        WHOLE("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", 304, ""),
        WHOLE("HTTP/1.1 101 Switching Protocols\r\n\r\nhello", 101, ""),
        /* Interim answers. */
        WHOLE("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nContent-Length: 9\r\n\r\n"
              "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
              200, "hello"),
        WHOLE("HTTP/1.1 100\n\nHTTP/1.1 200\n\nhello", 200, "hello"),
    };
    (void)state;
    check_vectors(PH_HTTP_RESPONSE, vectors, LENGTH(vectors));
}

/* RFC 9112 §7.1 */
static void chunked_bodies_are_joined(void **state) {
    static const struct vector vectors[] = {
        WHOLE(CHUNKED_HEAD "5\r\nhello\r\n0\r\n\r\n", 200, "hello"),
        WHOLE("HTTP/1.1 200 OK\nTransfer-Encoding: Chunked\n\n5\nhello\n0\n\n", 200, "hello"),
        WHOLE(CHUNKED_HEAD "a\r\n0123456789\r\nB\r\n0123456789a\r\n00001\r\nb\r\n000\r\n\r\n", 200,
              "01234567890123456789ab"),
        WHOLE(CHUNKED_HEAD "3;name=\"va;lue\"\r\nabc\r\n2 ; x\r\nde\r\n0;last\r\n"
                           "Trailer: 5\r\nContent-Length: 99\r\n\r\nsurplus",
              200, "abcde"),
        WHOLE(CHUNKED_HEAD "2  \r\nab\r\n1\t\r\nc\r\n0\r\n\r\n", 200, "abc"),
        WHOLE(CHUNKED_HEAD "4\r\n\r\n\r\n\r\n0\r\n\r\n", 200, "\r\n\r\n"),
        WHOLE(CHUNKED_HEAD "0\r\n\r\n", 200, ""),
        WHOLE("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", 200, "a"),
        WHOLE(OK_HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
              200, ""),
        /* RFC 9112 §8: complete with its last chunk. */
        WHOLE(CHUNKED_HEAD "1\r\na\r\n0\r\n", 200, "a"),
        WHOLE(CHUNKED_HEAD "1\r\na\r\n0\r\nTrail", 200, "a"),
    };
    (void)state;
    check_vectors(PH_HTTP_RESPONSE, vectors, LENGTH(vectors));
}

static void requests_are_framed(void **state) {
    static const struct vector vectors[] = {
        WHOLE("GET /rootDesc.xml HTTP/1.1\r\nHost: a\r\n\r\nsurplus", 0, ""),
        WHOLE("\r\nGET / HTTP/1.0\n\n", 0, ""),
        WHOLE("POST /ctl HTTP/1.1\r\nContent-Length: 4\r\n\r\n<x/>", 0, "<x/>"),
        WHOLE("POST /ctl HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n<x/>\r\n0\r\n\r\n", 0,
              "<x/>"),
    };
    (void)state;
    check_vectors(PH_HTTP_REQUEST, vectors, LENGTH(vectors));
}

static void request_line_is_taken_apart(void **state) {
    static const char text[] = "\r\nM-SEARCH http://10.0.0.1/a?b=c HTTP/1.1\r\nHost: x\r\n\r\n";
    struct ph_http_reader *reader = ph_http_reader_new(PH_HTTP_REQUEST);
    (void)state;
    assert_int_equal(ph_http_reader_feed(reader, text, sizeof text - 1), 1);
    struct ph_http_message message = ph_http_reader_message(reader);
    assert_true(ph_span_equal(message.method, PH_SPAN("M-SEARCH")));
    assert_true(ph_span_equal(message.target, PH_SPAN("http://10.0.0.1/a?b=c")));
    ph_http_reader_free(reader);
}

static void head_is_the_final_answers_alone(void **state) {
#define FINAL_HEAD OK_HEAD "Transfer-Encoding: chunked\r\nX: final\r\n\r\n"
    static const char text[] = "HTTP/1.1 100 Continue\r\nX: interim\r\n\r\n" FINAL_HEAD
                               "1;ext\r\na\r\n0\r\nY: trailer\r\n\r\n";
    struct ph_http_reader *reader = ph_http_reader_new(PH_HTTP_RESPONSE);
    (void)state;
    assert_int_equal(ph_http_reader_feed(reader, text, sizeof text - 1), 1);
    assert_true(ph_span_equal(ph_http_reader_message(reader).head, PH_SPAN(FINAL_HEAD)));
    ph_http_reader_free(reader);
}

/* ---- Refusals -------------------------------------------------------------------------------- */

static void contradictions_are_refused(void **state) {
    static const struct vector vectors[] = {
        BAD(OK_HEAD "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", MALFORMED),
        BAD(OK_HEAD "Content-Length: 5\r\nContent-Length: 05\r\n\r\nhello", MALFORMED),
        BAD(OK_HEAD "Content-Length: 5, 5\r\n\r\nhello", MALFORMED),
        BAD(OK_HEAD "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", MALFORMED),
        BAD(OK_HEAD "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", MALFORMED),
        BAD(OK_HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
            MALFORMED),
        BAD(OK_HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", MALFORMED),
        BAD(OK_HEAD "Transfer-Encoding: gzip\r\n\r\nx", MALFORMED),
        BAD(OK_HEAD "Transfer-Encoding:\r\n\r\nx", MALFORMED),
    };
    (void)state;
    check_vectors(PH_HTTP_RESPONSE, vectors, LENGTH(vectors));
}

static void lengths_are_digits_and_nothing_else(void **state) {
    static const struct vector vectors[] = {
        BAD(OK_HEAD "Content-Length: -1\r\n\r\nx", MALFORMED),
        BAD(OK_HEAD "Content-Length: +1\r\n\r\nx", MALFORMED),
        BAD(OK_HEAD "Content-Length: 0x1\r\n\r\nx", MALFORMED),
        BAD(OK_HEAD "Content-Length: 1 1\r\n\r\nx", MALFORMED),
        BAD(OK_HEAD "Content-Length: 1.0\r\n\r\nx", MALFORMED),
        BAD(OK_HEAD "Content-Length:\r\n\r\nx", MALFORMED),
        BAD(OK_HEAD "Content-Length: 262145\r\n\r\nx", TOO_LARGE),
        BAD(OK_HEAD "Content-Length: 4294967297\r\n\r\nx", TOO_LARGE),
        BAD(OK_HEAD "Content-Length: 18446744073709551617\r\n\r\nx", TOO_LARGE),
        BAD(OK_HEAD "Content-Length: 99999999999999999999999999\r\n\r\nx", TOO_LARGE),
        /* A sign here turned into a huge copy in other clients: CVE-2017-8798. */
        BAD(CHUNKED_HEAD "-1\r\nx\r\n0\r\n\r\n", MALFORMED),
        BAD(CHUNKED_HEAD "+1\r\nx\r\n0\r\n\r\n", MALFORMED),
        BAD(CHUNKED_HEAD "0x1\r\nx\r\n0\r\n\r\n", MALFORMED),
        BAD(CHUNKED_HEAD " 1\r\nx\r\n0\r\n\r\n", MALFORMED),
        BAD(CHUNKED_HEAD "1g\r\nx\r\n0\r\n\r\n", MALFORMED),
        BAD(CHUNKED_HEAD "\r\n", MALFORMED),
        BAD(CHUNKED_HEAD ";x\r\n", MALFORMED),
        BAD(CHUNKED_HEAD "80000000\r\nx", TOO_LARGE),
        BAD(CHUNKED_HEAD "FFFFFFFF\r\nx", TOO_LARGE),
        BAD(CHUNKED_HEAD "FFFFFFFFFFFFFFFF\r\nx", TOO_LARGE),
        BAD(CHUNKED_HEAD "10000000000000001\r\nx\r\n0\r\n\r\n", TOO_LARGE),
        BAD(CHUNKED_HEAD "1\r\nx\r\n40000\r\nx", TOO_LARGE),
    };
    (void)state;
    check_vectors(PH_HTTP_RESPONSE, vectors, LENGTH(vectors));
}

static void bytes_between_chunks_are_refused(void **state) {
    static const struct vector vectors[] = {
        BAD(CHUNKED_HEAD "1\r\nxy\r\n0\r\n\r\n", MALFORMED),
        BAD(CHUNKED_HEAD "1\r\nx0\r\n\r\n", MALFORMED),
    };
    (void)state;
    check_vectors(PH_HTTP_RESPONSE, vectors, LENGTH(vectors));
}

static void bad_start_lines_are_refused(void **state) {
    static const struct vector responses[] = {
        BAD("HTTP/1.1\r\n\r\n", MALFORMED),
        BAD("HTTP/1.1 \r\n\r\n", MALFORMED),
        BAD("HTTP/1.1 20\r\n\r\n", MALFORMED),
        BAD("HTTP/1.1 099 x\r\n\r\n", MALFORMED),
        BAD("HTTP/1.1 600 x\r\n\r\n", MALFORMED),
        BAD("HTTP/1.1 2000\r\n\r\n", MALFORMED),
        BAD("HTTP/1.1 -20 x\r\n\r\n", MALFORMED),
        BAD("HTTP/1.1 +20 x\r\n\r\n", MALFORMED),
        BAD("HTTP/1.1  200 OK\r\n\r\n", MALFORMED),
        BAD("HTTP/2.0 200 OK\r\n\r\n", MALFORMED),
        BAD("HTTP/1.x 200 OK\r\n\r\n", MALFORMED),
        BAD("ICY 200 OK\r\n\r\n", MALFORMED),
        BAD("<html>not a header</html>\n", MALFORMED),
        BAD("GET / HTTP/1.1\r\n\r\n", MALFORMED),
    };
    static const struct vector requests[] = {
        BAD("GET /\r\n\r\n", MALFORMED),
        BAD("GET HTTP/1.1\r\n\r\n", MALFORMED),
        BAD("GET  HTTP/1.1\r\n\r\n", MALFORMED),
        BAD(" / HTTP/1.1\r\n\r\n", MALFORMED),
        BAD("GET /a b HTTP/1.1\r\n\r\n", MALFORMED),
        BAD("GET /a\tb HTTP/1.1\r\n\r\n", MALFORMED),
        BAD("GET /\xc3\xa4 HTTP/1.1\r\n\r\n", MALFORMED),
        BAD("GET / HTTP/2.0\r\n\r\n", MALFORMED),
        BAD("GET /HTTP/1.1\r\n\r\n", MALFORMED),
        BAD("HTTP/1.1 200 OK\r\n\r\n", MALFORMED),
    };
    (void)state;
    check_vectors(PH_HTTP_RESPONSE, responses, LENGTH(responses));
    check_vectors(PH_HTTP_REQUEST, requests, LENGTH(requests));
}

/* RFC 9112 §5.2, and bytes that C strings would hide. */
static void folded_lines_and_nul_bytes_are_refused(void **state) {
    static const struct vector vectors[] = {
        BAD(OK_HEAD "X: a\r\n b\r\n\r\n", MALFORMED),
        BAD(OK_HEAD "X: a\r\n\tContent-Length: 5\r\n\r\n", MALFORMED),
        BAD(OK_HEAD " X: a\r\n\r\n", MALFORMED),
        BAD("HTTP/1.1 200 \0OK\r\n\r\n", MALFORMED),
        BAD(OK_HEAD "X: \0\r\n\r\n", MALFORMED),
        BAD("HTTP/1.1 100 Continue\r\nX\0: y\r\n\r\n", MALFORMED),
        BAD(CHUNKED_HEAD "1;\0\r\nx\r\n0\r\n\r\n", MALFORMED),
        BAD(CHUNKED_HEAD "0\r\nX: \0\r\n\r\n", MALFORMED),
    };
    (void)state;
    check_vectors(PH_HTTP_RESPONSE, vectors, LENGTH(vectors));
}

static void body_may_hold_any_byte(void **state) {
    static const char text[] = OK_HEAD "Content-Length: 3\r\n\r\n\0\xff\n";
    struct ph_http_reader *reader = ph_http_reader_new(PH_HTTP_RESPONSE);
    (void)state;
    assert_int_equal(ph_http_reader_feed(reader, text, sizeof text - 1), 1);
    assert_true(ph_span_equal(ph_http_reader_message(reader).body, PH_SPAN("\0\xff\n")));
    ph_http_reader_free(reader);
}

/* Every prefix of a message with an end of its own: more is needed, and then it is truncated. */
static void every_truncation_is_told(void **state) {
    static const char *const texts[] = {
        "HTTP/1.1 100 Continue\r\n\r\n" OK_HEAD "Content-Length: 5\r\n\r\nhello",
        CHUNKED_HEAD "5;x\r\nhello\r\n3\r\nabc\r\n0",
        "HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n",
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(texts); i++)
        for (size_t len = 0; len < strlen(texts[i]); len++) {
            struct ph_http_reader *reader = ph_http_reader_new(PH_HTTP_RESPONSE);
            assert_int_equal(feed_copy(reader, texts[i], len), 0);
            assert_int_equal(ph_http_reader_end(reader), PORTHOLE_ERR_TRUNCATED);
            assert_int_equal(feed_copy(reader, texts[i] + len, 1), PORTHOLE_ERR_TRUNCATED);
            ph_http_reader_free(reader);
        }
}

/* ---- Caps ------------------------------------------------------------------------------------ */

/* Feeds `start`, then `again` over and over; returns the first result that is not 0, and how many
 * bytes it took. A reader without a cap would go on for ever, so this one gives up. */
static int flood(const char *start, const char *again, size_t *ret_fed) {
    struct ph_http_reader *reader = ph_http_reader_new(PH_HTTP_RESPONSE);
    size_t len = strlen(again), fed = strlen(start);
    int r = ph_http_reader_feed(reader, start, fed);
    for (; r == 0 && fed < 64U << 20; fed += len)
        r = ph_http_reader_feed(reader, again, len);
    ph_http_reader_free(reader);
    *ret_fed = fed;
    return r;
}

static void endless_messages_are_cut_off(void **state) {
    static const struct {
        const char *start;
        const char *again;
        size_t fed_max;
    } floods[] = {
        {"", "x", PH_HTTP_HEAD_MAX + 1},
        {"", "\r\n", PH_HTTP_HEAD_MAX + 2},
        {"HTTP/1.1 200 ", "x", PH_HTTP_HEAD_MAX + 1},
        {OK_HEAD, "X: y\r\n", PH_HTTP_HEAD_MAX + 6},
        {OK_HEAD "X: ", "y", PH_HTTP_HEAD_MAX + 1},
        {"", "HTTP/1.1 100 Continue\r\n\r\n", PH_HTTP_HEAD_MAX + 25},
        {OK_HEAD "\r\n", "x", PH_HTTP_BODY_MAX + 20},
        {CHUNKED_HEAD, "1\r\nx\r\n", 6U * (PH_HTTP_BODY_MAX + 20)},
        {CHUNKED_HEAD "1;", "x", 400},
        {CHUNKED_HEAD, "0", 400},
        {CHUNKED_HEAD "0\r\n", "X: y\r\n", PH_HTTP_HEAD_MAX + 10},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(floods); i++) {
        size_t fed;
        assert_int_equal(flood(floods[i].start, floods[i].again, &fed), PORTHOLE_ERR_TOO_LARGE);
        if (fed > floods[i].fed_max)
            fail_msg("%s: stopped after %zu bytes", floods[i].again, fed);
    }
}

/* Reads a head of exactly `len` bytes. */
static int read_head_of(size_t len) {
    char *text = malloc(len + 1);
    assert_non_null(text);
    memset(text, 'x', len);
    memcpy(text, "HTTP/1.1 204 ", 13);
    memcpy(text + len - 4, "\r\n\r\n", 4);
    struct ph_http_reader *reader = ph_http_reader_new(PH_HTTP_RESPONSE);
    int r = feed_copy(reader, text, len);
    ph_http_reader_free(reader);
    free(text);
    return r;
}

static void largest_head_fits_and_no_larger(void **state) {
    (void)state;
    assert_int_equal(read_head_of(PH_HTTP_HEAD_MAX), 1);
    assert_int_equal(read_head_of(PH_HTTP_HEAD_MAX + 1), PORTHOLE_ERR_TOO_LARGE);
}

/* A body of `len` bytes, byte by byte. */
static int read_body_of(const char *head, size_t len, size_t *ret_len) {
    struct ph_http_reader *reader = ph_http_reader_new(PH_HTTP_RESPONSE);
    int r = ph_http_reader_feed(reader, head, strlen(head));
    for (size_t i = 0; i < len && r == 0; i++)
        r = ph_http_reader_feed(reader, "x", 1);
    if (r == 0)
        r = ph_http_reader_end(reader);
    *ret_len = ph_http_reader_message(reader).body.len;
    ph_http_reader_free(reader);
    return r;
}

static void largest_body_fits_and_no_larger(void **state) {
    size_t len;
    (void)state;
    assert_int_equal(read_body_of(OK_HEAD "Content-Length: 262144\r\n\r\n", 262144, &len), 1);
    assert_int_equal(len, PH_HTTP_BODY_MAX);
    assert_int_equal(read_body_of(OK_HEAD "\r\n", 262144, &len), 1);
    assert_int_equal(len, PH_HTTP_BODY_MAX);
    assert_int_equal(read_body_of(OK_HEAD "\r\n", 262145, &len), PORTHOLE_ERR_TOO_LARGE);
    assert_int_equal(read_body_of(CHUNKED_HEAD "40000\r\n", 262144, &len), PORTHOLE_ERR_TRUNCATED);
    assert_int_equal(len, PH_HTTP_BODY_MAX);
}

/* The verdict on an announced length comes with the head, before a byte of the body. */
static void announced_gigabyte_is_refused_at_once(void **state) {
    static const char sized[] = OK_HEAD "Content-Length: 1073741824\r\n\r\n";
    static const char chunked[] = CHUNKED_HEAD "40000000\r\n";
    struct ph_http_reader *reader = ph_http_reader_new(PH_HTTP_RESPONSE);
    (void)state;
    assert_int_equal(ph_http_reader_feed(reader, sized, sizeof sized - 1), PORTHOLE_ERR_TOO_LARGE);
    ph_http_reader_free(reader);
    reader = ph_http_reader_new(PH_HTTP_RESPONSE);
    assert_int_equal(ph_http_reader_feed(reader, chunked, sizeof chunked - 1),
                     PORTHOLE_ERR_TOO_LARGE);
    ph_http_reader_free(reader);
}

static void nothing_is_needed_to_free(void **state) {
    (void)state;
    ph_http_reader_free(NULL);
    struct ph_http_reader *reader = ph_http_reader_new(PH_HTTP_RESPONSE);
    assert_int_equal(ph_http_reader_feed(reader, NULL, 0), 0);
    ph_http_reader_free(reader);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(responses_are_framed),
        cmocka_unit_test(chunked_bodies_are_joined),
        cmocka_unit_test(requests_are_framed),
        cmocka_unit_test(request_line_is_taken_apart),
        cmocka_unit_test(head_is_the_final_answers_alone),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(lengths_are_digits_and_nothing_else),
        cmocka_unit_test(bytes_between_chunks_are_refused),
        cmocka_unit_test(bad_start_lines_are_refused),
        cmocka_unit_test(folded_lines_and_nul_bytes_are_refused),
        cmocka_unit_test(body_may_hold_any_byte),
        cmocka_unit_test(every_truncation_is_told),
        cmocka_unit_test(endless_messages_are_cut_off),
        cmocka_unit_test(largest_head_fits_and_no_larger),
        cmocka_unit_test(largest_body_fits_and_no_larger),
        cmocka_unit_test(announced_gigabyte_is_refused_at_once),
        cmocka_unit_test(nothing_is_needed_to_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
