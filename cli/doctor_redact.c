/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * doctor_redact.c: makes a report fit to be posted. Addresses, MACs, long numbers that could be a
 * serial or a UUID, and the names of this host, its interfaces and devices are replaced by words
 * such as "public-1" and "mac-2", the same by the same, so that the report still can be followed.
 * Makers, models and the kernel's version stay. The verdict's words are made anew from what is
 * left.
 */
#include <string.h>

#include "base/addr.h"
#include "cli/doctor_parts.h"

#define SUBSTITUTES_MAX 256U
#define ORIGINAL_SIZE 128U
#define SUBSTITUTE_SIZE 24U
#define SCRATCH_SIZE 1024U
#define DIGITS_LEAST 8U /* so many hexadecimal digits in a row could tell whose device it is */

enum kind {
    KIND_PUBLIC,
    KIND_PRIVATE,
    KIND_SHARED,
    KIND_OTHER,
    KIND_MAC,
    KIND_ID,
    KIND_HOST,
    KIND_INTERFACE,
    KIND_DEVICE
};
#define KINDS 9U

/* By what is replaced; a name of a device is looked for in every text. */
struct book {
    size_t count;
    unsigned used[KINDS];
    struct {
        enum kind kind;
        char original[ORIGINAL_SIZE];
        char substitute[SUBSTITUTE_SIZE];
    } at[SUBSTITUTES_MAX];
};

static const char *substitute_of(struct book *book, enum kind kind, struct ph_span original) {
    static const char *const words[KINDS] = {"public", "private", "shared", "other", "mac",
                                             "id",     "host",    "if",     "device"};
    char text[ORIGINAL_SIZE];
    ph_span_print(original, text, sizeof text);
    for (size_t i = 0; i < book->count; i++)
        if (book->at[i].kind == kind && strcmp(book->at[i].original, text) == 0)
            return book->at[i].substitute;
    if (book->count == SUBSTITUTES_MAX)
        return words[kind];
    size_t at = book->count++;
    book->at[at].kind = kind;
    memcpy(book->at[at].original, text, sizeof text);
    bool is_v6 = kind <= KIND_OTHER && strchr(text, ':');
    ph_doctor_format(book->at[at].substitute, SUBSTITUTE_SIZE, "%s%s-%u", words[kind],
                     is_v6 ? "6" : "", ++book->used[kind]);
    return book->at[at].substitute;
}

/* ---- What is in a text ----------------------------------------------------------------------- */

static bool is_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_word(char c) {
    return is_hex(c) || (c >= 'g' && c <= 'z') || (c >= 'G' && c <= 'Z') || c == '_';
}

/* Addresses that are the same everywhere tell nothing. */
static bool is_common(const struct ph_addr *addr) {
    return ph_addr_is_loopback(addr) || ph_addr_is_unspecified(addr) || ph_addr_is_multicast(addr);
}

static enum kind kind_of(const struct ph_addr *addr) {
    switch (ph_addr_reach(addr)) {
    case PORTHOLE_REACH_PUBLIC:
        return KIND_PUBLIC;
    case PORTHOLE_REACH_PRIVATE:
        return KIND_PRIVATE;
    case PORTHOLE_REACH_SHARED:
        return KIND_SHARED;
    case PORTHOLE_REACH_UNKNOWN:
    case PORTHOLE_REACH_LOOPBACK:
    case PORTHOLE_REACH_OTHER:
        break;
    }
    return KIND_OTHER;
}

/* How many characters at the front are a MAC address; 0 = none. */
static size_t mac_length(const char *at) {
    for (size_t i = 0; i < 17; i++)
        if (i % 3 == 2 ? at[i] != at[2] || (at[i] != ':' && at[i] != '-') : !is_hex(at[i]))
            return 0;
    return is_word(at[17]) ? 0 : 17;
}

/* The longest address at the front. */
static size_t address_length(const char *at, struct ph_addr *ret) {
    size_t len = 0;
    while (is_hex(at[len]) || at[len] == '.' || at[len] == ':')
        len++;
    for (; len >= 2; len--)
        if (ph_addr_parse((struct ph_span){at, len}, ret) && !is_word(at[len]))
            return len;
    return 0;
}

/* A long number, with or without dashes, as UUIDs and serials are. A word of the letters a to f has
 * no digit. */
static size_t id_length(const char *at) {
    size_t len = 0, digits = 0, figures = 0;
    while (is_hex(at[len]) || (at[len] == '-' && is_hex(at[len + 1]))) {
        digits += at[len] != '-' ? 1 : 0;
        figures += at[len] >= '0' && at[len] <= '9' ? 1 : 0;
        len++;
    }
    return digits >= DIGITS_LEAST && figures > 0 && !is_word(at[len]) ? len : 0;
}

/* A device's name, wherever a description is quoted. */
static size_t name_length(const struct book *book, const char *at, const char **ret_substitute) {
    for (size_t i = 0; i < book->count; i++) {
        size_t len = strlen(book->at[i].original);
        bool is_name = book->at[i].kind == KIND_DEVICE || book->at[i].kind == KIND_HOST;
        if (is_name && len > 0 && strncmp(at, book->at[i].original, len) == 0 &&
            !is_word(at[len])) {
            *ret_substitute = book->at[i].substitute;
            return len;
        }
    }
    return 0;
}

/* What is to be replaced at the front of the text, and by what; 0 = nothing. */
static size_t find_secret(struct book *book, const char *at, const char **ret_substitute) {
    struct ph_addr addr;
    size_t len = name_length(book, at, ret_substitute);
    if (len > 0)
        return len;
    if ((len = mac_length(at)) > 0) {
        *ret_substitute = substitute_of(book, KIND_MAC, (struct ph_span){at, len});
    } else if ((len = address_length(at, &addr)) > 0) {
        char text[PH_ADDR_TEXT_SIZE];
        *ret_substitute = NULL; /* it stays */
        if (!is_common(&addr))
            *ret_substitute =
                substitute_of(book, kind_of(&addr), ph_span_of(ph_addr_format(&addr, text)));
    } else if ((len = id_length(at)) > 0) {
        *ret_substitute = substitute_of(book, KIND_ID, (struct ph_span){at, len});
    }
    return len;
}

static void redact_text(struct book *book, char *text, size_t size) {
    char out[SCRATCH_SIZE];
    size_t len = 0;
    bool is_inside = false; /* a word: what begins there is no word of its own */
    for (const char *at = text; *at && len < sizeof out - 1;) {
        const char *substitute = NULL;
        size_t taken = is_inside ? 0 : find_secret(book, at, &substitute);
        if (taken == 0) {
            is_inside = is_word(*at);
            out[len++] = *at++;
            continue;
        }
        struct ph_span shown = substitute ? ph_span_of(substitute) : (struct ph_span){at, taken};
        for (size_t i = 0; i < shown.len && len < sizeof out - 1; i++)
            out[len++] = shown.at[i];
        at += taken;
        is_inside = false;
    }
    out[len] = '\0';
    memset(text, 0, size); /* nothing is left behind the end either */
    ph_doctor_format(text, size, "%s", out);
}

/* The whole text is a name. */
static void redact_name(struct book *book, enum kind kind, char *text, size_t size) {
    if (!*text)
        return;
    const char *substitute = substitute_of(book, kind, ph_span_of(text));
    memset(text, 0, size);
    ph_doctor_format(text, size, "%s", substitute);
}

/* ---- What is in a report --------------------------------------------------------------------- */

#define TEXT(field) redact_text(book, (field), sizeof(field))
#define NAME(kind, field) redact_name(book, (kind), (field), sizeof(field))

/* Loopback has the same name everywhere. */
static void redact_interface_name(struct book *book, char name[PH_DOCTOR_NAME_SIZE]) {
    if (strcmp(name, "lo") != 0)
        redact_name(book, KIND_INTERFACE, name, PH_DOCTOR_NAME_SIZE);
}

static void redact_host(struct book *book, struct ph_doctor_report *report) {
    NAME(KIND_HOST, report->host);
    TEXT(report->system);
    for (size_t i = 0; i < report->interface_count; i++) {
        struct ph_doctor_interface *one = &report->interfaces[i];
        redact_interface_name(book, one->name);
        TEXT(one->mac);
        for (size_t k = 0; k < one->address_count; k++)
            TEXT(one->addresses[k].text);
    }
    for (size_t i = 0; i < report->route_count; i++) {
        struct ph_doctor_route *route = &report->routes[i];
        TEXT(route->destination);
        TEXT(route->gateway);
        redact_interface_name(book, route->interface);
    }
    for (size_t i = 0; i < report->neighbour_count; i++) {
        struct ph_doctor_neighbour *one = &report->neighbours[i];
        TEXT(one->address);
        TEXT(one->mac);
        redact_interface_name(book, one->interface);
    }
    TEXT(report->way.gateway);
    TEXT(report->way.source);
    redact_interface_name(book, report->way.interface);
    struct ph_doctor_firewall *firewall = &report->firewall;
    TEXT(firewall->what);
    TEXT(firewall->hint);
    TEXT(firewall->answers.rule);
    TEXT(firewall->strays.rule);
    TEXT(firewall->inbound_tcp.rule);
    TEXT(firewall->inbound_udp.rule);
}

static void redact_answers(struct book *book, struct ph_doctor_report *report) {
    /* Names first: they are quoted in what was answered. */
    for (size_t i = 0; i < report->device_count; i++)
        NAME(KIND_DEVICE, report->devices[i].name);
    for (size_t i = 0; i < report->device_count; i++) {
        struct ph_doctor_device *device = &report->devices[i];
        TEXT(device->address);
        TEXT(device->url);
        TEXT(device->server);
        TEXT(device->maker);
        TEXT(device->model);
        TEXT(device->service);
    }
    TEXT(report->gateway);
    TEXT(report->local.text);
    for (size_t i = 0; i < PH_DOCTOR_METHODS; i++) {
        struct ph_doctor_method *method = &report->methods[i];
        TEXT(method->text);
        TEXT(method->external.text);
        TEXT(method->trial_external.text);
        TEXT(method->trial_text);
    }
    for (size_t i = 0; i < report->attempt_count; i++) {
        struct ph_doctor_attempt *attempt = &report->attempts[i];
        TEXT(attempt->what);
        TEXT(attempt->to);
        TEXT(attempt->from);
        TEXT(attempt->text);
    }
}

void ph_doctor_redact(struct ph_doctor_report *report) {
    static struct book book;
    book = (struct book){.count = 0};
    redact_host(&book, report);
    redact_answers(&book, report);
    report->is_redacted = true;
    ph_doctor_judge(report);
}
