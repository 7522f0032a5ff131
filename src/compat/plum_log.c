/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * plum_log.c: see plum_log.h. What was asked for stays the same from one start of the library to
 * its end, so that no lock is needed here.
 */
#include <stdio.h>

#include "compat/plum_log.h"

static plum_log_callback_t user_log; /* NULL = standard output */
static _Thread_local bool is_in_log;

static enum porthole_log_level level_from_plum(plum_log_level_t level) {
    switch (level) {
    case PLUM_LOG_LEVEL_VERBOSE:
        return PORTHOLE_LOG_TRACE;
    case PLUM_LOG_LEVEL_DEBUG:
        return PORTHOLE_LOG_DEBUG;
    case PLUM_LOG_LEVEL_INFO:
        return PORTHOLE_LOG_INFO;
    case PLUM_LOG_LEVEL_WARN:
        return PORTHOLE_LOG_WARN;
    case PLUM_LOG_LEVEL_ERROR:
    case PLUM_LOG_LEVEL_FATAL:
    case PLUM_LOG_LEVEL_NONE:
    default:
        return PORTHOLE_LOG_NONE;
    }
}

static plum_log_level_t level_to_plum(enum porthole_log_level level) {
    switch (level) {
    case PORTHOLE_LOG_TRACE:
        return PLUM_LOG_LEVEL_VERBOSE;
    case PORTHOLE_LOG_DEBUG:
        return PLUM_LOG_LEVEL_DEBUG;
    case PORTHOLE_LOG_INFO:
        return PLUM_LOG_LEVEL_INFO;
    case PORTHOLE_LOG_NONE:
    case PORTHOLE_LOG_WARN:
    default:
        return PLUM_LOG_LEVEL_WARN;
    }
}

static void print_line(plum_log_level_t level, const char *line) {
    static const char *const names[] = {
        [PLUM_LOG_LEVEL_VERBOSE] = "verbose",
        [PLUM_LOG_LEVEL_DEBUG] = "debug",
        [PLUM_LOG_LEVEL_INFO] = "info",
        [PLUM_LOG_LEVEL_WARN] = "warning",
    };
    (void)printf("plum %s: %s\n", names[level], line);
    (void)fflush(stdout);
}

static void write_plum_log(enum porthole_log_level level, const char *line, void *user) {
    (void)user;
    if (!user_log) {
        print_line(level_to_plum(level), line);
        return;
    }
    is_in_log = true;
    user_log(level_to_plum(level), line);
    is_in_log = false;
}

void ph_plum_log_init(const plum_config_t *config, struct porthole_config *ret) {
    user_log = config->log_callback;
    ret->log_level = level_from_plum(config->log_level);
    ret->on_log = ret->log_level == PORTHOLE_LOG_NONE ? NULL : write_plum_log;
}

bool ph_plum_log_is_running(void) { return is_in_log; }
