/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * plum_stories.c: what takes a router that comes, goes or changes, which run_compat.py does: a
 * story tells it by a line on standard output that it is time, and waits for a line on standard
 * input.
 */
#include <stdio.h>
#include <string.h>

#include "plum_stories.h"

#define DISCOVER_MS 1000
#define MAPPING_MS 1000
#define RECHECK_MS 500
/* A busy machine's; with it a limit of ours is still less than the 3250 ms after which silence is
 * told anyway, so that one which is not heeded shows. */
#define SLACK_MS 2000
#define COMES_BACK_MS 30000L

static void tell(const char *line) {
    (void)printf("%s\n", line);
    (void)fflush(stdout);
}

static void await_line(void) {
    char line[64];
    CHECK(fgets(line, sizeof line, stdin) != NULL);
}

void story_of_a_hold(void) {
    struct watched tcp = WATCHED_TCP(8301);
    struct watched udp = WATCHED_UDP(8302);
    start_quietly();
    CHECK(ask(&tcp) >= 0);
    CHECK(ask(&udp) >= 0);
    CHECK(wait_for(&tcp.successes, 1));
    CHECK(wait_for(&udp.successes, 1));
    CHECK_EQUAL(last_of(&tcp).mapping_protocol, surroundings.method);
    CHECK_EQUAL(last_of(&udp).mapping_protocol, surroundings.method);
    tell("held");
    await_line();
    stop();
    check_ended(&tcp);
    check_ended(&udp);
}

static plum_config_t impatient_config(void) {
    plum_config_t config = quiet_config();
    config.discover_timeout = DISCOVER_MS;
    config.mapping_timeout = MAPPING_MS;
    return config;
}

void story_of_nobody_there(void) {
    struct watched watched = WATCHED_TCP(8303);
    const plum_config_t config = impatient_config();
    start(&config);
    const int id = ask(&watched);
    CHECK_EQUAL(id, 0); /* accepted all the same */
    CHECK(wait_within(&watched.failures, 1, DISCOVER_MS + SLACK_MS));
    CHECK_EQUAL(state_of(id), PLUM_STATE_FAILURE);
    const plum_mapping_t failed = last_of(&watched);
    CHECK_EQUAL(failed.mapping_protocol, PLUM_MAPPING_PROTOCOL_UNKNOWN);
    CHECK_EQUAL(failed.external_port, 0);
    CHECK_EQUAL(failed.external_host[0], '\0');
    CHECK_EQUAL(count_of(&watched.successes), 0);
    tell("failed");
    await_line();
    CHECK(wait_within(&watched.successes, 1, COMES_BACK_MS)); /* it kept trying */
    CHECK_EQUAL(count_of(&watched.failures), 1);              /* and told so once */
    CHECK_EQUAL(state_of(id), PLUM_STATE_SUCCESS);
    stop();
    check_ended(&watched);
}

void story_of_a_failed_one_destroyed(void) {
    struct watched watched = WATCHED_TCP(8304);
    struct watched left = WATCHED_UDP(8304);
    const plum_config_t config = impatient_config();
    start(&config);
    const int id = ask(&watched);
    CHECK(ask(&left) >= 0);
    CHECK(wait_within(&watched.failures, 1, DISCOVER_MS + SLACK_MS));
    CHECK_EQUAL(plum_destroy_mapping(id), PLUM_ERR_SUCCESS);
    CHECK(wait_for(&watched.ends, 1));
    stop();
    check_ended(&watched);
    check_ended(&left);
}

void story_of_an_unanswered_mapping(void) {
    struct watched watched = WATCHED_TCP(8305);
    const plum_config_t config = impatient_config();
    start(&config);
    CHECK(ask(&watched) >= 0);
    CHECK(wait_within(&watched.failures, 1, DISCOVER_MS + MAPPING_MS + SLACK_MS));
    CHECK_EQUAL(count_of(&watched.successes), 0);
    stop();
    check_ended(&watched);
}

void story_of_a_filter(void) {
    struct watched watched = WATCHED_TCP(8306);
    const plum_config_t config = impatient_config();
    start(&config);
    CHECK(ask(&watched) >= 0);
    CHECK(wait_within(&watched.failures, 1, DISCOVER_MS + SLACK_MS));
    CHECK_EQUAL(count_of(&watched.successes), 0);
    stop();
    CHECK_EQUAL(watched.successes, 0);
    check_ended(&watched);
}

void story_of_no_route(void) {
    char buffer[PLUM_MAX_ADDRESS_LEN];
    struct watched watched = WATCHED_TCP(8307);
    const plum_config_t config = impatient_config();
    CHECK_EQUAL(plum_get_local_address(buffer, sizeof buffer), PLUM_ERR_NOT_AVAIL);
    start(&config);
    CHECK(ask(&watched) >= 0);
    CHECK(wait_within(&watched.failures, 1, DISCOVER_MS + SLACK_MS));
    stop();
    check_ended(&watched);
}

static void destroy_at_once(struct watched *watched, plum_state_t state) {
    if (state == PLUM_STATE_FAILURE)
        CHECK_EQUAL(plum_destroy_mapping(watched->id), PLUM_ERR_SUCCESS);
}

/* Without a route the failure is told at once, at times before plum_create_mapping() returns. */
void story_of_instant_ends(void) {
    start_quietly();
    for (int i = 0; i < 500; i++) {
        struct watched watched = WATCHED_UDP(8309);
        watched.then = destroy_at_once;
        CHECK_EQUAL(ask(&watched), i);
        CHECK(wait_for(&watched.ends, 1));
        CHECK_EQUAL(count_of(&watched.failures), 1);
        check_ended(&watched);
    }
    stop();
}

void story_of_a_restart(void) {
    struct watched watched = WATCHED_TCP(8308);
    plum_config_t config = quiet_config();
    config.recheck_period = RECHECK_MS;
    start(&config);
    CHECK(ask(&watched) >= 0);
    CHECK(wait_for(&watched.successes, 1));
    CHECK_EQUAL(last_of(&watched).mapping_protocol, surroundings.method);
    tell("mapped");
    await_line(); /* the router runs again, and knows nothing of us */
    CHECK(wait_within(&watched.successes, 2, RECHECK_MS + SLACK_MS));
    CHECK_EQUAL(last_of(&watched).mapping_protocol, surroundings.method);
    tell("mapped again");
    await_line();
    stop();
    check_ended(&watched);
}
