/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * hint.h: what hint.c remembers of what a gateway tells unasked, and what it does for the rest of
 * the core. It is included by state.h only.
 */
#ifndef PH_CORE_HINT_H
#define PH_CORE_HINT_H

#include "base/heap.h"
#include "core/engine.h"

struct ph_gateway;

struct ph_hints {
    struct ph_timer timer;
    ph_us listen_at; /* when listening is to begin; PH_NEVER = it has, or need not */
    bool is_listening;
    bool is_deaf_announce;        /* port 5350 could not be had */
    bool is_deaf_notify;          /* nor SSDP's */
    bool is_renumbered;           /* NAT-PMP announces an address that UPnP did not tell */
    uint32_t boot_id;             /* the last one that was told; 0 = none */
    uint32_t location;            /* a digest of the last new LOCATION */
    ph_us due[PORTHOLE_UPNP + 1]; /* by method: when it is to be checked; PH_NEVER = no hint */
    ph_us checked;                /* the last time */
    ph_us spent;                  /* what checks have cost is paid off by then */
};

bool ph_hint_init(struct ph_gateway *g); /* false: out of memory */
void ph_hint_done(struct ph_gateway *g);
/* Something is held: listening begins, a moment later. */
void ph_hint_start(struct ph_gateway *g);
/* Nothing is, any more. */
void ph_hint_stop(struct ph_gateway *g);
void ph_hint_timer(struct ph_gateway *g);
void ph_hint_datagram(struct ph_gateway *g, enum ph_channel channel, const struct ph_endpoint *from,
                      const void *bytes, size_t len);
/* A channel could not be opened. */
void ph_hint_deaf(struct ph_gateway *g, enum ph_channel channel);
/* Whether the gateway, as far as is known, tells of a restart of what this method keeps. */
bool ph_hint_tells(const struct ph_gateway *g, enum porthole_method method);

#endif
