/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * fuzz_addr.c: the input is the text of an address, on which the system's inet_pton() must agree;
 * and its first 16 bytes are an address, which must come back from its own text.
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/addr.h"
#include "require.h"

enum { TEXT_SIZE = 128 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the system says; with brackets around it only IPv6 counts. */
static bool system_parse(const char *text, struct ph_addr *ret) {
    char inner[TEXT_SIZE];
    size_t len = strlen(text);
    uint8_t v4[4];
    if (inet_pton(AF_INET, text, v4) == 1) {
        *ret = ph_addr_v4(v4[0], v4[1], v4[2], v4[3]);
        return true;
    }
    if (len < 2 || text[0] != '[' || text[len - 1] != ']')
        return inet_pton(AF_INET6, text, ret->b) == 1;
    memcpy(inner, text + 1, len - 2);
    inner[len - 2] = '\0';
    return inet_pton(AF_INET6, inner, ret->b) == 1;
}

static void check_addr(const struct ph_addr *addr) {
    char text[PH_ADDR_TEXT_SIZE];
    struct ph_addr again;
    ph_addr_format(addr, text);
    if (ph_addr_equal(addr, &ph_addr_none)) {
        REQUIRE(text[0] == '\0' && ph_addr_reach(addr) == PORTHOLE_REACH_UNKNOWN);
        return;
    }
    REQUIRE(ph_addr_parse(ph_span_of(text), &again) && ph_addr_equal(addr, &again));
    enum porthole_reach reach = ph_addr_reach(addr);
    REQUIRE(reach >= PORTHOLE_REACH_PUBLIC && reach <= PORTHOLE_REACH_OTHER);
    if (ph_addr_is_unspecified(addr) || ph_addr_is_multicast(addr) || ph_addr_is_link_local(addr))
        REQUIRE(reach == PORTHOLE_REACH_OTHER);
    REQUIRE(ph_addr_is_loopback(addr) == (reach == PORTHOLE_REACH_LOOPBACK));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ph_addr addr;
    struct ph_addr expected;
    char text[TEXT_SIZE];
    bool parsed = ph_addr_parse((struct ph_span){(const char *)data, size}, &addr);
    if (size < sizeof text && (size == 0 || !memchr(data, '\0', size))) {
        if (size > 0)
            memcpy(text, data, size);
        text[size] = '\0';
        REQUIRE(parsed == system_parse(text, &expected));
        if (parsed)
            REQUIRE(ph_addr_equal(&addr, &expected));
    } else {
        REQUIRE(!parsed);
    }
    if (parsed)
        check_addr(&addr);
    if (size >= sizeof addr.b) {
        memcpy(addr.b, data, sizeof addr.b);
        check_addr(&addr);
    }
    return 0;
}
