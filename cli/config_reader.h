/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * config_reader.h: between config.c, which knows of lines and sections, and config_keys.c, which
 * knows what they may say. Nobody else includes it.
 */
#ifndef PH_CLI_CONFIG_READER_H
#define PH_CLI_CONFIG_READER_H

#include <stdint.h>

#include "cli/config.h"

#if defined(__GNUC__)
#define PH_CONFIG_PRINTF(at, first) __attribute__((format(printf, at, first)))
#else
#define PH_CONFIG_PRINTF(at, first)
#endif

enum ph_config_key {
    PH_CONFIG_PORT,
    PH_CONFIG_EXTERNAL,
    PH_CONFIG_EXACT,
    PH_CONFIG_DESCRIPTION,
    PH_CONFIG_PROTOCOLS,
    PH_CONFIG_LIFETIME,
    PH_CONFIG_REFRESH,
    PH_CONFIG_EXEC,
    PH_CONFIG_EXEC_LIMIT,
    PH_CONFIG_FILE,
    PH_CONFIG_GATEWAY,
    PH_CONFIG_BIND,
    PH_CONFIG_STATE,
    PH_CONFIG_TIMEOUT,
    PH_CONFIG_KEYS
};

struct ph_config_reader {
    struct ph_config *config;
    struct ph_config_problems *problems;
    unsigned line;                        /* that is read */
    struct ph_config_section *section;    /* NULL = above the first one */
    struct ph_terms common;               /* what was said above the first one */
    unsigned common_line[PH_CONFIG_KEYS]; /* where; 0 = nowhere */
    unsigned own_line[PH_CONFIG_KEYS];    /* the same of the section */
    unsigned *port_line[2];               /* where a port is asked for, by TCP and UDP */
    unsigned *external_line[2];
    bool is_out_of_memory;
};

void ph_config_complain(struct ph_config_reader *reader, unsigned line, const char *format, ...)
    PH_CONFIG_PRINTF(3, 4);
/* A line KEY = VALUE; the value lives as long as the configuration. */
void ph_config_read_key(struct ph_config_reader *reader, const char *key, const char *value);
/* What can only be judged at the end of a section, or of what is above the first one. */
void ph_config_end_section(struct ph_config_reader *reader);

#endif
