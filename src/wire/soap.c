/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * soap.c: SOAP 1.1 envelopes as the UPnP Device Architecture 1.1 §3 draws them. Every value is
 * escaped on its way out; on the way in elements are known by their place and their local name,
 * since devices answer with wrong prefixes and namespaces.
 */
#include "wire/soap.h"

#include <porthole/porthole.h>
#include <string.h>

#include "wire/xml.h"

static const struct {
    unsigned code;
    int error;
    const char *name;
} upnp_errors[] = {
    {PH_UPNP_INVALID_ACTION, PORTHOLE_ERR_UNSUPPORTED, "InvalidAction"},
    {PH_UPNP_INVALID_ARGS, PORTHOLE_ERR_REFUSED, "InvalidArgs"},
    {PH_UPNP_ACTION_FAILED, PORTHOLE_ERR_REFUSED, "ActionFailed"},
    {PH_UPNP_NOT_IMPLEMENTED, PORTHOLE_ERR_UNSUPPORTED, "OptionalActionNotImplemented"},
    {PH_UPNP_NOT_AUTHORIZED, PORTHOLE_ERR_NOT_AUTHORIZED, "ActionNotAuthorized"},
    {PH_UPNP_ARRAY_INDEX_INVALID, PORTHOLE_ERR_REFUSED, "SpecifiedArrayIndexInvalid"},
    {PH_UPNP_NO_SUCH_ENTRY, PORTHOLE_ERR_REFUSED, "NoSuchEntryInArray"},
    {PH_UPNP_NO_WILDCARD_SOURCE, PORTHOLE_ERR_REFUSED, "WildCardNotPermittedInSrcIP"},
    {PH_UPNP_NO_WILDCARD_EXTERNAL_PORT, PORTHOLE_ERR_REFUSED, "WildCardNotPermittedInExtPort"},
    {PH_UPNP_CONFLICT, PORTHOLE_ERR_PORT_TAKEN, "ConflictInMappingEntry"},
    {PH_UPNP_SAME_PORT_REQUIRED, PORTHOLE_ERR_REFUSED, "SamePortValuesRequired"},
    {PH_UPNP_PERMANENT_LEASES_ONLY, PORTHOLE_ERR_REFUSED, "OnlyPermanentLeasesSupported"},
    {PH_UPNP_REMOTE_HOST_WILDCARD_ONLY, PORTHOLE_ERR_REFUSED, "RemoteHostOnlySupportsWildcard"},
    {PH_UPNP_EXTERNAL_PORT_WILDCARD_ONLY, PORTHOLE_ERR_REFUSED, "ExternalPortOnlySupportsWildcard"},
    {PH_UPNP_NO_PORT_MAPS_AVAILABLE, PORTHOLE_ERR_NO_RESOURCES, "NoPortMapsAvailable"},
    {PH_UPNP_CONFLICT_OTHER_MECHANISM, PORTHOLE_ERR_PORT_TAKEN, "ConflictWithOtherMechanisms"},
    {PH_UPNP_PORT_MAPPING_NOT_FOUND, PORTHOLE_ERR_REFUSED, "PortMappingNotFound"},
    {PH_UPNP_NO_WILDCARD_INTERNAL_PORT, PORTHOLE_ERR_REFUSED, "WildCardNotPermittedInIntPort"},
    {PH_UPNP_INCONSISTENT_PARAMETERS, PORTHOLE_ERR_REFUSED, "InconsistentParameters"},
};
#define UPNP_ERROR_COUNT (sizeof upnp_errors / sizeof upnp_errors[0])

const char *ph_upnp_error_name(unsigned code) {
    for (size_t i = 0; i < UPNP_ERROR_COUNT; i++)
        if (upnp_errors[i].code == code)
            return upnp_errors[i].name;
    return "?";
}

int ph_upnp_error_error(unsigned code) {
    for (size_t i = 0; i < UPNP_ERROR_COUNT; i++)
        if (upnp_errors[i].code == code)
            return upnp_errors[i].error;
    return PORTHOLE_ERR_REFUSED;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void open_envelope(struct ph_writer *w, void *ret, size_t size) {
    ph_writer_init(w, ret, size);
    ph_write_text(w, "<?xml version=\"1.0\"?>\r\n"
                     "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\""
                     " s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\">"
                     "<s:Body>");
}

static int close_envelope(struct ph_writer *w) {
    ph_write_text(w, "</s:Body></s:Envelope>\r\n");
    return ph_writer_result(w);
}

static void write_element(struct ph_writer *w, const char *name, struct ph_span value) {
    ph_write_u8(w, '<');
    ph_write_text(w, name);
    ph_write_u8(w, '>');
    ph_xml_write_escaped(w, value);
    ph_write_text(w, "</");
    ph_write_text(w, name);
    ph_write_u8(w, '>');
}

static void write_name(struct ph_writer *w, const char *prefix, const char *action,
                       const char *suffix) {
    ph_write_text(w, prefix);
    ph_write_u8(w, ':');
    ph_write_text(w, action);
    ph_write_text(w, suffix);
}

/* An action element; its name is `action` and `suffix` in a row. */
static int encode_action(const char *prefix, const char *service_type, const char *action,
                         const char *suffix, const struct ph_soap_argument *arguments, size_t count,
                         void *ret, size_t size) {
    struct ph_writer w;
    open_envelope(&w, ret, size);
    ph_write_u8(&w, '<');
    write_name(&w, prefix, action, suffix);
    ph_write_text(&w, " xmlns:");
    ph_write_text(&w, prefix);
    ph_write_text(&w, "=\"");
    ph_xml_write_escaped(&w, ph_span_of(service_type));
    ph_write_text(&w, "\">");
    for (size_t i = 0; i < count; i++)
        write_element(&w, arguments[i].name, ph_span_of(arguments[i].value));
    ph_write_text(&w, "</");
    write_name(&w, prefix, action, suffix);
    ph_write_u8(&w, '>');
    return close_envelope(&w);
}

int ph_soap_encode_request(const char *service_type, const char *action,
                           const struct ph_soap_argument *arguments, size_t count, void *ret,
                           size_t size) {
    return encode_action("u", service_type, action, "", arguments, count, ret, size);
}

int ph_soap_encode_request_as(const char *prefix, const char *service_type, const char *action,
                              const struct ph_soap_argument *arguments, size_t count, void *ret,
                              size_t size) {
    return encode_action(prefix, service_type, action, "", arguments, count, ret, size);
}

int ph_soap_encode_reply(const char *service_type, const char *action,
                         const struct ph_soap_argument *arguments, size_t count, void *ret,
                         size_t size) {
    return encode_action("u", service_type, action, "Response", arguments, count, ret, size);
}

int ph_soap_encode_fault(unsigned code, const char *description, void *ret, size_t size) {
    struct ph_writer w;
    open_envelope(&w, ret, size);
    ph_write_text(&w, "<s:Fault><faultcode>s:Client</faultcode>"
                      "<faultstring>UPnPError</faultstring><detail>"
                      "<UPnPError xmlns=\"urn:schemas-upnp-org:control-1-0\"><errorCode>");
    ph_write_decimal(&w, code);
    ph_write_text(&w, "</errorCode>");
    write_element(&w, "errorDescription", ph_span_of(description));
    ph_write_text(&w, "</UPnPError></detail></s:Fault>");
    return close_envelope(&w);
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* Envelope is at depth 1, Body at 2, the action or the fault at 3, arguments at 4. */
enum { BODY_DEPTH = 2, ACTION_DEPTH = 3, ARGUMENT_DEPTH = 4 };

struct soap_walk {
    struct ph_soap_message *ret;
    bool in_body;
    bool seen; /* the action or the fault has been opened */
    bool fault;
    bool described; /* error_text is the errorDescription, which beats the faultstring */
    bool too_large;
};

static bool on_soap_open(void *user, const char *name, unsigned depth) {
    struct soap_walk *walk = user;
    if (depth == BODY_DEPTH)
        walk->in_body = strcmp(name, "Body") == 0;
    if (depth != ACTION_DEPTH || !walk->in_body)
        return true;
    walk->seen = true;
    walk->fault = strcmp(name, "Fault") == 0;
    walk->too_large = strlen(name) >= PH_SOAP_NAME_SIZE;
    if (!walk->fault && !walk->too_large)
        memcpy(walk->ret->action, name, strlen(name) + 1);
    return !walk->too_large;
}

static void read_fault_field(struct soap_walk *walk, const char *name, struct ph_span text) {
    struct ph_soap_message *ret = walk->ret;
    uint64_t code = 0;
    /* Codes have three digits; one beyond 16 bits is none, and those who keep it need no more. */
    if (strcmp(name, "errorCode") == 0 && ph_span_to_u64(text, UINT16_MAX, &code)) {
        ret->error_code = (unsigned)code;
    } else if (strcmp(name, "errorDescription") == 0 && text.len > 0) {
        ph_span_print(text, ret->error_text, sizeof ret->error_text);
        walk->described = true;
    } else if (strcmp(name, "faultstring") == 0 && !walk->described) {
        ph_span_print(text, ret->error_text, sizeof ret->error_text);
    }
}

static bool keep_value(struct soap_walk *walk, const char *name, struct ph_span text) {
    struct ph_soap_message *ret = walk->ret;
    size_t name_len = strlen(name);
    if (name_len >= PH_SOAP_NAME_SIZE)
        return true;
    walk->too_large = ret->value_count == PH_SOAP_ARGUMENTS_MAX;
    if (walk->too_large)
        return false;
    struct ph_soap_value *value = &ret->values[ret->value_count++];
    size_t len = text.len < sizeof value->value ? text.len : sizeof value->value - 1;
    memcpy(value->name, name, name_len + 1);
    memcpy(value->value, text.at, len);
    value->value[len] = '\0';
    return true;
}

static bool on_soap_close(void *user, const char *name, struct ph_span text, unsigned depth) {
    struct soap_walk *walk = user;
    if (!walk->seen)
        return true;
    if (depth == ACTION_DEPTH) /* one is all that a body has */
        return false;
    if (walk->fault)
        read_fault_field(walk, name, text);
    else if (depth == ARGUMENT_DEPTH)
        return keep_value(walk, name, text);
    return true;
}

static void restart_soap(void *user) {
    struct soap_walk *walk = user;
    struct ph_soap_message *ret = walk->ret;
    memset(ret, 0, sizeof *ret);
    *walk = (struct soap_walk){.ret = ret};
}

int ph_soap_decode(struct ph_span document, struct ph_soap_message *ret) {
    struct soap_walk walk = {.ret = ret};
    struct ph_xml_handler handler = {.open = on_soap_open, .close = on_soap_close, .user = &walk};
    memset(ret, 0, sizeof *ret);
    int r = ph_xml_parse(document, &handler, restart_soap);
    if (r < 0)
        return r;
    if (walk.too_large)
        return PORTHOLE_ERR_TOO_LARGE;
    if (!walk.seen)
        return PORTHOLE_ERR_MALFORMED;
    if (walk.fault && ret->error_code == 0)
        ret->error_code = PH_UPNP_ACTION_FAILED;
    return 0;
}

const char *ph_soap_value(const struct ph_soap_message *message, const char *name) {
    for (unsigned i = 0; i < message->value_count; i++)
        if (strcmp(message->values[i].name, name) == 0)
            return message->values[i].value;
    return NULL;
}
