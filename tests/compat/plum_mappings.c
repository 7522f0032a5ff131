/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * plum_mappings.c: the life of a mapping as plum.h promises it, in front of a router that speaks
 * what surroundings.method says: results, queries, ids, ends.
 */
#include <stdio.h>
#include <string.h>

#include "plum_check.h"

#define MANY 20

static void local_address_is_the_one_towards_the_router(void) {
    char buffer[PLUM_MAX_ADDRESS_LEN];
    const int length = (int)strlen(surroundings.local);
    for (int turn = 0; turn < 2; turn++) {
        memset(buffer, 'x', sizeof buffer);
        CHECK_EQUAL(plum_get_local_address(buffer, sizeof buffer), length);
        CHECK(strcmp(buffer, surroundings.local) == 0);
        if (turn == 0)
            start_quietly(); /* it works with the library started and without */
        CHECK_EQUAL(plum_get_local_address(buffer, (size_t)length), PLUM_ERR_FAILED);
        CHECK_EQUAL(plum_get_local_address(buffer, (size_t)length + 1), length);
    }
    stop();
}

static void check_facts(const plum_mapping_t *mapping, const struct watched *watched) {
    const uint16_t wished = watched->wished ? watched->wished : watched->port;
    CHECK_EQUAL(mapping->protocol, watched->protocol);
    CHECK_EQUAL(mapping->mapping_protocol, surroundings.method);
    CHECK_EQUAL(mapping->internal_port, watched->port);
    CHECK_EQUAL(mapping->external_port, wished);
    CHECK(strcmp(mapping->external_host, surroundings.external) == 0);
    CHECK(mapping->user_ptr == watched);
}

static void check_success(struct watched *watched) {
    plum_state_t state = PLUM_STATE_DESTROYED;
    plum_mapping_t queried;
    start_quietly();
    CHECK_EQUAL(ask(watched), 0);
    CHECK(wait_for(&watched->successes, 1));
    const plum_mapping_t told = last_of(watched);
    check_facts(&told, watched);
    CHECK_EQUAL(plum_query_mapping(0, &state, &queried), PLUM_ERR_SUCCESS);
    CHECK_EQUAL(state, PLUM_STATE_SUCCESS);
    check_facts(&queried, watched);
    stop();
    CHECK_EQUAL(watched->successes, 1);
    CHECK_EQUAL(watched->failures, 0);
    check_ended(watched);
}

static void success_of_tcp_is_told_with_its_facts(void) {
    struct watched watched = WATCHED_TCP(8001);
    check_success(&watched);
}

static void success_of_udp_is_told_with_its_facts(void) {
    struct watched watched = WATCHED_UDP(8002);
    check_success(&watched);
}

static void wished_external_port_is_asked_for(void) {
    struct watched watched = WATCHED_TCP(8003);
    watched.wished = 18003;
    check_success(&watched);
}

static void query_takes_null_for_what_is_not_wanted(void) {
    struct watched watched = WATCHED_TCP(8004);
    plum_state_t state = PLUM_STATE_DESTROYED;
    plum_mapping_t mapping;
    start_quietly();
    const int id = ask(&watched);
    CHECK(wait_for(&watched.successes, 1));
    CHECK_EQUAL(plum_query_mapping(id, NULL, NULL), PLUM_ERR_SUCCESS);
    CHECK_EQUAL(plum_query_mapping(id, &state, NULL), PLUM_ERR_SUCCESS);
    CHECK_EQUAL(state, PLUM_STATE_SUCCESS);
    CHECK_EQUAL(plum_query_mapping(id, NULL, &mapping), PLUM_ERR_SUCCESS);
    check_facts(&mapping, &watched);
    stop();
}

/* Whatever the router is quick at, there is no answer while its question is being sent. */
static void before_the_first_result_there_are_no_facts(void) {
    plum_state_t state = PLUM_STATE_DESTROYED;
    plum_mapping_t mapping;
    bool was_pending = false;
    start_quietly();
    for (int turn = 0; turn < 20 && !was_pending; turn++) {
        struct watched watched = WATCHED_TCP(8005);
        const int id = ask(&watched);
        CHECK_EQUAL(plum_query_mapping(id, &state, &mapping), PLUM_ERR_SUCCESS);
        if (state == PLUM_STATE_PENDING) {
            was_pending = true;
            CHECK_EQUAL(mapping.mapping_protocol, PLUM_MAPPING_PROTOCOL_UNKNOWN);
            CHECK_EQUAL(mapping.internal_port, 8005);
            CHECK_EQUAL(mapping.external_port, 0);
            CHECK_EQUAL(mapping.external_host[0], '\0');
            CHECK(mapping.user_ptr == &watched);
        }
        CHECK_EQUAL(plum_destroy_mapping(id), PLUM_ERR_SUCCESS);
        CHECK(wait_for(&watched.ends, 1));
        check_ended(&watched);
    }
    CHECK(was_pending);
    stop();
}

static void destroy_ends_a_mapping_once(void) {
    struct watched watched = WATCHED_TCP(8006);
    start_quietly();
    const int id = ask(&watched);
    CHECK(wait_for(&watched.successes, 1));
    CHECK_EQUAL(plum_destroy_mapping(id), PLUM_ERR_SUCCESS);
    CHECK(wait_for(&watched.ends, 1));
    const plum_mapping_t last = last_of(&watched);
    check_facts(&last, &watched); /* what it was */
    CHECK_EQUAL(plum_query_mapping(id, NULL, NULL), PLUM_ERR_NOT_AVAIL);
    CHECK_EQUAL(plum_destroy_mapping(id), PLUM_ERR_NOT_AVAIL);
    stop();
    check_ended(&watched);
}

/* Held up by its callback, an end cannot overtake the questions. */
static int asked_while_destroying;
static void ask_while_destroying(struct watched *watched, plum_state_t state) {
    if (state != PLUM_STATE_SUCCESS)
        return;
    CHECK_EQUAL(plum_destroy_mapping(watched->id), PLUM_ERR_SUCCESS);
    CHECK_EQUAL(state_of(watched->id), PLUM_STATE_DESTROYING);
    CHECK_EQUAL(plum_destroy_mapping(watched->id), PLUM_ERR_SUCCESS); /* again: no matter */
    CHECK_EQUAL(state_of(watched->id), PLUM_STATE_DESTROYING);
    asked_while_destroying++;
}

static void destroying_is_a_state_that_queries_tell(void) {
    struct watched watched = WATCHED_UDP(8007);
    watched.then = ask_while_destroying;
    asked_while_destroying = 0;
    start_quietly();
    CHECK(ask(&watched) >= 0);
    CHECK(wait_for(&watched.ends, 1));
    CHECK_EQUAL(asked_while_destroying, 1);
    stop();
    check_ended(&watched);
}

static void ids_count_from_0_and_do_not_come_back(void) {
    start_quietly();
    for (int i = 0; i < 5; i++) {
        struct watched watched = WATCHED_TCP(8010);
        CHECK_EQUAL(ask(&watched), i);
        CHECK_EQUAL(plum_destroy_mapping(i), PLUM_ERR_SUCCESS);
        CHECK(wait_for(&watched.ends, 1));
    }
    stop();
    struct watched first = WATCHED_TCP(8010);
    start_quietly();
    CHECK_EQUAL(ask(&first), 0); /* another start, another count */
    stop();
}

static void a_port_is_mapped_once_at_a_time(void) {
    struct watched first = WATCHED_TCP(8011);
    struct watched second = WATCHED_TCP(8011);
    struct watched other = WATCHED_UDP(8011);
    start_quietly();
    const int id = ask(&first);
    CHECK(id >= 0);
    CHECK_EQUAL(ask(&second), PLUM_ERR_FAILED);
    CHECK(ask(&other) >= 0); /* of another protocol it is another port */
    CHECK_EQUAL(plum_destroy_mapping(id), PLUM_ERR_SUCCESS);
    CHECK(ask(&second) >= 0); /* the first one need not be gone */
    CHECK(wait_for(&second.successes, 1));
    stop();
    check_ended(&first);
    check_ended(&second);
    check_ended(&other);
    CHECK_EQUAL(second.failures, 0);
}

static void cleanup_ends_all(void) {
    struct watched all[MANY];
    start_quietly();
    for (int i = 0; i < MANY; i++) {
        all[i] = (struct watched)WATCHED_UDP((uint16_t)(8020 + i));
        CHECK_EQUAL(ask(&all[i]), i);
    }
    for (int i = 0; i < MANY / 2; i++)
        CHECK(wait_for(&all[i].successes, 1));
    CHECK_EQUAL(plum_destroy_mapping(0), PLUM_ERR_SUCCESS);
    CHECK_EQUAL(plum_destroy_mapping(MANY - 1), PLUM_ERR_SUCCESS);
    stop();
    for (int i = 0; i < MANY; i++) {
        CHECK_EQUAL(all[i].ends, 1); /* before plum_cleanup() returned */
        check_ended(&all[i]);
    }
}

static void cleanup_does_not_wait_for_results(void) {
    struct watched watched = WATCHED_TCP(8050);
    start_quietly();
    CHECK(ask(&watched) >= 0);
    const long begun_ms = now_ms();
    stop();
    CHECK(now_ms() - begun_ms < 9000); /* 3 s, and what a busy machine adds */
    check_ended(&watched);
}

static void callback_may_be_null(void) {
    plum_mapping_t request;
    memset(&request, 0, sizeof request);
    request.protocol = PLUM_IP_PROTOCOL_TCP;
    request.internal_port = 8051;
    start_quietly();
    const int id = plum_create_mapping(&request, NULL);
    CHECK_EQUAL(id, 0);
    while (state_of(id) == PLUM_STATE_PENDING) {
        /* Another mapping's life is the time between two looks. */
        struct watched other = WATCHED_UDP(8053);
        CHECK(ask(&other) >= 0);
        CHECK(wait_for(&other.successes, 1));
        CHECK_EQUAL(plum_destroy_mapping(other.id), PLUM_ERR_SUCCESS);
        CHECK(wait_for(&other.ends, 1));
    }
    CHECK_EQUAL(state_of(id), PLUM_STATE_SUCCESS);
    CHECK_EQUAL(plum_destroy_mapping(id), PLUM_ERR_SUCCESS);
    stop();
}

void run_mapping_tests(void) {
    RUN(local_address_is_the_one_towards_the_router);
    RUN(success_of_tcp_is_told_with_its_facts);
    RUN(success_of_udp_is_told_with_its_facts);
    RUN(wished_external_port_is_asked_for);
    RUN(query_takes_null_for_what_is_not_wanted);
    RUN(before_the_first_result_there_are_no_facts);
    RUN(destroy_ends_a_mapping_once);
    RUN(destroying_is_a_state_that_queries_tell);
    RUN(ids_count_from_0_and_do_not_come_back);
    RUN(a_port_is_mapped_once_at_a_time);
    RUN(cleanup_ends_all);
    RUN(cleanup_does_not_wait_for_results);
    RUN(callback_may_be_null);
}
