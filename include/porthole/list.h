/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * list.h: what a router has mapped, for all hosts and programs of its network: the list that UPnP
 * routers keep. PCP and NAT-PMP have no such list. It is read, and nothing is changed.
 *
 *     struct porthole_listing *listing;
 *     int count = porthole_list(client, 0, &listing);
 *     for (int i = 0; i < count; i++)
 *         printf("%u: %s\n", listing->entries[i]->external_port, listing->entries[i]->description);
 *     if (count >= 0)
 *         porthole_listing_free(listing);
 *
 * Threads, structs and errors are as porthole.h says.
 */
#ifndef PORTHOLE_LIST_H
#define PORTHOLE_LIST_H

#include <porthole/porthole.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One mapping of the router. Texts are the router's, and it has them from whoever asked for the
 * mapping: they are printable ASCII here, and nothing more can be said of them. */
struct porthole_entry {
    size_t size;
    enum porthole_protocol protocol;
    uint16_t external_port; /* 0 = every port */
    uint16_t internal_port;
    char internal_address[PORTHOLE_ADDRESS_SIZE]; /* or a host's name, where the router says that */
    char remote_host[PORTHOLE_ADDRESS_SIZE];      /* the only one that may connect; "" = any */
    char description[PORTHOLE_TEXT_SIZE];
    uint32_t
        lifetime_s; /* that is left, as the router tells; 0 = without end, or it does not tell */
    int is_enabled;
    int is_local;   /* internal_address is the one from which the router was asked */
    porthole_id id; /* of this client's own mapping, when it is that; else 0 */
};

/* The router has more than is in the listing, or its list never ends. */
#define PORTHOLE_LIST_CUT (1U << 0)
/* It changed each time that it was read: an entry may be missing. */
#define PORTHOLE_LIST_CHANGED (1U << 1)

/* Made by porthole_list(), and only to be read. */
struct porthole_listing {
    size_t size;
    char gateway[PORTHOLE_ADDRESS_SIZE];
    char local_address[PORTHOLE_ADDRESS_SIZE]; /* from which it was asked */
    char device[PORTHOLE_TEXT_SIZE];           /* friendlyName and modelName, printable ASCII */
    double elapsed_ms;
    int error;                     /* 0 = the list was read to its end; else why not, as returned */
    int code;                      /* the router's own errorCode, 0 = none */
    char text[PORTHOLE_TEXT_SIZE]; /* the same in words; "" without an error */
    unsigned flags;                /* PORTHOLE_LIST_* */
    size_t count;
    const struct porthole_entry *const *entries; /* by external port, then TCP before UDP */
};

/* Finds the UPnP router and reads its list, for at most timeout_ms (0 = 15000), and blocks until it
 * is done; it drives a client without a thread meanwhile. Returns how many entries there are, and
 * the listing in *ret_listing, which is freed by porthole_listing_free(), also after the client was
 * closed.
 *
 * Entries that come twice are told once. A list is read until two readings agree, three times at
 * most. 4096 entries are the most.
 *
 *   NO_GATEWAY, PORT_CLOSED, UNREACHABLE  no UPnP router is there
 *   TIMEOUT       it was not done in time
 *   UNSUPPORTED   the client's set of methods is without UPnP, or the router has no such list
 *   NOT_AUTHORIZED, REFUSED, MALFORMED and others by which a router fails
 *   NO_NETWORK    there is no default route, or it changed meanwhile
 *
 * With these errors *ret_listing is given as well, with what was read until then; `error`, `code`
 * and `text` tell why. With those that follow it is not touched:
 *
 *   STATE        another porthole_list() of this client is under way
 *   CANCELLED    the client closed meanwhile
 *   INVALID (a negative timeout)  REENTRANT  NO_MEMORY */
PORTHOLE_API int porthole_list(struct porthole *client, int timeout_ms,
                               struct porthole_listing **ret_listing);
/* NULL is a no-op. */
PORTHOLE_API void porthole_listing_free(struct porthole_listing *listing);

#ifdef __cplusplus
}
#endif

#endif
