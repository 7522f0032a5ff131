/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_threads_stress.c: eight threads map, ask, refresh, wait and unmap, 2,000 mappings in all and
 * each other's too, callbacks join in, and the client is closed while much is under way. Whatever
 * the order: each mapping that was accepted ends with exactly one UNMAPPED, nothing is told outside
 * of its life, and the gateway has nothing left. Meant for the sanitizers.
 */
#define _GNU_SOURCE
#include <stdatomic.h>

#include "api/client.h"
#include "base/rng.h"
#include "tests/unit/api_bench.h"

#define THREADS 8U
#define MAPPINGS 250U /* a thread */
#define BURST 30U     /* the last of these: while the gateway is silent, without waiting */
#define PORTS 120U    /* a thread, used again and again */
#define DISPATCHERS 2U
#define SILENCE_MS 20 /* that close begins with */
#define CLOSE_MS 60000

/* One call of porthole_map() or porthole_map_wait(). */
struct slot {
    bool is_accepted;
    atomic_ullong id; /* 0 = none yet */
    atomic_uint events;
    atomic_uint ends;
    atomic_uint late; /* events after the end, or after close */
};

struct stress {
    struct bench *bench;
    struct slot slots[THREADS * MAPPINGS];
    pthread_barrier_t barrier;
    atomic_bool is_enough; /* for those who dispatch */
    atomic_bool is_closed;
    atomic_uint opened; /* on the gateway */
    atomic_uint removed;
};

struct worker {
    pthread_t thread;
    struct stress *stress;
    unsigned number;
    struct ph_seeded seeded;
    porthole_id ids[PORTS]; /* the last mapping of each port */
    int mistake;            /* an answer that no order explains; 0 = none */
    int last;               /* what the wait that close ends returned */
};

static unsigned way;

static int setup(void **state) {
    struct stress *stress = calloc(1, sizeof *stress);
    if (!stress)
        return -1;
    stress->bench = bench_new(way);
    pthread_barrier_init(&stress->barrier, NULL, THREADS + 1);
    *state = stress;
    return 0;
}

static int teardown(void **state) {
    struct stress *stress = *state;
    bench_free(stress->bench);
    pthread_barrier_destroy(&stress->barrier);
    free(stress);
    return 0;
}

static unsigned below(struct worker *worker, unsigned limit) {
    struct ph_random random = {ph_seeded_fill, &worker->seeded};
    return ph_random_below(&random, limit);
}

/* ---- The callback ---------------------------------------------------------------------------- */

static struct stress *running; /* the test that callbacks belong to */

static void note(struct porthole *client, const struct porthole_event *event, void *user) {
    struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
    struct slot *slot = user;
    if (atomic_load(&slot->ends) > 0 || atomic_load(&running->is_closed))
        atomic_fetch_add(&slot->late, 1);
    atomic_fetch_add(&slot->events, 1);
    if (event->type == PORTHOLE_EVENT_UNMAPPED)
        atomic_fetch_add(&slot->ends, 1);
    switch (event->mapping.id % 8) {
    case 0:
        (void)porthole_unmap(client, event->mapping.id);
        break;
    case 1:
        (void)porthole_query(client, event->mapping.id, &mapping);
        break;
    case 2:
        (void)porthole_refresh(client, event->mapping.id);
        break;
    default:
        break;
    }
}

/* ---- What a thread does ---------------------------------------------------------------------- */

/* Notes an answer that is none of these, which end with 0. */
static int expect(struct worker *worker, int answer, const int *expected) {
    while (*expected != 0 && *expected != answer)
        expected++;
    if (answer != *expected && worker->mistake == 0)
        worker->mistake = answer;
    return answer;
}

/* porthole_map(), or porthole_map_wait() with little patience. */
static int ask(struct worker *worker, const struct porthole_request *request, bool may_wait,
               porthole_id *ret_id) {
    struct porthole *client = worker->stress->bench->client;
    struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
    if (!may_wait || below(worker, 4) > 0)
        return porthole_map(client, request, ret_id);
    int answer = porthole_map_wait(client, request, (int)below(worker, 10), &mapping);
    *ret_id = mapping.id;
    return answer;
}

/* Maps one of the thread's ports, whose mapping of before it gives back when there is one still. */
static void map_one(struct worker *worker, struct slot *slot, bool may_wait) {
    static const int expected[] = {PORTHOLE_ERR_TIMEOUT, PORTHOLE_ERR_CANCELLED, 0};
    struct porthole_request request = PORTHOLE_REQUEST_INIT;
    unsigned port = below(worker, PORTS);
    porthole_id *before = &worker->ids[port];
    porthole_id id = 0;
    request.protocol = port % 2 ? PORTHOLE_TCP : PORTHOLE_UDP;
    request.internal_port = (uint16_t)(10000 + PORTS * worker->number + port);
    request.on_event = note;
    request.user = slot;
    int answer = ask(worker, &request, may_wait, &id);
    if (answer == PORTHOLE_ERR_EXISTS) {
        (void)porthole_unmap(worker->stress->bench->client, *before);
        answer = ask(worker, &request, may_wait, &id);
    }
    if (expect(worker, answer, expected) != 0)
        return;
    slot->is_accepted = true;
    atomic_store(&slot->id, id);
    *before = id;
}

/* Something with a mapping, most likely another thread's. */
static void do_something(struct worker *worker, bool may_wait) {
    static const int known[] = {PORTHOLE_ERR_UNKNOWN_ID, 0};
    static const int waited[] = {PORTHOLE_ERR_UNKNOWN_ID, PORTHOLE_ERR_TIMEOUT,
                                 PORTHOLE_ERR_CANCELLED, 0};
    struct porthole *client = worker->stress->bench->client;
    struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
    struct slot *slot = &worker->stress->slots[below(worker, THREADS * MAPPINGS)];
    porthole_id id = atomic_load(&slot->id);
    char text[PORTHOLE_ADDRESS_SIZE];
    switch (below(worker, may_wait ? 7 : 6)) {
    case 0:
        (void)expect(worker, porthole_query(client, id, &mapping), known);
        break;
    case 1:
        (void)expect(worker, porthole_refresh(client, id), known);
        break;
    case 2:
    case 3:
        (void)expect(worker, porthole_unmap(client, id), (const int[]){0});
        break;
    case 4:
        (void)expect(worker, porthole_has_mapping(client, id), (const int[]){1, 0});
        break;
    case 5:
        (void)expect(worker, porthole_local_address(client, text, sizeof text), (const int[]){0});
        break;
    default:
        (void)expect(worker, porthole_wait(client, id, (int)below(worker, 5), NULL), waited);
        break;
    }
}

static void *work(void *user) {
    struct worker *worker = user;
    struct stress *stress = worker->stress;
    struct slot *slots = &stress->slots[MAPPINGS * worker->number];
    struct porthole_request request = PORTHOLE_REQUEST_INIT;
    porthole_id id = 0;
    for (unsigned i = 0; i < MAPPINGS; i++) {
        bool is_heard = i < MAPPINGS - BURST;
        if (i == MAPPINGS - BURST) {
            pthread_barrier_wait(&stress->barrier); /* all are here: the gateway goes silent */
            pthread_barrier_wait(&stress->barrier);
        }
        map_one(worker, &slots[i], is_heard);
        for (unsigned n = below(worker, 4); n > 0; n--)
            do_something(worker, is_heard);
    }
    /* And one that gets no answer before the client is closed. */
    request.protocol = PORTHOLE_TCP;
    request.internal_port = (uint16_t)(20000 + worker->number);
    if (expect(worker, porthole_map(stress->bench->client, &request, &id), (const int[]){0}) == 0)
        worker->last = porthole_wait(stress->bench->client, id, -1, NULL);
    return NULL;
}

static void *dispatch(void *user) {
    struct stress *stress = user;
    struct porthole *client = stress->bench->client;
    struct pollfd fd = {.fd = porthole_event_fd(client), .events = POLLIN};
    while (!atomic_load(&stress->is_enough))
        if (poll(&fd, 1, 10) > 0)
            (void)porthole_dispatch(client);
    return NULL;
}

/* ---- The gateway ----------------------------------------------------------------------------- */

static void count_mappings(void *user, const struct ph_gw_event *event) {
    struct stress *stress = user;
    if (event->type == PH_GW_EVENT_OPENED)
        atomic_fetch_add(&stress->opened, 1);
    else if (event->type == PH_GW_EVENT_CLOSED && event->end == PH_GW_REMOVED)
        atomic_fetch_add(&stress->removed, 1);
}

static void start_gateway(struct stress *stress) {
    struct ph_gw_io_config config;
    ph_gw_io_config_init(&config);
    config.on_event = count_mappings;
    config.user = stress;
    bench_start_gateway_as(stress->bench, &config);
}

/* Its sockets stay open: what is sent to it waits. */
static void silence(struct bench *bench) {
    uint64_t one = 1;
    assert_int_equal(write(bench->io_stop, &one, sizeof one), sizeof one);
    assert_int_equal(pthread_join(bench->io_thread, NULL), 0);
    assert_int_equal(read(bench->io_stop, &one, sizeof one), sizeof one);
}

/* Again, some time after the client has begun to close, which takes until it is answered. */
static void *serve_later(void *user) {
    struct bench *bench = user;
    bool is_closing = false;
    while (!is_closing) {
        poll(NULL, 0, 1);
        pthread_mutex_lock(&bench->client->lock);
        is_closing = bench->client->is_closing;
        pthread_mutex_unlock(&bench->client->lock);
    }
    poll(NULL, 0, SILENCE_MS);
    return bench_serve(user);
}

/* ---- The test -------------------------------------------------------------------------------- */

static void until_all_wait(struct porthole *client) {
    unsigned inside = 0;
    while (inside < THREADS) {
        poll(NULL, 0, 1);
        pthread_mutex_lock(&client->lock);
        inside = client->inside;
        pthread_mutex_unlock(&client->lock);
    }
}

static void assert_each_ended_once(struct stress *stress) {
    unsigned accepted = 0;
    for (unsigned i = 0; i < THREADS * MAPPINGS; i++) {
        struct slot *slot = &stress->slots[i];
        assert_int_equal(atomic_load(&slot->ends), slot->is_accepted ? 1 : 0);
        assert_int_equal(atomic_load(&slot->late), 0);
        if (!slot->is_accepted)
            assert_int_equal(atomic_load(&slot->events), 0);
        accepted += slot->is_accepted ? 1 : 0;
    }
    /* Others were given up by who waited for them. */
    assert_true(accepted > THREADS * MAPPINGS * 3 / 4);
}

static void nothing_is_lost_and_nothing_is_told_twice(void **state) {
    struct stress *stress = *state;
    struct bench *bench = stress->bench;
    struct worker workers[THREADS];
    pthread_t dispatchers[DISPATCHERS];
    running = stress;
    start_gateway(stress);
    bench_open(bench, PORTHOLE_USE_PCP);
    for (unsigned i = 0; i < DISPATCHERS && way == PORTHOLE_DISPATCH; i++)
        assert_int_equal(pthread_create(&dispatchers[i], NULL, dispatch, stress), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.stress = stress, .number = i, .seeded = {i}, .last = 1};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    pthread_barrier_wait(&stress->barrier);
    silence(bench);
    pthread_barrier_wait(&stress->barrier);
    atomic_store(&stress->is_enough, true);
    for (unsigned i = 0; i < DISPATCHERS && way == PORTHOLE_DISPATCH; i++)
        assert_int_equal(pthread_join(dispatchers[i], NULL), 0);
    until_all_wait(bench->client);
    assert_int_equal(pthread_create(&bench->io_thread, NULL, serve_later, bench), 0);
    bench_close(bench, CLOSE_MS);
    atomic_store(&stress->is_closed, true);
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        assert_int_equal(workers[i].mistake, 0);
        assert_int_equal(workers[i].last, PORTHOLE_ERR_CANCELLED);
    }
    assert_each_ended_once(stress);
    assert_int_equal(atomic_load(&stress->opened), atomic_load(&stress->removed));
    assert_true(atomic_load(&stress->opened) > 0);
}

int main(void) {
    static const unsigned ways[] = {0, PORTHOLE_DISPATCH};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_lost_and_nothing_is_told_twice, setup, teardown),
    };
    int failures = 0;
    for (unsigned i = 0; i < 2; i++) {
        way = ways[i];
        printf("---- %s\n", way ? "dispatch" : "own thread");
        failures += cmocka_run_group_tests(tests, NULL, NULL);
    }
    return failures;
}
