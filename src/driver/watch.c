/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * watch.c: see watch.h. While changes wait to be looked at, and while it rests, the system's news
 * are not polled for, so that a flood of them wakes nobody; they are read when the time has come.
 */
#include "driver/watch.h"

static ph_us sooner(ph_us a, ph_us b) { return a < b ? a : b; }

void ph_watch_init(struct ph_watch *watch, ph_us slept) {
    *watch = (struct ph_watch){
        .due = PH_NEVER, .periodic = PH_NEVER, .open_at = PH_NEVER, .slept = slept};
}

void ph_watch_want(struct ph_watch *watch, ph_us now) {
    if (watch->was_wanted)
        return;
    watch->was_wanted = true;
    watch->open_at = now + PH_WATCH_OPEN_DELAY;
}

bool ph_watch_shall_open(struct ph_watch *watch, ph_us now) {
    if (now < watch->open_at)
        return false;
    watch->open_at = PH_NEVER;
    return true;
}

/* ---- News ------------------------------------------------------------------------------------ */

bool ph_watch_shall_read(const struct ph_watch *watch, ph_us now) {
    bool is_time = watch->due == PH_NEVER ? now >= watch->rest_until : now >= watch->due;
    return watch->has_news && is_time;
}

bool ph_watch_shall_poll(const struct ph_watch *watch) {
    return watch->has_news && watch->due == PH_NEVER && watch->rest_until == 0;
}

void ph_watch_read(struct ph_watch *watch, ph_us now, bool is_any) {
    watch->rest_until = 0;
    if (!is_any)
        return;
    if (watch->due == PH_NEVER)
        watch->first = now;
    watch->due = sooner(now + PH_WATCH_QUIET, watch->first + PH_WATCH_LATEST);
}

void ph_watch_hasten(struct ph_watch *watch, ph_us now) { watch->first = watch->due = now; }

void ph_watch_again(struct ph_watch *watch) {
    if (watch->periodic == PH_NEVER)
        watch->periodic = watch->looked + PH_WATCH_PERIOD;
}

void ph_watch_trouble(struct ph_watch *watch) {
    if (!watch->has_all)
        ph_watch_again(watch);
}

/* ---- Looks ----------------------------------------------------------------------------------- */

bool ph_watch_is_due(const struct ph_watch *watch, ph_us now) {
    return now >= watch->due || now >= watch->periodic;
}

void ph_watch_looked(struct ph_watch *watch, ph_us now, bool is_new) {
    bool was_due = watch->due != PH_NEVER;
    if (is_new || now >= watch->looked + PH_WATCH_VAIN_WINDOW)
        watch->vain = 0;
    watch->looked = now;
    watch->due = watch->periodic = PH_NEVER;
    if (was_due && !is_new && ++watch->vain > PH_WATCH_VAIN_MAX)
        watch->rest_until = now + PH_WATCH_REST;
}

bool ph_watch_is_stale(const struct ph_watch *watch, ph_us now) {
    return now >= watch->looked + PH_WATCH_PERIOD;
}

ph_us ph_watch_deadline(const struct ph_watch *watch) {
    ph_us deadline = sooner(sooner(watch->due, watch->periodic), watch->open_at);
    return watch->rest_until != 0 ? sooner(deadline, watch->rest_until) : deadline;
}

bool ph_watch_slept(struct ph_watch *watch, ph_us slept) {
    bool is_new = slept >= watch->slept + PH_WATCH_SLEEP_LEAST;
    if (is_new)
        watch->slept = slept;
    return is_new;
}
