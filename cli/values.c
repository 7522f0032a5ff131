/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * values.c: see values.h. Nothing here asks the network or the resolver.
 */
#include "cli/values.h"

#include <porthole/porthole.h>
#include <string.h>

#include "base/addr.h"

#define PORT_MAX 65535U
#define DESCRIPTION_MAX 63U

bool ph_value_number(const char *text, uint32_t min, uint32_t max, uint32_t *ret) {
    uint64_t number;
    if (!ph_span_to_u64(ph_span_of(text), max, &number) || number < min)
        return false;
    *ret = (uint32_t)number;
    return true;
}

const char *ph_value_port(struct ph_span text, struct ph_port *ret) {
    const char *slash = text.len ? memchr(text.at, '/', text.len) : NULL;
    struct ph_span digits = {text.at, slash ? (size_t)(slash - text.at) : text.len};
    struct ph_span protocol = PH_SPAN("tcp");
    uint64_t number;
    if (slash)
        protocol = (struct ph_span){slash + 1, text.len - digits.len - 1};
    bool both = ph_span_equal_nocase(protocol, PH_SPAN("both"));
    struct ph_port port = {.tcp = both || ph_span_equal_nocase(protocol, PH_SPAN("tcp")),
                           .udp = both || ph_span_equal_nocase(protocol, PH_SPAN("udp"))};
    if (!port.tcp && !port.udp)
        return "what follows the / must be tcp, udp or both";
    if (!ph_span_to_u64(digits, PORT_MAX, &number) || number == 0)
        return "a port is a number from 1 to 65535";
    port.number = (uint16_t)number;
    *ret = port;
    return NULL;
}

const char *ph_value_address(const char *text) {
    struct ph_addr addr;
    if (!ph_addr_parse(ph_span_of(text), &addr))
        return "is not an IPv4 or IPv6 address";
    if (ph_addr_is_unspecified(&addr) || ph_addr_is_multicast(&addr))
        return "is not the address of a host";
    return NULL;
}

bool ph_value_same_family(const char *address, const char *other) {
    struct ph_addr a, b;
    return !address || !other || !ph_addr_parse(ph_span_of(address), &a) ||
           !ph_addr_parse(ph_span_of(other), &b) || ph_addr_is_v4(&a) == ph_addr_is_v4(&b);
}

const char *ph_value_methods(struct ph_span text, unsigned *ret) {
    static const struct {
        struct ph_span name;
        unsigned method;
    } known[] = {{{"pcp", 3}, PORTHOLE_USE_PCP},
                 {{"natpmp", 6}, PORTHOLE_USE_NATPMP},
                 {{"upnp", 4}, PORTHOLE_USE_UPNP}};
    unsigned methods = 0;
    for (;;) {
        const char *comma = text.len ? memchr(text.at, ',', text.len) : NULL;
        struct ph_span word = {text.at, comma ? (size_t)(comma - text.at) : text.len};
        unsigned method = 0;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            if (ph_span_equal_nocase(ph_span_trim(word), known[i].name))
                method = known[i].method;
        if (method == 0)
            return "is not a list of pcp, natpmp and upnp";
        methods |= method;
        if (!comma)
            break;
        text = (struct ph_span){comma + 1, text.len - word.len - 1};
    }
    *ret = methods;
    return NULL;
}

const char *ph_value_description(const char *text) {
    size_t len = strlen(text);
    bool printable = true;
    for (size_t i = 0; i < len; i++)
        printable = printable && text[i] >= ' ' && text[i] <= '~';
    return printable && len > 0 && len <= DESCRIPTION_MAX
               ? NULL
               : "is not 1 to 63 characters of printable ASCII";
}
