/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * portlist.h: one entry of a UPnP device's list of port mappings, in the two forms in which it is
 * told: the arguments of GetGenericPortMappingEntry's answer (WANIPConnection:1 §2.4.14), and a
 * PortMappingList document inside the answer of GetListOfPortMappings (WANIPConnection:2 §2.5.21).
 */
#ifndef PH_WIRE_PORTLIST_H
#define PH_WIRE_PORTLIST_H

#include "base/addr.h"
#include "wire/soap.h"

#define PH_PORTLIST_TEXT_SIZE 64U

struct ph_portlist_entry {
    uint16_t external_port; /* 0 = every port */
    uint16_t internal_port;
    uint8_t protocol; /* IANA number: 6 or 17 */
    bool is_enabled;
    uint32_t lease_s;      /* 0 = without end, or the device does not tell */
    struct ph_addr client; /* none = it is no address; see client_name */
    /* Printable ASCII, cut off at the size. */
    char client_name[PH_PORTLIST_TEXT_SIZE]; /* as the device wrote it */
    char remote_host[PH_PORTLIST_TEXT_SIZE]; /* "" = any */
    char description[PH_PORTLIST_TEXT_SIZE];
};

/* The entry in a decoded answer. MALFORMED: it has no external port or protocol that makes sense;
 * some devices answer so for an index behind the last. */
int ph_portlist_from_reply(const struct ph_soap_message *reply, struct ph_portlist_entry *ret);

/* Called for each entry. A document that is not well formed is read a second time, so that the same
 * ones may come again. */
typedef void ph_portlist_fn(void *user, const struct ph_portlist_entry *entry);

/* Reads the whole SOAP answer of GetListOfPortMappings. Returns 0: every entry was handed out, or
 * *ret_fault is the fault's errorCode. MALFORMED (no list in it, or an entry of it makes no sense),
 * TOO_LARGE (a cap of xml.h), NO_MEMORY: what was handed out is a part. */
int ph_portlist_read(struct ph_span answer, ph_portlist_fn *each, void *user, unsigned *ret_fault);

/* The gateway's side: the document that is the value of NewPortListing, in three parts. */
void ph_portlist_write_head(struct ph_writer *w);
void ph_portlist_write(struct ph_writer *w, const struct ph_portlist_entry *entry);
void ph_portlist_write_tail(struct ph_writer *w);

#endif
