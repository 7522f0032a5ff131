/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * values.h: what can be wished of a port, and how such a wish is read from text: by the command
 * line (options.c) and by a configuration file (config.c) alike. Nothing here prints: whoever read
 * the text knows where it stands, and says so.
 */
#ifndef PH_CLI_VALUES_H
#define PH_CLI_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

/* struct porthole_request: a shorter lease cannot be renewed safely. */
#define PH_VALUE_LIFETIME_S_MIN 20U
#define PH_VALUE_REFRESH_S_MIN 4U
#define PH_VALUE_EXEC_LIMIT_S_MAX 3600U
#define PH_VALUE_TIMEOUT_S_MAX 86400U

/* What is wished of ports besides their numbers; 0 and NULL are each field's default. Text is
 * another's. */
struct ph_terms {
    const char *description;
    const char *exec;
    const char *file;
    uint32_t lifetime_s;
    uint32_t refresh_s;
    uint32_t exec_limit_s;
    unsigned methods; /* PORTHOLE_USE_* */
    uint16_t external_port;
    bool exact;
};

/* A port by its number here, for one protocol or both. */
struct ph_port {
    uint16_t number;
    bool tcp;
    bool udp;
};

/* Each returns NULL, or why the text is none: "is not ...", to be put behind it. */
const char *ph_value_port(struct ph_span text, struct ph_port *ret);
/* One address of a host. */
const char *ph_value_address(const char *text);
/* A list of methods as PORTHOLE_USE_*, separated by commas. */
const char *ph_value_methods(struct ph_span text, unsigned *ret);
const char *ph_value_description(const char *text);

/* A whole number in digits alone. */
bool ph_value_number(const char *text, uint32_t min, uint32_t max, uint32_t *ret);
/* Whether two addresses are both IPv4 or both IPv6; each may be NULL. */
bool ph_value_same_family(const char *address, const char *other);

#endif
