/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * loop.c: see loop.h. Linux only.
 */
#define _GNU_SOURCE

#include "gateway/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define ROUND_MAX 64

struct ph_gw_loop {
    int epoll_fd;
    struct epoll_event round[ROUND_MAX];
    int round_count;
    int round_at;
};

struct ph_gw_loop *ph_gw_loop_new(void) {
    struct ph_gw_loop *loop = calloc(1, sizeof *loop);
    if (!loop)
        return NULL;
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd < 0) {
        free(loop);
        return NULL;
    }
    return loop;
}

void ph_gw_loop_free(struct ph_gw_loop *loop) {
    if (!loop)
        return;
    close(loop->epoll_fd);
    free(loop);
}

static struct epoll_event event_of(struct ph_gw_source *source, enum ph_gw_interest interest) {
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = source}};
    if (interest == PH_GW_WRITE)
        event.events = EPOLLOUT;
    else if (interest == PH_GW_EDGES)
        event.events = EPOLLIN | EPOLLOUT | (uint32_t)EPOLLET;
    return event;
}

bool ph_gw_loop_add(struct ph_gw_loop *loop, struct ph_gw_source *source,
                    enum ph_gw_interest interest) {
    struct epoll_event event = event_of(source, interest);
    return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, source->fd, &event) == 0;
}

void ph_gw_loop_change(struct ph_gw_loop *loop, struct ph_gw_source *source,
                       enum ph_gw_interest interest) {
    struct epoll_event event = event_of(source, interest);
    (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, source->fd, &event);
}

void ph_gw_loop_remove(struct ph_gw_loop *loop, struct ph_gw_source *source) {
    (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
    /* It may be in the round that is being run. */
    for (int i = loop->round_at; i < loop->round_count; i++)
        if (loop->round[i].data.ptr == source)
            loop->round[i].data.ptr = NULL;
}

void ph_gw_loop_close(struct ph_gw_loop *loop, struct ph_gw_source *source) {
    ph_gw_loop_remove(loop, source);
    close(source->fd);
    source->fd = -1;
}

ph_us ph_gw_loop_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (ph_us)t.tv_sec * 1000000U + (ph_us)t.tv_nsec / 1000U;
}

/* Rounded up, so that a wait never ends just before its time. */
static int wait_ms(ph_us until) {
    const ph_us longest = PH_SECONDS(3600);
    ph_us now = ph_gw_loop_now();
    if (until <= now)
        return 0;
    ph_us left = until - now < longest ? until - now : longest;
    return (int)((left + 999U) / 1000U);
}

bool ph_gw_loop_wait(struct ph_gw_loop *loop, ph_us until) {
    int n = epoll_wait(loop->epoll_fd, loop->round, ROUND_MAX, wait_ms(until));
    if (n < 0)
        return errno == EINTR;
    ph_us now = ph_gw_loop_now();
    loop->round_count = n;
    for (loop->round_at = 0; loop->round_at < n;) {
        struct epoll_event *event = &loop->round[loop->round_at++];
        struct ph_gw_source *source = event->data.ptr;
        if (source)
            source->on_ready(source, now, (event->events & EPOLLERR) != 0);
    }
    loop->round_count = 0;
    return true;
}
