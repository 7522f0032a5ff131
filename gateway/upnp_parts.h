/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * upnp_parts.h: what the UPnP files of the gateway share among themselves: the tree of devices and
 * services, and the actions of each service. One table serves SSDP, the device description, the
 * service descriptions (SCPD) and the control, so that they cannot disagree.
 */
#ifndef PH_GATEWAY_UPNP_PARTS_H
#define PH_GATEWAY_UPNP_PARTS_H

#include "base/bytes.h"
#include "gateway/server_parts.h"
#include "wire/soap.h"

#define PH_GW_UPNP_DESCRIPTION_PATH "/rootDesc.xml"
#define PH_GW_UPNP_SERVER_TEXT "POSIX UPnP/1.1 porthole/" PORTHOLE_VERSION
#define PH_GW_UPNP_TYPE_SIZE 80U
#define PH_GW_UPNP_UUID_SIZE 37U
#define PH_GW_UPNP_DEVICES 3U  /* each one inside the one before; the first is the root */
#define PH_GW_UPNP_SERVICES 4U /* one in each device; the last one is a router model's */
#define PH_GW_UPNP_WAN_IP 2U
#define PH_GW_UPNP_WAN_PPP 3U
#define PH_GW_UPNP_ARGUMENTS 9U

/* A list of mappings; a longer one is a fault, and the client is left with the index. */
#define PH_GW_UPNP_LISTING_SIZE 24576U

/* One action call: what came in, and what is to be answered. */
struct ph_gw_call {
    struct ph_gw_server *server;
    ph_us now;
    const struct ph_endpoint *from;
    size_t service; /* that is called */
    const struct ph_soap_message *in;
    struct ph_soap_argument out[PH_GW_UPNP_ARGUMENTS];
    size_t out_count;
    char text[PH_GW_UPNP_ARGUMENTS][PH_ADDR_TEXT_SIZE]; /* for values made on the way */
    char listing[PH_GW_UPNP_LISTING_SIZE];              /* the same, for a list */
};

struct ph_gw_upnp_argument {
    const char *name;
    bool is_out;
    const char *variable; /* the related state variable, for the SCPD */
};

struct ph_gw_upnp_action {
    const char *name;
    unsigned version;                     /* of the service that has it first */
    unsigned (*run)(struct ph_gw_call *); /* 0, or a UPnP errorCode */
    struct ph_gw_upnp_argument arguments[PH_GW_UPNP_ARGUMENTS + 1]; /* ends with a NULL name */
};

struct ph_gw_upnp_variable {
    const char *name;
    const char *type;
    const char *allowed[4]; /* ends with NULL; none = any value */
};

struct ph_gw_upnp_service {
    const char *name; /* in urn:schemas-upnp-org:service:NAME:VERSION */
    const char *id;
    const char *scpd_path;
    const char *control_path;
    const char *event_path;
    bool has_igd_version; /* its version is the gateway's, else 1 */
    const struct ph_gw_upnp_action *actions;
    size_t action_count;
    const struct ph_gw_upnp_variable *variables;
    size_t variable_count;
};

/* ---- upnp_actions.c -------------------------------------------------------------------------- */

extern const struct ph_gw_upnp_service ph_gw_upnp_services[PH_GW_UPNP_SERVICES];

/* ---- upnp_list.c ----------------------------------------------------------------------------- */

/* The entry at an index: 0, or an errorCode. */
unsigned ph_gw_upnp_entry_at(struct ph_gw_server *server, uint32_t index,
                             const struct ph_gw_mapping **ret);

struct ph_gw_range {
    uint8_t protocol;
    uint16_t first;
    uint16_t last;
    bool of_all;   /* of other clients as well */
    uint32_t most; /* 0 = all */
};
/* Fills call->listing: 0, or an errorCode. */
unsigned ph_gw_upnp_write_list(struct ph_gw_call *call, const struct ph_gw_range *range);

/* ---- upnp_description.c ---------------------------------------------------------------------- */

/* The service of a device. */
size_t ph_gw_upnp_service_in(const struct ph_gw_server *server, size_t device);
/* Whether the gateway has it at all. */
bool ph_gw_upnp_has_service(const struct ph_gw_server *server, size_t service);
/* Where it is controlled. */
#define PH_GW_UPNP_PATH_SIZE 48U
const char *ph_gw_upnp_control_path(const struct ph_gw_server *server, size_t service,
                                    char ret[PH_GW_UPNP_PATH_SIZE]);
unsigned ph_gw_upnp_service_version(const struct ph_gw_server *server, size_t service);
unsigned ph_gw_upnp_device_version(const struct ph_gw_server *server);
/* "urn:schemas-upnp-org:device:NAME:" without its version. */
const char *ph_gw_upnp_device_stem(size_t device);
const char *ph_gw_upnp_service_stem(size_t service, char ret[PH_GW_UPNP_TYPE_SIZE]);
/* "uuid:" is not part of it. */
const char *ph_gw_upnp_uuid(const struct ph_gw_server *server, size_t device,
                            char ret[PH_GW_UPNP_UUID_SIZE]);
void ph_gw_upnp_write_description(const struct ph_gw_server *server, struct ph_writer *w);
void ph_gw_upnp_write_scpd(const struct ph_gw_server *server, size_t service, struct ph_writer *w);

#endif
