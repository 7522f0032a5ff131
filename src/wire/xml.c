/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * xml.c: the one place that knows expat. It hands out elements and their text, and it stops the
 * parser at the first DOCTYPE or cap. Expat's namespace mode stays off: it refuses prefixes that
 * were not declared, which devices send.
 */
#include "wire/xml.h"

#include <expat.h>
#include <limits.h>
#include <porthole/porthole.h>
#include <stdlib.h>
#include <string.h>

/* The text of all open elements lies in one buffer, a child's behind its parent's. */
#define XML_TEXT_SIZE ((size_t)PH_XML_DEPTH_MAX * (PH_XML_TEXT_MAX + 1))

struct xml_pass {
    XML_Parser parser;
    const struct ph_xml_handler *handler;
    bool stopped; /* expat may deliver another event or two after it was stopped */
    bool refused; /* `result` is final: reading it another way would not help */
    int result;
    unsigned depth;
    unsigned elements;
    size_t text_start[PH_XML_DEPTH_MAX + 1]; /* by depth, in text */
    size_t text_len;
    char text[XML_TEXT_SIZE];
};

static void stop_pass(struct xml_pass *pass, int result) {
    pass->stopped = true;
    pass->refused = result < 0;
    pass->result = result;
    XML_StopParser(pass->parser, XML_FALSE);
}

static const char *local_name(const char *name) {
    const char *colon = strrchr(name, ':');
    return colon ? colon + 1 : name;
}

static void XMLCALL on_open(void *user, const XML_Char *name, const XML_Char **attributes) {
    struct xml_pass *pass = user;
    (void)attributes;
    if (pass->stopped)
        return;
    if (pass->depth == PH_XML_DEPTH_MAX || pass->elements == PH_XML_ELEMENTS_MAX) {
        stop_pass(pass, PORTHOLE_ERR_TOO_LARGE);
        return;
    }
    pass->depth++;
    pass->elements++;
    pass->text_start[pass->depth] = pass->text_len;
    if (!pass->handler->open(pass->handler->user, local_name(name), pass->depth))
        stop_pass(pass, 0);
}

static void XMLCALL on_close(void *user, const XML_Char *name) {
    struct xml_pass *pass = user;
    if (pass->stopped)
        return;
    size_t start = pass->text_start[pass->depth];
    struct ph_span text =
        ph_span_trim((struct ph_span){pass->text + start, pass->text_len - start});
    pass->text[start + text.len] = '\0';
    bool more = pass->handler->close(pass->handler->user, local_name(name), text, pass->depth);
    pass->text_len = start;
    pass->depth--;
    /* What follows the root element is nobody's business: devices append NULs and rubbish. */
    if (!more || pass->depth == 0)
        stop_pass(pass, 0);
}

static bool is_xml_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

static void XMLCALL on_text(void *user, const XML_Char *bytes, int len) {
    struct xml_pass *pass = user;
    struct ph_span piece = {bytes, (size_t)len};
    if (pass->stopped)
        return;
    if (pass->handler->take && pass->handler->take(pass->handler->user, piece, pass->depth))
        return;
    size_t used = pass->text_len - pass->text_start[pass->depth];
    /* Leading blanks are dropped here, so that indentation does not use up an element's text. */
    while (used == 0 && piece.len > 0 && is_xml_blank(piece.at[0])) {
        piece.at++;
        piece.len--;
    }
    if (piece.len > PH_XML_TEXT_MAX - used) {
        stop_pass(pass, PORTHOLE_ERR_TOO_LARGE);
        return;
    }
    memcpy(pass->text + pass->text_len, piece.at, piece.len);
    pass->text_len += piece.len;
}

static void XMLCALL on_doctype(void *user, const XML_Char *name, const XML_Char *system_id,
                               const XML_Char *public_id, int has_internal_subset) {
    struct xml_pass *pass = user;
    (void)name;
    (void)system_id;
    (void)public_id;
    (void)has_internal_subset;
    if (!pass->stopped)
        stop_pass(pass, PORTHOLE_ERR_MALFORMED);
}

/* Runs expat over a document. encoding NULL = the document's own. */
static int run_pass(struct xml_pass *pass, struct ph_span document, const char *encoding) {
    pass->stopped = pass->refused = false;
    pass->depth = pass->elements = 0;
    pass->text_start[0] = pass->text_len = 0;
    pass->parser = XML_ParserCreate(encoding);
    if (!pass->parser)
        return PORTHOLE_ERR_NO_MEMORY;
    XML_SetUserData(pass->parser, pass);
    XML_SetElementHandler(pass->parser, on_open, on_close);
    XML_SetCharacterDataHandler(pass->parser, on_text);
    XML_SetStartDoctypeDeclHandler(pass->parser, on_doctype);
    enum XML_Status status = XML_Parse(pass->parser, document.at, (int)document.len, XML_TRUE);
    int result = 0;
    if (pass->stopped)
        result = pass->result;
    else if (status != XML_STATUS_OK)
        result = XML_GetErrorCode(pass->parser) == XML_ERROR_NO_MEMORY ? PORTHOLE_ERR_NO_MEMORY
                                                                       : PORTHOLE_ERR_MALFORMED;
    XML_ParserFree(pass->parser);
    return result;
}

/* Whether the text begins with a reference that needs no declaration (XML 1.0 §4.1, §4.6). */
static bool is_reference(struct ph_span text) {
    static const char *const names[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t n = strlen(names[i]);
        if (text.len >= n && memcmp(text.at, names[i], n) == 0)
            return true;
    }
    bool hex = text.len > 2 && text.at[2] == 'x';
    size_t start = hex ? 3 : 2, i = start;
    if (text.len < 2 || text.at[1] != '#')
        return false;
    while (i < text.len && strchr(hex ? "0123456789abcdefABCDEF" : "0123456789", text.at[i]) &&
           text.at[i] != '\0')
        i++;
    return i > start && i < text.len && text.at[i] == ';';
}

/* A copy with each bare '&' written as "&amp;"; to be freed. */
static char *escape_bare_ampersands(struct ph_span document, size_t *ret_len) {
    size_t size = document.len + 1;
    for (size_t i = 0; i < document.len; i++)
        size += document.at[i] == '&' ? 4 : 0;
    char *copy = malloc(size);
    if (!copy)
        return NULL;
    struct ph_writer w;
    ph_writer_init(&w, copy, size);
    for (size_t i = 0; i < document.len; i++) {
        struct ph_span rest = {document.at + i, document.len - i};
        if (rest.at[0] == '&' && !is_reference(rest))
            ph_write_text(&w, "&amp;");
        else
            ph_write_u8(&w, (uint8_t)rest.at[0]);
    }
    *ret_len = w.len;
    return copy;
}

static struct ph_span without_preamble(struct ph_span document) {
    static const char bom[] = "\xef\xbb\xbf";
    for (;;) {
        size_t n = 0;
        if (document.len >= 3 && memcmp(document.at, bom, 3) == 0)
            n = 3;
        else if (document.len > 0 && is_xml_blank(document.at[0]))
            n = 1;
        if (n == 0)
            return document;
        document.at += n;
        document.len -= n;
    }
}

int ph_xml_parse(struct ph_span document, const struct ph_xml_handler *handler,
                 void (*restart)(void *user)) {
    document = without_preamble(document);
    if (document.len == 0)
        return PORTHOLE_ERR_MALFORMED;
    if (document.len > INT_MAX / 5) /* expat counts in int, and a '&' may grow to five bytes */
        return PORTHOLE_ERR_TOO_LARGE;
    struct xml_pass *pass = malloc(sizeof *pass);
    if (!pass)
        return PORTHOLE_ERR_NO_MEMORY;
    pass->handler = handler;
    int r = run_pass(pass, document, NULL);
    if (r == PORTHOLE_ERR_MALFORMED && !pass->refused) {
        if (restart)
            restart(handler->user);
        size_t len = 0;
        char *copy = escape_bare_ampersands(document, &len);
        r = copy ? run_pass(pass, (struct ph_span){copy, len}, "ISO-8859-1")
                 : PORTHOLE_ERR_NO_MEMORY;
        free(copy);
    }
    free(pass);
    return r;
}

static const char *escape_of(char c) {
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&apos;";
    default:
        return NULL;
    }
}

void ph_xml_write_escaped(struct ph_writer *w, struct ph_span text) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        const char *escape = escape_of(c);
        if (escape)
            ph_write_text(w, escape);
        else if ((unsigned char)c >= 0x20 || is_xml_blank(c))
            ph_write_u8(w, (uint8_t)c);
    }
}
