/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * http.c: header blocks, as SSDP and HTTP share them, and the requests that a UPnP client sends.
 * Reading a message is in http_reader.c, URLs are in url.c.
 */
#include "wire/http.h"

#include <porthole/porthole.h>
#include <string.h>

/* Takes the next line off *text, without its LF or CRLF. False when nothing is left. */
static bool take_line(struct ph_span *text, struct ph_span *ret) {
    if (text->len == 0)
        return false;
    const char *lf = memchr(text->at, '\n', text->len);
    size_t n = lf ? (size_t)(lf - text->at) : text->len;
    *ret = (struct ph_span){text->at, n};
    if (n > 0 && text->at[n - 1] == '\r')
        ret->len--;
    n += lf ? 1 : 0;
    text->at += n;
    text->len -= n;
    return true;
}

/* The value when the line is "name: value". Blanks before the colon are let pass: some devices
 * write them, and a lone client can be misled by nobody (RFC 9112 §5.1 bars them for proxies). */
static bool header_value(struct ph_span line, struct ph_span name, struct ph_span *ret) {
    if (!ph_span_starts_nocase(line, name))
        return false;
    size_t i = name.len;
    while (i < line.len && (line.at[i] == ' ' || line.at[i] == '\t'))
        i++;
    if (i == line.len || line.at[i] != ':')
        return false;
    *ret = ph_span_trim((struct ph_span){line.at + i + 1, line.len - i - 1});
    return true;
}

bool ph_http_find_header(struct ph_span head, struct ph_span name, struct ph_span *ret,
                         bool *ret_conflict) {
    struct ph_span line, value;
    bool found = false, conflict = false;
    (void)take_line(&head, &line);
    while (take_line(&head, &line) && line.len > 0) {
        if (!header_value(line, name, &value))
            continue;
        if (found && !ph_span_equal(*ret, value))
            conflict = true;
        if (!found)
            *ret = value;
        found = true;
    }
    if (ret_conflict)
        *ret_conflict = conflict;
    return found;
}

/* Host, without the port when it is the default one (RFC 9110 §7.2). */
static void write_host(struct ph_writer *w, const struct ph_endpoint *host) {
    char text[PH_ADDR_TEXT_SIZE];
    bool v4 = ph_addr_is_v4(&host->addr);
    ph_write_text(w, v4 ? "Host: " : "Host: [");
    ph_write_text(w, ph_addr_format(&host->addr, text));
    ph_write_text(w, v4 ? "" : "]");
    if (host->port != 80) {
        ph_write_u8(w, ':');
        ph_write_decimal(w, host->port);
    }
    ph_write_text(w, "\r\n");
}

int ph_http_encode_request(const struct ph_http_request *request, void *ret, size_t size) {
    struct ph_writer w;
    ph_writer_init(&w, ret, size);
    ph_write_text(&w, request->method);
    ph_write_u8(&w, ' ');
    ph_write_text(&w, request->url->path);
    ph_write_text(&w, request->is_http10 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
    write_host(&w, &request->url->host);
    ph_write_text(&w, "User-Agent: UPnP/1.1 porthole/" PORTHOLE_VERSION "\r\n"
                      "Connection: close\r\n");
    if (request->soap_action) {
        /* The quotes are part of the value (UDA 1.0 §3.2.1); devices refuse a bare one. */
        ph_write_text(&w, "SOAPAction: \"");
        ph_write_text(&w, request->soap_action);
        ph_write_text(&w, "\"\r\n");
    }
    if (request->body.at) {
        ph_write_text(&w, "Content-Type: text/xml; charset=\"utf-8\"\r\nContent-Length: ");
        ph_write_decimal(&w, request->body.len);
        ph_write_text(&w, "\r\n");
    }
    ph_write_text(&w, "\r\n");
    if (request->body.at)
        ph_write_span(&w, request->body);
    return ph_writer_result(&w);
}
