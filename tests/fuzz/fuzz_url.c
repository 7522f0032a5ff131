/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * fuzz_url.c: URLs and references. Whatever is taken must fit into a request line and read the same
 * when it is written out and parsed again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth) {
    if (!truth)
        abort();
}

static void require_sound(const struct ph_url *url) {
    char endpoint[PH_ENDPOINT_TEXT_SIZE], text[PH_ENDPOINT_TEXT_SIZE + PH_HTTP_PATH_MAX + 8];
    struct ph_url again;
    require(memchr(url->path, '\0', sizeof url->path) != NULL && url->path[0] == '/');
    for (const char *p = url->path; *p; p++)
        require(*p > 0x20 && *p < 0x7f && *p != '#');
    require(url->host.port != 0);
    if (ph_addr_is_unspecified(&url->host.addr))
        return; /* has no text of its own */
    snprintf(text, sizeof text, "http://%s%s", ph_endpoint_format(&url->host, endpoint), url->path);
    require(ph_url_parse(ph_span_of(text), &again) == 0);
    require(ph_endpoint_equal(&again.host, &url->host) && strcmp(again.path, url->path) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct ph_url base = {.host = {ph_addr_v4(10, 0, 0, 1), 80}, .path = "/igd/d.xml?x"};
    struct ph_span text = {(const char *)data, size};
    struct ph_url url;
    if (ph_url_parse(text, &url) == 0)
        require_sound(&url);
    if (ph_url_resolve(&base, text, &url) == 0)
        require_sound(&url);
    return 0;
}
