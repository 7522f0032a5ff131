/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * fuzz_portlist.c: lists of port mappings. What is handed out must be terminated and printable and
 * make sense; and an entry that is written must come back as it was.
 */
#include <stdlib.h>
#include <string.h>

#include "wire/portlist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEPT_MAX 8

struct kept {
    unsigned count;
    struct ph_portlist_entry entries[KEPT_MAX];
};

static void require(bool truth) {
    if (!truth)
        abort();
}

static void require_printable(const char text[PH_PORTLIST_TEXT_SIZE]) {
    require(memchr(text, '\0', PH_PORTLIST_TEXT_SIZE) != NULL);
    for (; *text; text++)
        require(*text >= 0x20 && *text <= 0x7e);
}

static void keep(void *user, const struct ph_portlist_entry *entry) {
    struct kept *kept = user;
    require(entry->protocol == PORTHOLE_TCP || entry->protocol == PORTHOLE_UDP);
    require_printable(entry->client_name);
    require_printable(entry->remote_host);
    require_printable(entry->description);
    if (kept->count < KEPT_MAX)
        kept->entries[kept->count++] = *entry;
}

static void require_same(const struct ph_portlist_entry *a, const struct ph_portlist_entry *b) {
    require(a->protocol == b->protocol && a->external_port == b->external_port &&
            a->internal_port == b->internal_port && a->is_enabled == b->is_enabled &&
            a->lease_s == b->lease_s && ph_addr_equal(&a->client, &b->client));
    require(strcmp(a->remote_host, b->remote_host) == 0);
    require(strcmp(a->client_name, b->client_name) == 0);
    require(strcmp(a->description, b->description) == 0);
}

static void check_round_trip(const struct kept *kept) {
    static char document[8192], answer[65536];
    struct ph_writer w;
    ph_writer_init(&w, document, sizeof document - 1);
    ph_portlist_write_head(&w);
    for (unsigned i = 0; i < kept->count; i++)
        ph_portlist_write(&w, &kept->entries[i]);
    ph_portlist_write_tail(&w);
    int n = ph_writer_result(&w);
    require(n > 0);
    document[n] = '\0';
    const struct ph_soap_argument argument = {"NewPortListing", document};
    n = ph_soap_encode_reply("urn:schemas-upnp-org:service:WANIPConnection:2",
                             "GetListOfPortMappings", &argument, 1, answer, sizeof answer);
    require(n > 0);
    struct kept again = {.count = 0};
    unsigned fault;
    require(ph_portlist_read((struct ph_span){answer, (size_t)n}, keep, &again, &fault) == 0);
    require(fault == 0 && again.count == kept->count);
    for (unsigned i = 0; i < kept->count; i++)
        require_same(&kept->entries[i], &again.entries[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ph_span input = {(const char *)data, size};
    struct kept kept = {.count = 0};
    struct ph_soap_message reply;
    struct ph_portlist_entry entry;
    unsigned fault;
    (void)ph_portlist_read(input, keep, &kept, &fault);
    if (ph_soap_decode(input, &reply) == 0 && ph_portlist_from_reply(&reply, &entry) == 0)
        keep(&kept, &entry);
    check_round_trip(&kept);
    return 0;
}
