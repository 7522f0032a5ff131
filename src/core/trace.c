/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * trace.c: one line for each decision, the same in a log, in a story test and in a failing
 * simulation. What came from the network must be made printable before it gets here.
 */
#include <stdarg.h>
#include <stdio.h>

#include "core/state.h"

void ph_trace(const struct ph_engine *e, enum porthole_log_level level, const char *format, ...) {
    if (!e->config.log || level > e->config.log_level)
        return;
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    e->config.log(e->config.log_user, level, line);
}

const char *ph_trace_mapping(const struct ph_mapping *m, char ret[PH_MAPPING_NAME_SIZE]) {
    snprintf(ret, PH_MAPPING_NAME_SIZE, "%s %u",
             m->hidden                     ? "probe"
             : m->protocol == PORTHOLE_TCP ? "tcp"
                                           : "udp",
             m->internal_port);
    return ret;
}
