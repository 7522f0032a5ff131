/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * status.c: the texts and names of the public enums, so that a log, JSON and an error message say
 * the same word for the same thing everywhere.
 */
#include <porthole/porthole.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
    int number;
    const char *name;
    const char *text;
} errors[] = {
#define ERROR_ROW(upper, number, name, text) {number, name, text},
    PORTHOLE_ERROR_TABLE(ERROR_ROW)
#undef ERROR_ROW
};

const char *porthole_strerror(int error) {
    for (size_t i = 0; i < LENGTH(errors); i++)
        if (errors[i].number == error)
            return errors[i].text;
    return "unknown error";
}

const char *porthole_errname(int error) {
    for (size_t i = 0; i < LENGTH(errors); i++)
        if (errors[i].number == error)
            return errors[i].name;
    return "unknown";
}

const char *porthole_version(void) { return PORTHOLE_VERSION; }

/* Callers may cast any number from a file or a peer to an enum, so each name is range checked. */
static const char *pick(const char *const *names, size_t count, unsigned index) {
    return index < count && names[index] ? names[index] : "?";
}

const char *porthole_protocol_name(enum porthole_protocol protocol) {
    if (protocol == PORTHOLE_TCP)
        return "tcp";
    return protocol == PORTHOLE_UDP ? "udp" : "?";
}

const char *porthole_method_name(enum porthole_method method) {
    static const char *const names[] = {"none", "pcp", "natpmp", "upnp", "direct"};
    return pick(names, LENGTH(names), (unsigned)method);
}

const char *porthole_state_name(enum porthole_state state) {
    static const char *const names[] = {"destroyed", "pending", "success", "failure", "destroying"};
    return pick(names, LENGTH(names), (unsigned)state);
}

const char *porthole_reach_name(enum porthole_reach reach) {
    static const char *const names[] = {"unknown", "public",   "private",
                                        "shared",  "loopback", "other"};
    return pick(names, LENGTH(names), (unsigned)reach);
}

const char *porthole_fate_name(enum porthole_fate fate) {
    static const char *const names[] = {"none", "removed", "expires", "left"};
    return pick(names, LENGTH(names), (unsigned)fate);
}

const char *porthole_event_name(enum porthole_event_type type) {
    static const char *const names[] = {NULL, "pending", "mapped", "changed", "failed", "unmapped"};
    return pick(names, LENGTH(names), (unsigned)type);
}
