/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * soap.h: SOAP 1.1 as UPnP uses it (UPnP Device Architecture §3): action requests, replies and
 * faults, for clients and servers. Values are escaped on the way out; names are matched by their
 * local part on the way in.
 */
#ifndef PH_WIRE_SOAP_H
#define PH_WIRE_SOAP_H

#include "base/bytes.h"

#define PH_SOAP_ARGUMENTS_MAX 16
#define PH_SOAP_NAME_SIZE 48U
#define PH_SOAP_VALUE_SIZE 128U
#define PH_SOAP_BODY_SIZE                                                                          \
    4096U /* of a request that we send; enough for every action of WANIPConnection */

/* UPnP errorCodes that a program decides by: UDA §3.2.2, WANIPConnection:1 §2.4.16 and :2 §2.5.16.
 */
enum ph_upnp_error {
    PH_UPNP_INVALID_ACTION = 401,
    PH_UPNP_INVALID_ARGS = 402,
    PH_UPNP_ACTION_FAILED = 501,
    PH_UPNP_NOT_IMPLEMENTED = 602,
    PH_UPNP_NOT_AUTHORIZED = 606,
    PH_UPNP_ARRAY_INDEX_INVALID = 713,
    PH_UPNP_NO_SUCH_ENTRY = 714,
    PH_UPNP_NO_WILDCARD_SOURCE = 715,
    PH_UPNP_NO_WILDCARD_EXTERNAL_PORT = 716,
    PH_UPNP_CONFLICT = 718,
    PH_UPNP_SAME_PORT_REQUIRED = 724,
    PH_UPNP_PERMANENT_LEASES_ONLY = 725,
    PH_UPNP_REMOTE_HOST_WILDCARD_ONLY = 726,
    PH_UPNP_EXTERNAL_PORT_WILDCARD_ONLY = 727,
    PH_UPNP_NO_PORT_MAPS_AVAILABLE = 728,
    PH_UPNP_CONFLICT_OTHER_MECHANISM = 729,
    PH_UPNP_PORT_MAPPING_NOT_FOUND = 730,
    PH_UPNP_NO_WILDCARD_INTERNAL_PORT = 732,
    PH_UPNP_INCONSISTENT_PARAMETERS = 733
};
/* "ConflictInMappingEntry"; "?" for an unknown code. Static. */
const char *ph_upnp_error_name(unsigned code);
int ph_upnp_error_error(
    unsigned code); /* the application's error: PORT_TAKEN, NOT_AUTHORIZED, ... never OK */

struct ph_soap_argument {
    const char *name;
    const char *value;
};

/* The whole envelope <s:Envelope>...<u:action xmlns:u="type">. The bytes, or TOO_LARGE. */
int ph_soap_encode_request(const char *service_type, const char *action,
                           const struct ph_soap_argument *arguments, size_t count, void *ret,
                           size_t size);
/* The same with another prefix than "u" for the action; some devices look for one. */
int ph_soap_encode_request_as(const char *prefix, const char *service_type, const char *action,
                              const struct ph_soap_argument *arguments, size_t count, void *ret,
                              size_t size);
/* The gateway's side: actionResponse, and a fault with HTTP status 500. */
int ph_soap_encode_reply(const char *service_type, const char *action,
                         const struct ph_soap_argument *arguments, size_t count, void *ret,
                         size_t size);
int ph_soap_encode_fault(unsigned code, const char *description, void *ret, size_t size);

struct ph_soap_value {
    char name[PH_SOAP_NAME_SIZE];   /* local name; longer ones are left out */
    char value[PH_SOAP_VALUE_SIZE]; /* as it came, cut off at the size: escape before printing */
};

struct ph_soap_message {
    char action[PH_SOAP_NAME_SIZE]; /* local name of the element in the body, "Response" included;
                                       "" for a fault */
    unsigned error_code; /* a fault's UPnP errorCode; 0 = no fault; 501 for a fault without one */
    char error_text[PH_SOAP_VALUE_SIZE]; /* printable ASCII */
    unsigned value_count;
    struct ph_soap_value values[PH_SOAP_ARGUMENTS_MAX];
};

/* A request, a reply or a fault. Returns 0, or MALFORMED (no body element), TOO_LARGE, NO_MEMORY.
 */
int ph_soap_decode(struct ph_span document, struct ph_soap_message *ret);
/* The value of an argument, NULL when it is not there. */
const char *ph_soap_value(const struct ph_soap_message *message, const char *name);

#endif
