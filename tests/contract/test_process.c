/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * test_process.c: the process that a client lives in: it may fork, have no standard streams, run
 * out of descriptors and leave SIGPIPE as it is; the client takes nothing of it but what it gives
 * back.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/unit/api_bench.h"

#define FORKS 50
#define FDS_MAX 256

static unsigned way;

static int setup(void **state) {
    *state = bench_new(way);
    return 0;
}

static int teardown(void **state) {
    bench_free(*state);
    return 0;
}

/* The child's verdict on itself: 0 = good, else the number of what went wrong. */
static int verdict_of(pid_t child) {
    int status = 0;
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status))
        fail_msg("killed by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

/* ---- fork ------------------------------------------------------------------------------------ */

/* 0, or which call did something else than refuse. */
static int try_all(struct porthole *client, porthole_id id) {
    struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
    struct porthole_probe probe = PORTHOLE_PROBE_INIT;
    struct porthole_request request = PORTHOLE_REQUEST_INIT;
    struct pollfd fds[4];
    char text[PORTHOLE_ADDRESS_SIZE];
    porthole_id other = 0;
    request.protocol = PORTHOLE_UDP;
    request.internal_port = 9000;
    const int answers[] = {
        porthole_map(client, &request, &other),
        porthole_map_wait(client, &request, -1, &mapping),
        porthole_wait(client, id, -1, &mapping),
        porthole_query(client, id, &mapping),
        porthole_refresh(client, id),
        porthole_unmap(client, id),
        porthole_unmap_all(client),
        porthole_has_mapping(client, id),
        porthole_mapping_count(client),
        porthole_local_address(client, text, sizeof text),
        porthole_gateway_address(client, text, sizeof text),
        porthole_probe(client, 0, &probe),
        porthole_external_address(client, 0, text, sizeof text),
        porthole_event_fd(client),
        porthole_dispatch(client),
        porthole_pollfds(client, fds, 4),
        porthole_timeout_ms(client),
        porthole_process(client),
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
        if (answers[i] != PORTHOLE_ERR_STATE)
            return 1 + (int)i;
    return 0;
}

/* That nobody has touched the client: it still reaches its gateway, and that knows it. */
static void assert_is_well(struct bench *bench, porthole_id id) {
    struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
    char text[PORTHOLE_ADDRESS_SIZE];
    assert_int_equal(porthole_external_address(bench->client, 0, text, sizeof text), 0);
    assert_int_equal(porthole_refresh(bench->client, id), 0);
    assert_int_equal(porthole_query(bench->client, id, &mapping), 0);
    assert_int_equal(mapping.state, PORTHOLE_SUCCESS);
}

static void childs_calls_are_refused(void **state) {
    struct bench *bench = *state;
    bench_start_gateway(bench);
    bench_open(bench, 0);
    porthole_id id = bench_map(bench, 8080);
    bench_until(bench, 1);
    pid_t child = fork();
    if (child == 0)
        _exit(try_all(bench->client, id));
    assert_int_equal(verdict_of(child), 0);
    assert_is_well(bench, id);
}

static void parents_mappings_outlive_its_children(void **state) {
    struct bench *bench = *state;
    bench_start_gateway(bench);
    bench_open(bench, 0);
    porthole_id id = bench_map(bench, 8080);
    bench_until(bench, 1);
    for (int closes = 0; closes < 2; closes++) {
        pid_t child = fork();
        if (child == 0)
            _exit(closes ? porthole_close(bench->client, -1) : 0);
        assert_int_equal(verdict_of(child), 0);
        assert_is_well(bench, id);
    }
    assert_int_equal(bench_count(bench), 1);
    bench_close(bench, -1);
    assert_int_equal(bench_count(bench), 2);
    assert_int_equal(bench->events[1].mapping.fate, PORTHOLE_FATE_REMOVED);
}

static void child_may_have_a_client_of_its_own(void **state) {
    struct bench *bench = *state;
    struct porthole_request request = bench_request(bench, 9000);
    struct porthole_config config = bench_config(bench);
    request.on_event = NULL;
    config.flags = PORTHOLE_NO_THREAD;
    bench_start_gateway(bench);
    bench_open(bench, 0);
    porthole_id id = bench_map(bench, 8080);
    bench_until(bench, 1);
    pid_t child = fork();
    if (child == 0) {
        struct porthole *client;
        int error = porthole_open(&config, &client);
        if (error == 0)
            error = porthole_map_wait(client, &request, 60000, NULL);
        if (error == 0)
            error = porthole_close(client, -1);
        _exit(error == 0 ? 0 : 1);
    }
    assert_int_equal(verdict_of(child), 0);
    assert_is_well(bench, id);
}

struct bustle {
    struct bench *bench;
    atomic_bool is_over;
};

static void *map_and_unmap(void *user) {
    struct bustle *bustle = user;
    while (!atomic_load(&bustle->is_over)) {
        struct porthole_request request = PORTHOLE_REQUEST_INIT;
        struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
        request.protocol = PORTHOLE_TCP;
        request.internal_port = 9000;
        if (porthole_map_wait(bustle->bench->client, &request, 10000, &mapping) == 0)
            (void)porthole_unmap(bustle->bench->client, mapping.id);
    }
    return NULL;
}

/* The child finds the lock taken, a half of something in memory, or HTTP under way. */
static void child_may_close_whatever_the_parent_is_at(void **state) {
    struct bench *bench = *state;
    struct bustle bustle = {.bench = bench};
    pthread_t thread;
    if (way == PORTHOLE_NO_THREAD)
        return; /* one thread is at it, and that forks */
    bench_start_gateway(bench);
    bench_open(bench, PORTHOLE_USE_UPNP);
    porthole_id id = bench_map(bench, 8080);
    bench_until(bench, 1);
    assert_int_equal(pthread_create(&thread, NULL, map_and_unmap, &bustle), 0);
    for (unsigned i = 0; i < FORKS; i++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(60);
            _exit(porthole_close(bench->client, -1));
        }
        assert_int_equal(verdict_of(child), 0);
    }
    atomic_store(&bustle.is_over, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_is_well(bench, id);
}

/* ---- Descriptors ----------------------------------------------------------------------------- */

struct fds {
    unsigned count;
    int at[FDS_MAX];
};

static void list_fds(struct fds *ret) {
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    ret->count = 0;
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        int fd = (int)strtol(entry->d_name, NULL, 10);
        if (entry->d_name[0] != '.' && fd != dirfd(folder)) {
            assert_true(ret->count < FDS_MAX);
            ret->at[ret->count++] = fd;
        }
    }
    closedir(folder);
}

static bool has_fd(const struct fds *fds, int fd) {
    for (unsigned i = 0; i < fds->count; i++)
        if (fds->at[i] == fd)
            return true;
    return false;
}

/* The gateway, which is in this process too, may be about to close a connection. */
static void assert_fds_are(const struct fds *before) {
    struct fds now;
    list_fds(&now);
    for (unsigned i = 0; i < 3000 && now.count != before->count; i++) {
        poll(NULL, 0, 10);
        list_fds(&now);
    }
    assert_int_equal(now.count, before->count);
}

static void none_is_left_and_none_goes_to_another_program(void **state) {
    struct bench *bench = *state;
    struct porthole_probe probe = PORTHOLE_PROBE_INIT;
    struct fds before;
    struct fds meanwhile;
    unsigned counted = 0;
    bench_start_gateway(bench);
    for (unsigned method = PORTHOLE_PCP; method <= PORTHOLE_UPNP; method++) {
        list_fds(&before);
        bench_open(bench, 1U << method);
        assert_int_equal(porthole_probe(bench->client, 0, &probe), 1);
        for (uint16_t i = 0; i < 20; i++)
            (void)bench_map(bench, (uint16_t)(8000 + i));
        list_fds(&meanwhile); /* with HTTP exchanges under way */
        assert_true(meanwhile.count > before.count);
        for (unsigned i = 0; i < meanwhile.count; i++)
            if (!has_fd(&before, meanwhile.at[i]))
                assert_true(fcntl(meanwhile.at[i], F_GETFD) & FD_CLOEXEC);
        counted += 20;
        bench_until(bench, counted);
        bench_close(bench, -1);
        counted += 20;
        assert_fds_are(&before);
    }
}

/* So many more than there are now. */
static void allow_fds(unsigned more) {
    struct rlimit limit;
    struct fds now;
    int fd = 0;
    list_fds(&now);
    while (has_fd(&now, fd) || more-- > 0)
        fd++;
    /* Descriptors get the lowest number that is free, and the limit is on that. */
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = (rlim_t)fd;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void allow_all_fds(void) {
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void too_few_are_an_error_until_there_are_enough(void **state) {
    struct bench *bench = *state;
    struct porthole_config config = bench_config(bench);
    struct fds before;
    bool was_opened = false;
    config.methods = PORTHOLE_USE_PCP;
    bench_start_gateway(bench);
    list_fds(&before);
    for (unsigned more = 0; more < 6; more++) {
        struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
        struct porthole *client = NULL;
        allow_fds(more);
        int error = porthole_open(&config, &client);
        assert_true(error == 0 || error == PORTHOLE_ERR_SYSTEM);
        assert_true(error == 0 || !was_opened);
        if (error == 0) {
            struct porthole_request request = bench_request(bench, 8080);
            was_opened = true;
            request.on_event = NULL;
            error = porthole_map_wait(client, &request, 60000, &mapping);
            assert_true(error == 0 || error == mapping.error);
            allow_all_fds();
            if (error != 0)
                assert_int_equal(porthole_map_wait(client, &request, 60000, &mapping), 0);
            porthole_close(client, -1);
        }
        allow_all_fds();
        assert_fds_are(&before);
    }
    assert_true(was_opened);
}

/* 0, or what did not work in a process without standard streams. */
static int map_without_streams(const struct bench *bench) {
    for (unsigned method = PORTHOLE_PCP; method <= PORTHOLE_UPNP; method++) {
        struct porthole_config config = bench_config(bench);
        struct porthole_request request = PORTHOLE_REQUEST_INIT;
        struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
        struct porthole *client;
        config.methods = 1U << method;
        request.protocol = PORTHOLE_TCP;
        request.internal_port = 8080;
        if (porthole_open(&config, &client) != 0)
            return 1;
        if (porthole_map_wait(client, &request, 60000, &mapping) != 0)
            return 2;
        if (fcntl(0, F_GETFD) < 0)
            return 3; /* the client's descriptors are elsewhere: this test shows nothing */
        if (porthole_close(client, -1) != 0)
            return 4;
        for (int fd = 0; fd < 3; fd++)
            if (fcntl(fd, F_GETFD) >= 0)
                return 5;
    }
    return 0;
}

/* The client's sockets then have the numbers of the standard streams. */
static void standard_streams_may_be_closed(void **state) {
    struct bench *bench = *state;
    char byte = 0;
    int start[2];
    assert_int_equal(pipe(start), 0);
    pid_t child = fork(); /* while there are no threads yet */
    if (child == 0) {
        if (read(start[0], &byte, 1) != 1)
            _exit(100);
        for (int fd = 0; fd < 3; fd++)
            close(fd);
        alarm(60);
        _exit(map_without_streams(bench));
    }
    bench_start_gateway(bench);
    assert_int_equal(write(start[1], &byte, 1), 1);
    assert_int_equal(verdict_of(child), 0);
    close(start[0]);
    close(start[1]);
}

/* ---- SIGPIPE --------------------------------------------------------------------------------- */

int __real_getsockopt(int fd, int level, int option, void *ret, socklen_t *size);
int __wrap_getsockopt(int fd, int level, int option, void *ret, socklen_t *size);

static int listener = -1; /* of the peer that hangs up; -1 = no such test runs */
static unsigned hang_ups;

/* The client asks for a connection's error just before it writes to it. This is the last moment for
 * the peer to close it, so that the write fails by EPIPE: first it sends an end, then a reset. */
int __wrap_getsockopt(int fd, int level, int option, void *ret, socklen_t *size) {
    int result = __real_getsockopt(fd, level, option, ret, size);
    if (listener >= 0 && level == SOL_SOCKET && option == SO_ERROR) {
        const struct linger reset = {.l_onoff = 1, .l_linger = 0};
        struct pollfd called = {.fd = listener, .events = POLLIN};
        struct pollfd closed = {.fd = fd, .events = 0};
        poll(&called, 1, 1000);
        int peer = accept(listener, NULL, NULL);
        if (peer < 0)
            return result;
        shutdown(peer, SHUT_WR);
        setsockopt(peer, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(peer);
        poll(&closed, 1, 60000);
        hang_ups++;
    }
    return result;
}

/* Answers one search: a device is at the listener. */
static void *answer_search(void *user) {
    int fd = *(const int *)user;
    struct sockaddr_in at;
    struct sockaddr_in peer;
    socklen_t size = sizeof at;
    socklen_t peer_size = sizeof peer;
    char bytes[2048];
    char answer[512];
    char host[INET_ADDRSTRLEN];
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    if (poll(&readable, 1, 60000) != 1 ||
        getsockname(listener, (struct sockaddr *)&at, &size) != 0 ||
        recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&peer, &peer_size) < 0)
        return NULL;
    inet_ntop(AF_INET, &at.sin_addr, host, sizeof host);
    int n = snprintf(answer, sizeof answer,
                     "HTTP/1.1 200 OK\r\n"
                     "CACHE-CONTROL: max-age=1800\r\nEXT:\r\n"
                     "LOCATION: http://%s:%u/root.xml\r\n"
                     "ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n"
                     "USN: uuid:00000000-0000-0000-0000-000000000001::"
                     "urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n\r\n",
                     host, ntohs(at.sin_port));
    (void)sendto(fd, answer, (size_t)n, 0, (struct sockaddr *)&peer, peer_size);
    return NULL;
}

static void a_peer_that_hangs_up_kills_nobody(void **state) {
    struct bench *bench = *state;
    struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
    struct porthole_request request = bench_request(bench, 8080);
    struct porthole_config config = bench_config(bench);
    struct ph_endpoint at = {.port = 0};
    pthread_t thread;
    struct sigaction usual = {.sa_handler = SIG_DFL};
    if (way != PORTHOLE_NO_THREAD)
        return; /* the client's own thread takes no signals */
    sigemptyset(&usual.sa_mask);
    assert_int_equal(sigaction(SIGPIPE, &usual, NULL), 0);
    assert_true(ph_addr_parse(ph_span_of(bench->gateway), &at.addr));
    listener = ph_gw_sock_listen(&at);
    assert_true(listener >= 0);
    at.port = 1900;
    int search = ph_gw_sock_udp(&at, false);
    assert_true(search >= 0);
    assert_int_equal(pthread_create(&thread, NULL, answer_search, &search), 0);
    config.methods = PORTHOLE_USE_UPNP;
    config.discover_timeout_ms = 3000;
    hang_ups = 0;
    assert_int_equal(porthole_open(&config, &bench->client), 0);
    assert_int_not_equal(porthole_map_wait(bench->client, &request, 60000, &mapping), 0);
    assert_true(hang_ups > 0);
    bench_close(bench, 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    close(search);
    close(listener);
    listener = -1;
}

int main(void) {
    static const unsigned ways[] = {0, PORTHOLE_DISPATCH, PORTHOLE_NO_THREAD};
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(childs_calls_are_refused),
        TEST(parents_mappings_outlive_its_children),
        TEST(child_may_have_a_client_of_its_own),
        TEST(child_may_close_whatever_the_parent_is_at),
        TEST(none_is_left_and_none_goes_to_another_program),
        TEST(too_few_are_an_error_until_there_are_enough),
        TEST(standard_streams_may_be_closed),
        TEST(a_peer_that_hangs_up_kills_nobody),
    };
    int failures = 0;
    for (unsigned i = 0; i < 3; i++) {
        static const char *const names[] = {"own thread", "dispatch", "no thread"};
        way = ways[i];
        printf("---- %s\n", names[i]);
        failures += cmocka_run_group_tests(tests, NULL, NULL);
    }
    return failures;
}
