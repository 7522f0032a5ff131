/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * quirks.h: router models: the faults of real routers that the gateway can be given, by name and in
 * any combination. One table says what each is and where it was met; quirks.c and the servers do
 * it. Nothing else of the gateway depends on them: without a quirk it keeps to the standards.
 */
#ifndef PH_GATEWAY_QUIRKS_H
#define PH_GATEWAY_QUIRKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

/* X(id, name, what it does, where it was met) */
/* clang-format off */
#define PH_GW_QUIRKS(X)                                                                            \
    X(PERMANENT_ONLY, "permanent-only", "UPnP: 725 to every lease but 0",                          \
      "tailscale/tailscale#9343")                                                                  \
    X(NO_FINITE_LEASE, "no-finite-lease", "UPnP: 402 to every lease but 0",                        \
      "tailscale/tailscale#15223")                                                                 \
    X(WEEK_LEASE, "week-lease", "UPnP: 402 to lease 0 and to more than a week",                    \
      "n0-computer/net-tools#52")                                                                  \
    X(HOUR_LEASE, "hour-lease", "UPnP: 402 to lease 0 and to more than an hour",                   \
      "n0-computer/net-tools#52")                                                                  \
    X(NO_ADDRESS, "no-address", "UPnP: GetExternalIPAddress fails with 501",                       \
      "tailscale/tailscale#20781")                                                                 \
    X(SAME_PORT_FORCED, "same-port-forced", "UPnP: maps to the external port, whatever was asked", \
      "tailscale/tailscale#14344")                                                                 \
    X(SAME_PORTS_ONLY, "same-ports-only", "UPnP: 724 when internal and external port differ",      \
      "WANIPConnection:1")                                                                         \
    X(RANDOM_SOURCE_PORT, "random-source-port", "SSDP: answers from another port than 1900",       \
      "tailscale/tailscale#7377")                                                                  \
    X(MULTICAST_ONLY, "multicast-only", "SSDP: answers searches to the group only",                \
      "tailscale/tailscale#3197")                                                                  \
    X(UNICAST_ONLY, "unicast-only", "SSDP: answers searches to its own address only",              \
      "tailscale/tailscale#682")                                                                   \
    X(ALL_ONLY, "all-only", "SSDP: answers ssdp:all only",                                         \
      "libp2p/rust-libp2p#5506")                                                                   \
    X(DEAD_CONNECTION, "dead-connection", "UPnP: the first WAN connection is down, and says 200",  \
      "tailscale/tailscale#13745")                                                                 \
    X(STALE_CONNECTION, "stale-connection", "UPnP: as dead-connection, and tells an old address",   \
      "tailscale/tailscale#8364")                                                                  \
    X(LATE_ANSWERS, "late-answers", "SSDP: answers come 4 s late",                                 \
      "tailscale/tailscale#10771")                                                                 \
    X(ZERO_ADDRESS, "zero-address", "all: the external address is 0.0.0.0",                        \
      "tailscale/tailscale#13639")                                                                 \
    X(SHARED_ADDRESS, "shared-address", "all: the external address is 100.64.0.9",                 \
      "miniupnp/miniupnp#732")                                                                     \
    X(PCP_NO_RESOURCES, "pcp-no-resources", "PCP: NO_RESOURCES to every MAP",                      \
      "tailscale/tailscale#13687")                                                                 \
    X(PCP_NO_RENEWAL, "pcp-no-renewal", "PCP: NO_RESOURCES to a MAP of what is there",             \
      "bitcoin/bitcoin#30043")                                                                     \
    X(PCP_NO_DELETE, "pcp-no-delete", "PCP: NO_RESOURCES to every delete",                         \
      "miniupnp/miniupnp#132")                                                                     \
    X(PCP_DELETE_MISSING, "pcp-delete-missing", "PCP: NO_RESOURCES to a delete of what is gone",   \
      "miniupnp/miniupnp#132")                                                                     \
    X(LEASE_NOT_EXTENDED, "lease-not-extended", "all: a renewal succeeds and extends nothing",     \
      "miniupnp/miniupnp#131")                                                                     \
    X(PROVIDER_PORT, "provider-port", "NAT-PMP: its own choice, for TCP and UDP, new every 2 leases",  \
      "passteque/gluetun#1882")                                                                    \
    X(SHORT_REFUSAL, "short-refusal", "PCP: UNSUPP_VERSION in 8 bytes",                            \
      "paullouisageneau/libplum#49")                                                               \
    X(PPP_ONLY, "ppp-only", "UPnP: a WANPPPConnection, and no WANIPConnection",                    \
      "paullouisageneau/libplum#21")                                                               \
    X(ODD_SPACING, "odd-spacing", "UPnP: attributes and blanks in every tag",                      \
      "paullouisageneau/libplum#21")                                                               \
    X(V2_ONLY, "v2-only", "UPnP: known as version 2 only, to searches and actions",                \
      "paullouisageneau/libplum#20")                                                               \
    X(V1_ACTIONS, "v1-actions", "UPnP: described as version 2, takes actions of version 1 only",   \
      "miniupnp/miniupnp#539")                                                                     \
    X(STRICT_REQUESTS, "strict-requests", "UPnP: refuses requests that are not to the letter",     \
      "paullouisageneau/libplum#46")                                                               \
    X(MOVING_CONTROL, "moving-control", "UPnP: another control URL after each start, 404 before",  \
      "libp2p/go-libp2p#3224")                                                                     \
    X(CONFLICT_ALWAYS, "conflict-always", "UPnP: 718 to every AddPortMapping",                     \
      "syncthing/syncthing#9324")                                                                  \
    X(OWN_CONFLICT, "own-conflict", "UPnP: 718 to a mapping that is there, also to its owner",     \
      "libp2p/go-libp2p#1543")                                                                     \
    X(OVERWRITES, "overwrites", "UPnP: takes a mapping from its owner for whoever asks",           \
      "libp2p/go-libp2p-nat#8")                                                                    \
    X(SMALL_TABLE, "small-table", "all: has room for four mappings",                               \
      "syncthing/syncthing#2648")                                                                  \
    X(HTTP10_ONLY, "http10-only", "UPnP: 505 to actions by HTTP/1.1",                              \
      "qbittorrent/qBittorrent#12610")                                                             \
    X(M_PREFIX_ONLY, "m-prefix-only", "UPnP: 500 to actions whose XML prefix is not m:",           \
      "indutny/node-nat-upnp#8")                                                                   \
    X(LOOPBACK_LOCATION, "loopback-location", "SSDP: LOCATION is on [::1]",                        \
      "home-assistant/core#57052")                                                                 \
    X(NO_EMPTY_DESCRIPTION, "no-empty-description", "UPnP: 500 to a mapping without description",  \
      "lightningnetwork/lnd#2008")                                                                 \
    X(WRONG_NAMESPACE, "wrong-namespace", "UPnP: answers in the namespace of another service",     \
      "alanmcgovern/Mono.Nat#27")                                                                  \
    X(NO_READ_BACK, "no-read-back", "UPnP: no GetSpecificPortMappingEntry",                        \
      "WANIPConnection:1")                                                                         \
    X(DELETE_GONE, "delete-gone", "UPnP: 714 to every delete, which is done all the same",         \
      "WANIPConnection:1")                                                                         \
    X(ADD_501, "add-501", "UPnP: ActionFailed to every AddPortMapping",                            \
      "WANIPConnection:1")                                                                         \
    X(ADD_606, "add-606", "UPnP: ActionNotAuthorized to every AddPortMapping",                     \
      "WANIPConnection:2")                                                                         \
    X(ADD_715, "add-715", "UPnP: WildCardNotPermittedInSrcIP to every AddPortMapping",             \
      "WANIPConnection:1")                                                                         \
    X(ADD_716, "add-716", "UPnP: WildCardNotPermittedInExtPort to every AddPortMapping",           \
      "WANIPConnection:1")                                                                         \
    X(ADD_726, "add-726", "UPnP: RemoteHostOnlySupportsWildcard to every AddPortMapping",          \
      "WANIPConnection:1")                                                                         \
    X(ADD_727, "add-727", "UPnP: ExternalPortOnlySupportsWildcard to every AddPortMapping",        \
      "WANIPConnection:1")                                                                         \
    X(ADD_728, "add-728", "UPnP: NoPortMapsAvailable to every AddPortMapping",                     \
      "WANIPConnection:2")                                                                         \
    X(ADD_729, "add-729", "UPnP: ConflictWithOtherMechanisms to every AddPortMapping",             \
      "WANIPConnection:2")                                                                         \
    X(ADD_732, "add-732", "UPnP: WildCardNotPermittedInIntPort to every AddPortMapping",           \
      "WANIPConnection:2")                                                                         \
    X(ADD_733, "add-733", "UPnP: InconsistentParameters to every AddPortMapping",                  \
      "WANIPConnection:2")                                                                         \
    X(NO_LIST, "no-list", "UPnP: no GetListOfPortMappings, though of version 2",                   \
      "WANIPConnection:2")                                                                         \
    X(SHORT_LIST, "short-list", "UPnP: GetListOfPortMappings tells the first two of a protocol",   \
      "miniupnp/miniupnp#462")                                                                     \
    X(NO_INDEX, "no-index", "UPnP: no GetGenericPortMappingEntry",                                 \
      "ofekp/TinyUPnP#1")                                                                          \
    X(INDEX_FROM_ONE, "index-from-one", "UPnP: the first entry is that of index 1",                \
      "indutny/node-nat-upnp#29")                                                                  \
    X(INDEX_END_501, "index-end-501", "UPnP: 501 to an index behind the last, not 713",            \
      "ofekp/TinyUPnP#14")                                                                         \
    X(ENDLESS_LIST, "endless-list", "UPnP: the last entry at every index behind it",               \
      "WANIPConnection:1")                                                                         \
    X(LIST_SHRINKS, "list-shrinks", "UPnP: an entry goes while the list is read",                  \
      "WANIPConnection:1")                                                                         \
    X(LIST_GROWS, "list-grows", "UPnP: an entry comes while the list is read",                     \
      "WANIPConnection:1")                                                                         \
    X(TP_LINK_OVERWRITES, "tp-link-overwrites", "UPnP: as overwrites, and its maker is known for it", \
      "libp2p/go-libp2p-nat#8")                                                                    \
    X(RESTLESS_LIST, "restless-list", "UPnP: an entry comes and goes all the time",                \
      "WANIPConnection:1")
/* clang-format on */

#define PH_GW_QUIRK_ID(id, name, summary, source) PH_GW_QUIRK_##id,
enum ph_gw_quirk { PH_GW_QUIRKS(PH_GW_QUIRK_ID) PH_GW_QUIRK_COUNT };
#undef PH_GW_QUIRK_ID

/* A set of them is a mask. */
#define PH_GW_QUIRK_BIT(quirk) (UINT64_C(1) << (quirk))

struct ph_gw_quirk_row {
    const char *name;
    const char *summary;
    const char *source; /* owner/repository#number, or the standard that has it */
};

/* NULL behind the last. */
const struct ph_gw_quirk_row *ph_gw_quirk_row(size_t index);
/* "name[,name]...": true and the set, or false and the name that there is not. */
bool ph_gw_quirk_parse(struct ph_span list, uint64_t *ret, struct ph_span *ret_unknown);

#endif
