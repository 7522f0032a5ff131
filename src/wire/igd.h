/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * igd.h: the device description of an InternetGatewayDevice (UPnP Device Architecture §2; IGD:1 and
 * IGD:2): which WANIPConnection and WANPPPConnection services it offers, where they are controlled,
 * and who made it. Local names only; URLs are taken as text and judged by igd_service_url().
 */
#ifndef PH_WIRE_IGD_H
#define PH_WIRE_IGD_H

#include <stdbool.h>

#include "base/bytes.h"
#include "wire/http.h"

#define PH_IGD_SERVICES_MAX 8
#define PH_IGD_DEVICES_MAX 16
#define PH_IGD_NAME_SIZE 64U
#define PH_IGD_TYPE_SIZE 80U
#define PH_IGD_URL_SIZE 256U

enum ph_igd_kind { PH_IGD_WAN_IP, PH_IGD_WAN_PPP };

struct ph_igd_service {
    enum ph_igd_kind kind;
    unsigned version;            /* 1 or 2; a higher one is kept as it is */
    char type[PH_IGD_TYPE_SIZE]; /* the whole serviceType, as the SOAP namespace needs it */
    char control_url[PH_IGD_URL_SIZE];
};

struct ph_igd_description {
    unsigned service_count;                              /* the rest is not kept */
    struct ph_igd_service services[PH_IGD_SERVICES_MAX]; /* in the order of the document */
    char url_base[PH_IGD_URL_SIZE];                      /* "" when there is none */
    /* Of the root device; printable ASCII, "" when not given. */
    char friendly_name[PH_IGD_NAME_SIZE];
    char manufacturer[PH_IGD_NAME_SIZE];
    char model_name[PH_IGD_NAME_SIZE];
    char model_number[PH_IGD_NAME_SIZE];
    char udn[PH_IGD_NAME_SIZE];
};

/* Returns 0, also when no service was found; or MALFORMED, TOO_LARGE (more than 16 devices, or a
 * cap of xml.h), NO_MEMORY. A service whose type or control URL does not fit or has control
 * characters is left out. */
int ph_igd_parse(struct ph_span document, struct ph_igd_description *ret);

/* Where a service is controlled, by URLBase (if it is on the host that the description came from)
 * or else the description's own URL. MALFORMED; UNTRUSTED when the result is on another host than
 * the description came from. */
int ph_igd_service_url(const struct ph_igd_description *description,
                       const struct ph_igd_service *service, const struct ph_url *location,
                       struct ph_url *ret);

#endif
