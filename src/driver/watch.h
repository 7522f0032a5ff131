/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * watch.h: when the host's network is to be looked at: soon after the system said that something
 * changed, and now and then while something is wrong and the system tells nothing; and whether the
 * host slept. It counts and decides; what it decides is done by the driver.
 */
#ifndef PH_DRIVER_WATCH_H
#define PH_DRIVER_WATCH_H

#include <stdbool.h>

#include "base/time.h"

/* Changes come in bunches: an address, its routes, the link. They are looked at when it has been
 * quiet for a while, ... */
#define PH_WATCH_QUIET PH_MS(200)
/* ... or so long after the first. */
#define PH_WATCH_LATEST PH_MS(1000)
/* Looks that found nothing new, a few in a row, are followed by a rest: somebody else's routes
 * change all the time. */
#define PH_WATCH_VAIN_MAX 3U
#define PH_WATCH_VAIN_WINDOW PH_SECONDS(5)
#define PH_WATCH_REST PH_MS(1000)
/* How often the network is looked at while something is wrong and the system tells nothing, and how
 * old a look may be when a mapping is asked for. */
#define PH_WATCH_PERIOD PH_SECONDS(5)
/* The system is asked to tell of changes so long after the first mapping was: a program that is
 * over by then has no use for it. Before another host is taken for the IGD (PH_STRANGER_DELAY),
 * because how far this host's network reaches is read then. */
#define PH_WATCH_OPEN_DELAY PH_MS(150)
/* A sleep that is shorter harms nothing. */
#define PH_WATCH_SLEEP_LEAST PH_SECONDS(1)

struct ph_watch {
    ph_us looked;     /* when the network was last looked at */
    ph_us first;      /* change that was not looked at */
    ph_us due;        /* when changes are looked at; PH_NEVER = there are none */
    ph_us rest_until; /* 0 = no rest */
    ph_us periodic;   /* the next look for want of news; PH_NEVER = none */
    ph_us open_at;    /* PH_NEVER = not wanted yet, or done */
    bool was_wanted;
    bool has_news; /* the system tells of changes, ... */
    bool has_all;  /* ... of all that matter: of default routes, but of no others' */
    unsigned vain; /* looks in a row that found nothing new */
    ph_us slept;   /* in all, since the host was started */
};

void ph_watch_init(struct ph_watch *watch, ph_us slept);

/* A mapping was asked for. */
void ph_watch_want(struct ph_watch *watch, ph_us now);
/* True once, when the system is to be asked to tell of changes; then has_news is to be set. */
bool ph_watch_shall_open(struct ph_watch *watch, ph_us now);

/* Whether the system's news are to be read now, and to be waited for. */
bool ph_watch_shall_read(const struct ph_watch *watch, ph_us now);
bool ph_watch_shall_poll(const struct ph_watch *watch);
/* They were read: whether there were any. */
void ph_watch_read(struct ph_watch *watch, ph_us now, bool is_any);
/* It is to be looked at at once. */
void ph_watch_hasten(struct ph_watch *watch, ph_us now);
/* Something is wrong, which a change of the network may cause or cure. */
void ph_watch_trouble(struct ph_watch *watch);
/* What was found could not be told to the engine: it is looked at again. */
void ph_watch_again(struct ph_watch *watch);

bool ph_watch_is_due(const struct ph_watch *watch, ph_us now);
/* It was looked at, and was found to be another one or not. */
void ph_watch_looked(struct ph_watch *watch, ph_us now, bool is_new);
bool ph_watch_is_stale(const struct ph_watch *watch, ph_us now);
/* When the next of these is due; PH_NEVER = when something happens. */
ph_us ph_watch_deadline(const struct ph_watch *watch);

/* How long the host has slept in all by now. True: it slept since the last time. */
bool ph_watch_slept(struct ph_watch *watch, ph_us slept);

#endif
