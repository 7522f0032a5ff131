/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * lookout.c: see lookout.h. It reads no packet and sends none.
 */
#include "driver/lookout.h"

#include <unistd.h>

#include "driver/clock.h"

/* The alarm is for deadlines that a sleep of the host may run past; it rings a little after them,
 * so that poll() comes first while the host is awake. */
#define ALARM_LEAST PH_SECONDS(2)
#define ALARM_LATE PH_MS(100)

void ph_lookout_init(struct ph_lookout *lookout, const struct ph_os_choice *choice) {
    *lookout = (struct ph_lookout){.choice = *choice, .news = -1, .alarm = -1};
    ph_watch_init(&lookout->watch, ph_clock_slept());
}

void ph_lookout_done(struct ph_lookout *lookout) {
    if (lookout->news >= 0)
        (void)close(lookout->news);
    if (lookout->alarm >= 0)
        (void)close(lookout->alarm);
}

static bool same_network(const struct ph_network *a, const struct ph_network *b) {
    if (a->count != b->count || a->error != b->error)
        return false;
    for (unsigned i = 0; i < a->count; i++)
        if (!ph_addr_equal(&a->paths[i].gateway, &b->paths[i].gateway) ||
            !ph_addr_equal(&a->paths[i].source, &b->paths[i].source) ||
            a->paths[i].interface != b->paths[i].interface ||
            a->paths[i].prefix_len != b->paths[i].prefix_len)
            return false;
    return true;
}

int ph_lookout_look(struct ph_lookout *lookout, ph_us now, struct ph_network *ret) {
    struct ph_network network;
    int error = ph_os_network(&lookout->choice, &network);
    /* It costs a little more, and is not needed for the first request. */
    if (error == 0 && lookout->watch.has_news)
        ph_os_examine(&lookout->choice, &network);
    bool is_new = error == 0 && !same_network(&network, &lookout->network);
    ph_watch_looked(&lookout->watch, now, is_new);
    if (is_new)
        *ret = network;
    return error != 0 ? error : is_new;
}

static void open_news(struct ph_lookout *lookout, ph_us now) {
    int news = ph_os_news_open(&lookout->choice);
    int alarm = ph_os_alarm_open();
    lookout->news = news < 0 ? -1 : news;
    lookout->alarm = alarm < 0 ? -1 : alarm;
    lookout->watch.has_news = lookout->news >= 0;
    /* The way to a gateway that the user names may be by any route. */
    lookout->watch.has_all = lookout->news >= 0 && ph_addr_is_unspecified(&lookout->choice.gateway);
    if (lookout->watch.has_news)
        ph_watch_hasten(&lookout->watch, now); /* whatever changed before */
}

bool ph_lookout_turn(struct ph_lookout *lookout, ph_us now) {
    struct ph_watch *watch = &lookout->watch;
    bool was_polled = ph_watch_shall_poll(watch);
    bool is_opened = ph_watch_shall_open(watch, now);
    if (is_opened)
        open_news(lookout, now);
    else if (ph_watch_shall_read(watch, now))
        ph_watch_read(watch, now, ph_os_news_read(lookout->news));
    return is_opened || was_polled != ph_watch_shall_poll(watch);
}

bool ph_lookout_slept(struct ph_lookout *lookout) {
    return ph_watch_slept(&lookout->watch, ph_clock_slept());
}

void ph_lookout_pollfds(const struct ph_lookout *lookout, struct pollfd ret[2]) {
    int news = ph_watch_shall_poll(&lookout->watch) ? lookout->news : -1;
    ret[0] = (struct pollfd){.fd = news, .events = POLLIN};
    ret[1] = (struct pollfd){.fd = lookout->alarm, .events = POLLIN};
}

void ph_lookout_set_alarm(struct ph_lookout *lookout, ph_us now, ph_us deadline) {
    ph_us at = lookout->alarm_at;
    bool is_far = deadline != PH_NEVER && deadline >= now + ALARM_LEAST;
    bool is_set = at > now && at >= deadline && at <= deadline + ALARM_LATE * 2;
    if (lookout->alarm < 0 || (is_far ? is_set : at == 0))
        return;
    lookout->alarm_at = is_far ? deadline + ALARM_LATE : 0;
    ph_os_alarm_set(lookout->alarm, is_far ? lookout->alarm_at - now : 0);
}
