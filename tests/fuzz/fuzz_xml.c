/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * fuzz_xml.c: the XML pass. Opens and closes must pair, the caps must hold, and any bytes that are
 * written escaped must be read again without an error.
 */
#include <porthole/porthole.h>
#include <stdlib.h>
#include <string.h>

#include "wire/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct tally {
    unsigned depth;
    unsigned elements;
};

static void require(bool truth) {
    if (!truth)
        abort();
}

static bool tally_open(void *user, const char *name, unsigned depth) {
    struct tally *tally = user;
    require(depth == ++tally->depth && depth <= PH_XML_DEPTH_MAX);
    require(++tally->elements <= PH_XML_ELEMENTS_MAX && !strchr(name, ':'));
    return true;
}

static bool tally_close(void *user, const char *name, struct ph_span text, unsigned depth) {
    struct tally *tally = user;
    require(depth == tally->depth-- && !strchr(name, ':'));
    require(text.len <= PH_XML_TEXT_MAX && text.at[text.len] == '\0');
    return true;
}

static void tally_restart(void *user) { *(struct tally *)user = (struct tally){0}; }

static int parse(struct ph_span document) {
    struct tally tally = {0};
    struct ph_xml_handler handler = {.open = tally_open, .close = tally_close, .user = &tally};
    int r = ph_xml_parse(document, &handler, tally_restart);
    require(r != 0 || tally.depth == 0);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ph_span text = {(const char *)data, size};
    struct ph_writer w;
    (void)parse(text);

    size_t room = size * sizeof "&quot;" + sizeof "<v></v>";
    char *buffer = malloc(room);
    require(buffer != NULL);
    ph_writer_init(&w, buffer, room);
    ph_write_text(&w, "<v>");
    ph_xml_write_escaped(&w, text);
    ph_write_text(&w, "</v>");
    require(!w.failed);
    int r = parse((struct ph_span){buffer, w.len});
    require(r == 0 || (r == PORTHOLE_ERR_TOO_LARGE && size > PH_XML_TEXT_MAX / 2));
    free(buffer);
    return 0;
}
