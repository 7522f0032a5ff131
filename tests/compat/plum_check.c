/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * plum_check.c: see plum_check.h. Waiting is by a condition that the callback signals, so that no
 * test sleeps.
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "plum_check.h"

#define PATIENCE_MS 60000L

struct surroundings surroundings;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t told = PTHREAD_COND_INITIALIZER;
static int passed;
static int failed;
static bool is_failing;
static pthread_mutex_t print_lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- Checks ---------------------------------------------------------------------------------- */

static void complain(const char *text, const char *file, int line) {
    (void)pthread_mutex_lock(&print_lock);
    is_failing = true;
    (void)printf("  %s:%d: %s\n", file, line, text);
    (void)fflush(stdout);
    (void)pthread_mutex_unlock(&print_lock);
}

void check(bool is_right, const char *what, const char *file, int line) {
    if (!is_right)
        complain(what, file, line);
}

void check_equal(long got, long wanted, const char *what, const char *file, int line) {
    char text[256];
    if (got == wanted)
        return;
    (void)snprintf(text, sizeof text, "%s is %ld, not %ld", what, got, wanted);
    complain(text, file, line);
}

void run_test(const char *name, void (*test)(void)) {
    is_failing = false;
    test();
    *(is_failing ? &failed : &passed) += 1;
    (void)printf("%s %s\n", is_failing ? "not ok" : "ok", name);
    (void)fflush(stdout);
}

int finish_tests(void) {
    (void)printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}

/* ---- The library ----------------------------------------------------------------------------- */

plum_config_t quiet_config(void) {
    plum_config_t config;
    memset(&config, 0, sizeof config);
    config.log_level = PLUM_LOG_LEVEL_NONE;
    config.protocol = surroundings.filter;
    return config;
}

void start(const plum_config_t *config) { CHECK_EQUAL(plum_init(config), PLUM_ERR_SUCCESS); }

void start_quietly(void) {
    plum_config_t config = quiet_config();
    start(&config);
}

void stop(void) { CHECK_EQUAL(plum_cleanup(), PLUM_ERR_SUCCESS); }

/* ---- Mappings -------------------------------------------------------------------------------- */

static void remember(int id, plum_state_t state, const plum_mapping_t *mapping) {
    struct watched *watched = mapping->user_ptr;
    (void)pthread_mutex_lock(&lock);
    if ((watched->id >= 0 && watched->id != id) || watched->ends > 0)
        watched->strays++;
    if (watched->id < 0)
        watched->id = id; /* known here before plum_create_mapping() has returned */
    watched->last = *mapping;
    if (state == PLUM_STATE_SUCCESS)
        watched->successes++;
    else if (state == PLUM_STATE_FAILURE)
        watched->failures++;
    else if (state != PLUM_STATE_DESTROYED)
        watched->strays++;
    (void)pthread_mutex_unlock(&lock);
    if (watched->then)
        watched->then(watched, state);
    /* Last, because whoever waits for the end may then forget the mapping. */
    (void)pthread_mutex_lock(&lock);
    if (state == PLUM_STATE_DESTROYED)
        watched->ends++;
    (void)pthread_cond_broadcast(&told);
    (void)pthread_mutex_unlock(&lock);
}

int ask(struct watched *watched) {
    plum_mapping_t request;
    memset(&request, 0, sizeof request);
    request.protocol = watched->protocol;
    request.internal_port = watched->port;
    request.external_port = watched->wished;
    request.user_ptr = watched;
    int id = plum_create_mapping(&request, remember);
    memset(&request, 0x55, sizeof request); /* it was copied, or it is lost */
    (void)pthread_mutex_lock(&lock);
    if (id >= 0 && watched->id < 0)
        watched->id = id;
    (void)pthread_mutex_unlock(&lock);
    return id;
}

long now_ms(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * 1000L + now.tv_nsec / 1000000L;
}

bool wait_within(const int *counter, int at_least, long patience_ms) {
    const long until_ms = now_ms() + patience_ms;
    const struct timespec until = {.tv_sec = until_ms / 1000L,
                                   .tv_nsec = until_ms % 1000L * 1000000L};
    int error = 0;
    (void)pthread_mutex_lock(&lock);
    while (*counter < at_least && error == 0)
        error = pthread_cond_timedwait(&told, &lock, &until);
    bool is_there = *counter >= at_least;
    (void)pthread_mutex_unlock(&lock);
    return is_there;
}

bool wait_for(const int *counter, int at_least) {
    return wait_within(counter, at_least, PATIENCE_MS);
}

int count_of(const int *counter) {
    (void)pthread_mutex_lock(&lock);
    int count = *counter;
    (void)pthread_mutex_unlock(&lock);
    return count;
}

plum_mapping_t last_of(const struct watched *watched) {
    (void)pthread_mutex_lock(&lock);
    plum_mapping_t last = watched->last;
    (void)pthread_mutex_unlock(&lock);
    return last;
}

plum_state_t state_of(int id) {
    plum_state_t state = PLUM_STATE_DESTROYED;
    CHECK_EQUAL(plum_query_mapping(id, &state, NULL), PLUM_ERR_SUCCESS);
    return state;
}

void check_ended(const struct watched *watched) {
    CHECK_EQUAL(count_of(&watched->ends), 1);
    CHECK_EQUAL(count_of(&watched->strays), 0);
    CHECK(last_of(watched).user_ptr == watched);
}
