/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * url.c: the URLs of http.h (RFC 3986), of which UPnP needs http and an IP literal only. Text comes
 * from the network and ends up in a request line, so nothing but printable ASCII passes, and no
 * name is ever looked up.
 */
#include <porthole/porthole.h>
#include <string.h>

#include "wire/http.h"

#define HTTP_PORT 80

static bool is_printable(struct ph_span text) {
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < 0x21 || text.at[i] > 0x7e)
            return false;
    return true;
}

/* How many bytes stand before the first one that is in `set`. */
static size_t span_until(struct ph_span text, const char *set) {
    size_t n = 0;
    while (n < text.len && !strchr(set, text.at[n]))
        n++;
    return n;
}

static struct ph_span span_from(struct ph_span text, size_t offset) {
    return (struct ph_span){text.at + offset, text.len - offset};
}

static struct ph_span without_fragment(struct ph_span text) {
    return (struct ph_span){text.at, span_until(text, "#")};
}

/* Sets the path to head and tail in a row. A text without its slash, as in "http://10.0.0.1?x",
 * gets one (RFC 9112 §3.2.1). */
static int set_path(struct ph_url *url, struct ph_span head, struct ph_span tail) {
    struct ph_writer w;
    ph_writer_init(&w, url->path, sizeof url->path);
    if (head.len == 0)
        ph_write_u8(&w, '/');
    ph_write_span(&w, head);
    ph_write_span(&w, tail);
    ph_write_u8(&w, '\0');
    int n = ph_writer_result(&w);
    return n < 0 ? n : 0;
}

/* [v6] or v4, and what follows it in *ret_rest. */
static bool parse_host(struct ph_span text, struct ph_addr *ret, struct ph_span *ret_rest) {
    bool bracketed = text.len > 0 && text.at[0] == '[';
    size_t n = span_until(text, bracketed ? "]" : ":");
    if (bracketed && n == text.len)
        return false;
    struct ph_span host = {text.at, n};
    if (bracketed)
        host = span_from(host, 1);
    /* Brackets hold IPv6 and only IPv6 (RFC 3986 §3.2.2). */
    if ((memchr(host.at, ':', host.len) != NULL) != bracketed || !ph_addr_parse(host, ret))
        return false;
    *ret_rest = span_from(text, bracketed ? n + 1 : n);
    return true;
}

/* What stands behind "http://". */
static int parse_authority(struct ph_span text, struct ph_url *ret) {
    size_t n = span_until(text, "/?");
    struct ph_span rest;
    uint64_t port = HTTP_PORT;
    if (!parse_host((struct ph_span){text.at, n}, &ret->host.addr, &rest))
        return PORTHOLE_ERR_MALFORMED;
    if (rest.len > 0 && rest.at[0] != ':')
        return PORTHOLE_ERR_MALFORMED;
    /* An empty port is the default one (RFC 3986 §3.2.3). */
    if (rest.len > 1 && (!ph_span_to_u64(span_from(rest, 1), UINT16_MAX, &port) || port == 0))
        return PORTHOLE_ERR_MALFORMED;
    ret->host.port = (uint16_t)port;
    struct ph_span path = span_from(text, n);
    size_t slash = path.len > 0 && path.at[0] == '/' ? 1 : 0;
    return set_path(ret, (struct ph_span){path.at, slash}, span_from(path, slash));
}

int ph_url_parse(struct ph_span text, struct ph_url *ret) {
    static const char scheme[] = "http://";
    struct ph_url url = {0};
    if (!is_printable(text) || !ph_span_starts_nocase(text, PH_SPAN(scheme)))
        return PORTHOLE_ERR_MALFORMED;
    int r = parse_authority(span_from(without_fragment(text), sizeof scheme - 1), &url);
    if (r == 0)
        *ret = url;
    return r;
}

/* Whether the text begins with a scheme and an authority. A colon alone is no sign of a scheme:
 * control URLs such as "uuid:1234/ctl" are paths. */
static bool has_scheme(struct ph_span text) {
    size_t n = span_until(text, ":/?");
    return text.len - n >= 3 && memcmp(text.at + n, "://", 3) == 0;
}

/* The base's path up to its query, or (as `segment` wishes) up to and including its last slash. */
static struct ph_span base_path(const struct ph_url *base, bool segment) {
    struct ph_span path = ph_span_of(base->path);
    path.len = span_until(path, "?");
    while (segment && path.len > 0 && path.at[path.len - 1] != '/')
        path.len--;
    return path;
}

int ph_url_resolve(const struct ph_url *base, struct ph_span reference, struct ph_url *ret) {
    struct ph_url url = {.host = base->host};
    if (!is_printable(reference))
        return PORTHOLE_ERR_MALFORMED;
    if (has_scheme(reference))
        return ph_url_parse(reference, ret);
    reference = without_fragment(reference);

    int r;
    if (reference.len == 0)
        r = set_path(&url, ph_span_of(base->path), reference);
    else if (ph_span_starts_nocase(reference, PH_SPAN("//")))
        r = parse_authority(span_from(reference, 2), &url);
    else if (reference.at[0] == '/')
        r = set_path(&url, reference, (struct ph_span){NULL, 0});
    else
        r = set_path(&url, base_path(base, reference.at[0] != '?'), reference);
    if (r == 0)
        *ret = url;
    return r;
}
