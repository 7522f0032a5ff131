/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * upnp_actions.c: what a client can ask the gateway to do by UPnP: WANIPConnection:1 and :2 as far
 * as port mappings and status go, and the little of WANCommonInterfaceConfig:1 and
 * Layer3Forwarding:1 that clients look at. A client may map its own address only, and touch only
 * what it made itself by UPnP.
 */
#include <stdio.h>
#include <string.h>

#include "gateway/upnp_parts.h"

/* WANIPConnection:2 §2.3.16: a lease of 0 means this, and none is longer. */
#define V2_LEASE_MAX_S 604800U

#define LENGTH_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- Values in and out ----------------------------------------------------------------------- */

static void reply_text(struct ph_gw_call *call, const char *name, const char *value) {
    call->out[call->out_count++] = (struct ph_soap_argument){name, value};
}

static void reply_number(struct ph_gw_call *call, const char *name, uint32_t value) {
    char *text = call->text[call->out_count];
    snprintf(text, sizeof call->text[0], "%lu", (unsigned long)value);
    reply_text(call, name, text);
}

static void reply_addr(struct ph_gw_call *call, const char *name, const struct ph_addr *addr) {
    reply_text(call, name, ph_addr_format(addr, call->text[call->out_count]));
}

static bool get_argument(const struct ph_gw_call *call, const char *name, struct ph_span *ret) {
    const char *value = ph_soap_value(call->in, name);
    if (!value)
        return false;
    *ret = ph_span_of(value);
    return true;
}

static bool get_u32(const struct ph_gw_call *call, const char *name, uint32_t max, uint32_t *ret) {
    struct ph_span text;
    uint64_t value;
    if (!get_argument(call, name, &text) || !ph_span_to_u64(text, max, &value))
        return false;
    *ret = (uint32_t)value;
    return true;
}

static bool get_port(const struct ph_gw_call *call, const char *name, uint16_t *ret) {
    uint32_t value;
    if (!get_u32(call, name, 65535, &value))
        return false;
    *ret = (uint16_t)value;
    return true;
}

/* Upper case only: the allowed values of PortMappingProtocol are "TCP" and "UDP". */
static bool get_protocol(const struct ph_gw_call *call, uint8_t *ret) {
    struct ph_span text;
    if (!get_argument(call, "NewProtocol", &text))
        return false;
    if (ph_span_equal(text, PH_SPAN("TCP")))
        *ret = PORTHOLE_TCP;
    else if (ph_span_equal(text, PH_SPAN("UDP")))
        *ret = PORTHOLE_UDP;
    else
        return false;
    return true;
}

/* UDA 1.1 §2.5, data type boolean. */
static bool get_boolean(const struct ph_gw_call *call, const char *name, bool *ret) {
    struct ph_span text;
    if (!get_argument(call, name, &text))
        return false;
    *ret = ph_span_equal(text, PH_SPAN("1")) || ph_span_equal(text, PH_SPAN("true")) ||
           ph_span_equal(text, PH_SPAN("yes"));
    return *ret || ph_span_equal(text, PH_SPAN("0")) || ph_span_equal(text, PH_SPAN("false")) ||
           ph_span_equal(text, PH_SPAN("no"));
}

/* The fields that name a mapping. 0, or an errorCode. */
static unsigned get_name(const struct ph_gw_call *call, uint8_t *ret_protocol, uint16_t *ret_port) {
    struct ph_span remote_host;
    if (!get_argument(call, "NewRemoteHost", &remote_host) || !get_protocol(call, ret_protocol) ||
        !get_port(call, "NewExternalPort", ret_port))
        return PH_UPNP_INVALID_ARGS;
    return remote_host.len > 0 ? PH_UPNP_REMOTE_HOST_WILDCARD_ONLY : 0;
}

/* ---- Making and removing mappings ------------------------------------------------------------ */

struct upnp_wish {
    struct ph_gw_facts facts;
    uint32_t lease_s;
};

static unsigned get_wish(const struct ph_gw_call *call, struct upnp_wish *ret) {
    struct ph_gw_facts *facts = &ret->facts;
    struct ph_span client;
    struct ph_span description;
    bool enabled;
    *ret = (struct upnp_wish){.facts = {.made_by = PORTHOLE_UPNP}};
    unsigned error = get_name(call, &facts->protocol, &facts->external_port);
    if (error)
        return error;
    if (!get_port(call, "NewInternalPort", &facts->internal_port) || facts->internal_port == 0 ||
        !get_argument(call, "NewInternalClient", &client) ||
        !ph_addr_parse(client, &facts->client) || !get_boolean(call, "NewEnabled", &enabled) ||
        !get_argument(call, "NewPortMappingDescription", &description) ||
        !get_u32(call, "NewLeaseDuration", UINT32_MAX, &ret->lease_s))
        return PH_UPNP_INVALID_ARGS;
    if (!ph_addr_equal(&facts->client, &call->from->addr))
        return PH_UPNP_NOT_AUTHORIZED;
    if (!enabled)
        return PH_UPNP_ACTION_FAILED; /* a mapping that maps nothing is not kept */
    ph_span_print(description, facts->description, sizeof facts->description);
    error = ph_gw_quirk_add_fault(call->server, facts, ret->lease_s);
    if (error)
        return error;
    if (ph_gw_has(call->server, PH_GW_QUIRK_SAME_PORT_FORCED) && facts->external_port > 0)
        facts->internal_port = facts->external_port;
    if (call->server->config.behaviour.igd_version >= 2 &&
        (ret->lease_s == 0 || ret->lease_s > V2_LEASE_MAX_S) &&
        !ph_gw_has(call->server, PH_GW_QUIRK_PERMANENT_ONLY) &&
        !ph_gw_has(call->server, PH_GW_QUIRK_NO_FINITE_LEASE))
        ret->lease_s = V2_LEASE_MAX_S;
    if (ret->lease_s > 0)
        ret->lease_s = ph_gw_server_clamp_s(call->server, ret->lease_s);
    return 0;
}

static bool is_same(const struct ph_gw_facts *a, const struct ph_gw_facts *b) {
    return a->made_by == b->made_by && a->internal_port == b->internal_port &&
           ph_addr_equal(&a->client, &b->client);
}

/* Renews the mapping if it is there already, else makes it. */
static unsigned add_mapping(struct ph_gw_call *call, const struct upnp_wish *wish, bool exact,
                            struct ph_gw_mapping **ret) {
    struct ph_gw_server *server = call->server;
    struct ph_gw_mapping *mapping =
        ph_gw_table_at_external(&server->table, wish->facts.protocol, wish->facts.external_port);
    int error = 0;
    bool is_mine = mapping && is_same(&mapping->facts, &wish->facts);
    bool is_lax = ph_gw_has(server, PH_GW_QUIRK_OVERWRITES) ||
                  ph_gw_has(server, PH_GW_QUIRK_TP_LINK_OVERWRITES);
    if (mapping && !is_mine && is_lax)
        ph_gw_server_close(server, mapping, PH_GW_REMOVED);
    if (is_mine && ph_gw_has(server, PH_GW_QUIRK_OWN_CONFLICT))
        return PH_UPNP_CONFLICT;
    if (is_mine)
        ph_gw_server_renew(server, call->now, mapping, wish->lease_s);
    else
        error = ph_gw_server_open(server, call->now, &wish->facts, exact, wish->lease_s, &mapping);
    if (error == PORTHOLE_ERR_PORT_TAKEN)
        return PH_UPNP_CONFLICT;
    if (error < 0)
        return server->config.behaviour.igd_version >= 2 ? PH_UPNP_NO_PORT_MAPS_AVAILABLE
                                                         : PH_UPNP_ACTION_FAILED;
    *ret = mapping;
    return 0;
}

/* A connection that the description has and that leads nowhere. */
static bool is_down(const struct ph_gw_call *call) {
    return call->service == PH_GW_UPNP_WAN_PPP && !ph_gw_has(call->server, PH_GW_QUIRK_PPP_ONLY);
}

static unsigned do_add_port_mapping(struct ph_gw_call *call) {
    struct ph_gw_mapping *mapping;
    struct upnp_wish wish;
    unsigned error = get_wish(call, &wish);
    if (!error && wish.facts.external_port == 0)
        error = PH_UPNP_NO_WILDCARD_EXTERNAL_PORT;
    if (!error && is_down(call))
        return 0; /* it says so */
    return error ? error : add_mapping(call, &wish, true, &mapping);
}

static unsigned do_add_any_port_mapping(struct ph_gw_call *call) {
    struct ph_gw_mapping *mapping;
    struct upnp_wish wish;
    unsigned error = get_wish(call, &wish);
    if (!error)
        error = add_mapping(call, &wish, false, &mapping);
    if (!error)
        reply_number(call, "NewReservedPort", mapping->facts.external_port);
    return error;
}

static unsigned find_mapping(const struct ph_gw_call *call, struct ph_gw_mapping **ret) {
    uint8_t protocol;
    uint16_t port;
    unsigned error = get_name(call, &protocol, &port);
    if (error)
        return error;
    *ret = ph_gw_table_at_external(&call->server->table, protocol, port);
    return *ret ? 0 : PH_UPNP_NO_SUCH_ENTRY;
}

static unsigned do_delete_port_mapping(struct ph_gw_call *call) {
    struct ph_gw_mapping *mapping;
    unsigned error = find_mapping(call, &mapping);
    if (error)
        return error;
    if (mapping->facts.made_by != PORTHOLE_UPNP ||
        !ph_addr_equal(&mapping->facts.client, &call->from->addr))
        return PH_UPNP_NOT_AUTHORIZED;
    ph_gw_server_close(call->server, mapping, PH_GW_REMOVED);
    return ph_gw_has(call->server, PH_GW_QUIRK_DELETE_GONE) ? PH_UPNP_NO_SUCH_ENTRY : 0;
}

/* ---- Looking --------------------------------------------------------------------------------- */

static void reply_mapping(struct ph_gw_call *call, const struct ph_gw_mapping *mapping) {
    reply_number(call, "NewInternalPort", mapping->facts.internal_port);
    reply_addr(call, "NewInternalClient", &mapping->facts.client);
    reply_text(call, "NewEnabled", "1");
    reply_text(call, "NewPortMappingDescription", mapping->facts.description);
    reply_number(call, "NewLeaseDuration", ph_gw_mapping_left_s(mapping, call->now));
}

static unsigned do_get_specific_entry(struct ph_gw_call *call) {
    struct ph_gw_mapping *mapping;
    unsigned error = find_mapping(call, &mapping);
    if (!error)
        reply_mapping(call, mapping);
    return error;
}

static unsigned do_get_generic_entry(struct ph_gw_call *call) {
    uint32_t index;
    if (!get_u32(call, "NewPortMappingIndex", UINT32_MAX, &index))
        return PH_UPNP_INVALID_ARGS;
    const struct ph_gw_mapping *mapping;
    unsigned error = ph_gw_upnp_entry_at(call->server, index, &mapping);
    if (error)
        return error;
    reply_text(call, "NewRemoteHost", "");
    reply_number(call, "NewExternalPort", mapping->facts.external_port);
    reply_text(call, "NewProtocol", mapping->facts.protocol == PORTHOLE_TCP ? "TCP" : "UDP");
    reply_mapping(call, mapping);
    return 0;
}

static unsigned do_get_list(struct ph_gw_call *call) {
    struct ph_gw_range range;
    if (!get_port(call, "NewStartPort", &range.first) ||
        !get_port(call, "NewEndPort", &range.last) || !get_protocol(call, &range.protocol) ||
        !get_boolean(call, "NewManage", &range.of_all) ||
        !get_u32(call, "NewNumberOfPorts", UINT16_MAX, &range.most))
        return PH_UPNP_INVALID_ARGS;
    if (range.first > range.last)
        return PH_UPNP_INCONSISTENT_PARAMETERS;
    unsigned error = ph_gw_upnp_write_list(call, &range);
    if (!error)
        reply_text(call, "NewPortListing", call->listing);
    return error;
}

static unsigned do_get_external_ip_address(struct ph_gw_call *call) {
    struct ph_addr external = ph_gw_quirk_external(call->server);
    if (ph_gw_has(call->server, PH_GW_QUIRK_NO_ADDRESS))
        return PH_UPNP_ACTION_FAILED;
    if (is_down(call))
        external = ph_gw_has(call->server, PH_GW_QUIRK_STALE_CONNECTION) ? ph_addr_v4(9, 9, 9, 9)
                                                                         : ph_addr_v4(0, 0, 0, 0);
    reply_addr(call, "NewExternalIPAddress", &external);
    return 0;
}

static unsigned do_get_status_info(struct ph_gw_call *call) {
    reply_text(call, "NewConnectionStatus", is_down(call) ? "Disconnected" : "Connected");
    reply_text(call, "NewLastConnectionError", "ERROR_NONE");
    reply_number(call, "NewUptime", ph_gw_server_epoch_s(call->server, call->now));
    return 0;
}

static unsigned do_get_connection_type_info(struct ph_gw_call *call) {
    reply_text(call, "NewConnectionType", "IP_Routed");
    reply_text(call, "NewPossibleConnectionTypes", "IP_Routed");
    return 0;
}

static unsigned do_get_nat_rsip_status(struct ph_gw_call *call) {
    reply_text(call, "NewRSIPAvailable", "0");
    reply_text(call, "NewNATEnabled", "1");
    return 0;
}

static unsigned do_get_common_link_properties(struct ph_gw_call *call) {
    reply_text(call, "NewWANAccessType", "Ethernet");
    reply_text(call, "NewLayer1UpstreamMaxBitRate", "1000000000");
    reply_text(call, "NewLayer1DownstreamMaxBitRate", "1000000000");
    reply_text(call, "NewPhysicalLinkStatus", "Up");
    return 0;
}

static unsigned do_get_default_connection_service(struct ph_gw_call *call) {
    reply_text(call, "NewDefaultConnectionService", "");
    return 0;
}

/* ---- The tables ------------------------------------------------------------------------------ */

/* clang-format off */
#define NAME_ARGUMENTS                                      \
    {"NewRemoteHost", false, "RemoteHost"},                 \
    {"NewExternalPort", false, "ExternalPort"},             \
    {"NewProtocol", false, "PortMappingProtocol"}
#define MAPPING_ARGUMENTS(is_out)                           \
    {"NewInternalPort", is_out, "InternalPort"},            \
    {"NewInternalClient", is_out, "InternalClient"},        \
    {"NewEnabled", is_out, "PortMappingEnabled"},           \
    {"NewPortMappingDescription", is_out, "PortMappingDescription"}, \
    {"NewLeaseDuration", is_out, "PortMappingLeaseDuration"}

static const struct ph_gw_upnp_action wan_ip_actions[] = {
    {"GetConnectionTypeInfo", 1, do_get_connection_type_info,
        {{"NewConnectionType", true, "ConnectionType"},
         {"NewPossibleConnectionTypes", true, "PossibleConnectionTypes"}}},
    {"GetStatusInfo", 1, do_get_status_info,
        {{"NewConnectionStatus", true, "ConnectionStatus"},
         {"NewLastConnectionError", true, "LastConnectionError"},
         {"NewUptime", true, "Uptime"}}},
    {"GetNATRSIPStatus", 1, do_get_nat_rsip_status,
        {{"NewRSIPAvailable", true, "RSIPAvailable"},
         {"NewNATEnabled", true, "NATEnabled"}}},
    {"GetExternalIPAddress", 1, do_get_external_ip_address,
        {{"NewExternalIPAddress", true, "ExternalIPAddress"}}},
    {"AddPortMapping", 1, do_add_port_mapping,
        {NAME_ARGUMENTS, MAPPING_ARGUMENTS(false)}},
    {"AddAnyPortMapping", 2, do_add_any_port_mapping,
        {NAME_ARGUMENTS, MAPPING_ARGUMENTS(false),
         {"NewReservedPort", true, "ExternalPort"}}},
    {"DeletePortMapping", 1, do_delete_port_mapping,
        {NAME_ARGUMENTS}},
    {"GetSpecificPortMappingEntry", 1, do_get_specific_entry,
        {NAME_ARGUMENTS, MAPPING_ARGUMENTS(true)}},
    {"GetGenericPortMappingEntry", 1, do_get_generic_entry,
        {{"NewPortMappingIndex", false, "PortMappingNumberOfEntries"},
         {"NewRemoteHost", true, "RemoteHost"},
         {"NewExternalPort", true, "ExternalPort"},
         {"NewProtocol", true, "PortMappingProtocol"},
         MAPPING_ARGUMENTS(true)}},
    {"GetListOfPortMappings", 2, do_get_list,
        {{"NewStartPort", false, "ExternalPort"},
         {"NewEndPort", false, "ExternalPort"},
         {"NewProtocol", false, "PortMappingProtocol"},
         {"NewManage", false, "A_ARG_TYPE_Manage"},
         {"NewNumberOfPorts", false, "PortMappingNumberOfEntries"},
         {"NewPortListing", true, "A_ARG_TYPE_PortListing"}}},
};

static const struct ph_gw_upnp_variable wan_ip_variables[] = {
    {"ConnectionType", "string", {NULL}},
    {"PossibleConnectionTypes", "string", {"IP_Routed", NULL}},
    {"ConnectionStatus", "string", {"Connected", "Disconnected", NULL}},
    {"LastConnectionError", "string", {"ERROR_NONE", NULL}},
    {"Uptime", "ui4", {NULL}},
    {"RSIPAvailable", "boolean", {NULL}},
    {"NATEnabled", "boolean", {NULL}},
    {"ExternalIPAddress", "string", {NULL}},
    {"PortMappingNumberOfEntries", "ui2", {NULL}},
    {"PortMappingEnabled", "boolean", {NULL}},
    {"PortMappingLeaseDuration", "ui4", {NULL}},
    {"RemoteHost", "string", {NULL}},
    {"ExternalPort", "ui2", {NULL}},
    {"InternalPort", "ui2", {NULL}},
    {"PortMappingProtocol", "string", {"TCP", "UDP", NULL}},
    {"InternalClient", "string", {NULL}},
    {"PortMappingDescription", "string", {NULL}},
    {"A_ARG_TYPE_Manage", "boolean", {NULL}},
    {"A_ARG_TYPE_PortListing", "string", {NULL}},
};

static const struct ph_gw_upnp_action common_actions[] = {
    {"GetCommonLinkProperties", 1, do_get_common_link_properties,
        {{"NewWANAccessType", true, "WANAccessType"},
         {"NewLayer1UpstreamMaxBitRate", true, "Layer1UpstreamMaxBitRate"},
         {"NewLayer1DownstreamMaxBitRate", true, "Layer1DownstreamMaxBitRate"},
         {"NewPhysicalLinkStatus", true, "PhysicalLinkStatus"}}},
};

static const struct ph_gw_upnp_variable common_variables[] = {
    {"WANAccessType", "string", {"Ethernet", NULL}},
    {"Layer1UpstreamMaxBitRate", "ui4", {NULL}},
    {"Layer1DownstreamMaxBitRate", "ui4", {NULL}},
    {"PhysicalLinkStatus", "string", {"Up", "Down", NULL}},
};

static const struct ph_gw_upnp_action layer3_actions[] = {
    {"GetDefaultConnectionService", 1, do_get_default_connection_service,
        {{"NewDefaultConnectionService", true, "DefaultConnectionService"}}},
};

static const struct ph_gw_upnp_variable layer3_variables[] = {
    {"DefaultConnectionService", "string", {NULL}},
};
/* clang-format on */

const struct ph_gw_upnp_service ph_gw_upnp_services[PH_GW_UPNP_SERVICES] = {
    {"Layer3Forwarding", "urn:upnp-org:serviceId:L3Forwarding1", "/L3F.xml", "/ctl/L3F", "/evt/L3F",
     false, layer3_actions, LENGTH_OF(layer3_actions), layer3_variables,
     LENGTH_OF(layer3_variables)},
    {"WANCommonInterfaceConfig", "urn:upnp-org:serviceId:WANCommonIFC1", "/WANCfg.xml",
     "/ctl/CmnIfCfg", "/evt/CmnIfCfg", false, common_actions, LENGTH_OF(common_actions),
     common_variables, LENGTH_OF(common_variables)},
    {"WANIPConnection", "urn:upnp-org:serviceId:WANIPConn1", "/WANIPCn.xml", "/ctl/IPConn",
     "/evt/IPConn", true, wan_ip_actions, LENGTH_OF(wan_ip_actions), wan_ip_variables,
     LENGTH_OF(wan_ip_variables)},
    {"WANPPPConnection", "urn:upnp-org:serviceId:WANPPPConn1", "/WANPPPCn.xml", "/ctl/PPPConn",
     "/evt/PPPConn", false, wan_ip_actions, LENGTH_OF(wan_ip_actions), wan_ip_variables,
     LENGTH_OF(wan_ip_variables)},
};
