/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * ssdp.c: see ssdp.h. One datagram is one header block; how lines and headers are told apart is
 * http.h's affair. Whether a LOCATION may be trusted is not judged here.
 */
#include "wire/ssdp.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "wire/http.h"

#define GROUP_TEXT "239.255.255.250:1900"

const struct ph_addr ph_ssdp_group_v4 = {
    {[10] = 0xff, [11] = 0xff, [12] = 239, [13] = 255, [14] = 255, [15] = 250}};

static void write_header(struct ph_writer *w, const char *name, const char *value) {
    ph_write_text(w, name);
    ph_write_text(w, ": ");
    ph_write_text(w, value);
    ph_write_text(w, "\r\n");
}

static void write_number_header(struct ph_writer *w, const char *name, uint64_t value) {
    ph_write_text(w, name);
    ph_write_text(w, ": ");
    ph_write_decimal(w, value);
    ph_write_text(w, "\r\n");
}

int ph_ssdp_encode_search(const struct ph_endpoint *host, const char *target, unsigned mx_s,
                          void *ret, size_t size) {
    char host_text[PH_ENDPOINT_TEXT_SIZE];
    struct ph_writer w;
    ph_writer_init(&w, ret, size);
    /* UDA 1.1 §1.3.2: MAN must be in quotes, and the empty line must be there. */
    ph_write_text(&w, "M-SEARCH * HTTP/1.1\r\n");
    write_header(&w, "HOST", ph_endpoint_format(host, host_text));
    write_header(&w, "MAN", "\"ssdp:discover\"");
    if (mx_s > 0)
        write_number_header(&w, "MX", mx_s);
    write_header(&w, "ST", target);
    ph_write_text(&w, "\r\n");
    return ph_writer_result(&w);
}

int ph_ssdp_encode_answer(const struct ph_ssdp_answer *answer, const char *notify, void *ret,
                          size_t size) {
    struct ph_writer w;
    bool is_byebye = notify && strcmp(notify, "ssdp:byebye") == 0;
    ph_writer_init(&w, ret, size);
    if (notify) {
        ph_write_text(&w, "NOTIFY * HTTP/1.1\r\n");
        write_header(&w, "HOST", GROUP_TEXT);
        write_header(&w, "NT", answer->target);
        write_header(&w, "NTS", notify);
    } else {
        ph_write_text(&w, "HTTP/1.1 200 OK\r\nEXT:\r\n");
        write_header(&w, "ST", answer->target);
    }
    write_header(&w, "USN", answer->usn);
    /* UDA 1.1 §1.2.3: a farewell tells neither where the device was nor for how long. */
    if (!is_byebye) {
        ph_write_text(&w, "CACHE-CONTROL: max-age=");
        ph_write_decimal(&w, answer->max_age_s);
        ph_write_text(&w, "\r\n");
        write_header(&w, "LOCATION", answer->location);
        write_header(&w, "SERVER", answer->server);
    }
    if (answer->boot_id > 0)
        write_number_header(&w, "BOOTID.UPNP.ORG", answer->boot_id);
    ph_write_text(&w, "\r\n");
    return ph_writer_result(&w);
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* False only for lines that contradict each other; *ret is empty when there is no such line. */
static bool get_header(struct ph_span head, const char *name, struct ph_span *ret) {
    bool is_conflict = false;
    if (!ph_http_find_header(head, ph_span_of(name), ret, &is_conflict))
        *ret = (struct ph_span){NULL, 0};
    return !is_conflict;
}

static uint64_t get_number(struct ph_span head, const char *name, uint64_t max) {
    struct ph_span text;
    uint64_t v = 0;
    if (!get_header(head, name, &text) || !ph_span_to_u64(text, max, &v))
        return 0;
    return v;
}

static struct ph_span first_line(struct ph_span head) {
    const char *end = memchr(head.at, '\n', head.len);
    return ph_span_trim((struct ph_span){head.at, end ? (size_t)(end - head.at) : head.len});
}

/* "HTTP/1.x 200", maybe with a reason. */
static bool is_answer_line(struct ph_span line) {
    const size_t version_len = sizeof "HTTP/1.x" - 1;
    if (!ph_span_starts_nocase(line, PH_SPAN("HTTP/1.")) || line.len < version_len)
        return false;
    line = ph_span_trim((struct ph_span){line.at + version_len, line.len - version_len});
    return ph_span_starts_nocase(line, PH_SPAN("200")) && (line.len == 3 || line.at[3] == ' ');
}

static bool notify_type(struct ph_span nts, enum ph_ssdp_type *ret) {
    if (ph_span_equal_nocase(nts, PH_SPAN("ssdp:alive")))
        *ret = PH_SSDP_ALIVE;
    else if (ph_span_equal_nocase(nts, PH_SPAN("ssdp:byebye")))
        *ret = PH_SSDP_BYEBYE;
    else if (ph_span_equal_nocase(nts, PH_SPAN("ssdp:update")))
        *ret = PH_SSDP_UPDATE;
    else
        return false;
    return true;
}

static bool get_type(struct ph_span head, enum ph_ssdp_type *ret) {
    struct ph_span line = first_line(head);
    struct ph_span word;
    if (is_answer_line(line)) {
        *ret = PH_SSDP_ANSWER;
        return true;
    }
    if (ph_span_starts_nocase(line, PH_SPAN("NOTIFY * HTTP/1.")))
        return get_header(head, "NTS", &word) && notify_type(word, ret);
    if (!ph_span_starts_nocase(line, PH_SPAN("M-SEARCH * HTTP/1.")))
        return false;
    *ret = PH_SSDP_SEARCH;
    return get_header(head, "MAN", &word) && ph_span_equal(word, PH_SPAN("\"ssdp:discover\""));
}

int ph_ssdp_decode(const void *bytes, size_t len, struct ph_ssdp_message *ret) {
    struct ph_span head = {bytes, len};
    memset(ret, 0, sizeof *ret);
    if (len > PH_SSDP_SIZE_MAX)
        return PORTHOLE_ERR_TOO_LARGE;
    if (len == 0 || memchr(bytes, '\0', len) || !get_type(head, &ret->type))
        return PORTHOLE_ERR_MALFORMED;
    bool is_notify = ret->type != PH_SSDP_ANSWER && ret->type != PH_SSDP_SEARCH;
    if (!get_header(head, is_notify ? "NT" : "ST", &ret->target) ||
        !get_header(head, "USN", &ret->usn) || !get_header(head, "LOCATION", &ret->location))
        return PORTHOLE_ERR_MALFORMED;
    (void)get_header(head, "SERVER", &ret->server);
    ret->boot_id = (uint32_t)get_number(head, "BOOTID.UPNP.ORG", UINT32_MAX);
    ret->config_id = (uint32_t)get_number(head, "CONFIGID.UPNP.ORG", UINT32_MAX);
    if (ret->type == PH_SSDP_SEARCH)
        ret->mx_s = (unsigned)get_number(head, "MX", UINT_MAX);
    return 0;
}

/* ---- Targets --------------------------------------------------------------------------------- */

/* Cuts the text after the first `mark`, or returns false when there is none. */
static bool skip_past(struct ph_span *text, struct ph_span mark) {
    for (size_t i = 0; i + mark.len <= text->len; i++)
        if (memcmp(text->at + i, mark.at, mark.len) == 0) {
            text->at += i + mark.len;
            text->len -= i + mark.len;
            return true;
        }
    return false;
}

/* [uuid:...::]urn:DOMAIN:device|service:NAME:VERSION. Domains other than schemas-upnp-org are in
 * the field too. */
bool ph_ssdp_is_gateway(struct ph_span target) {
    static const char *const kinds[] = {
        "device:InternetGatewayDevice:", "service:WANIPConnection:", "service:WANPPPConnection:"};
    uint64_t version;
    (void)skip_past(&target, PH_SPAN("::"));
    if (!ph_span_starts_nocase(target, PH_SPAN("urn:")) || !skip_past(&target, PH_SPAN(":")) ||
        !skip_past(&target, PH_SPAN(":")))
        return false;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct ph_span kind = ph_span_of(kinds[i]);
        if (ph_span_starts_nocase(target, kind))
            return ph_span_to_u64((struct ph_span){target.at + kind.len, target.len - kind.len},
                                  UINT32_MAX, &version);
    }
    return false;
}
