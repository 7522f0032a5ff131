/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * fast_clock.c: see fast_clock.h. Only CLOCK_BOOTTIME, the clock of client and gateway, is changed,
 * and how long poll() and epoll_wait() sleep; conditions keep the system's time.
 */
#define _GNU_SOURCE
#include "tests/contract/fast_clock.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <time.h>

/* The names are the linker's: --wrap=poll makes poll() __wrap_poll(). */
int __real_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);
int __real_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
int __real_epoll_wait(int fd, struct epoll_event *ret, int count, int timeout_ms);
int __wrap_epoll_wait(int fd, struct epoll_event *ret, int count, int timeout_ms);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    unsigned factor;
    uint64_t real_ns; /* when the factor was set, by both clocks */
    uint64_t fast_ns;
} setting = {.factor = 1};

static uint64_t real_now_ns(void) {
    struct timespec t;
    (void)__real_clock_gettime(CLOCK_BOOTTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static uint64_t fast_now_ns(void) {
    pthread_mutex_lock(&lock);
    uint64_t now_ns = setting.fast_ns + (real_now_ns() - setting.real_ns) * setting.factor;
    pthread_mutex_unlock(&lock);
    return now_ns;
}

void fast_clock_set(unsigned factor) {
    uint64_t fast_ns = fast_now_ns();
    pthread_mutex_lock(&lock);
    setting.real_ns = real_now_ns();
    setting.fast_ns = fast_ns;
    setting.factor = factor;
    pthread_mutex_unlock(&lock);
}

void fast_clock_skip(unsigned ms) {
    pthread_mutex_lock(&lock);
    setting.fast_ns += (uint64_t)ms * 1000000U;
    pthread_mutex_unlock(&lock);
}

uint64_t fast_clock_ms(void) { return fast_now_ns() / 1000000U; }

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret) {
    if (clock != CLOCK_BOOTTIME)
        return __real_clock_gettime(clock, ret);
    uint64_t now_ns = fast_now_ns();
    ret->tv_sec = (time_t)(now_ns / 1000000000U);
    ret->tv_nsec = (long)(now_ns % 1000000000U);
    return 0;
}

static int shorter(int timeout_ms) {
    pthread_mutex_lock(&lock);
    int factor = (int)setting.factor;
    pthread_mutex_unlock(&lock);
    return timeout_ms > 0 ? (timeout_ms - 1) / factor + 1 : timeout_ms;
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms) {
    return __real_poll(fds, count, shorter(timeout_ms));
}

int __wrap_epoll_wait(int fd, struct epoll_event *ret, int count, int timeout_ms) {
    return __real_epoll_wait(fd, ret, count, shorter(timeout_ms));
}
