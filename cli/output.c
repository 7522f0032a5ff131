/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * output.c: see output.h. Every line passes ph_span_print() or jansson, so that no byte of a peer
 * reaches a terminal as it came. The first failed write is remembered; it is the caller's business
 * to end because of it.
 */
#include "cli/output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

#define LINE_SIZE 1024
#define REAL_DIGITS 15

/* The errno of the first failed write; 0 = none. */
static int output_errno;
static bool output_complained;

/* Called before a line, when something else is on the terminal. */
static void (*output_before)(void *);
static void *output_before_user;
/* Standard output is another's. */
static bool output_is_others;

/* ---- Lines ----------------------------------------------------------------------------------- */

void ph_output_error(const char *command, const char *format, ...) {
    char text[LINE_SIZE], line[LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    ph_span_print(ph_span_of(text), line, sizeof line);
    if (output_before)
        output_before(output_before_user);
    fprintf(stderr, "porthole%s%s: %s\n", command ? " " : "", command ? command : "", line);
}

const char *ph_output_quote(const char *text, char ret[PH_OUTPUT_QUOTE_SIZE]) {
    char inside[PH_OUTPUT_QUOTE_SIZE - sizeof "''..." + 1];
    size_t len = strlen(text);
    ph_span_print((struct ph_span){text, len}, inside, sizeof inside);
    snprintf(ret, PH_OUTPUT_QUOTE_SIZE, "'%s%s'", inside, len >= sizeof inside ? "..." : "");
    return ret;
}

static void remember(bool written) {
    if (!written && output_errno == 0)
        output_errno = errno ? errno : EIO;
}

void ph_output_line(const char *format, ...) {
    char text[LINE_SIZE], line[LINE_SIZE];
    if (output_errno)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    ph_span_print(ph_span_of(text), line, sizeof line);
    if (output_before)
        output_before(output_before_user);
    if (output_is_others)
        fprintf(stderr, "%s\n", line);
    else
        remember(puts(line) >= 0 && fflush(stdout) == 0);
}

void ph_output_screen(const char *text) {
    if (output_errno == 0)
        remember(fputs(text, stdout) >= 0 && fflush(stdout) == 0);
}

void ph_output_before(void (*before)(void *user), void *user) {
    output_before = before;
    output_before_user = user;
}

void ph_output_give_away(void) { output_is_others = true; }

void ph_output_json(json_t *object) {
    const size_t flags = JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(REAL_DIGITS);
    if (output_errno == 0) {
        errno = object ? 0 : ENOMEM;
        remember(object && json_dumpf(object, stdout, flags) == 0 && putchar('\n') >= 0 &&
                 fflush(stdout) == 0);
    }
    json_decref(object);
}

bool ph_output_failed(void) {
    /* What printed past this file, such as a help text, shows in the stream. */
    if (output_errno == 0)
        remember(fflush(stdout) == 0 && !ferror(stdout));
    return output_errno != 0;
}

bool ph_output_complain(const char *command) {
    if (!ph_output_failed())
        return false;
    if (!output_complained)
        ph_output_error(command, "standard output: %s", strerror(output_errno));
    output_complained = true;
    return true;
}

/* ---- Words ----------------------------------------------------------------------------------- */

const char *ph_output_method(enum porthole_method method) {
    switch (method) {
    case PORTHOLE_PCP:
        return "PCP";
    case PORTHOLE_NATPMP:
        return "NAT-PMP";
    case PORTHOLE_UPNP:
        return "UPnP";
    case PORTHOLE_DIRECT:
        return "direct";
    case PORTHOLE_NONE:
        break;
    }
    return "?";
}

const char *ph_output_endpoint(const char *address, uint16_t port,
                               char ret[PH_OUTPUT_ENDPOINT_SIZE]) {
    bool brackets = strchr(address, ':') != NULL;
    snprintf(ret, PH_OUTPUT_ENDPOINT_SIZE, "%s%s%s:%u", brackets ? "[" : "",
             *address ? address : "?", brackets ? "]" : "", (unsigned)port);
    return ret;
}

const char *ph_output_reason(int error, int code, const char *text,
                             char ret[PH_OUTPUT_REASON_SIZE]) {
    /* Without a code the library's text is that of the error; the command's own says more. */
    bool more = code != 0 || (*text && strcmp(text, porthole_strerror(error)) != 0);
    snprintf(ret, PH_OUTPUT_REASON_SIZE, "%s%s%s", porthole_strerror(error), more ? ": " : "",
             more ? text : "");
    return ret;
}

const char *ph_output_reach_note(enum porthole_reach reach) {
    switch (reach) {
    case PORTHOLE_REACH_PUBLIC:
        return NULL;
    case PORTHOLE_REACH_PRIVATE:
        return "a private address: there is a second NAT behind this gateway, and the Internet "
               "cannot reach the port";
    case PORTHOLE_REACH_SHARED:
        return "an address of carrier-grade NAT (100.64.0.0/10): the provider's NAT keeps the "
               "Internet from the port";
    case PORTHOLE_REACH_LOOPBACK:
        return "a loopback address: only this machine can reach the port";
    case PORTHOLE_REACH_UNKNOWN:
    case PORTHOLE_REACH_OTHER:
        break;
    }
    return "not a public address: the Internet cannot reach the port";
}

/* ---- Pieces of JSON -------------------------------------------------------------------------- */

json_t *ph_output_ms(double ms) {
    /* To a microsecond; beyond that it is noise. */
    return json_real((double)(long long)(ms * 1000.0 + 0.5) / 1000.0);
}

json_t *ph_output_text(const char *text) {
    char printable[LINE_SIZE];
    if (!*text)
        return json_null();
    ph_span_print(ph_span_of(text), printable, sizeof printable);
    return json_string(printable);
}

json_t *ph_output_why(int error, int code, const char *text) {
    return json_pack("{s:s, s:o, s:o}", "error", porthole_errname(error), "code",
                     code ? json_integer(code) : json_null(), "text",
                     ph_output_text(*text ? text : porthole_strerror(error)));
}

/* ---- Events of a mapping --------------------------------------------------------------------- */

/* Whether a gateway has ever held it: then the facts of the mapping are known. */
static bool was_mapped(const struct porthole_mapping *mapping) {
    return mapping->method != PORTHOLE_NONE;
}

static bool add_facts(json_t *object, const struct porthole_mapping *mapping) {
    json_t *facts = json_pack(
        "{s:s, s:{s:o, s:i, s:s}, s:o, s:I, s:o}", "via", porthole_method_name(mapping->method),
        "external", "address", ph_output_text(mapping->external_address), "port",
        (int)mapping->external_port, "reach", porthole_reach_name(mapping->reach), "gateway",
        ph_output_text(mapping->gateway), "lifetime_s", (json_int_t)mapping->lifetime_s,
        "elapsed_ms", ph_output_ms(mapping->elapsed_ms));
    bool added = facts && json_object_update(object, facts) == 0;
    json_decref(facts);
    return added;
}

static bool add_why(json_t *object, const struct porthole_mapping *mapping) {
    json_t *why = ph_output_why(mapping->error, mapping->code, mapping->text);
    bool added = why && json_object_update(object, why) == 0;
    json_decref(why);
    return added;
}

/* What all lines about a mapping begin with. */
static json_t *pack_mapping(const char *event, const struct porthole_mapping *mapping) {
    return json_pack("{s:s, s:I, s:s, s:{s:o, s:i}}", "event", event, "id", (json_int_t)mapping->id,
                     "protocol", porthole_protocol_name(mapping->protocol), "internal", "address",
                     ph_output_text(mapping->internal_address), "port",
                     (int)mapping->internal_port);
}

static void print_whole(json_t *object, bool whole) {
    if (!whole) {
        json_decref(object);
        object = NULL;
    }
    ph_output_json(object);
}

void ph_output_event_json(const struct porthole_event *event) {
    const struct porthole_mapping *mapping = &event->mapping;
    json_t *object = pack_mapping(porthole_event_name(event->type), mapping);
    bool is_end = event->type == PORTHOLE_EVENT_UNMAPPED;
    bool whole = object != NULL;
    if (whole && was_mapped(mapping) && event->type != PORTHOLE_EVENT_FAILED)
        whole = add_facts(object, mapping);
    if (whole && is_end)
        whole = json_object_set_new(object, "fate",
                                    json_string(porthole_fate_name(mapping->fate))) == 0;
    bool is_doubtful =
        mapping->fate == PORTHOLE_FATE_EXPIRES || mapping->fate == PORTHOLE_FATE_LEFT;
    if (whole &&
        (event->type == PORTHOLE_EVENT_FAILED || (is_end && is_doubtful && mapping->error != 0)))
        whole = add_why(object, mapping);
    print_whole(object, whole);
}

void ph_output_status_json(const struct porthole_mapping *mapping) {
    json_t *object = pack_mapping("status", mapping);
    bool whole =
        object &&
        json_object_set_new(object, "state", json_string(porthole_state_name(mapping->state))) == 0;
    if (whole && was_mapped(mapping))
        whole = add_facts(object, mapping) &&
                json_object_set_new(object, "expires_in_s",
                                    json_integer(mapping->expires_in_ms / 1000)) == 0;
    if (whole && mapping->error != 0)
        whole = add_why(object, mapping);
    print_whole(object, whole);
}

/* "tcp 8080", as in every line about the mapping. */
#define NAME_SIZE 16 /* port 0: all of them, which only a removal can be of */
static const char *mapping_name(const struct porthole_mapping *mapping, char ret[NAME_SIZE]) {
    const char *protocol = porthole_protocol_name(mapping->protocol);
    if (mapping->internal_port == 0)
        snprintf(ret, NAME_SIZE, "all of %s", protocol);
    else
        snprintf(ret, NAME_SIZE, "%s %u", protocol, (unsigned)mapping->internal_port);
    return ret;
}

void ph_output_reach(const struct porthole_mapping *mapping) {
    static char noted[PORTHOLE_ADDRESS_SIZE] = "?";
    const char *note = ph_output_reach_note(mapping->reach);
    if (!note || strcmp(noted, mapping->external_address) == 0)
        return;
    snprintf(noted, sizeof noted, "%s", mapping->external_address);
    if (*noted)
        ph_output_line("  note: %s is %s", noted, note);
    else
        ph_output_line("  note: the gateway did not tell its external address");
}

static void print_open(const struct porthole_mapping *mapping, const char *verb, bool first,
                       bool held) {
    char name[NAME_SIZE], external[PH_OUTPUT_ENDPOINT_SIZE], internal[PH_OUTPUT_ENDPOINT_SIZE];
    char how[160];
    mapping_name(mapping, name);
    ph_output_endpoint(mapping->external_address, mapping->external_port, external);
    ph_output_endpoint(mapping->internal_address, mapping->internal_port, internal);
    if (mapping->method == PORTHOLE_DIRECT) {
        ph_output_line("%s %s: %s (this host's own public address, nothing is in the way)", name,
                       verb, external);
        return;
    }
    int len = snprintf(how, sizeof how, "%s by %s, ", ph_output_method(mapping->method),
                       mapping->gateway);
    if (mapping->lifetime_s == 0)
        len += snprintf(how + len, sizeof how - (size_t)len, "no lease");
    else
        len += snprintf(how + len, sizeof how - (size_t)len, "lease %lu s",
                        (unsigned long)mapping->lifetime_s);
    if (first)
        snprintf(how + len, sizeof how - (size_t)len, ", %.1f ms", mapping->elapsed_ms);
    ph_output_line("%s %s: %s -> %s (%s)", name, verb, external, internal, how);
    ph_output_reach(mapping);
    if (!held && mapping->lifetime_s == 0)
        ph_output_line("  note: this gateway gives no lease: the port stays open until removed");
}

static void print_failed(const struct porthole_mapping *mapping, bool held) {
    char name[NAME_SIZE], reason[PH_OUTPUT_REASON_SIZE];
    ph_output_reason(mapping->error, mapping->code, mapping->text, reason);
    ph_output_error(NULL, "%s is not open: %s%s", mapping_name(mapping, name), reason,
                    held ? "; trying again" : "");
}

static void print_unmapped(const struct porthole_mapping *mapping) {
    char name[NAME_SIZE], why[PH_OUTPUT_REASON_SIZE], reason[PH_OUTPUT_REASON_SIZE + 3] = "";
    mapping_name(mapping, name);
    if (mapping->error != 0)
        snprintf(reason, sizeof reason, " (%s)",
                 ph_output_reason(mapping->error, mapping->code, mapping->text, why));
    switch (mapping->fate) {
    case PORTHOLE_FATE_NONE:
        ph_output_line("%s: nothing was open", name);
        break;
    case PORTHOLE_FATE_REMOVED:
        ph_output_line("%s is closed", name);
        break;
    case PORTHOLE_FATE_EXPIRES:
        if (mapping->expires_in_ms > 0)
            ph_output_line("%s: the gateway did not confirm%s; it closes with its lease, in %lu s",
                           name, reason, (unsigned long)(mapping->expires_in_ms / 1000));
        else
            ph_output_line("%s: the gateway did not confirm%s; it closes with its lease", name,
                           reason);
        break;
    case PORTHOLE_FATE_LEFT:
        ph_output_line("%s: the gateway did not confirm%s, and its lease has no end: it may stay "
                       "open",
                       name, reason);
        break;
    }
}

void ph_output_status_human(const struct porthole_mapping *mapping) {
    char name[NAME_SIZE], reason[PH_OUTPUT_REASON_SIZE];
    mapping_name(mapping, name);
    if (mapping->state == PORTHOLE_SUCCESS)
        print_open(mapping, "is open", false, true);
    else if (mapping->error != 0)
        ph_output_line("%s is not open: %s", name,
                       ph_output_reason(mapping->error, mapping->code, mapping->text, reason));
    else
        ph_output_line("%s is not open yet", name);
}

void ph_output_event_human(const struct porthole_event *event, bool seen, bool held) {
    char name[NAME_SIZE];
    switch (event->type) {
    case PORTHOLE_EVENT_MAPPED:
        print_open(&event->mapping, seen ? "is open again" : "is open", !seen, held);
        break;
    case PORTHOLE_EVENT_CHANGED:
        print_open(&event->mapping, "has changed", false, held);
        break;
    case PORTHOLE_EVENT_PENDING:
        ph_output_line("%s was lost; asking again", mapping_name(&event->mapping, name));
        break;
    case PORTHOLE_EVENT_FAILED:
        print_failed(&event->mapping, held);
        break;
    case PORTHOLE_EVENT_UNMAPPED:
        print_unmapped(&event->mapping);
        break;
    }
}

void ph_output_event_trouble(const struct porthole_event *event, bool seen) {
    enum porthole_fate fate = event->mapping.fate;
    bool is_well = event->type == PORTHOLE_EVENT_UNMAPPED
                       ? fate == PORTHOLE_FATE_NONE || fate == PORTHOLE_FATE_REMOVED
                       : event->type == PORTHOLE_EVENT_MAPPED && !seen;
    if (!is_well)
        ph_output_event_human(event, seen, true);
}
