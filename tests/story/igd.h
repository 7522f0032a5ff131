/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * igd.h: a UPnP router of a story's own making: which services it describes, what each says its
 * address is, and how it takes AddPortMapping. It refuses port 5351 by silence.
 */
#ifndef TESTS_STORY_IGD_H
#define TESTS_STORY_IGD_H

#include "tests/story/story.h"

#define IGD_SERVICES_MAX 4U
#define IGD_ENTRIES_MAX 8U

struct igd_entry {
    unsigned external_port; /* 0 = free */
    unsigned internal_port;
    bool is_udp;
    char client[PH_ADDR_TEXT_SIZE];
};

struct igd {
    const char *types[IGD_SERVICES_MAX + 1]; /* "WANIPConnection:1", ...; ends with NULL */
    const char *addresses[IGD_SERVICES_MAX]; /* NULL = a fault instead */
    const char *base;                        /* of the control URLs; NULL = none */
    uint16_t http_port;                      /* every other one refuses */
    const char *location;                    /* in SSDP; NULL = its own */
    struct ph_endpoint answers_from;         /* in SSDP; port 0 = the gateway, 1900 */
    unsigned description_status;             /* 0 = 200, with the description */
    const char *description_body;            /* for another status, or with it if it is 200 */
    unsigned fault;                          /* of AddPortMapping */
    unsigned faults;                         /* how many get it; the rest succeed */
    unsigned hangs;    /* how many connections hang from now on, the first ones let through ... */
    unsigned hangs_at; /* ... being so many */
    unsigned refusals; /* how many connections for AddPortMapping are refused */
    bool has_no_query; /* it lacks GetSpecificPortMappingEntry */
    /* AddPortMapping and DeletePortMapping are answered with this status and body; 0 = sensibly. */
    unsigned action_status;
    const char *action_body;
    struct igd_entry entries[IGD_ENTRIES_MAX];
    /* What it saw of the last AddPortMapping and in all. */
    unsigned adds;
    unsigned deletes;
    unsigned port;
    unsigned lease_s;
    unsigned service;
    char description[64];
};

/* One WANIPConnection:1 with the address of the world's gateway. */
void igd_init(struct igd *igd);
/* Options of a world in which it is the only one that answers. */
struct ph_world_options igd_options(struct igd *igd);
void igd_script(struct ph_world *world, enum ph_world_port port, const struct ph_endpoint *from,
                const uint8_t *bytes, size_t len);
size_t igd_http(struct ph_world *world, const struct ph_endpoint *to,
                const struct ph_http_message *request, uint8_t *ret, size_t size);

#endif
