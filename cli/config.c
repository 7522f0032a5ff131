/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * config.c: see config.h. A line is [SECTION], KEY = VALUE, a comment or empty; nothing is quoted,
 * continued or put in for something else, so that what stands there is what is meant. Reading goes
 * on after a problem: all of them are told in one go.
 */
#define _POSIX_C_SOURCE 200809L

#include "cli/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/config_reader.h"
#include "cli/output.h"

#define PORTS 65536U

/* ---- Problems -------------------------------------------------------------------------------- */

void ph_config_complain(struct ph_config_reader *reader, unsigned line, const char *format, ...) {
    struct ph_config_problems *problems = reader->problems;
    char text[PH_CONFIG_PROBLEM_SIZE];
    va_list arguments;
    if (problems->count++ >= PH_CONFIG_PROBLEMS_MAX)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    /* Most come in their order; those of a section's end belong to a line before. */
    size_t at = problems->count - 1;
    for (; at > 0 && problems->list[at - 1].line > line; at--)
        problems->list[at] = problems->list[at - 1];
    problems->list[at].line = line;
    ph_span_print(ph_span_of(text), problems->list[at].text, sizeof problems->list[at].text);
}

/* ---- Lines ----------------------------------------------------------------------------------- */

static const char *name_problem(struct ph_span name) {
    if (name.len == 0)
        return "is empty";
    if (name.len > PH_CONFIG_NAME_MAX)
        return "is longer than 32 characters";
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_letter && c != '-' && c != '_' && c != '.')
            return "is not made of letters, digits, - _ and .";
    }
    return NULL;
}

/* The name is that of no section when it is wrong: what the section says is looked at all the same.
 */
static const char *read_name(struct ph_config_reader *reader, char *text, size_t len) {
    const struct ph_config *config = reader->config;
    char quote[PH_OUTPUT_QUOTE_SIZE];
    if (text[len - 1] != ']') {
        ph_config_complain(reader, reader->line, "%s: a section is [NAME], alone on its line",
                           ph_output_quote(text, quote));
        return "";
    }
    struct ph_span name = ph_span_trim((struct ph_span){text + 1, len - 2});
    const char *why = name_problem(name);
    text[(size_t)(name.at - text) + name.len] = '\0';
    if (why) {
        ph_config_complain(reader, reader->line, "the section's name %s %s",
                           ph_output_quote(name.at, quote), why);
        return "";
    }
    for (size_t i = 0; i < config->count; i++) {
        if (strcmp(config->sections[i].name, name.at) == 0) {
            ph_config_complain(reader, reader->line, "section [%s] is there already, in line %u",
                               name.at, config->sections[i].line);
            return "";
        }
    }
    return name.at;
}

/* False: the rest is not read. */
static bool begin_section(struct ph_config_reader *reader, char *text, size_t len) {
    struct ph_config *config = reader->config;
    const char *name = read_name(reader, text, len);
    ph_config_end_section(reader);
    if (config->count == PH_CONFIG_SECTIONS_MAX) {
        ph_config_complain(reader, reader->line, "more than %u sections; the rest was not read",
                           PH_CONFIG_SECTIONS_MAX);
        reader->section = NULL;
        return false;
    }
    if ((config->count & (config->count - 1)) == 0) { /* 0, 1, 2, 4, ... are full */
        size_t room = config->count ? 2 * config->count : 1;
        struct ph_config_section *grown = realloc(config->sections, room * sizeof *grown);
        if (!grown) {
            reader->is_out_of_memory = true;
            return false;
        }
        config->sections = grown;
    }
    reader->section = &config->sections[config->count++];
    *reader->section =
        (struct ph_config_section){.name = name, .line = reader->line, .terms = reader->common};
    memset(reader->own_line, 0, sizeof reader->own_line);
    return true;
}

/* False: the line holds what no text has. */
static bool is_text(struct ph_config_reader *reader, struct ph_span line) {
    if (line.len > PH_CONFIG_LINE_BYTES_MAX) {
        ph_config_complain(reader, reader->line, "a line of more than %u bytes",
                           PH_CONFIG_LINE_BYTES_MAX);
        return false;
    }
    for (size_t i = 0; i < line.len; i++) {
        unsigned char byte = (unsigned char)line.at[i];
        if ((byte < ' ' && byte != '\t') || byte == 0x7f) {
            ph_config_complain(reader, reader->line, "%s (0x%02x at byte %lu)",
                               byte ? "a control character" : "a NUL byte", byte,
                               (unsigned long)i + 1);
            return false;
        }
    }
    return true;
}

/* `text` has room for a NUL behind its end. False: the rest is not read. */
static bool read_line(struct ph_config_reader *reader, char *text, size_t len) {
    if (len > 0 && text[len - 1] == '\r')
        len--;
    if (!is_text(reader, (struct ph_span){text, len}))
        return true;
    struct ph_span line = ph_span_trim((struct ph_span){text, len});
    text += line.at - text;
    text[line.len] = '\0';
    if (line.len == 0 || *text == '#' || *text == ';')
        return true;
    if (*text == '[')
        return begin_section(reader, text, line.len);
    char *equals = memchr(text, '=', line.len);
    if (!equals) {
        char quote[PH_OUTPUT_QUOTE_SIZE];
        ph_config_complain(reader, reader->line, "%s is neither KEY = VALUE nor [SECTION]",
                           ph_output_quote(text, quote));
        return true;
    }
    struct ph_span key = ph_span_trim((struct ph_span){text, (size_t)(equals - text)});
    struct ph_span value = ph_span_trim(ph_span_of(equals + 1));
    text[(size_t)(key.at - text) + key.len] = '\0';
    ph_config_read_key(reader, key.at, value.at);
    return true;
}

static void read_lines(struct ph_config_reader *reader, char *text, size_t len) {
    if (len >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0)) {
        ph_config_complain(reader, 1, "the file is UTF-16; save it as UTF-8");
        return;
    }
    size_t at = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    while (at < len) {
        const char *newline = memchr(text + at, '\n', len - at);
        size_t end = newline ? (size_t)(newline - text) : len;
        reader->line++;
        if (!read_line(reader, text + at, end - at))
            return;
        at = end + 1;
    }
    ph_config_end_section(reader);
    if (reader->config->count == 0)
        ph_config_complain(reader, 0, "no [SECTION] with a port: there is nothing to open");
}

/* ---- All of it ------------------------------------------------------------------------------- */

bool ph_config_parse(const char *bytes, size_t len, struct ph_config *ret,
                     struct ph_config_problems *ret_problems) {
    struct ph_config_reader reader = {.config = ret, .problems = ret_problems};
    unsigned *lines = calloc((size_t)4 * PORTS, sizeof *lines);
    *ret = (struct ph_config){.text = malloc(len + 1)};
    ret_problems->count = 0;
    if (len > PH_CONFIG_FILE_BYTES_MAX) {
        ph_config_complain(&reader, 0, "the file has more than %u bytes", PH_CONFIG_FILE_BYTES_MAX);
    } else if (!lines || !ret->text) {
        reader.is_out_of_memory = true;
    } else {
        for (size_t i = 0; i < 2; i++) {
            reader.port_line[i] = lines + i * PORTS;
            reader.external_line[i] = lines + (2 + i) * PORTS;
        }
        if (len > 0)
            memcpy(ret->text, bytes, len);
        read_lines(&reader, ret->text, len);
    }
    if (reader.is_out_of_memory)
        ph_config_complain(&reader, 0, "%s", porthole_strerror(PORTHOLE_ERR_NO_MEMORY));
    free(lines);
    if (ret_problems->count == 0)
        return true;
    ph_config_free(ret);
    return false;
}

/* All bytes of it, for the caller to free; one more than may be is enough. NULL: errno says why. */
static char *read_file(int fd, size_t *ret_len) {
    char *bytes = malloc(PH_CONFIG_FILE_BYTES_MAX + 1);
    size_t len = 0;
    while (bytes && len <= PH_CONFIG_FILE_BYTES_MAX) {
        ssize_t got = read(fd, bytes + len, PH_CONFIG_FILE_BYTES_MAX + 1 - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            free(bytes);
            return NULL;
        }
        if (got == 0)
            break;
        len += (size_t)got;
    }
    *ret_len = len;
    return bytes;
}

bool ph_config_load(const char *path, struct ph_config *ret,
                    struct ph_config_problems *ret_problems) {
    struct ph_config_reader reader = {.problems = ret_problems};
    struct stat facts;
    size_t len = 0;
    *ret = (struct ph_config){0};
    ret_problems->count = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &facts) != 0)
        ph_config_complain(&reader, 0, "%s", strerror(errno));
    else if (!S_ISREG(facts.st_mode))
        ph_config_complain(&reader, 0, "not a regular file");
    else if (facts.st_mode & S_IWOTH)
        ph_config_complain(&reader, 0,
                           "everybody may write it, and so choose what exec runs; "
                           "chmod o-w");
    char *bytes = ret_problems->count == 0 ? read_file(fd, &len) : NULL;
    if (!bytes && ret_problems->count == 0)
        ph_config_complain(&reader, 0, "%s", strerror(errno));
    if (fd >= 0)
        close(fd);
    bool is_good = bytes && ph_config_parse(bytes, len, ret, ret_problems);
    free(bytes);
    return is_good;
}

void ph_config_free(struct ph_config *config) {
    for (size_t i = 0; i < config->count; i++)
        free(config->sections[i].ports);
    free(config->sections);
    free(config->text);
    *config = (struct ph_config){0};
}

bool ph_config_path(const char *argument, char *ret, size_t size) {
    size_t len = strlen(argument);
    bool is_path = strchr(argument, '/') || (len > 5 && strcmp(argument + len - 5, ".conf") == 0);
    int written = is_path ? snprintf(ret, size, "%s", argument)
                          : snprintf(ret, size, PH_CONFIG_FOLDER "/%s.conf", argument);
    return len > 0 && written > 0 && (size_t)written < size;
}
