/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * xml.h: expat behind a small face: one pass over a whole document, elements and text reported by
 * local name (namespaces and prefixes are dropped, because routers get them wrong), with caps on
 * depth, elements and text, and no DOCTYPE: entity declarations are the classical way to blow up a
 * parser.
 */
#ifndef PH_WIRE_XML_H
#define PH_WIRE_XML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

#define PH_XML_DEPTH_MAX 32
#define PH_XML_TEXT_MAX 1024U /* of one element; a longer text is an error */
#define PH_XML_ELEMENTS_MAX 8192U

/* `name` and `text` are NUL-terminated, valid during the call. `text` is what stood directly in the
 * element, trimmed. depth is 1 for the root element. Return false to stop the pass, which is no
 * error. */
struct ph_xml_handler {
    bool (*open)(void *user, const char *name, unsigned depth);
    bool (*close)(void *user, const char *name, struct ph_span text, unsigned depth);
    void *user;
    /* May be NULL. The next piece of the text of an element, as long as the device likes: true = it
     * was taken, and is no part of what close() gets. */
    bool (*take)(void *user, struct ph_span piece, unsigned depth);
};

/* Returns 0, or MALFORMED (also for a DOCTYPE), TOO_LARGE (a cap), NO_MEMORY. Handlers may have
 * been called before an error. Leniency that the field needs: blanks and a BOM before the
 * declaration, bytes after the root element; and a document that is not well formed is read a
 * second time with bare '&' escaped and as ISO-8859-1 before it is refused, reported to `restart`
 * (may be NULL), which must forget what was seen. */
int ph_xml_parse(struct ph_span document, const struct ph_xml_handler *handler,
                 void (*restart)(void *user));

/* Writes text with & < > " ' escaped, and control characters that XML 1.0 cannot have left out. */
void ph_xml_write_escaped(struct ph_writer *w, struct ph_span text);

#endif
