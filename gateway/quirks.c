/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * quirks.c: see quirks.h. Here is what a router model does to a whole request or answer, and which
 * fault it gives an AddPortMapping; what is a line in a server's own work is there.
 */
#include "gateway/quirks.h"

#include <ctype.h>
#include <string.h>

#include "gateway/upnp_parts.h"
#include "wire/ssdp.h"

/* Longer than a search takes that gives up after four requests. */
#define LATE_BY PH_SECONDS(4)
#define SMALL_TABLE_SIZE 4U

static const struct ph_gw_quirk_row rows[] = {
#define PH_GW_QUIRK_ROW(id, name, summary, source) {name, summary, source},
    PH_GW_QUIRKS(PH_GW_QUIRK_ROW)
#undef PH_GW_QUIRK_ROW
};

const struct ph_gw_quirk_row *ph_gw_quirk_row(size_t index) {
    return index < PH_GW_QUIRK_COUNT ? &rows[index] : NULL;
}

static bool find_quirk(struct ph_span name, uint64_t *ret) {
    for (unsigned i = 0; i < PH_GW_QUIRK_COUNT; i++)
        if (ph_span_equal(name, ph_span_of(rows[i].name))) {
            *ret |= PH_GW_QUIRK_BIT(i);
            return true;
        }
    return false;
}

bool ph_gw_quirk_parse(struct ph_span list, uint64_t *ret, struct ph_span *ret_unknown) {
    bool is_last = false;
    while (!is_last) {
        const char *comma = list.len > 0 ? memchr(list.at, ',', list.len) : NULL;
        struct ph_span name = {list.at, comma ? (size_t)(comma - list.at) : list.len};
        is_last = !comma;
        *ret_unknown = name;
        if (!find_quirk(name, ret))
            return false;
        if (comma)
            list = (struct ph_span){comma + 1, list.len - name.len - 1};
    }
    return true;
}

bool ph_gw_has(const struct ph_gw_server *server, enum ph_gw_quirk quirk) {
    return (server->config.behaviour.quirks & PH_GW_QUIRK_BIT(quirk)) != 0;
}

/* ---- All protocols --------------------------------------------------------------------------- */

struct ph_addr ph_gw_quirk_external(const struct ph_gw_server *server) {
    if (ph_gw_has(server, PH_GW_QUIRK_ZERO_ADDRESS))
        return ph_addr_v4(0, 0, 0, 0);
    if (ph_gw_has(server, PH_GW_QUIRK_SHARED_ADDRESS))
        return ph_addr_v4(100, 64, 0, 9);
    return server->config.external;
}

uint32_t ph_gw_quirk_mappings_max(const struct ph_gw_server *server) {
    uint32_t max = server->config.behaviour.mappings_max;
    bool is_small = ph_gw_has(server, PH_GW_QUIRK_SMALL_TABLE) && max > SMALL_TABLE_SIZE;
    return is_small ? SMALL_TABLE_SIZE : max;
}

/* ---- SSDP ------------------------------------------------------------------------------------ */

struct ph_gw_ssdp_manner ph_gw_server_ssdp_manner(struct ph_gw_server *server) {
    struct ph_gw_ssdp_manner manner = {.port = PH_SSDP_PORT};
    if (ph_gw_has(server, PH_GW_QUIRK_LATE_ANSWERS))
        manner.delay = LATE_BY;
    if (ph_gw_has(server, PH_GW_QUIRK_RANDOM_SOURCE_PORT))
        manner.port = (uint16_t)(32768U + ph_random_below(&server->config.random, 16384));
    return manner;
}

bool ph_gw_quirk_ignores_search(const struct ph_gw_server *server, struct ph_span datagram,
                                struct ph_span target) {
    struct ph_span host = {NULL, 0};
    struct ph_span man = {NULL, 0};
    (void)ph_http_find_header(datagram, PH_SPAN("HOST"), &host, NULL);
    (void)ph_http_find_header(datagram, PH_SPAN("MAN"), &man, NULL);
    /* The header says where it was sent (UDA 1.1 §1.3.2 and §1.3.3). */
    bool is_group = ph_span_starts_nocase(host, PH_SPAN("239.255.255.250"));
    bool is_all = ph_span_equal(target, PH_SPAN(PH_SSDP_TARGET_ALL));
    bool is_v1 = target.len > 2 && memcmp(target.at + target.len - 2, ":1", 2) == 0;
    bool is_whole = datagram.len >= 4 &&
                    memcmp(datagram.at + datagram.len - 4, "\r\n\r\n", 4) == 0 && host.len > 0 &&
                    ph_span_equal(man, PH_SPAN("\"ssdp:discover\""));
    return (ph_gw_has(server, PH_GW_QUIRK_MULTICAST_ONLY) && !is_group) ||
           (ph_gw_has(server, PH_GW_QUIRK_UNICAST_ONLY) && is_group) ||
           (ph_gw_has(server, PH_GW_QUIRK_ALL_ONLY) && !is_all) ||
           (ph_gw_has(server, PH_GW_QUIRK_V2_ONLY) && (is_all || is_v1)) ||
           (ph_gw_has(server, PH_GW_QUIRK_STRICT_REQUESTS) && !is_whole);
}

/* ---- Actions --------------------------------------------------------------------------------- */

static unsigned lease_fault(const struct ph_gw_server *server, uint32_t lease_s) {
    bool is_bad = (ph_gw_has(server, PH_GW_QUIRK_NO_FINITE_LEASE) && lease_s != 0) ||
                  (ph_gw_has(server, PH_GW_QUIRK_WEEK_LEASE) && (lease_s - 1 >= 604800U)) ||
                  (ph_gw_has(server, PH_GW_QUIRK_HOUR_LEASE) && (lease_s - 1 >= 3600U));
    if (ph_gw_has(server, PH_GW_QUIRK_PERMANENT_ONLY) && lease_s != 0)
        return PH_UPNP_PERMANENT_LEASES_ONLY;
    return is_bad ? PH_UPNP_INVALID_ARGS : 0;
}

unsigned ph_gw_quirk_add_fault(const struct ph_gw_server *server, const struct ph_gw_facts *facts,
                               uint32_t lease_s) {
    static const struct {
        enum ph_gw_quirk quirk;
        unsigned code;
    } faults[] = {
        {PH_GW_QUIRK_ADD_501, PH_UPNP_ACTION_FAILED},
        {PH_GW_QUIRK_ADD_606, PH_UPNP_NOT_AUTHORIZED},
        {PH_GW_QUIRK_ADD_715, PH_UPNP_NO_WILDCARD_SOURCE},
        {PH_GW_QUIRK_ADD_716, PH_UPNP_NO_WILDCARD_EXTERNAL_PORT},
        {PH_GW_QUIRK_ADD_726, PH_UPNP_REMOTE_HOST_WILDCARD_ONLY},
        {PH_GW_QUIRK_ADD_727, PH_UPNP_EXTERNAL_PORT_WILDCARD_ONLY},
        {PH_GW_QUIRK_ADD_728, PH_UPNP_NO_PORT_MAPS_AVAILABLE},
        {PH_GW_QUIRK_ADD_729, PH_UPNP_CONFLICT_OTHER_MECHANISM},
        {PH_GW_QUIRK_ADD_732, PH_UPNP_NO_WILDCARD_INTERNAL_PORT},
        {PH_GW_QUIRK_ADD_733, PH_UPNP_INCONSISTENT_PARAMETERS},
        {PH_GW_QUIRK_CONFLICT_ALWAYS, PH_UPNP_CONFLICT},
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        if (ph_gw_has(server, faults[i].quirk))
            return faults[i].code;
    if (ph_gw_has(server, PH_GW_QUIRK_SAME_PORTS_ONLY) &&
        facts->internal_port != facts->external_port)
        return PH_UPNP_SAME_PORT_REQUIRED;
    return lease_fault(server, lease_s);
}

static bool has_text(struct ph_span text, const char *what) {
    size_t len = strlen(what);
    for (size_t i = 0; i + len <= text.len; i++)
        if (memcmp(text.at + i, what, len) == 0)
            return true;
    return false;
}

static bool is_to_the_letter(const struct ph_http_message *request) {
    struct ph_span action = {NULL, 0};
    struct ph_span type = {NULL, 0};
    struct ph_span host;
    char name_space[PH_GW_UPNP_TYPE_SIZE + 4];
    bool is_known = ph_http_find_header(request->head, PH_SPAN("SOAPACTION"), &action, NULL) &&
                    ph_http_find_header(request->head, PH_SPAN("CONTENT-TYPE"), &type, NULL) &&
                    ph_http_find_header(request->head, PH_SPAN("HOST"), &host, NULL);
    const char *hash = is_known && action.len > 2 ? memchr(action.at, '#', action.len) : NULL;
    if (!hash || action.at[0] != '"' || action.at[action.len - 1] != '"' ||
        !ph_span_starts_nocase(type, PH_SPAN("text/xml")))
        return false;
    size_t len = (size_t)(hash - action.at) - 1;
    if (len + 3 > sizeof name_space)
        return false;
    /* The namespace in the body is the type in the head, quotes included. */
    memcpy(name_space, action.at, len + 1);
    name_space[len + 1] = '"';
    name_space[len + 2] = '\0';
    return has_text(request->body, name_space) &&
           has_text(request->body, "http://schemas.xmlsoap.org/soap/envelope/");
}

unsigned ph_gw_quirk_refuses_post(const struct ph_gw_server *server,
                                  const struct ph_http_message *request) {
    struct ph_span line = {request->head.at, request->head.len < 200 ? request->head.len : 200};
    if (ph_gw_has(server, PH_GW_QUIRK_HTTP10_ONLY) && !has_text(line, "HTTP/1.0\r\n"))
        return 505;
    if (ph_gw_has(server, PH_GW_QUIRK_M_PREFIX_ONLY) && !has_text(request->body, "<m:"))
        return 500;
    if (ph_gw_has(server, PH_GW_QUIRK_NO_EMPTY_DESCRIPTION) &&
        has_text(request->body, "<NewPortMappingDescription></NewPortMappingDescription>"))
        return 500;
    if (ph_gw_has(server, PH_GW_QUIRK_STRICT_REQUESTS) && !is_to_the_letter(request))
        return 503;
    return 0;
}

/* ---- Answers --------------------------------------------------------------------------------- */

/* One tag, from its '<' on; returns how much of the text it was. */
static size_t write_odd_tag(struct ph_span text, struct ph_writer *w) {
    size_t end = 0;
    while (end < text.len && text.at[end] != '>')
        end++;
    size_t name = 1;
    while (name < end && text.at[name] != ' ')
        name++;
    bool is_open = end > 1 && isalpha((unsigned char)text.at[1]);
    if (end > 1 && text.at[1] == '/')
        ph_write_text(w, " \t");
    ph_write_span(w, (struct ph_span){text.at, is_open ? name : end});
    if (is_open) {
        ph_write_text(w, "\t odd = 'yes' ");
        ph_write_span(w, (struct ph_span){text.at + name, end - name});
    }
    if (end < text.len)
        ph_write_text(w, text.at[1] == '?' ? ">" : " >\r\n\t");
    return end < text.len ? end + 1 : end;
}

int ph_gw_quirk_odd_spacing(struct ph_span body, void *ret, size_t size) {
    struct ph_writer w;
    ph_writer_init(&w, ret, size);
    for (size_t i = 0; i < body.len;) {
        if (body.at[i] == '<') {
            i += write_odd_tag((struct ph_span){body.at + i, body.len - i}, &w);
        } else {
            ph_write_u8(&w, (uint8_t)body.at[i]);
            i++;
        }
    }
    return ph_writer_result(&w);
}
