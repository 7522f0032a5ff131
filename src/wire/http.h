/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * http.h: just enough HTTP/1.1 (RFC 9110, 9112) for UPnP: a header block as SSDP and HTTP share it,
 * an incremental reader of one message with caps on all that a peer chooses, URLs whose host is an
 * IP literal, and requests. The reader's one entry is feed(), so that another parser can take its
 * place.
 */
#ifndef PH_WIRE_HTTP_H
#define PH_WIRE_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/bytes.h"

#define PH_HTTP_HEAD_MAX 8192U   /* start line and header block, interim answers included */
#define PH_HTTP_BODY_MAX 262144U /* 256 KiB, after de-chunking */
#define PH_HTTP_PATH_MAX 512U

/* ---- A header block: lines up to and including an empty one; LF or CRLF ---------------------- */

/* Finds a header by its name, without case, at the start of a line only (never inside another's
 * value), in the lines after the first. The value is trimmed. False when it is not there. When it
 * is there more than once with different values, *ret is the first and *ret_conflict (may be NULL)
 * is set. */
bool ph_http_find_header(struct ph_span head, struct ph_span name, struct ph_span *ret,
                         bool *ret_conflict);

/* ---- URLs ------------------------------------------------------------------------------------ */

struct ph_url {
    struct ph_endpoint host;     /* port 80 when the URL has none */
    char path[PH_HTTP_PATH_MAX]; /* with its query, begins with '/', NUL-terminated, printable ASCII
                                    without blanks */
};

/* http://IP-LITERAL[:port][/path]. MALFORMED for other schemes, user names, host names, port 0,
 * control characters; TOO_LARGE for a path that does not fit. A fragment is dropped. An IPv6 scope
 * is refused. */
int ph_url_parse(struct ph_span text, struct ph_url *ret);
/* A reference as a device description has it: absolute, or a path with or without a leading '/',
 * against base (RFC 3986 §5.2 without dot segments; a path without '/' replaces what follows the
 * base's last '/'). */
int ph_url_resolve(const struct ph_url *base, struct ph_span reference, struct ph_url *ret);

/* ---- Requests -------------------------------------------------------------------------------- */

struct ph_http_request {
    const char *method; /* "GET", "POST" */
    const struct ph_url *url;
    const char *soap_action; /* NULL = none; sent in quotes */
    bool is_http10;          /* say HTTP/1.0: some devices know nothing else */
    struct ph_span body;     /* with Content-Length and text/xml when its `at` is not NULL */
};
/* HTTP/1.1 with Host, User-Agent, Connection: close. The bytes, or TOO_LARGE. */
int ph_http_encode_request(const struct ph_http_request *request, void *ret, size_t size);

/* ---- Reader ---------------------------------------------------------------------------------- */

enum ph_http_kind { PH_HTTP_RESPONSE, PH_HTTP_REQUEST };

/* One message, read to its end. */
struct ph_http_message {
    unsigned status;       /* answers: 100 to 599, never an interim 1xx other than 101 */
    struct ph_span method; /* requests */
    struct ph_span target;
    struct ph_span head; /* start line and header block; for ph_http_find_header() */
    struct ph_span body;
};

struct ph_http_reader; /* its memory grows with what arrives, within the caps above */

/* NULL: out of memory. */
struct ph_http_reader *ph_http_reader_new(enum ph_http_kind kind);
void ph_http_reader_free(struct ph_http_reader *reader); /* NULL is a no-op */
/* Takes the next bytes, split anywhere. Returns 0 = more is needed, 1 = the message is whole
 * (surplus bytes are not looked at), or MALFORMED (also: contradictory Content-Length,
 * Content-Length beside chunked, signs, folded header names, NUL bytes in the head), TOO_LARGE,
 * NO_MEMORY; an error is final. Framing (RFC 9112 §6): chunked, else Content-Length, else to the
 * end of the connection; 1xx skipped; 204 and 304 have no body; a request without either has none.
 * HTTP/1.0 answers too. */
int ph_http_reader_feed(struct ph_http_reader *reader, const void *bytes, size_t len);
/* The peer closed its side. Returns 1 when that ends the message as it should, else TRUNCATED or
 * the error so far. */
int ph_http_reader_end(struct ph_http_reader *reader);
/* After a 1: borrowed from the reader, valid until it is freed. */
struct ph_http_message ph_http_reader_message(const struct ph_http_reader *reader);

#endif
