/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * portlist.c: see portlist.h. The list is a document inside a document, escaped or as CDATA, so it
 * is taken out first and read by itself. What a device leaves out has a default; what it writes
 * that makes no sense is refused.
 */
#include "wire/portlist.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/xml.h"

/* ---- Fields ---------------------------------------------------------------------------------- */

enum { HAS_PROTOCOL = 1, HAS_EXTERNAL_PORT = 2, IS_BAD = 4 };

static void read_port(struct ph_span text, uint16_t *ret, unsigned *seen, unsigned flag) {
    uint64_t port;
    if (ph_span_to_u64(text, UINT16_MAX, &port)) {
        *ret = (uint16_t)port;
        *seen |= flag;
    } else {
        *seen |= IS_BAD;
    }
}

static void read_transport(struct ph_span text, uint8_t *ret, unsigned *seen) {
    if (ph_span_equal_nocase(text, PH_SPAN("TCP")))
        *ret = PORTHOLE_TCP;
    else if (ph_span_equal_nocase(text, PH_SPAN("UDP")))
        *ret = PORTHOLE_UDP;
    *seen |= *ret ? HAS_PROTOCOL : IS_BAD;
}

/* Cut off first, so that no blank is left at the end. */
static void copy_text(struct ph_span text, char ret[PH_PORTLIST_TEXT_SIZE]) {
    if (text.len > PH_PORTLIST_TEXT_SIZE - 1)
        text.len = PH_PORTLIST_TEXT_SIZE - 1;
    ph_span_print(ph_span_trim(text), ret, PH_PORTLIST_TEXT_SIZE);
}

/* "" is the wildcard (WANIPConnection:1 §2.2.22); some write it in other ways. */
static void read_remote_host(struct ph_span text, char ret[PH_PORTLIST_TEXT_SIZE]) {
    bool is_any = ph_span_equal(text, PH_SPAN("0.0.0.0")) || ph_span_equal(text, PH_SPAN("*"));
    copy_text(is_any ? PH_SPAN("") : text, ret);
}

/* UDA 1.1 §2.5, data type boolean. */
static bool is_true(struct ph_span text) {
    return !ph_span_equal(text, PH_SPAN("0")) && !ph_span_equal_nocase(text, PH_SPAN("false")) &&
           !ph_span_equal_nocase(text, PH_SPAN("no"));
}

static void read_field(struct ph_portlist_entry *entry, const char *name, struct ph_span text,
                       unsigned *seen) {
    uint64_t lease_s;
    text = ph_span_trim(text);
    if (strcmp(name, "NewExternalPort") == 0) {
        read_port(text, &entry->external_port, seen, HAS_EXTERNAL_PORT);
    } else if (strcmp(name, "NewInternalPort") == 0) {
        read_port(text, &entry->internal_port, seen, 0);
    } else if (strcmp(name, "NewProtocol") == 0) {
        read_transport(text, &entry->protocol, seen);
    } else if (strcmp(name, "NewInternalClient") == 0) {
        (void)ph_addr_parse(text, &entry->client);
        copy_text(text, entry->client_name);
    } else if (strcmp(name, "NewRemoteHost") == 0) {
        read_remote_host(text, entry->remote_host);
    } else if (strcmp(name, "NewEnabled") == 0) {
        entry->is_enabled = is_true(text);
    } else if (strcmp(name, "NewPortMappingDescription") == 0 ||
               strcmp(name, "NewDescription") == 0) {
        copy_text(text, entry->description);
    } else if (strcmp(name, "NewLeaseDuration") == 0 || strcmp(name, "NewLeaseTime") == 0) {
        if (ph_span_to_u64(text, UINT32_MAX, &lease_s))
            entry->lease_s = (uint32_t)lease_s;
    }
}

static void begin_entry(struct ph_portlist_entry *entry, unsigned *seen) {
    memset(entry, 0, sizeof *entry);
    entry->is_enabled = true;
    *seen = 0;
}

static bool is_whole(unsigned seen) { return seen == (HAS_PROTOCOL | HAS_EXTERNAL_PORT); }

int ph_portlist_from_reply(const struct ph_soap_message *reply, struct ph_portlist_entry *ret) {
    unsigned seen;
    begin_entry(ret, &seen);
    for (unsigned i = 0; i < reply->value_count; i++)
        read_field(ret, reply->values[i].name, ph_span_of(reply->values[i].value), &seen);
    return is_whole(seen) ? 0 : PORTHOLE_ERR_MALFORMED;
}

/* ---- The document in the answer -------------------------------------------------------------- */

/* Envelope is at depth 1, Body at 2, the action at 3, its arguments at 4. */
#define LISTING_DEPTH 4

struct extraction {
    bool is_open;
    bool is_found;
    bool is_short_of_memory;
    char *text;
    size_t len;
    size_t size;
};

static bool on_answer_open(void *user, const char *name, unsigned depth) {
    struct extraction *x = user;
    if (depth == LISTING_DEPTH)
        x->is_open = strcmp(name, "NewPortListing") == 0;
    return true;
}

/* What is read never exceeds the answer that it is in, which has a cap. */
static bool take_listing(void *user, struct ph_span piece, unsigned depth) {
    struct extraction *x = user;
    bool is_listing = x->is_open && depth == LISTING_DEPTH;
    if (!is_listing || x->is_short_of_memory)
        return is_listing;
    if (piece.len > x->size - x->len) {
        size_t size = x->size * 2 + piece.len;
        char *grown = realloc(x->text, size);
        x->is_short_of_memory = !grown;
        if (!grown)
            return true;
        x->text = grown;
        x->size = size;
    }
    memcpy(x->text + x->len, piece.at, piece.len);
    x->len += piece.len;
    return true;
}

static bool on_answer_close(void *user, const char *name, struct ph_span text, unsigned depth) {
    struct extraction *x = user;
    (void)name;
    (void)text;
    x->is_found |= x->is_open && depth == LISTING_DEPTH;
    return !x->is_found;
}

static void restart_extraction(void *user) {
    struct extraction *x = user;
    x->is_open = x->is_found = false;
    x->len = 0;
}

/* ---- Entries --------------------------------------------------------------------------------- */

struct listing_walk {
    ph_portlist_fn *each;
    void *user;
    unsigned entry_depth; /* of the entry being read, else 0 */
    unsigned seen;
    bool is_bad;
    struct ph_portlist_entry entry;
};

static bool on_listing_open(void *user, const char *name, unsigned depth) {
    struct listing_walk *walk = user;
    if (walk->entry_depth == 0 && strcmp(name, "PortMappingEntry") == 0) {
        walk->entry_depth = depth;
        begin_entry(&walk->entry, &walk->seen);
    }
    return true;
}

static bool on_listing_close(void *user, const char *name, struct ph_span text, unsigned depth) {
    struct listing_walk *walk = user;
    if (walk->entry_depth == 0)
        return true;
    if (depth == walk->entry_depth + 1) {
        read_field(&walk->entry, name, text, &walk->seen);
    } else if (depth == walk->entry_depth) {
        walk->entry_depth = 0;
        walk->is_bad |= !is_whole(walk->seen);
        if (is_whole(walk->seen))
            walk->each(walk->user, &walk->entry);
    }
    return true;
}

static void restart_listing(void *user) {
    struct listing_walk *walk = user;
    walk->entry_depth = 0;
    walk->is_bad = false;
}

static int read_listing(struct ph_span document, ph_portlist_fn *each, void *user) {
    struct listing_walk walk = {.each = each, .user = user};
    struct ph_xml_handler handler = {
        .open = on_listing_open, .close = on_listing_close, .user = &walk};
    /* A device that has no mapping may have no list either. */
    if (ph_span_trim(document).len == 0)
        return 0;
    int r = ph_xml_parse(document, &handler, restart_listing);
    return r == 0 && walk.is_bad ? PORTHOLE_ERR_MALFORMED : r;
}

int ph_portlist_read(struct ph_span answer, ph_portlist_fn *each, void *user, unsigned *ret_fault) {
    struct extraction x = {.text = NULL};
    struct ph_xml_handler handler = {
        .open = on_answer_open, .close = on_answer_close, .user = &x, .take = take_listing};
    struct ph_soap_message message;
    *ret_fault = 0;
    int r = ph_xml_parse(answer, &handler, restart_extraction);
    if (r == 0 && x.is_short_of_memory) {
        r = PORTHOLE_ERR_NO_MEMORY;
    } else if (r == 0 && x.is_found) {
        r = read_listing((struct ph_span){x.text, x.len}, each, user);
    } else if (r == 0) {
        r = ph_soap_decode(answer, &message);
        *ret_fault = r == 0 ? message.error_code : 0;
        if (r == 0 && message.error_code == 0)
            r = PORTHOLE_ERR_MALFORMED;
    }
    free(x.text);
    return r;
}

/* ---- Writing --------------------------------------------------------------------------------- */

void ph_portlist_write_head(struct ph_writer *w) {
    ph_write_text(w, "<?xml version=\"1.0\"?>\r\n"
                     "<p:PortMappingList xmlns:p=\"urn:schemas-upnp-org:gw:WANIPConnection\">");
}

static void write_field(struct ph_writer *w, const char *name, const char *value) {
    ph_write_text(w, "<p:");
    ph_write_text(w, name);
    ph_write_text(w, ">");
    ph_xml_write_escaped(w, ph_span_of(value));
    ph_write_text(w, "</p:");
    ph_write_text(w, name);
    ph_write_text(w, ">");
}

static void write_number(struct ph_writer *w, const char *name, uint32_t value) {
    char text[12];
    snprintf(text, sizeof text, "%lu", (unsigned long)value);
    write_field(w, name, text);
}

void ph_portlist_write(struct ph_writer *w, const struct ph_portlist_entry *entry) {
    ph_write_text(w, "<p:PortMappingEntry>");
    write_field(w, "NewRemoteHost", entry->remote_host);
    write_number(w, "NewExternalPort", entry->external_port);
    write_field(w, "NewProtocol", entry->protocol == PORTHOLE_TCP ? "TCP" : "UDP");
    write_number(w, "NewInternalPort", entry->internal_port);
    write_field(w, "NewInternalClient", entry->client_name);
    write_field(w, "NewEnabled", entry->is_enabled ? "1" : "0");
    write_field(w, "NewDescription", entry->description);
    write_number(w, "NewLeaseTime", entry->lease_s);
    ph_write_text(w, "</p:PortMappingEntry>");
}

void ph_portlist_write_tail(struct ph_writer *w) { ph_write_text(w, "</p:PortMappingList>\r\n"); }
