/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * igd.c: reads a device description (UPnP Device Architecture 1.1 §2.3) in one walk. Where in the
 * tree a service hangs does not matter, because devices nest their WANConnectionDevices as they
 * like. What is kept is checked here, since it goes into request lines and headers later.
 */
#include "wire/igd.h"

#include <porthole/porthole.h>
#include <string.h>

#include "wire/xml.h"

struct igd_walk {
    struct ph_igd_description *ret;
    unsigned devices;
    unsigned root_depth;    /* of the first device while it is open, else 0 */
    unsigned service_depth; /* of the service being read, else 0 */
    struct ph_igd_service service;
    bool too_many;
};

static bool on_igd_open(void *user, const char *name, unsigned depth) {
    struct igd_walk *walk = user;
    if (strcmp(name, "device") == 0) {
        walk->too_many = ++walk->devices > PH_IGD_DEVICES_MAX;
        if (walk->devices == 1)
            walk->root_depth = depth;
    } else if (strcmp(name, "service") == 0 && walk->service_depth == 0) {
        walk->service_depth = depth;
        memset(&walk->service, 0, sizeof walk->service);
    }
    return !walk->too_many;
}

/* Copies text that a request can carry as it is: printable ASCII without blanks and quotes. Leaves
 * "" otherwise, and when it does not fit. */
static void copy_token(struct ph_span text, char *ret, size_t size) {
    ret[0] = '\0';
    if (text.len >= size)
        return;
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < 0x21 || text.at[i] > 0x7e || text.at[i] == '"')
            return;
    memcpy(ret, text.at, text.len);
    ret[text.len] = '\0';
}

/* "urn:schemas-upnp-org:service:WANIPConnection:1": the name and version at its end decide, as some
 * devices have a namespace of their own in front. */
static bool judge_type(struct ph_igd_service *service) {
    static const struct {
        const char *name;
        enum ph_igd_kind kind;
    } kinds[] = {{":WANIPConnection:", PH_IGD_WAN_IP}, {":WANPPPConnection:", PH_IGD_WAN_PPP}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const char *at = strstr(service->type, kinds[i].name);
        uint64_t version = 0;
        if (!at || !ph_span_to_u64(ph_span_of(at + strlen(kinds[i].name)), 9999, &version))
            continue;
        service->kind = kinds[i].kind;
        service->version = (unsigned)version;
        return version > 0;
    }
    return false;
}

static void read_service_field(struct igd_walk *walk, const char *name, struct ph_span text) {
    struct ph_igd_service *service = &walk->service;
    if (strcmp(name, "serviceType") == 0)
        copy_token(text, service->type, sizeof service->type);
    else if (strcmp(name, "controlURL") == 0)
        copy_token(text, service->control_url, sizeof service->control_url);
}

static void keep_service(struct igd_walk *walk) {
    struct ph_igd_description *ret = walk->ret;
    walk->service_depth = 0;
    if (ret->service_count < PH_IGD_SERVICES_MAX && walk->service.control_url[0] &&
        judge_type(&walk->service))
        ret->services[ret->service_count++] = walk->service;
}

static void read_device_field(struct ph_igd_description *ret, const char *name,
                              struct ph_span text) {
    const struct {
        const char *name;
        char *value;
    } fields[] = {{"friendlyName", ret->friendly_name},
                  {"manufacturer", ret->manufacturer},
                  {"modelName", ret->model_name},
                  {"modelNumber", ret->model_number},
                  {"UDN", ret->udn}};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (strcmp(name, fields[i].name) == 0 && !fields[i].value[0])
            ph_span_print(text, fields[i].value, PH_IGD_NAME_SIZE);
}

static bool on_igd_close(void *user, const char *name, struct ph_span text, unsigned depth) {
    struct igd_walk *walk = user;
    if (walk->service_depth > 0) {
        if (depth == walk->service_depth + 1)
            read_service_field(walk, name, text);
        else if (depth == walk->service_depth)
            keep_service(walk);
    } else if (strcmp(name, "URLBase") == 0 && !walk->ret->url_base[0]) {
        copy_token(text, walk->ret->url_base, sizeof walk->ret->url_base);
    } else if (walk->root_depth > 0 && depth == walk->root_depth + 1) {
        read_device_field(walk->ret, name, text);
    } else if (depth == walk->root_depth) {
        walk->root_depth = 0;
    }
    return true;
}

static void restart_igd(void *user) {
    struct igd_walk *walk = user;
    struct ph_igd_description *ret = walk->ret;
    memset(ret, 0, sizeof *ret);
    *walk = (struct igd_walk){.ret = ret};
}

int ph_igd_parse(struct ph_span document, struct ph_igd_description *ret) {
    struct igd_walk walk = {.ret = ret};
    struct ph_xml_handler handler = {.open = on_igd_open, .close = on_igd_close, .user = &walk};
    memset(ret, 0, sizeof *ret);
    int r = ph_xml_parse(document, &handler, restart_igd);
    return r == 0 && walk.too_many ? PORTHOLE_ERR_TOO_LARGE : r;
}

int ph_igd_service_url(const struct ph_igd_description *description,
                       const struct ph_igd_service *service, const struct ph_url *location,
                       struct ph_url *ret) {
    struct ph_url base, url;
    if (ph_url_parse(ph_span_of(description->url_base), &base) < 0 ||
        !ph_addr_equal(&base.host.addr, &location->host.addr))
        base = *location;
    int r = ph_url_resolve(&base, ph_span_of(service->control_url), &url);
    if (r < 0)
        return r;
    if (!ph_addr_equal(&url.host.addr, &location->host.addr))
        return PORTHOLE_ERR_UNTRUSTED;
    *ret = url;
    return 0;
}
