/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_api_threads.c: one client used by several threads at once, in the two ways that allow it,
 * against the embedded gateway on loopback addresses. Meant for the thread sanitizer too.
 */
#define _GNU_SOURCE
#include "api_bench.h"

#include <dirent.h>
#include <signal.h>

#include "api/client.h"

#define THREADS 4U

static unsigned way;

static int setup(void **state) {
    *state = bench_new(way);
    return 0;
}

static int teardown(void **state) {
    bench_free(*state);
    return 0;
}

/* A call in a thread of its own. */
struct call {
    pthread_t thread;
    struct bench *bench;
    porthole_id id;
    unsigned number;
    int result;
};

static void start(struct call *call, struct bench *bench, void *(*run)(void *)) {
    call->bench = bench;
    assert_int_equal(pthread_create(&call->thread, NULL, run, call), 0);
}

static int finish(struct call *call) {
    assert_int_equal(pthread_join(call->thread, NULL), 0);
    return call->result;
}

static void *wait_for_it(void *user) {
    struct call *call = user;
    call->result = porthole_wait(call->bench->client, call->id, -1, NULL);
    return NULL;
}

static void *probe_it(void *user) {
    struct call *call = user;
    struct porthole_probe probe = PORTHOLE_PROBE_INIT;
    call->result = porthole_probe(call->bench->client, 60000, &probe);
    return NULL;
}

/* Until so many threads have gone to sleep in a call of the client: then it may be closed. */
static void until_inside(struct bench *bench, unsigned count) {
    unsigned inside = 0;
    while (inside < count) {
        poll(NULL, 0, 1);
        pthread_mutex_lock(&bench->client->lock);
        inside = bench->client->inside;
        pthread_mutex_unlock(&bench->client->lock);
    }
}

static void all_who_wait_see_the_result(void **state) {
    struct bench *bench = *state;
    struct call calls[THREADS] = {{.result = 1}};
    bench_start_gateway(bench);
    bench_open(bench, 0);
    porthole_id id = bench_map(bench, 8080);
    for (unsigned i = 0; i < THREADS; i++) {
        calls[i].id = id;
        start(&calls[i], bench, wait_for_it);
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(finish(&calls[i]), 0);
}

static void unmap_cancels_those_who_wait(void **state) {
    struct bench *bench = *state;
    struct call call = {.result = 1};
    int silence = bench_start_silence(bench);
    bench_open(bench, PORTHOLE_USE_PCP);
    call.id = bench_map(bench, 8080);
    start(&call, bench, wait_for_it);
    until_inside(bench, 1);
    assert_int_equal(porthole_unmap(bench->client, call.id), 0);
    assert_int_equal(finish(&call), PORTHOLE_ERR_CANCELLED);
    close(silence);
}

static void close_cancels_those_who_wait_and_probe(void **state) {
    struct bench *bench = *state;
    struct call waits[2] = {{.result = 1}, {.result = 1}};
    struct call probes = {.result = 1};
    int silence = bench_start_silence(bench);
    bench_open(bench, PORTHOLE_USE_PCP);
    waits[0].id = waits[1].id = bench_map(bench, 8080);
    start(&waits[0], bench, wait_for_it);
    start(&waits[1], bench, wait_for_it);
    start(&probes, bench, probe_it);
    until_inside(bench, 3);
    bench_close(bench, 0);
    assert_int_equal(finish(&waits[0]), PORTHOLE_ERR_CANCELLED);
    assert_int_equal(finish(&waits[1]), PORTHOLE_ERR_CANCELLED);
    assert_int_equal(finish(&probes), PORTHOLE_ERR_CANCELLED);
    close(silence);
}

static void one_probe_at_a_time(void **state) {
    struct bench *bench = *state;
    struct call first = {.result = 1};
    struct porthole_probe probe = PORTHOLE_PROBE_INIT;
    int silence = bench_start_silence(bench);
    bench_open(bench, PORTHOLE_USE_PCP);
    start(&first, bench, probe_it);
    until_inside(bench, 1);
    assert_int_equal(porthole_probe(bench->client, 0, &probe), PORTHOLE_ERR_STATE);
    bench_close(bench, 0);
    assert_int_equal(finish(&first), PORTHOLE_ERR_CANCELLED);
    close(silence);
}

/* Maps, waits, asks and unmaps ports of its own, over and over. */
static void *use_the_client(void *user) {
    struct call *call = user;
    struct porthole *client = call->bench->client;
    for (unsigned i = 0; i < 40; i++) {
        struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
        struct porthole_request request =
            bench_request(call->bench, (uint16_t)(10000 + 1000 * call->number + i));
        porthole_id id;
        char text[PORTHOLE_ADDRESS_SIZE];
        if (porthole_map(client, &request, &id) != 0 ||
            porthole_wait(client, id, 60000, &mapping) != 0 ||
            porthole_query(client, id, &mapping) != 0 || porthole_refresh(client, id) != 0 ||
            porthole_local_address(client, text, sizeof text) != 0 ||
            porthole_mapping_count(client) < 1 || porthole_unmap(client, id) != 0)
            return NULL;
    }
    call->result = 0;
    return NULL;
}

static void several_threads_share_a_client(void **state) {
    struct bench *bench = *state;
    struct call calls[THREADS];
    bench_start_gateway(bench);
    bench_open(bench, 0);
    for (unsigned i = 0; i < THREADS; i++) {
        calls[i] = (struct call){.number = i, .result = 1};
        start(&calls[i], bench, use_the_client);
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(finish(&calls[i]), 0);
    bench_close(bench, -1);
    unsigned unmapped = 0;
    for (unsigned i = 0; i < bench_count(bench); i++)
        unmapped += bench->events[i].type == PORTHOLE_EVENT_UNMAPPED ? 1 : 0;
    assert_int_equal(unmapped, 40 * THREADS);
}

static void take_a_while(struct bench *bench, const struct porthole_event *event) {
    pthread_mutex_lock(&bench->lock);
    bench->answers[0] = 1;
    pthread_mutex_unlock(&bench->lock);
    if (event->type == PORTHOLE_EVENT_MAPPED)
        poll(NULL, 0, 50);
}

static bool has_begun(struct bench *bench) {
    pthread_mutex_lock(&bench->lock);
    bool begun = bench->answers[0] != 0;
    pthread_mutex_unlock(&bench->lock);
    return begun;
}

static void *dispatch_it(void *user) {
    struct call *call = user;
    struct pollfd fd = {.fd = porthole_event_fd(call->bench->client), .events = POLLIN};
    poll(&fd, 1, 60000);
    call->result = porthole_dispatch(call->bench->client);
    return NULL;
}

/* The callback of MAPPED is still running when close is called: UNMAPPED must come after it. */
static void close_waits_for_a_callback_that_runs(void **state) {
    struct bench *bench = *state;
    struct call call = {.result = 1};
    bench_start_gateway(bench);
    bench_open(bench, 0);
    bench->in_callback = take_a_while;
    porthole_id id = bench_map(bench, 8080);
    assert_int_equal(porthole_wait(bench->client, id, -1, NULL), 0);
    if (way == PORTHOLE_DISPATCH) {
        start(&call, bench, dispatch_it);
        while (!has_begun(bench))
            poll(NULL, 0, 1);
    }
    bench_close(bench, -1);
    assert_int_equal(bench_count(bench), 2);
    assert_int_equal(bench->events[0].type, PORTHOLE_EVENT_MAPPED);
    assert_int_equal(bench->events[1].type, PORTHOLE_EVENT_UNMAPPED);
    if (way == PORTHOLE_DISPATCH)
        assert_in_range(finish(&call), 0, 1);
}

/* Notes in answers[0] that another callback ran meanwhile; answers[1] is how many do. */
static void look_for_company(struct bench *bench, const struct porthole_event *event) {
    (void)event;
    pthread_mutex_lock(&bench->lock);
    bench->answers[0] |= ++bench->answers[1] > 1;
    pthread_mutex_unlock(&bench->lock);
    poll(NULL, 0, 5);
    pthread_mutex_lock(&bench->lock);
    bench->answers[1]--;
    pthread_mutex_unlock(&bench->lock);
}

static void *dispatch_until_eight(void *user) {
    struct call *call = user;
    while (bench_count(call->bench) < 8) {
        if (way == PORTHOLE_DISPATCH)
            (void)porthole_dispatch(call->bench->client);
        poll(NULL, 0, 1);
    }
    call->result = 0;
    return NULL;
}

static void one_callback_runs_at_a_time(void **state) {
    struct bench *bench = *state;
    struct call calls[2] = {{.result = 1}, {.result = 1}};
    bench_start_gateway(bench);
    bench_open(bench, 0);
    bench->in_callback = look_for_company;
    for (uint16_t i = 0; i < 8; i++)
        (void)bench_map(bench, (uint16_t)(8000 + i));
    start(&calls[0], bench, dispatch_until_eight);
    start(&calls[1], bench, dispatch_until_eight);
    assert_int_equal(finish(&calls[0]), 0);
    assert_int_equal(finish(&calls[1]), 0);
    bench_close(bench, -1);
    assert_int_equal(bench->answers[0], 0);
    assert_int_equal(bench_count(bench), 16);
}

static volatile sig_atomic_t signal_count;

static void note_signal(int number) {
    (void)number;
    signal_count = 1;
}

/* Whether each thread of the program blocks the signal: "SigBlk" in /proc/self/task/N/status. */
static bool all_block(int number) {
    DIR *folder = opendir("/proc/self/task");
    unsigned count = 0;
    unsigned blocking = 0;
    assert_non_null(folder);
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        char line[512];
        snprintf(line, sizeof line, "/proc/self/task/%s/status", entry->d_name);
        FILE *status = entry->d_name[0] == '.' ? NULL : fopen(line, "r");
        if (!status)
            continue;
        count++;
        while (fgets(line, sizeof line, status))
            if (strncmp(line, "SigBlk:", 7) == 0)
                blocking += (strtoull(line + 7, NULL, 16) & 1ULL << (number - 1)) != 0;
        fclose(status);
    }
    closedir(folder);
    assert_true(count > 1);
    return blocking == count;
}

/* With the one thread that the program has refusing it, the signal must stay pending. */
static void signals_are_not_taken_by_the_clients_thread(void **state) {
    struct bench *bench = *state;
    struct sigaction action = {.sa_handler = note_signal};
    struct sigaction before;
    sigset_t only;
    sigset_t pending;
    int number = 0;
    sigemptyset(&only);
    sigaddset(&only, SIGUSR1);
    bench_open(bench, 0);
    assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &only, NULL), 0);
    assert_true(all_block(SIGUSR1));
    assert_int_equal(kill(getpid(), SIGUSR1), 0);
    assert_int_equal(sigpending(&pending), 0);
    assert_true(sigismember(&pending, SIGUSR1));
    assert_int_equal(signal_count, 0);
    assert_int_equal(sigwait(&only, &number), 0);
    assert_int_equal(pthread_sigmask(SIG_UNBLOCK, &only, NULL), 0);
    assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
}

int main(void) {
    static const unsigned ways[] = {0, PORTHOLE_DISPATCH};
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(all_who_wait_see_the_result),
        TEST(unmap_cancels_those_who_wait),
        TEST(close_cancels_those_who_wait_and_probe),
        TEST(one_probe_at_a_time),
        TEST(several_threads_share_a_client),
        TEST(close_waits_for_a_callback_that_runs),
        TEST(one_callback_runs_at_a_time),
        TEST(signals_are_not_taken_by_the_clients_thread),
    };
    int failures = 0;
    for (unsigned i = 0; i < 2; i++) {
        way = ways[i];
        printf("---- %s\n", way ? "dispatch" : "own thread");
        failures += cmocka_run_group_tests(tests, NULL, NULL);
    }
    return failures;
}
