/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * config_keys.c: see config_reader.h: the keys of a configuration file, where each may stand, and
 * what its value may be. Values are read by values.c, as those of the command line are.
 */
#include <assert.h>
#include <porthole/porthole.h>
#include <stdlib.h>
#include <string.h>

#include "cli/config_reader.h"
#include "cli/output.h"

#define ABOVE 1U /* the first section */
#define WITHIN 2U
#define PATH_BYTES_MAX 1024U
/* Beyond that a word is another word. */
#define TYPOS_MAX 2U
#define WORD_MAX 24U
#define MS_PER_S 1000

static const struct key {
    const char *name;
    unsigned where;
} keys[PH_CONFIG_KEYS] = {
    [PH_CONFIG_PORT] = {"port", WITHIN},
    [PH_CONFIG_EXTERNAL] = {"external", WITHIN},
    [PH_CONFIG_EXACT] = {"exact", ABOVE | WITHIN},
    [PH_CONFIG_DESCRIPTION] = {"description", ABOVE | WITHIN},
    [PH_CONFIG_PROTOCOLS] = {"protocols", ABOVE | WITHIN},
    [PH_CONFIG_LIFETIME] = {"lifetime", ABOVE | WITHIN},
    [PH_CONFIG_REFRESH] = {"refresh", ABOVE | WITHIN},
    [PH_CONFIG_EXEC] = {"exec", ABOVE | WITHIN},
    [PH_CONFIG_EXEC_LIMIT] = {"exec-limit", ABOVE | WITHIN},
    [PH_CONFIG_FILE] = {"file", ABOVE | WITHIN},
    [PH_CONFIG_GATEWAY] = {"gateway", ABOVE},
    [PH_CONFIG_BIND] = {"bind", ABOVE},
    [PH_CONFIG_STATE] = {"state", ABOVE},
    [PH_CONFIG_TIMEOUT] = {"timeout", ABOVE},
};

/* What other programs call it. */
static const struct {
    const char *word;
    enum ph_config_key key;
} other_words[] = {
    {"ports", PH_CONFIG_PORT},        {"internal", PH_CONFIG_PORT},
    {"listen", PH_CONFIG_PORT},       {"public", PH_CONFIG_EXTERNAL},
    {"outside", PH_CONFIG_EXTERNAL},  {"external-port", PH_CONFIG_EXTERNAL},
    {"name", PH_CONFIG_DESCRIPTION},  {"comment", PH_CONFIG_DESCRIPTION},
    {"method", PH_CONFIG_PROTOCOLS},  {"methods", PH_CONFIG_PROTOCOLS},
    {"lease", PH_CONFIG_LIFETIME},    {"ttl", PH_CONFIG_LIFETIME},
    {"duration", PH_CONFIG_LIFETIME}, {"interval", PH_CONFIG_REFRESH},
    {"renew", PH_CONFIG_REFRESH},     {"hook", PH_CONFIG_EXEC},
    {"script", PH_CONFIG_EXEC},       {"command", PH_CONFIG_EXEC},
    {"output", PH_CONFIG_FILE},       {"router", PH_CONFIG_GATEWAY},
    {"address", PH_CONFIG_BIND},      {"source", PH_CONFIG_BIND},
    {"state-file", PH_CONFIG_STATE},
};

/* ---- Names ----------------------------------------------------------------------------------- */

static char lower_of(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

static unsigned least(unsigned a, unsigned b) { return a < b ? a : b; }

/* How many letters must be put in, left out or exchanged; two that changed places count once. */
static unsigned typos_between(const char *a, const char *b) {
    unsigned rows[3][WORD_MAX + 1];
    size_t a_len = strlen(a), b_len = strlen(b);
    if (a_len > WORD_MAX || b_len > WORD_MAX)
        return TYPOS_MAX + 1;
    for (size_t j = 0; j <= b_len; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a_len; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_len; j++) {
            bool same = lower_of(a[i - 1]) == lower_of(b[j - 1]);
            row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + !same);
            if (i > 1 && j > 1 && lower_of(a[i - 1]) == lower_of(b[j - 2]) &&
                lower_of(a[i - 2]) == lower_of(b[j - 1]))
                row[j] = least(row[j], before[j - 2] + 1);
        }
    }
    return rows[a_len % 3][b_len];
}

/* The key that was meant; NULL = who knows. */
static const char *meant(const char *word) {
    unsigned fewest = TYPOS_MAX + 1;
    const char *nearest = NULL;
    for (size_t i = 0; i < PH_CONFIG_KEYS; i++) {
        unsigned typos = typos_between(word, keys[i].name);
        if (typos < fewest && typos < strlen(keys[i].name) - 1) {
            fewest = typos;
            nearest = keys[i].name;
        }
    }
    for (size_t i = 0; i < sizeof other_words / sizeof *other_words && fewest > 0; i++)
        if (typos_between(word, other_words[i].word) == 0)
            nearest = keys[other_words[i].key].name;
    return nearest;
}

static void complain_unknown(struct ph_config_reader *reader, const char *word) {
    char quote[PH_OUTPUT_QUOTE_SIZE], known[128] = "";
    const char *nearest = meant(word);
    ph_output_quote(word, quote);
    if (nearest) {
        ph_config_complain(reader, reader->line, "%s is not a key; did you mean %s?", quote,
                           nearest);
        return;
    }
    unsigned where = reader->section ? WITHIN : ABOVE;
    for (size_t i = 0, len = 0; i < PH_CONFIG_KEYS; i++) {
        if (!(keys[i].where & where))
            continue;
        size_t name_len = strlen(keys[i].name);
        memcpy(known + len, len ? ", " : "", len ? 3 : 1);
        len += len ? 2 : 0;
        memcpy(known + len, keys[i].name, name_len + 1);
        len += name_len;
    }
    ph_config_complain(reader, reader->line, "%s is not a key; here are: %s", quote, known);
}

/* ---- Values ---------------------------------------------------------------------------------- */

/* `why` is what a function of values.h said. */
static bool is_right(struct ph_config_reader *reader, const char *key, const char *value,
                     const char *why) {
    char quote[PH_OUTPUT_QUOTE_SIZE];
    bool has_comment = strstr(value, " #") || strstr(value, " ;");
    if (why)
        ph_config_complain(reader, reader->line, "%s %s %s%s", key, ph_output_quote(value, quote),
                           why, has_comment ? " (a comment needs a line of its own)" : "");
    return !why;
}

static void read_number(struct ph_config_reader *reader, enum ph_config_key key, const char *value,
                        uint32_t min, uint32_t max, uint32_t *ret) {
    char quote[PH_OUTPUT_QUOTE_SIZE];
    bool is_port = key == PH_CONFIG_EXTERNAL;
    if (ph_value_number(value, min, max, ret))
        return;
    ph_config_complain(reader, reader->line, "%s %s is not %s from %lu to %lu", keys[key].name,
                       ph_output_quote(value, quote), is_port ? "a port" : "a number of seconds",
                       (unsigned long)min, (unsigned long)max);
}

static void read_flag(struct ph_config_reader *reader, const char *value, bool *ret) {
    bool is_yes = strcmp(value, "yes") == 0 || strcmp(value, "true") == 0;
    bool is_no = strcmp(value, "no") == 0 || strcmp(value, "false") == 0;
    *ret = is_yes;
    (void)is_right(reader, "exact", value, is_yes || is_no ? NULL : "is not yes or no");
}

static void read_path(struct ph_config_reader *reader, enum ph_config_key key, const char *value,
                      const char **ret) {
    const char *why = value[0] != '/' ? "does not begin with /" : NULL;
    if (key == PH_CONFIG_STATE && strcmp(value, "none") == 0)
        why = NULL;
    if (!why && strlen(value) > PATH_BYTES_MAX)
        why = "is longer than 1024 bytes";
    if (is_right(reader, keys[key].name, value, why))
        *ret = value;
}

static void read_exec(struct ph_config_reader *reader, const char *value, const char **ret) {
    bool is_cut = value[strlen(value) - 1] == '\\';
    if (is_right(reader, "exec", value, is_cut ? "ends in \\: a command is one line" : NULL))
        *ret = value;
}

static void read_methods(struct ph_config_reader *reader, const char *value, unsigned *ret) {
    unsigned methods, all = reader->common.methods;
    if (!is_right(reader, "protocols", value, ph_value_methods(ph_span_of(value), &methods)))
        return;
    if (reader->section && all != 0 && (methods & ~all) != 0)
        ph_config_complain(reader, reader->line,
                           "protocols %s are more than those for all, in line %u", value,
                           reader->common_line[PH_CONFIG_PROTOCOLS]);
    *ret = methods;
}

/* One of a section's ports, which no other section may have. */
static void add_port(struct ph_config_reader *reader, struct ph_span word) {
    struct ph_config_section *section = reader->section;
    assert(section); /* the table says that it is no key of those above */
    struct ph_port port;
    char text[WORD_MAX], quote[PH_OUTPUT_QUOTE_SIZE];
    const char *why = ph_value_port(word, &port);
    ph_span_print(word, text, sizeof text);
    if (why) {
        ph_config_complain(reader, reader->line, "port %s: %s", ph_output_quote(text, quote), why);
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        unsigned *line = &reader->port_line[i][port.number];
        if (!(i == 0 ? port.tcp : port.udp))
            continue;
        if (*line != 0) {
            ph_config_complain(reader, reader->line, "%s port %u is asked for in line %u already",
                               i == 0 ? "tcp" : "udp", (unsigned)port.number, *line);
            return;
        }
        *line = reader->line;
    }
    struct ph_port *grown =
        realloc(section->ports, (section->port_count + 1) * sizeof *section->ports);
    if (!grown) {
        reader->is_out_of_memory = true;
        return;
    }
    section->ports = grown;
    section->ports[section->port_count++] = port;
}

/* Blanks and commas are between ports. */
static void read_ports(struct ph_config_reader *reader, const char *value) {
    static const char between[] = " \t,";
    if (strstr(value, " #") || strstr(value, " ;")) {
        (void)is_right(reader, "port", value, "is not a list of ports");
        return;
    }
    for (const char *at = value; *at; at += strcspn(at, between), at += strspn(at, between))
        add_port(reader, (struct ph_span){at, strcspn(at, between)});
}

static void read_of_all(struct ph_config_reader *reader, enum ph_config_key key,
                        const char *value) {
    struct ph_config *config = reader->config;
    uint32_t seconds = 0;
    if (key == PH_CONFIG_STATE) {
        read_path(reader, key, value, &config->state);
    } else if (key == PH_CONFIG_TIMEOUT) {
        read_number(reader, key, value, 1, PH_VALUE_TIMEOUT_S_MAX, &seconds);
        config->timeout_ms = (int)seconds * MS_PER_S;
    } else if (is_right(reader, keys[key].name, value, ph_value_address(value))) {
        if (key == PH_CONFIG_GATEWAY)
            config->gateway = value;
        else
            config->bind_address = value;
    }
}

static void read_value(struct ph_config_reader *reader, enum ph_config_key key, const char *value) {
    struct ph_terms *terms = reader->section ? &reader->section->terms : &reader->common;
    uint32_t number = 0;
    switch (key) {
    case PH_CONFIG_PORT:
        read_ports(reader, value);
        return;
    case PH_CONFIG_EXTERNAL:
        read_number(reader, key, value, 1, UINT16_MAX, &number);
        terms->external_port = (uint16_t)number;
        return;
    case PH_CONFIG_EXACT:
        read_flag(reader, value, &terms->exact);
        return;
    case PH_CONFIG_DESCRIPTION:
        if (is_right(reader, "description", value, ph_value_description(value)))
            terms->description = value;
        return;
    case PH_CONFIG_PROTOCOLS:
        read_methods(reader, value, &terms->methods);
        return;
    case PH_CONFIG_LIFETIME:
        read_number(reader, key, value, PH_VALUE_LIFETIME_S_MIN, UINT32_MAX, &terms->lifetime_s);
        return;
    case PH_CONFIG_REFRESH:
        read_number(reader, key, value, PH_VALUE_REFRESH_S_MIN, UINT32_MAX, &terms->refresh_s);
        return;
    case PH_CONFIG_EXEC:
        read_exec(reader, value, &terms->exec);
        return;
    case PH_CONFIG_EXEC_LIMIT:
        read_number(reader, key, value, 1, PH_VALUE_EXEC_LIMIT_S_MAX, &terms->exec_limit_s);
        return;
    case PH_CONFIG_FILE: /* above the first section it is one file for all, not each one's */
        read_path(reader, key, value, reader->section ? &terms->file : &reader->config->file);
        return;
    case PH_CONFIG_GATEWAY:
    case PH_CONFIG_BIND:
    case PH_CONFIG_STATE:
    case PH_CONFIG_TIMEOUT:
    case PH_CONFIG_KEYS:
        break;
    }
    read_of_all(reader, key, value);
}

void ph_config_read_key(struct ph_config_reader *reader, const char *key, const char *value) {
    unsigned *lines = reader->section ? reader->own_line : reader->common_line;
    size_t i = 0;
    while (i < PH_CONFIG_KEYS && strcmp(keys[i].name, key) != 0)
        i++;
    if (i == PH_CONFIG_KEYS) {
        complain_unknown(reader, key);
    } else if (!(keys[i].where & (reader->section ? WITHIN : ABOVE))) {
        ph_config_complain(reader, reader->line,
                           reader->section
                               ? "%s is for all ports: it belongs above the first [SECTION]"
                               : "%s belongs in a [SECTION]",
                           key);
    } else if (lines[i] != 0) {
        ph_config_complain(reader, reader->line, "%s is given already, in line %u", key, lines[i]);
    } else {
        lines[i] = reader->line;
        if (*value)
            read_value(reader, (enum ph_config_key)i, value);
        else
            ph_config_complain(reader, reader->line, "%s has no value", key);
    }
}

/* ---- What contradicts ------------------------------------------------------------------------ */

static void end_common(struct ph_config_reader *reader) {
    struct ph_config *config = reader->config;
    unsigned line = reader->common_line[PH_CONFIG_BIND];
    config->methods = reader->common.methods;
    if (!ph_value_same_family(config->gateway, config->bind_address))
        ph_config_complain(reader, line, "of bind and gateway one is IPv4, the other IPv6");
}

static void check_external(struct ph_config_reader *reader) {
    const struct ph_config_section *section = reader->section;
    unsigned line = reader->own_line[PH_CONFIG_EXTERNAL];
    uint16_t port = section->terms.external_port;
    if (port == 0)
        return;
    if (section->port_count > 1) {
        ph_config_complain(reader, line, "external %u cannot be that of %lu ports", (unsigned)port,
                           (unsigned long)section->port_count);
        return;
    }
    for (size_t i = 0; i < 2 && section->port_count == 1; i++) {
        unsigned *taken = &reader->external_line[i][port];
        if (!(i == 0 ? section->ports[0].tcp : section->ports[0].udp))
            continue;
        if (*taken != 0)
            ph_config_complain(reader, line, "external %s port %u is wished for in line %u already",
                               i == 0 ? "tcp" : "udp", (unsigned)port, *taken);
        *taken = line;
    }
}

/* Two that write one file would take it from each other. */
static void check_file(struct ph_config_reader *reader) {
    const struct ph_config *config = reader->config;
    const char *file = reader->section->terms.file;
    bool is_taken = file && config->file && strcmp(file, config->file) == 0;
    for (size_t i = 0; file && i + 1 < config->count; i++)
        is_taken = is_taken || (config->sections[i].terms.file &&
                                strcmp(file, config->sections[i].terms.file) == 0);
    if (is_taken)
        ph_config_complain(reader, reader->own_line[PH_CONFIG_FILE],
                           "this file is another's already");
}

void ph_config_end_section(struct ph_config_reader *reader) {
    const struct ph_config_section *section = reader->section;
    if (!section) {
        end_common(reader);
        return;
    }
    if (reader->own_line[PH_CONFIG_PORT] == 0)
        ph_config_complain(reader, section->line, "[%s] has no port", section->name);
    if (reader->own_line[PH_CONFIG_EXEC_LIMIT] != 0 && !section->terms.exec)
        ph_config_complain(reader, reader->own_line[PH_CONFIG_EXEC_LIMIT],
                           "exec-limit is of exec, which is not given");
    check_external(reader);
    check_file(reader);
}
