/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * upnp_ladder.h: the part of state.h that is about the ways of UPnP devices: what is remembered of
 * each, what is asked for after a fault, and whether a device did what it says. Only state.h
 * includes it.
 */
#ifndef PH_CORE_UPNP_LADDER_H
#define PH_CORE_UPNP_LADDER_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/igd.h"

struct ph_gateway;
struct ph_mapping;
struct ph_attempt;
struct ph_soap_message;

/* Devices whose ways are remembered. */
#define PH_FACTS_MAX 8U

/* What was learned of a device, kept for the engine's life and whatever network it is met in. */
struct ph_upnp_facts {
    char identity[PH_IGD_NAME_SIZE]; /* its UDN, else its address; "" = free */
    uint64_t used;                   /* the higher, the later */
    uint32_t lease_cap_s;            /* it cuts leases down to that; 0 = not that we know */
    uint8_t lease_step;              /* of the ladder: what is asked for next */
    uint8_t lease_good;              /* what was last granted */
    bool has_same_port;              /* internal and external port must be the same */
    bool has_no_query;               /* it cannot tell of one mapping */
    bool is_query_odd;               /* because it did not find what it had just made */
    bool has_no_list;                /* nor of all at once */
    bool overwrites;                 /* it gives a mapping's port to another host */
    bool is_crowded;                 /* every port was taken */
    bool is_old;                     /* it takes actions of version 1 only */
    bool dialect;                    /* the second one: HTTP/1.0 and the prefix m: */
    bool has_dialect;                /* it took an AddPortMapping in it */
};

/* UPnP: what is asked on the way to a mapping. */
enum ph_upnp_step {
    PH_UPNP_STEP_BEGIN,
    PH_UPNP_STEP_ADD,
    PH_UPNP_STEP_LOOK_BEFORE, /* whether another host has the port, where nothing else guards it */
    PH_UPNP_STEP_LOOK_AFTER,  /* whose mapping the conflict is with */
    PH_UPNP_STEP_CLEAR,       /* it is our own of an earlier life, and goes first */
    PH_UPNP_STEP_CONFIRM      /* what was made is looked at before it is told */
};

/* UPnP: what the next read-back is about. */
enum ph_readback {
    PH_READBACK_NONE, /* whether it is still there */
    PH_READBACK_MADE,
    PH_READBACK_RENEWED
};

/* ---- upnp_ladder.c: what is asked for next after a fault ------------------------------------- */

/* Finds the facts of the device that has just been described. */
void ph_upnp_ladder_identify(struct ph_gateway *g);
/* The type of the service in use, as it wants to be called. */
const char *ph_upnp_ladder_type(const struct ph_gateway *g, char ret[PH_IGD_TYPE_SIZE]);
/* By version 1 from now on; false = it is so already. */
bool ph_upnp_ladder_older(struct ph_gateway *g);
/* The lease to ask for, and what that will give. */
uint32_t ph_upnp_ladder_lease_s(const struct ph_mapping *m);
uint32_t ph_upnp_ladder_granted_s(const struct ph_mapping *m);
/* Whether the wished port, which must be exact, is one that the device never gives. */
bool ph_upnp_ladder_is_hopeless(const struct ph_mapping *m);
/* Sets the external port to ask for. */
void ph_upnp_ladder_port(struct ph_mapping *m, struct ph_attempt *a);
void ph_upnp_ladder_begin(struct ph_mapping *m, struct ph_attempt *a);
/* After a fault, after finding another host's mapping, after an answer that is no SOAP: whether
 * there is something else to ask for; it is set then. */
bool ph_upnp_ladder_next(struct ph_mapping *m, struct ph_attempt *a, unsigned code);
bool ph_upnp_ladder_taken(struct ph_mapping *m, struct ph_attempt *a);
bool ph_upnp_ladder_dialect(struct ph_mapping *m);
/* An AddPortMapping succeeded. */
void ph_upnp_ladder_done(struct ph_mapping *m);

/* ---- upnp_readback.c: whether the device did what it says ------------------------------------ */

/* Whether an entry is this mapping, and not another host's that took its place. */
bool ph_upnp_readback_is_ours(const struct ph_mapping *m, const struct ph_attempt *a,
                              const struct ph_soap_message *entry);
void ph_upnp_readback_told(struct ph_mapping *m, struct ph_attempt *a,
                           const struct ph_soap_message *entry);
void ph_upnp_readback_faulted(struct ph_mapping *m, struct ph_attempt *a, unsigned code);

#endif
