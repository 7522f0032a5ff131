/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * porthole.c: a client's beginning and end: what a user may ask for is checked here, the thread is
 * started and joined here. See porthole.h for what each function promises.
 */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "api/client.h"
#include "driver/clock.h"

#define DISCOVER_TIMEOUT_MS 10000U
#define MAPPING_TIMEOUT_MS 10000U
#define RECHECK_PERIOD_MS 300000U
#define UNHINTED_PERIOD_MS 60000U
#define CLOSE_DEADLINE_MS 3000
#define LIFETIME_S 7200U /* RFC 6886 §3.3 */
#define LIFETIME_MIN_S 20U

/* ---- What is asked for ----------------------------------------------------------------------- */

/* An address that one host may have; none for NULL. */
static int parse_address(const char *text, struct ph_addr *ret) {
    *ret = ph_addr_none;
    if (!text)
        return 0;
    bool is_host = ph_addr_parse(ph_span_of(text), ret) && !ph_addr_is_unspecified(ret) &&
                   !ph_addr_is_multicast(ret);
    return is_host ? 0 : PORTHOLE_ERR_INVALID;
}

static int parse_choice(const struct porthole_config *config, struct ph_os_choice *ret) {
    if (parse_address(config->gateway, &ret->gateway) != 0 ||
        parse_address(config->bind_address, &ret->source) != 0)
        return PORTHOLE_ERR_INVALID;
    if (config->gateway && config->bind_address &&
        ph_addr_is_v4(&ret->gateway) != ph_addr_is_v4(&ret->source))
        return PORTHOLE_ERR_INVALID;
    return 0;
}

static int check_config(const struct porthole_config *config) {
    const unsigned ways = PORTHOLE_NO_THREAD | PORTHOLE_DISPATCH;
    if ((config->flags & ~ways) != 0 || config->flags == ways ||
        (config->methods & ~PORTHOLE_USE_ALL) != 0 ||
        (unsigned)config->log_level > PORTHOLE_LOG_TRACE)
        return PORTHOLE_ERR_INVALID;
    if (config->discover_timeout_ms < 0 || config->mapping_timeout_ms < 0 ||
        config->recheck_period_ms < 0)
        return PORTHOLE_ERR_INVALID;
    if (config->lifetime_s != 0 && config->lifetime_s < LIFETIME_MIN_S)
        return PORTHOLE_ERR_INVALID;
    return 0;
}

static ph_us or_default(int given_ms, unsigned default_ms) {
    return PH_MS(given_ms > 0 ? (unsigned)given_ms : default_ms);
}

static void write_log(void *user, enum porthole_log_level level, const char *line) {
    const struct porthole *client = user;
    client->on_log(level, line, client->log_user);
}

/* ---- Beginning ------------------------------------------------------------------------------- */

static int open_driver(struct porthole *client, const struct porthole_config *config,
                       const struct ph_os_choice *choice) {
    struct ph_driver_config driver = {
        .engine = {.methods = config->methods ? config->methods : PORTHOLE_USE_ALL,
                   .discover_timeout = or_default(config->discover_timeout_ms, DISCOVER_TIMEOUT_MS),
                   .mapping_timeout = or_default(config->mapping_timeout_ms, MAPPING_TIMEOUT_MS),
                   .recheck_period = or_default(config->recheck_period_ms, RECHECK_PERIOD_MS),
                   .unhinted_period = or_default(config->recheck_period_ms, UNHINTED_PERIOD_MS),
                   .log_level = config->log_level,
                   .log = config->on_log ? write_log : NULL,
                   .log_user = client},
        .choice = *choice,
        .on_event = ph_events_take,
        .user = client,
    };
    return ph_driver_new(&driver, &client->driver);
}

static bool is_over(const struct porthole *client) {
    return client->is_closing && ph_engine_is_stopped(ph_driver_engine(client->driver)) &&
           (client->event_count == 0 || (client->flags & PORTHOLE_DISPATCH));
}

static void *run_thread(void *user) {
    struct porthole *client = user;
    (void)pthread_mutex_lock(&client->lock);
    while (!is_over(client))
        ph_client_turn(client, PH_NEVER);
    (void)pthread_mutex_unlock(&client->lock);
    return NULL;
}

static int start_thread(struct porthole *client) {
    sigset_t all;
    sigset_t before;
    int error = ph_os_wake_pair(client->wake);
    if (error == 0 && (client->flags & PORTHOLE_DISPATCH))
        error = ph_os_wake_pair(client->signal);
    if (error != 0)
        return error;
    /* The program's signals are for its own threads. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    client->has_thread = pthread_create(&client->thread, NULL, run_thread, client) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return client->has_thread ? 0 : PORTHOLE_ERR_SYSTEM;
}

static int init_condition(pthread_cond_t *condition) {
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0)
        return PORTHOLE_ERR_NO_MEMORY;
    int failed = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    if (failed == 0)
        failed = pthread_cond_init(condition, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    return failed == 0 ? 0 : PORTHOLE_ERR_SYSTEM;
}

static void close_pair(int fds[2]) {
    if (fds[1] >= 0 && fds[1] != fds[0])
        (void)close(fds[1]);
    if (fds[0] >= 0)
        (void)close(fds[0]);
}

/* All but the lock and the condition, which nobody may use any more. */
static void free_client(struct porthole *client) {
    ph_events_done(client);
    while (!ph_list_is_empty(&client->all)) {
        struct ph_record *record = PH_CONTAINER(client->all.next, struct ph_record, in_all);
        ph_link_remove(&record->in_all);
        free(record);
    }
    ph_driver_free(client->driver);
    ph_table_done(&client->records);
    close_pair(client->wake);
    close_pair(client->signal);
    if (client->fds != client->few)
        free(client->fds);
    free(client);
}

static int new_client(struct porthole **ret) {
    struct porthole *client = calloc(1, sizeof *client);
    if (!client)
        return PORTHOLE_ERR_NO_MEMORY;
    ph_link_init(&client->all);
    ph_link_init(&client->finished);
    ph_link_init(&client->ready);
    ph_link_init(&client->held);
    client->pid = getpid();
    client->wake[0] = client->wake[1] = client->signal[0] = client->signal[1] = -1;
    client->fds = client->few;
    client->fds_size = PH_CLIENT_FDS_FEW;
    int error = 0;
    if (!ph_table_init(&client->records))
        error = PORTHOLE_ERR_NO_MEMORY;
    else if (pthread_mutex_init(&client->lock, NULL) != 0)
        error = PORTHOLE_ERR_SYSTEM;
    else if ((error = init_condition(&client->changed)) != 0)
        (void)pthread_mutex_destroy(&client->lock);
    if (error != 0) {
        free_client(client);
        return error;
    }
    *ret = client;
    return 0;
}

static void destroy_client(struct porthole *client) {
    (void)pthread_cond_destroy(&client->changed);
    (void)pthread_mutex_destroy(&client->lock);
    free_client(client);
}

int porthole_open(const struct porthole_config *config, struct porthole **ret_client) {
    static const struct porthole_config defaults = PORTHOLE_CONFIG_INIT;
    struct porthole_config known;
    struct ph_os_choice choice;
    struct porthole *client;
    if (!ret_client || ph_facts_read(config ? config : &defaults, &known, sizeof known) != 0 ||
        check_config(&known) != 0 || parse_choice(&known, &choice) != 0)
        return PORTHOLE_ERR_INVALID;
    int error = new_client(&client);
    if (error != 0)
        return error;
    client->flags = known.flags;
    client->methods = known.methods ? known.methods : PORTHOLE_USE_ALL;
    client->lifetime_s = known.lifetime_s ? known.lifetime_s : LIFETIME_S;
    client->on_log = known.on_log;
    client->log_user = known.log_user;
    error = open_driver(client, &known, &choice);
    if (error == 0 && !(client->flags & PORTHOLE_NO_THREAD))
        error = start_thread(client);
    if (error != 0) {
        destroy_client(client);
        return error;
    }
    *ret_client = client;
    return 0;
}

/* ---- End ------------------------------------------------------------------------------------- */

/* In a forked child: what is the parent's is left alone. When the fork came while the parent's
 * thread was at work, memory is as that left it, half changed, and is not touched either. */
static void close_in_child(struct porthole *client) {
    if (pthread_mutex_trylock(&client->lock) == 0)
        free_client(client);
}

static void stop_and_wait(struct porthole *client) {
    if (client->has_thread) {
        (void)ph_client_leave(client, 0);
        (void)pthread_join(client->thread, NULL);
        (void)pthread_mutex_lock(&client->lock);
    }
    /* Without a thread, and what the thread has left to us, way (b). */
    while (!ph_engine_is_stopped(ph_driver_engine(client->driver)))
        ph_client_turn(client, PH_NEVER);
    while (client->inside > 0)
        (void)pthread_cond_wait(&client->changed, &client->lock);
    while (client->event_count > 0)
        (void)ph_events_deliver(client, client->event_count);
}

int porthole_close(struct porthole *client, int deadline_ms) {
    struct ph_input input = {.type = PH_INPUT_STOP};
    if (!client)
        return 0;
    if (client->pid != getpid()) {
        close_in_child(client);
        return 0;
    }
    int error = ph_client_enter_blocking(client);
    if (error != 0)
        return error;
    if (client->is_closing)
        return ph_client_leave(client, PORTHOLE_ERR_STATE);
    client->is_closing = true;
    input.u.stop_deadline = ph_client_deadline(deadline_ms < 0 ? CLOSE_DEADLINE_MS : deadline_ms);
    (void)ph_driver_apply(client->driver, &input);
    ph_client_settle(client);
    stop_and_wait(client);
    (void)pthread_mutex_unlock(&client->lock);
    destroy_client(client);
    return 0;
}
