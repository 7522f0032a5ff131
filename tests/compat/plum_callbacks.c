/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * plum_callbacks.c: what a callback may do, and where log messages go. In front of a router.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "plum_check.h"

/* ---- Callbacks of mappings ------------------------------------------------------------------- */

static struct watched created;

static void create_another(struct watched *watched, plum_state_t state) {
    (void)watched;
    if (state == PLUM_STATE_SUCCESS)
        CHECK(ask(&created) >= 0);
}

static void callback_may_create(void) {
    struct watched watched = WATCHED_TCP(8101);
    created = (struct watched)WATCHED_TCP(8102);
    watched.then = create_another;
    start_quietly();
    CHECK(ask(&watched) >= 0);
    CHECK(wait_for(&created.successes, 1));
    stop();
    check_ended(&watched);
    check_ended(&created);
}

static void look_at_itself(struct watched *watched, plum_state_t state) {
    plum_state_t queried = PLUM_STATE_PENDING;
    plum_mapping_t mapping;
    const int result = plum_query_mapping(watched->id, &queried, &mapping);
    if (state == PLUM_STATE_DESTROYED) {
        CHECK_EQUAL(result, PLUM_ERR_NOT_AVAIL);
        return;
    }
    CHECK_EQUAL(result, PLUM_ERR_SUCCESS);
    CHECK_EQUAL(queried, state);
    CHECK_EQUAL(mapping.internal_port, watched->port);
}

static void callback_may_query(void) {
    struct watched watched = WATCHED_TCP(8103);
    watched.then = look_at_itself;
    start_quietly();
    CHECK(ask(&watched) >= 0);
    CHECK(wait_for(&watched.successes, 1));
    stop();
    check_ended(&watched);
}

static void destroy_itself(struct watched *watched, plum_state_t state) {
    if (state == PLUM_STATE_SUCCESS)
        CHECK_EQUAL(plum_destroy_mapping(watched->id), PLUM_ERR_SUCCESS);
}

static void callback_may_destroy_itself(void) {
    struct watched watched = WATCHED_TCP(8104);
    watched.then = destroy_itself;
    start_quietly();
    CHECK(ask(&watched) >= 0);
    CHECK(wait_for(&watched.ends, 1));
    stop();
    CHECK_EQUAL(watched.successes, 1);
    check_ended(&watched);
}

static void try_cleanup(struct watched *watched, plum_state_t state) {
    (void)watched;
    (void)state;
    CHECK_EQUAL(plum_cleanup(), PLUM_ERR_FAILED);
}

static void callback_may_not_clean_up(void) {
    struct watched watched = WATCHED_UDP(8105);
    watched.then = try_cleanup;
    start_quietly();
    const int id = ask(&watched);
    CHECK(wait_for(&watched.successes, 1));
    CHECK_EQUAL(state_of(id), PLUM_STATE_SUCCESS); /* nothing was ended */
    stop();
    check_ended(&watched);
}

static int created_at_the_end;
static void create_at_the_end(struct watched *watched, plum_state_t state) {
    (void)watched;
    if (state == PLUM_STATE_DESTROYED)
        created_at_the_end = ask(&created);
}

static void nothing_is_created_during_cleanup(void) {
    struct watched watched = WATCHED_UDP(8106);
    created = (struct watched)WATCHED_TCP(8107);
    watched.then = create_at_the_end;
    start_quietly();
    CHECK(ask(&watched) >= 0);
    CHECK(wait_for(&watched.successes, 1));
    stop();
    check_ended(&watched);
    CHECK_EQUAL(created_at_the_end, PLUM_ERR_FAILED);
    CHECK_EQUAL(created.ends + created.successes + created.failures, 0);
}

static struct watched pair[2];
static int ends_of_pair;

/* At the first end the other one has not been told of its own. */
static void look_at_the_other(struct watched *watched, plum_state_t state) {
    const struct watched *other = watched == &pair[0] ? &pair[1] : &pair[0];
    if (state != PLUM_STATE_DESTROYED || ends_of_pair++ > 0)
        return;
    CHECK_EQUAL(state_of(other->id), PLUM_STATE_DESTROYING);
    CHECK_EQUAL(plum_destroy_mapping(other->id), PLUM_ERR_SUCCESS);
}

static void during_cleanup_all_are_being_destroyed(void) {
    pair[0] = (struct watched)WATCHED_TCP(8108);
    pair[1] = (struct watched)WATCHED_UDP(8109);
    ends_of_pair = 0;
    start_quietly();
    for (int i = 0; i < 2; i++) {
        pair[i].then = look_at_the_other;
        CHECK(ask(&pair[i]) >= 0);
        CHECK(wait_for(&pair[i].successes, 1));
    }
    stop();
    check_ended(&pair[0]);
    check_ended(&pair[1]);
}

/* ---- Log ------------------------------------------------------------------------------------- */

/* Written under a lock of the library, read when it has ended. */
static int lines[PLUM_LOG_LEVEL_NONE + 1];
static int bad_lines;

static void count_line(plum_log_level_t level, const char *message) {
    if ((int)level < 0 || level >= PLUM_LOG_LEVEL_NONE || message[0] == '\0' ||
        strchr(message, '\n'))
        bad_lines++;
    else
        lines[level]++;
}

/* A mapping's life with the log at that level; how many lines there were in all. */
static int log_at(plum_log_level_t level, plum_log_callback_t callback) {
    struct watched watched = WATCHED_TCP(8110);
    plum_config_t config = quiet_config();
    int total = 0;
    memset(lines, 0, sizeof lines);
    bad_lines = 0;
    config.log_level = level;
    config.log_callback = callback;
    start(&config);
    CHECK(ask(&watched) >= 0);
    CHECK(wait_for(&watched.successes, 1));
    stop();
    for (int i = 0; i < PLUM_LOG_LEVEL_NONE; i++)
        total += lines[i];
    CHECK_EQUAL(bad_lines, 0);
    return total;
}

static void log_callback_gets_the_levels_asked_for(void) {
    CHECK(log_at(PLUM_LOG_LEVEL_VERBOSE, count_line) > 0);
    CHECK(lines[PLUM_LOG_LEVEL_VERBOSE] > 0);
    CHECK(lines[PLUM_LOG_LEVEL_DEBUG] > 0);
    CHECK(log_at(PLUM_LOG_LEVEL_DEBUG, count_line) > 0);
    CHECK_EQUAL(lines[PLUM_LOG_LEVEL_VERBOSE], 0);
    CHECK(lines[PLUM_LOG_LEVEL_DEBUG] > 0);
    CHECK_EQUAL(log_at(PLUM_LOG_LEVEL_INFO, count_line),
                lines[PLUM_LOG_LEVEL_INFO] + lines[PLUM_LOG_LEVEL_WARN]);
    CHECK_EQUAL(log_at(PLUM_LOG_LEVEL_WARN, count_line), lines[PLUM_LOG_LEVEL_WARN]);
    CHECK_EQUAL(log_at(PLUM_LOG_LEVEL_ERROR, count_line), 0);
    CHECK_EQUAL(log_at(PLUM_LOG_LEVEL_FATAL, count_line), 0);
    CHECK_EQUAL(log_at(PLUM_LOG_LEVEL_NONE, count_line), 0);
}

static int answers_in_log;
static void call_from_log(plum_log_level_t level, const char *message) {
    const plum_mapping_t request = {.protocol = PLUM_IP_PROTOCOL_TCP, .internal_port = 8111};
    count_line(level, message);
    if (plum_create_mapping(&request, NULL) == PLUM_ERR_FAILED &&
        plum_cleanup() == PLUM_ERR_FAILED && plum_query_mapping(-1, NULL, NULL) < 0)
        answers_in_log++;
}

static void log_callback_is_refused_and_not_stuck(void) {
    answers_in_log = 0;
    const int total = log_at(PLUM_LOG_LEVEL_VERBOSE, call_from_log);
    CHECK_EQUAL(answers_in_log, total);
}

/* How many bytes come on standard output while the log is at that level without a callback. */
static long bytes_on_stdout(plum_log_level_t level) {
    (void)fflush(stdout);
    FILE *file = tmpfile();
    const int kept = dup(STDOUT_FILENO);
    CHECK(file && kept >= 0);
    if (!file || kept < 0)
        return -1;
    CHECK(dup2(fileno(file), STDOUT_FILENO) >= 0);
    (void)log_at(level, NULL);
    (void)fflush(stdout);
    CHECK(dup2(kept, STDOUT_FILENO) >= 0);
    (void)close(kept);
    (void)fseek(file, 0, SEEK_END);
    const long bytes = ftell(file);
    (void)fclose(file);
    return bytes;
}

static void log_without_callback_goes_to_stdout(void) {
    CHECK(bytes_on_stdout(PLUM_LOG_LEVEL_VERBOSE) > 100);
    CHECK_EQUAL(bytes_on_stdout(PLUM_LOG_LEVEL_NONE), 0);
}

void run_callback_tests(void) {
    RUN(callback_may_create);
    RUN(callback_may_query);
    RUN(callback_may_destroy_itself);
    RUN(callback_may_not_clean_up);
    RUN(nothing_is_created_during_cleanup);
    RUN(during_cleanup_all_are_being_destroyed);
    RUN(log_callback_gets_the_levels_asked_for);
    RUN(log_callback_is_refused_and_not_stuck);
    RUN(log_without_callback_goes_to_stdout);
}
