/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * upnp_description.c: the documents that tell what the gateway is (UDA 1.1 §2.3) and what its
 * services can do (§2.5), written from the tables of upnp_parts.h.
 */
#include <stdio.h>
#include <string.h>

#include "gateway/upnp_parts.h"
#include "wire/xml.h"

static const char *const device_names[PH_GW_UPNP_DEVICES] = {"InternetGatewayDevice", "WANDevice",
                                                             "WANConnectionDevice"};
static const char *const device_stems[PH_GW_UPNP_DEVICES] = {
    "urn:schemas-upnp-org:device:InternetGatewayDevice:",
    "urn:schemas-upnp-org:device:WANDevice:",
    "urn:schemas-upnp-org:device:WANConnectionDevice:",
};

unsigned ph_gw_upnp_device_version(const struct ph_gw_server *server) {
    return server->config.behaviour.igd_version;
}

unsigned ph_gw_upnp_service_version(const struct ph_gw_server *server, size_t service) {
    return ph_gw_upnp_services[service].has_igd_version ? server->config.behaviour.igd_version : 1;
}

size_t ph_gw_upnp_service_in(const struct ph_gw_server *server, size_t device) {
    bool is_ppp = device == PH_GW_UPNP_WAN_IP && ph_gw_has(server, PH_GW_QUIRK_PPP_ONLY);
    return is_ppp ? PH_GW_UPNP_WAN_PPP : device;
}

bool ph_gw_upnp_has_service(const struct ph_gw_server *server, size_t service) {
    bool is_ppp_only = ph_gw_has(server, PH_GW_QUIRK_PPP_ONLY);
    if (service == PH_GW_UPNP_WAN_IP)
        return !is_ppp_only;
    return service != PH_GW_UPNP_WAN_PPP || is_ppp_only ||
           ph_gw_has(server, PH_GW_QUIRK_DEAD_CONNECTION) ||
           ph_gw_has(server, PH_GW_QUIRK_STALE_CONNECTION);
}

const char *ph_gw_upnp_control_path(const struct ph_gw_server *server, size_t service,
                                    char ret[PH_GW_UPNP_PATH_SIZE]) {
    const char *path = ph_gw_upnp_services[service].control_path;
    if (ph_gw_has(server, PH_GW_QUIRK_MOVING_CONTROL))
        snprintf(ret, PH_GW_UPNP_PATH_SIZE, "%s/%lu", path, (unsigned long)server->config.boot_id);
    else
        snprintf(ret, PH_GW_UPNP_PATH_SIZE, "%s", path);
    return ret;
}

const char *ph_gw_upnp_device_stem(size_t device) { return device_stems[device]; }

const char *ph_gw_upnp_service_stem(size_t service, char ret[PH_GW_UPNP_TYPE_SIZE]) {
    snprintf(ret, PH_GW_UPNP_TYPE_SIZE,
             "urn:schemas-upnp-org:service:%s:", ph_gw_upnp_services[service].name);
    return ret;
}

const char *ph_gw_upnp_uuid(const struct ph_gw_server *server, size_t device,
                            char ret[PH_GW_UPNP_UUID_SIZE]) {
    static const char digits[] = "0123456789abcdef";
    memcpy(ret, server->config.uuid, PH_GW_UPNP_UUID_SIZE);
    /* Each device has its own: the last digit counts on from the root's. */
    size_t len = strlen(ret);
    const char *last = len > 0 ? strchr(digits, ret[len - 1]) : NULL;
    if (last)
        ret[len - 1] = digits[((size_t)(last - digits) + device) % 16];
    return ret;
}

static void write_element_text(struct ph_writer *w, const char *name, const char *text) {
    ph_write_text(w, "<");
    ph_write_text(w, name);
    ph_write_text(w, ">");
    ph_xml_write_escaped(w, ph_span_of(text));
    ph_write_text(w, "</");
    ph_write_text(w, name);
    ph_write_text(w, ">\r\n");
}

static void write_head(struct ph_writer *w, const char *root, const char *name_space) {
    ph_write_text(w, "<?xml version=\"1.0\"?>\r\n<");
    ph_write_text(w, root);
    ph_write_text(w, " xmlns=\"");
    ph_write_text(w, name_space);
    ph_write_text(w, "\">\r\n<specVersion><major>1</major><minor>1</minor></specVersion>\r\n");
}

/* ---- The device description ------------------------------------------------------------------ */

static void write_service(const struct ph_gw_server *server, size_t index, struct ph_writer *w) {
    const struct ph_gw_upnp_service *service = &ph_gw_upnp_services[index];
    char stem[PH_GW_UPNP_TYPE_SIZE];
    char type[PH_GW_UPNP_TYPE_SIZE + 12];
    char path[PH_GW_UPNP_PATH_SIZE];
    snprintf(type, sizeof type, "%s%u", ph_gw_upnp_service_stem(index, stem),
             ph_gw_upnp_service_version(server, index));
    ph_write_text(w, "<service>\r\n");
    write_element_text(w, "serviceType", type);
    write_element_text(w, "serviceId", service->id);
    write_element_text(w, "SCPDURL", service->scpd_path);
    write_element_text(w, "controlURL", ph_gw_upnp_control_path(server, index, path));
    write_element_text(w, "eventSubURL", service->event_path);
    ph_write_text(w, "</service>\r\n");
}

/* A device begins here; its end follows after the devices in it. */
static void open_device(const struct ph_gw_server *server, size_t device, struct ph_writer *w) {
    const struct ph_gw_config *config = &server->config;
    char text[PH_GW_UPNP_TYPE_SIZE];
    char uuid[PH_GW_UPNP_UUID_SIZE];
    snprintf(text, sizeof text, "%s%u", device_stems[device], ph_gw_upnp_device_version(server));
    ph_write_text(w, "<device>\r\n");
    write_element_text(w, "deviceType", text);
    write_element_text(w, "friendlyName",
                       device == 0 ? config->friendly_name : device_names[device]);
    write_element_text(w, "manufacturer",
                       ph_gw_has(server, PH_GW_QUIRK_TP_LINK_OVERWRITES) ? "TP-Link"
                                                                         : config->manufacturer);
    write_element_text(w, "modelName", config->model_name);
    write_element_text(w, "modelNumber", config->model_number);
    snprintf(text, sizeof text, "uuid:%s", ph_gw_upnp_uuid(server, device, uuid));
    write_element_text(w, "UDN", text);
    ph_write_text(w, "<serviceList>");
    if (device == PH_GW_UPNP_WAN_IP && ph_gw_upnp_has_service(server, PH_GW_UPNP_WAN_PPP) &&
        ph_gw_upnp_has_service(server, PH_GW_UPNP_WAN_IP))
        write_service(server, PH_GW_UPNP_WAN_PPP, w);
    write_service(server, ph_gw_upnp_service_in(server, device), w);
    ph_write_text(w, "</serviceList>\r\n");
}

void ph_gw_upnp_write_description(const struct ph_gw_server *server, struct ph_writer *w) {
    write_head(w, "root", "urn:schemas-upnp-org:device-1-0");
    for (size_t i = 0; i < PH_GW_UPNP_DEVICES; i++) {
        ph_write_text(w, i > 0 ? "<deviceList>" : "");
        open_device(server, i, w);
    }
    for (size_t i = PH_GW_UPNP_DEVICES; i-- > 0;)
        ph_write_text(w, i > 0 ? "</device></deviceList>\r\n" : "</device>\r\n</root>\r\n");
}

/* ---- Service descriptions -------------------------------------------------------------------- */

static void write_action(const struct ph_gw_upnp_action *action, struct ph_writer *w) {
    ph_write_text(w, "<action>\r\n");
    write_element_text(w, "name", action->name);
    ph_write_text(w, "<argumentList>\r\n");
    for (const struct ph_gw_upnp_argument *a = action->arguments; a->name; a++) {
        ph_write_text(w, "<argument>\r\n");
        write_element_text(w, "name", a->name);
        write_element_text(w, "direction", a->is_out ? "out" : "in");
        write_element_text(w, "relatedStateVariable", a->variable);
        ph_write_text(w, "</argument>\r\n");
    }
    ph_write_text(w, "</argumentList>\r\n</action>\r\n");
}

static void write_variable(const struct ph_gw_upnp_variable *variable, struct ph_writer *w) {
    ph_write_text(w, "<stateVariable sendEvents=\"no\">\r\n");
    write_element_text(w, "name", variable->name);
    write_element_text(w, "dataType", variable->type);
    if (variable->allowed[0])
        ph_write_text(w, "<allowedValueList>\r\n");
    for (const char *const *value = variable->allowed; *value; value++)
        write_element_text(w, "allowedValue", *value);
    if (variable->allowed[0])
        ph_write_text(w, "</allowedValueList>\r\n");
    ph_write_text(w, "</stateVariable>\r\n");
}

void ph_gw_upnp_write_scpd(const struct ph_gw_server *server, size_t service, struct ph_writer *w) {
    const struct ph_gw_upnp_service *s = &ph_gw_upnp_services[service];
    write_head(w, "scpd", "urn:schemas-upnp-org:service-1-0");
    ph_write_text(w, "<actionList>\r\n");
    for (size_t i = 0; i < s->action_count; i++)
        if (s->actions[i].version <= ph_gw_upnp_service_version(server, service))
            write_action(&s->actions[i], w);
    ph_write_text(w, "</actionList>\r\n<serviceStateTable>\r\n");
    for (size_t i = 0; i < s->variable_count; i++)
        write_variable(&s->variables[i], w);
    ph_write_text(w, "</serviceStateTable>\r\n</scpd>\r\n");
}
