/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * fuzz_netlink.c: the input is a part of a dump, of sequence 1, as the kernel would send it. What
 * is read from it must be ways out, the best first. It is read as two parts as well.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "driver/netlink.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ph_netlink_dump start(void) {
    return (struct ph_netlink_dump){
        .sequence = 1, .address_count = 1, .addresses = {{.wanted = ph_addr_v4(192, 168, 1, 20)}}};
}

static void check(const struct ph_netlink_dump *dump, int result) {
    REQUIRE(result == 0 || result == 1 || result == PORTHOLE_ERR_MALFORMED ||
            result == PORTHOLE_ERR_SYSTEM);
    REQUIRE(dump->count <= PH_NETLINK_ROUTES_MAX);
    REQUIRE(dump->addresses[0].prefix_len <= 32);
    for (unsigned i = 0; i < dump->count; i++) {
        const struct ph_netlink_route *route = &dump->routes[i];
        REQUIRE(!ph_addr_is_unspecified(&route->gateway));
        if (i == 0)
            continue;
        REQUIRE(route[-1].is_main || !route->is_main);
        REQUIRE(route[-1].is_main != route->is_main || route[-1].metric <= route->metric);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ph_netlink_dump whole = start();
    struct ph_netlink_dump parts = start();
    size_t half = size / 2 / 4 * 4;
    check(&whole, ph_netlink_read(&whole, data, size));
    int result = ph_netlink_read(&parts, data, half);
    check(&parts, result);
    if (result == 0)
        check(&parts, ph_netlink_read(&parts, data + half, size - half));
    return 0;
}
