/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * stepped_clock.c: see stepped_clock.h. CLOCK_BOOTTIME and CLOCK_MONOTONIC are one such clock here,
 * and whatever a thread sleeps in (poll, epoll_wait, a condition, a join) is the system's poll() of
 * what it waits for and of one descriptor more, by which another thread wakes it. A thread is
 * counted as awake by who wakes it, not only when the system lets it run. The time of day is left
 * alone.
 */
#define _GNU_SOURCE
#include "tests/unit/stepped_clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 16U /* at once */
#define FDS_MAX 128U    /* that one polls */
#define NEVER_NS UINT64_MAX
#define FIRST_NS 1000000000000U

/* The names are the linker's: --wrap=poll makes poll() __wrap_poll(). */
int __real_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);
int __real_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
int __wrap___poll_chk(struct pollfd *fds, nfds_t count, int timeout_ms, size_t fds_bytes);
int __real_epoll_wait(int fd, struct epoll_event *ret, int count, int timeout_ms);
int __wrap_epoll_wait(int fd, struct epoll_event *ret, int count, int timeout_ms);
int __real_pthread_create(pthread_t *ret, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *user);
int __wrap_pthread_create(pthread_t *ret, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *user);
int __real_pthread_join(pthread_t id, void **ret);
int __wrap_pthread_join(pthread_t id, void **ret);
int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int __wrap_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                                  const struct timespec *until);
int __wrap_pthread_cond_signal(pthread_cond_t *condition);
int __wrap_pthread_cond_broadcast(pthread_cond_t *condition);

struct thread {
    bool is_used; /* from its creation until it is joined */
    bool is_over;
    pthread_t id;
    void *(*run)(void *user);
    void *user;
    int wake_fd; /* an eventfd; outlives the thread */

    bool is_asleep;
    uint64_t until_ns;
    const void *awaited; /* a condition, or the thread that is joined; NULL = neither */
    nfds_t count;
    struct pollfd fds[FDS_MAX + 1]; /* wake_fd is the last */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t now_ns = FIRST_NS;
static unsigned awake = 1;
static struct thread threads[THREADS_MAX]; /* the first is the program's own */
static _Thread_local struct thread *self = &threads[0];
static int echo_fd; /* a socket that sends to itself */

/* ---- The lock -------------------------------------------------------------------------------- */

/* The thread sanitizer must not take this lock for one that keeps the tested threads apart. */
#if defined(__SANITIZE_THREAD__)
#define IS_WATCHED
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define IS_WATCHED
#endif
#endif
#if defined(IS_WATCHED)
void AnnotateIgnoreSyncBegin(const char *file, int line);
void AnnotateIgnoreSyncEnd(const char *file, int line);
void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreReadsEnd(const char *file, int line);
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);
#define LOOK(way)                                                                                  \
    (AnnotateIgnoreSync##way(__FILE__, __LINE__), AnnotateIgnoreReads##way(__FILE__, __LINE__),    \
     AnnotateIgnoreWrites##way(__FILE__, __LINE__))
#else
#define LOOK(way) ((void)0)
#endif

static void enter(void) {
    LOOK(Begin);
    pthread_mutex_lock(&lock);
}

static void leave(void) {
    pthread_mutex_unlock(&lock);
    LOOK(End);
}

/* ---- The clock ------------------------------------------------------------------------------- */

static void prepare_thread(struct thread *thread) {
    if (thread->wake_fd == 0)
        thread->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (thread->wake_fd < 0)
        abort();
    thread->is_used = true;
    thread->is_over = false;
}

/* On one processor all that is sent over loopback arrives in the order in which it was sent. */
__attribute__((constructor)) static void prepare(void) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof at;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    echo_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (sched_setaffinity(0, sizeof one, &one) != 0 ||
        bind(echo_fd, (struct sockaddr *)&at, size) != 0 ||
        getsockname(echo_fd, (struct sockaddr *)&at, &size) != 0 ||
        connect(echo_fd, (struct sockaddr *)&at, size) != 0)
        abort();
    prepare_thread(&threads[0]);
}

/* Returns when what has been sent so far has arrived: the system may put that off. */
static void await_arrivals(void) {
    char byte = 0;
    if (send(echo_fd, &byte, 1, 0) != 1 || recv(echo_fd, &byte, 1, 0) != 1)
        abort();
}

static void wake_thread(struct thread *thread) {
    uint64_t one = 1;
    thread->is_asleep = false;
    awake++;
    if (write(thread->wake_fd, &one, sizeof one) != sizeof one)
        abort();
}

/* When all sleep, the time of the first who has one comes, unless something has arrived. */
static void step_when_all_sleep(void) {
    uint64_t next_ns = NEVER_NS;
    if (awake > 0)
        return;
    await_arrivals();
    for (unsigned i = 0; i < THREADS_MAX; i++) {
        struct thread *thread = &threads[i];
        if (!thread->is_asleep)
            continue;
        if (__real_poll(thread->fds, thread->count, 0) != 0)
            return;
        if (thread->until_ns < next_ns)
            next_ns = thread->until_ns;
    }
    if (next_ns == NEVER_NS) {
        fputs("all threads sleep, and nothing is left that would wake one\n", stderr);
        abort();
    }
    if (next_ns > now_ns)
        now_ns = next_ns;
    for (unsigned i = 0; i < THREADS_MAX; i++)
        if (threads[i].is_asleep && threads[i].until_ns <= now_ns)
            wake_thread(&threads[i]);
}

static uint64_t read_now_ns(void) {
    enter();
    uint64_t now = now_ns += 1000U;
    leave();
    return now;
}

uint64_t stepped_clock_us(void) { return read_now_ns() / 1000U; }

uint64_t stepped_clock_ms(void) { return stepped_clock_us() / 1000U; }

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret) {
    if (clock != CLOCK_BOOTTIME && clock != CLOCK_MONOTONIC)
        return __real_clock_gettime(clock, ret);
    uint64_t now = read_now_ns();
    ret->tv_sec = (time_t)(now / 1000000000U);
    ret->tv_nsec = (long)(now % 1000000000U);
    return 0;
}

/* ---- Sleeping -------------------------------------------------------------------------------- */

/* With the lock, which is given back meanwhile, as the mutex is when there is one: until one of the
 * descriptors is ready, `awaited` happens, or it is time. */
static void sleep_with(const struct pollfd *fds, nfds_t count, uint64_t until_ns,
                       const void *awaited, pthread_mutex_t *mutex) {
    struct pollfd all[FDS_MAX + 1]; /* others look at those in `self` */
    uint64_t ignored;
    if (count > FDS_MAX)
        abort();
    if (count > 0)
        memcpy(all, fds, count * sizeof *fds);
    all[count++] = (struct pollfd){.fd = self->wake_fd, .events = POLLIN};
    memcpy(self->fds, all, count * sizeof *all);
    self->count = count;
    self->until_ns = until_ns;
    self->awaited = awaited;
    self->is_asleep = true;
    awake--;
    step_when_all_sleep();
    leave();
    if (mutex)
        pthread_mutex_unlock(mutex);
    while (__real_poll(all, count, -1) < 0)
        ;
    enter();
    if (self->is_asleep) {
        self->is_asleep = false;
        awake++;
    } else if (read(self->wake_fd, &ignored, sizeof ignored) != sizeof ignored) {
        abort();
    }
}

static void wake_those_who_await(const void *what) {
    for (unsigned i = 0; i < THREADS_MAX; i++)
        if (threads[i].is_asleep && threads[i].awaited == what)
            wake_thread(&threads[i]);
}

static void sleep_for(const struct pollfd *fds, nfds_t count, int timeout_ms) {
    enter();
    uint64_t until_ns = timeout_ms < 0 ? NEVER_NS : now_ns + (uint64_t)timeout_ms * 1000000U;
    sleep_with(fds, count, until_ns, NULL, NULL);
    leave();
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms) {
    int ready = __real_poll(fds, count, 0);
    if (ready != 0 || timeout_ms == 0)
        return ready;
    sleep_for(fds, count, timeout_ms);
    return __real_poll(fds, count, 0);
}

/* What a compiler with _FORTIFY_SOURCE makes of poll(). */
int __wrap___poll_chk(struct pollfd *fds, nfds_t count, int timeout_ms, size_t fds_bytes) {
    if (fds_bytes / sizeof *fds < count)
        abort();
    return __wrap_poll(fds, count, timeout_ms);
}

int __wrap_epoll_wait(int fd, struct epoll_event *ret, int count, int timeout_ms) {
    const struct pollfd all = {.fd = fd, .events = POLLIN};
    int ready = __real_epoll_wait(fd, ret, count, 0);
    if (ready != 0 || timeout_ms == 0)
        return ready;
    sleep_for(&all, 1, timeout_ms);
    return __real_epoll_wait(fd, ret, count, 0);
}

/* ---- Conditions ------------------------------------------------------------------------------ */

static int wait_for(pthread_cond_t *condition, pthread_mutex_t *mutex, uint64_t until_ns) {
    enter();
    sleep_with(NULL, 0, until_ns, condition, mutex);
    bool is_late = now_ns >= until_ns;
    leave();
    pthread_mutex_lock(mutex);
    return is_late ? ETIMEDOUT : 0;
}

int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex) {
    return wait_for(condition, mutex, NEVER_NS);
}

/* The condition's clock must be CLOCK_MONOTONIC. */
int __wrap_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                                  const struct timespec *until) {
    return wait_for(condition, mutex,
                    (uint64_t)until->tv_sec * 1000000000U + (uint64_t)until->tv_nsec);
}

int __wrap_pthread_cond_broadcast(pthread_cond_t *condition) {
    enter();
    wake_those_who_await(condition);
    leave();
    return 0;
}

/* Whoever waits must be ready to be woken for nothing. */
int __wrap_pthread_cond_signal(pthread_cond_t *condition) {
    return __wrap_pthread_cond_broadcast(condition);
}

/* ---- Threads --------------------------------------------------------------------------------- */

static void *run_counted(void *user) {
    self = user;
    void *result = self->run(self->user);
    enter();
    self->is_over = true;
    wake_those_who_await(self);
    awake--;
    step_when_all_sleep();
    leave();
    return result;
}

int __wrap_pthread_create(pthread_t *ret, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *user) {
    struct thread *thread = threads;
    enter();
    while (thread < threads + THREADS_MAX && thread->is_used)
        thread++;
    if (thread == threads + THREADS_MAX)
        abort();
    prepare_thread(thread);
    thread->run = run;
    thread->user = user;
    awake++;
    leave();
    int error = __real_pthread_create(ret, attributes, run_counted, thread);
    enter();
    if (error == 0) {
        thread->id = *ret;
    } else {
        thread->is_used = false;
        awake--;
    }
    leave();
    return error;
}

int __wrap_pthread_join(pthread_t id, void **ret) {
    struct thread *thread = threads + 1;
    enter();
    while (!thread->is_used || !pthread_equal(thread->id, id))
        if (++thread == threads + THREADS_MAX)
            abort();
    while (!thread->is_over)
        sleep_with(NULL, 0, NEVER_NS, thread, NULL);
    thread->is_used = false;
    leave();
    return __real_pthread_join(id, ret);
}
