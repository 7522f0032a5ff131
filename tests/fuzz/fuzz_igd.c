/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * fuzz_igd.c: device descriptions. Every kept text must be terminated and printable, and no service
 * may be controlled on another host than the description's.
 */
#include <stdlib.h>
#include <string.h>

#include "wire/igd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth) {
    if (!truth)
        abort();
}

static void require_printable(const char *text, size_t size) {
    require(memchr(text, '\0', size) != NULL);
    for (; *text; text++)
        require(*text >= 0x20 && *text <= 0x7e);
}

static void require_sound(const struct ph_igd_description *d) {
    const struct ph_url location = {.host = {ph_addr_v4(10, 0, 0, 1), 80}, .path = "/d.xml"};
    struct ph_url url;
    require_printable(d->url_base, sizeof d->url_base);
    require_printable(d->friendly_name, sizeof d->friendly_name);
    require_printable(d->manufacturer, sizeof d->manufacturer);
    require_printable(d->model_name, sizeof d->model_name);
    require_printable(d->model_number, sizeof d->model_number);
    require_printable(d->udn, sizeof d->udn);
    require(d->service_count <= PH_IGD_SERVICES_MAX);
    for (unsigned i = 0; i < d->service_count; i++) {
        const struct ph_igd_service *service = &d->services[i];
        require_printable(service->type, sizeof service->type);
        require_printable(service->control_url, sizeof service->control_url);
        require(!strpbrk(service->type, " \"") && service->version > 0);
        if (ph_igd_service_url(d, service, &location, &url) == 0)
            require(ph_addr_equal(&url.host.addr, &location.host.addr));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ph_igd_description description;
    if (ph_igd_parse((struct ph_span){(const char *)data, size}, &description) == 0)
        require_sound(&description);
    return 0;
}
