/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * plum_threads.c: the functions of plum.h from several threads at once, and plum_cleanup() in the
 * middle of it: each mapping that was accepted ends exactly once. In front of a router.
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>

#include "plum_check.h"

#define THREADS 8
#define EACH 25

struct worker {
    pthread_t thread;
    int accepted;
    struct watched all[EACH];
};

static struct worker workers[THREADS];

static bool make_and_destroy(struct worker *worker, int turn) {
    struct watched *watched = &worker->all[turn];
    plum_state_t state;
    plum_mapping_t mapping;
    const int id = ask(watched);
    if (id < 0) {
        CHECK_EQUAL(id, PLUM_ERR_FAILED);
        return false;
    }
    worker->accepted++;
    const int answer = plum_query_mapping(id, &state, &mapping);
    if (answer == PLUM_ERR_SUCCESS)
        CHECK(mapping.user_ptr == watched);
    if (turn % 3 == 0)
        (void)plum_destroy_mapping(id);
    return true;
}

static void *work_to_the_end(void *user) {
    struct worker *worker = user;
    for (int turn = 0; turn < EACH; turn++)
        CHECK(make_and_destroy(worker, turn));
    return NULL;
}

/* Until the library is ended under it. */
static void *work_until_refused(void *user) {
    struct worker *worker = user;
    for (int turn = 0; turn < EACH; turn++) {
        if (!make_and_destroy(worker, turn))
            break;
        if (turn % 3 == 1)
            (void)wait_within(&worker->all[turn].successes, 1, 1000);
    }
    return NULL;
}

static void start_workers(void *(*work)(void *)) {
    for (int i = 0; i < THREADS; i++) {
        workers[i].accepted = 0;
        for (int turn = 0; turn < EACH; turn++)
            workers[i].all[turn] = (struct watched)WATCHED_UDP((uint16_t)(9000 + i * EACH + turn));
    }
    start_quietly();
    for (int i = 0; i < THREADS; i++)
        CHECK_EQUAL(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
}

static void join_workers(void) {
    for (int i = 0; i < THREADS; i++)
        CHECK_EQUAL(pthread_join(workers[i].thread, NULL), 0);
}

static void check_all_ended(void) {
    for (int i = 0; i < THREADS; i++)
        for (int turn = 0; turn < workers[i].accepted; turn++)
            check_ended(&workers[i].all[turn]);
}

static void many_threads_lose_nothing(void) {
    start_workers(work_to_the_end);
    join_workers();
    for (int i = 0; i < THREADS; i++)
        for (int turn = 0; turn < EACH; turn++)
            if (turn % 3 != 0)
                CHECK(wait_for(&workers[i].all[turn].successes, 1));
    stop();
    check_all_ended();
}

static void cleanup_in_the_middle_ends_all_once(void) {
    start_workers(work_until_refused);
    CHECK(wait_for(&workers[0].all[1].successes, 1));
    stop();
    join_workers();
    check_all_ended();
}

static int results_of_cleanup[THREADS];

static void *clean_up(void *user) {
    *(int *)user = plum_cleanup();
    return NULL;
}

static void one_of_many_cleanups_succeeds(void) {
    pthread_t threads[THREADS];
    struct watched watched = WATCHED_TCP(9500);
    int successes = 0;
    start_quietly();
    CHECK(ask(&watched) >= 0);
    for (int i = 0; i < THREADS; i++)
        CHECK_EQUAL(pthread_create(&threads[i], NULL, clean_up, &results_of_cleanup[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
        if (results_of_cleanup[i] == PLUM_ERR_SUCCESS)
            successes++;
        else
            CHECK_EQUAL(results_of_cleanup[i], PLUM_ERR_FAILED);
    }
    CHECK_EQUAL(successes, 1);
    check_ended(&watched);
}

void run_thread_tests(void) {
    RUN(many_threads_lose_nothing);
    RUN(cleanup_in_the_middle_ends_all_once);
    RUN(one_of_many_cleanups_succeeds);
}
