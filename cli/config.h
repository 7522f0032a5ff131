/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * config.h: the configuration file of `porthole serve`, see porthole.conf(5): its bytes to what is
 * to be held, or to a list of all that is wrong with them, each with its line. It is read as a
 * whole and looked at by nobody else: nothing here prints, asks the network, or changes anything.
 */
#ifndef PH_CLI_CONFIG_H
#define PH_CLI_CONFIG_H

#include <porthole/porthole.h>
#include <stdbool.h>
#include <stddef.h>

#include "cli/values.h"

#define PH_CONFIG_FILE_BYTES_MAX (1U << 20)
#define PH_CONFIG_LINE_BYTES_MAX 4096U
#define PH_CONFIG_SECTIONS_MAX 1024U
#define PH_CONFIG_NAME_MAX 32U
#define PH_CONFIG_FOLDER "/etc/porthole"

struct ph_config_section {
    const char *name;
    unsigned line;
    struct ph_terms terms; /* what holds for all sections included */
    struct ph_port *ports;
    size_t port_count;
};

struct ph_config {
    const char *gateway; /* NULL = not given, as below */
    const char *bind_address;
    const char *state;
    const char *file;
    unsigned methods;
    int timeout_ms;
    struct ph_config_section *sections;
    size_t count;
    char *text; /* what all that points to */
};

#define PH_CONFIG_PROBLEMS_MAX 100U
#define PH_CONFIG_PROBLEM_SIZE 192U
struct ph_config_problem {
    unsigned line; /* 0 = the file */
    char text[PH_CONFIG_PROBLEM_SIZE];
};
struct ph_config_problems {
    size_t count; /* of all; those beyond the list's end are not in it */
    struct ph_config_problem list[PH_CONFIG_PROBLEMS_MAX]; /* in the order of lines */
};

/* Fills *ret, which is to be freed, when no problem is found; else it is empty. */
bool ph_config_parse(const char *bytes, size_t len, struct ph_config *ret,
                     struct ph_config_problems *ret_problems);
/* The same of a file. */
bool ph_config_load(const char *path, struct ph_config *ret,
                    struct ph_config_problems *ret_problems);
void ph_config_free(struct ph_config *config);

/* The file that is meant by an argument: what has a slash or ends in .conf is a path, all else a
 * NAME of PH_CONFIG_FOLDER/NAME.conf. False: it is too long, or empty. */
bool ph_config_path(const char *argument, char *ret, size_t size);

#endif
