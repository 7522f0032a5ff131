/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * addr.h: IP addresses. Every address is 16 bytes, an IPv4 one as IPv4-mapped (::ffff:a.b.c.d, RFC
 * 4291 §2.5.5.2), which is also how PCP sends them (RFC 6887 §5). Text comes and goes without the
 * resolver.
 */
#ifndef PH_BASE_ADDR_H
#define PH_BASE_ADDR_H

#include <porthole/porthole.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

struct ph_addr {
    uint8_t b[16];
};

struct ph_endpoint {
    struct ph_addr addr;
    uint16_t port;
};

/* All zeros: "no address", and IPv6's unspecified one. */
extern const struct ph_addr ph_addr_none;

struct ph_addr ph_addr_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);
bool ph_addr_is_v4(const struct ph_addr *addr);
/* The four bytes of an IPv4-mapped address. */
const uint8_t *ph_addr_v4_bytes(const struct ph_addr *addr);
bool ph_addr_equal(const struct ph_addr *a, const struct ph_addr *b);
bool ph_endpoint_equal(const struct ph_endpoint *a, const struct ph_endpoint *b);
/* 0.0.0.0 and ::, "none" included. */
bool ph_addr_is_unspecified(const struct ph_addr *addr);
bool ph_addr_is_loopback(const struct ph_addr *addr);
bool ph_addr_is_multicast(const struct ph_addr *addr);
bool ph_addr_is_link_local(const struct ph_addr *addr);
/* By the IANA IPv4 and IPv6 special-purpose address registries: PUBLIC only when an entry says
 * globally reachable, or none covers the address; of IPv6 only 2000::/3 is in use. IPv4-mapped
 * addresses are judged as IPv4. UNKNOWN for none. */
enum porthole_reach ph_addr_reach(const struct ph_addr *addr);

/* An IPv4 dotted quad of four decimals without leading zeros, or IPv6 text by RFC 4291 §2.2, with
 * or without brackets, no scope. Returns false, with *ret untouched, for anything else: host names
 * too. */
bool ph_addr_parse(struct ph_span text, struct ph_addr *ret);

/* Longest: an IPv6 address with an IPv4 tail, and the NUL. */
#define PH_ADDR_TEXT_SIZE 46
/* RFC 5952 text; "" for none. Returns ret. */
const char *ph_addr_format(const struct ph_addr *addr, char ret[PH_ADDR_TEXT_SIZE]);
/* "a.b.c.d:port" or "[v6]:port", "[::]:port" for none. Returns ret. */
#define PH_ENDPOINT_TEXT_SIZE (PH_ADDR_TEXT_SIZE + 8)
const char *ph_endpoint_format(const struct ph_endpoint *endpoint, char ret[PH_ENDPOINT_TEXT_SIZE]);

#endif
