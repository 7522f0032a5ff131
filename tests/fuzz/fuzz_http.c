/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * fuzz_http.c: the HTTP reader. The first byte chooses requests or answers, the second one how the
 * rest is split; split or whole, the outcome must be the same and within the caps.
 */
#include <stdlib.h>
#include <string.h>

#include "wire/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth) {
    if (!truth)
        abort();
}

/* Reads pieces of at most `piece` bytes, each a copy of its exact size. */
static int read_in_pieces(struct ph_http_reader *reader, const uint8_t *data, size_t size,
                          size_t piece) {
    int r = 0;
    for (size_t i = 0; i < size && r == 0; i += piece) {
        size_t n = size - i < piece ? size - i : piece;
        uint8_t *copy = malloc(n);
        require(copy != NULL);
        memcpy(copy, data + i, n);
        r = ph_http_reader_feed(reader, copy, n);
        free(copy);
    }
    return r ? r : ph_http_reader_end(reader);
}

static void require_same(struct ph_http_message a, struct ph_http_message b) {
    require(a.status == b.status && ph_span_equal(a.head, b.head) && ph_span_equal(a.body, b.body));
    require(ph_span_equal(a.method, b.method) && ph_span_equal(a.target, b.target));
    require(a.head.len <= PH_HTTP_HEAD_MAX && a.body.len <= PH_HTTP_BODY_MAX);
    require(!memchr(a.head.at, '\0', a.head.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ph_span value;
    bool conflict;
    if (size < 2)
        return 0;
    enum ph_http_kind kind = data[0] & 1 ? PH_HTTP_REQUEST : PH_HTTP_RESPONSE;
    size_t piece = (size_t)data[1] + 1;
    data += 2;
    size -= 2;
    struct ph_http_reader *whole = ph_http_reader_new(kind), *split = ph_http_reader_new(kind);
    require(whole && split);
    int r = read_in_pieces(whole, data, size, size ? size : 1);
    require(read_in_pieces(split, data, size, piece) == r);
    require(r == 1 || r < 0);
    if (r == 1)
        require_same(ph_http_reader_message(whole), ph_http_reader_message(split));
    ph_http_reader_free(whole);
    ph_http_reader_free(split);
    if (ph_http_find_header((struct ph_span){(const char *)data, size}, PH_SPAN("Content-Length"),
                            &value, &conflict))
        require(value.at >= (const char *)data &&
                value.at + value.len <= (const char *)data + size);
    return 0;
}
