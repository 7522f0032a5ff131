/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * ssdp.h: SSDP, the discovery part of the UPnP Device Architecture (1.0 and 1.1 §1): M-SEARCH
 * requests, their answers and NOTIFY announcements. Header names compare without case and only at
 * line starts.
 */
#ifndef PH_WIRE_SSDP_H
#define PH_WIRE_SSDP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/bytes.h"

#define PH_SSDP_PORT 1900
#define PH_SSDP_SIZE_MAX 2048U
/* 239.255.255.250 */
extern const struct ph_addr ph_ssdp_group_v4;

#define PH_SSDP_TARGET_IGD1 "urn:schemas-upnp-org:device:InternetGatewayDevice:1"
#define PH_SSDP_TARGET_IGD2 "urn:schemas-upnp-org:device:InternetGatewayDevice:2"
#define PH_SSDP_TARGET_ALL "ssdp:all"

/* `host` is where it is sent: the group for a multicast search, the device for a unicast one, which
 * has no MX (UDA 1.1 §1.3.2); mx_s 0 = no MX line. The bytes, or TOO_LARGE. */
int ph_ssdp_encode_search(const struct ph_endpoint *host, const char *target, unsigned mx_s,
                          void *ret, size_t size);

enum ph_ssdp_type {
    PH_SSDP_ANSWER, /* HTTP/1.x 200 */
    PH_SSDP_ALIVE,  /* NOTIFY, ssdp:alive */
    PH_SSDP_BYEBYE, /* NOTIFY, ssdp:byebye */
    PH_SSDP_UPDATE, /* NOTIFY, ssdp:update */
    PH_SSDP_SEARCH  /* M-SEARCH with MAN "ssdp:discover"; the gateway's side */
};

/* Spans borrow from the datagram; one that is not there has len 0. */
struct ph_ssdp_message {
    enum ph_ssdp_type type;
    struct ph_span target; /* ST, or NT of a NOTIFY */
    struct ph_span usn;
    struct ph_span location;
    struct ph_span server;
    uint32_t boot_id; /* BOOTID.UPNP.ORG; 0 = not there or no number */
    uint32_t config_id;
    unsigned mx_s; /* SEARCH */
};

/* Returns 0, or MALFORMED: neither of the types, no end of headers needed (UDP), contradictory
 * LOCATION, ST or USN lines, NUL bytes, a status other than 200; TOO_LARGE. */
int ph_ssdp_decode(const void *bytes, size_t len, struct ph_ssdp_message *ret);

/* Whether a target or USN names an InternetGatewayDevice, a WANIPConnection or a WANPPPConnection
 * of any version. */
bool ph_ssdp_is_gateway(struct ph_span target);

struct ph_ssdp_answer {
    const char *target;
    const char *usn;
    const char *location;
    const char *server;
    uint32_t boot_id; /* 0 = no line */
    unsigned max_age_s;
};
/* The gateway's side: an answer, or with notify = "ssdp:alive" / "ssdp:byebye" a NOTIFY. The bytes,
 * or TOO_LARGE. */
int ph_ssdp_encode_answer(const struct ph_ssdp_answer *answer, const char *notify, void *ret,
                          size_t size);

#endif
