/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * client.h: what the files of the public API share; nobody else includes it. A client is a driver
 * behind one lock. Public functions enter and leave; between the two the lock is held. Callbacks
 * run with the lock free, from a queue, when all state is final.
 */
#ifndef PH_API_CLIENT_H
#define PH_API_CLIENT_H

#include <poll.h>
#include <porthole/porthole.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"
#include "base/table.h"
#include "driver/driver.h"

/* Of one mapping, waiting for its callback. More than this many follow each other only while
 * nobody dispatches; then the last one is replaced by what is true now. */
#define PH_RECORD_EVENTS_MAX 3U

/* What the API knows of a mapping beside what the engine does. It lives until UNMAPPED is told. */
struct ph_record {
    struct ph_node by_id;
    struct ph_link in_all; /* or in the client's `finished` */
    porthole_event_fn *on_event;
    void *user;
    struct ph_news *last; /* NULL = no event waits */
    uint8_t event_count;
    bool is_held; /* porthole_map_wait() is not over: nothing is told yet */
};

/* An event that waits for its callback. */
struct ph_news {
    struct ph_link link; /* in the client's `ready` or `held` */
    struct ph_record *record;
    struct ph_event event;
};

#define PH_CLIENT_FDS_FEW 16U

struct porthole {
    pthread_mutex_t lock;
    pthread_cond_t
        changed; /* a mapping's state, a probe's or list's end, is_closing, is_calling, inside */
    pid_t pid;   /* the process that opened it: a forked child is another */
    unsigned flags;
    unsigned methods;
    uint32_t lifetime_s;
    porthole_log_fn *on_log;
    void *log_user;
    struct ph_driver *driver;

    porthole_id last_id;
    struct ph_table records;
    struct ph_link all;
    struct ph_link finished; /* over, without a callback to tell it to: to be freed */
    struct ph_link ready;    /* events that wait */
    struct ph_link held;     /* those held back */
    size_t event_count;      /* in `ready` */
    struct ph_news spare;    /* for when there is no memory; the engine keeps the others then */
    bool is_spare_used;
    bool has_news;    /* events came since those who wait were woken */
    bool is_calling;  /* a callback runs, ... */
    pthread_t caller; /* ... on this thread */
    bool is_probing;
    bool is_listing;
    bool is_closing;
    unsigned inside; /* threads in a blocking call or in porthole_dispatch() */

    bool has_thread;
    pthread_t thread;
    bool is_asleep; /* somebody is in poll(), until ... */
    ph_us wakes_at;
    unsigned changes_seen; /* with the descriptors as they were then */
    int wake[2];           /* see ph_os_wake_pair(); -1 = none */
    int signal[2];         /* way (b): readable while events wait */
    bool is_signalled;

    struct pollfd *fds; /* few, or allocated */
    size_t fds_size;
    struct pollfd few[PH_CLIENT_FDS_FEW];
};

/* ---- client.c: the lock, waking, waiting ----------------------------------------------------- */

/* Takes the lock. INVALID for NULL, STATE in a forked child: the lock is not held then. */
int ph_client_enter(struct porthole *client);
/* As above for what must not be called from this client's callbacks: REENTRANT. */
int ph_client_enter_blocking(struct porthole *client);
/* Wakes whoever must know of what was done, and gives the lock back. Returns `result`. */
int ph_client_leave(struct porthole *client, int result);
/* The first half of leaving. */
void ph_client_settle(struct porthole *client);

/* Sleeps until something is to be done, at most until then, with the lock given back meanwhile;
 * then does it. */
void ph_client_turn(struct porthole *client, ph_us until);

typedef bool ph_client_done_fn(struct porthole *client, void *user);
/* Waits until it is done, driving the client itself where no thread does. 0, TIMEOUT, CANCELLED
 * (the client closes). */
int ph_client_wait(struct porthole *client, ph_us deadline, ph_client_done_fn *done, void *user);
/* A deadline from a public timeout; negative = PH_NEVER. */
ph_us ph_client_deadline(int timeout_ms);

void ph_client_raise(int fds[2]);
void ph_client_lower(int fds[2]);

/* ---- events.c: the queue of callbacks -------------------------------------------------------- */

/* A ph_driver_event_fn. */
bool ph_events_take(void *user, const struct ph_event *event);
/* Runs the callbacks of at most `most` events with the lock given back meanwhile, fewer when the
 * driver has something to do; how many. */
int ph_events_deliver(struct porthole *client, size_t most);
/* Frees what waits, at a client's end. */
void ph_events_done(struct porthole *client);
/* Frees what is over and waits for no callback. */
void ph_events_free_finished(struct porthole *client);
/* Ends the holding back of a mapping's events: they are told, or they and all later ones are not.
 */
void ph_events_release(struct porthole *client, porthole_id id);
void ph_events_silence(struct porthole *client, porthole_id id);
/* What is held back has come to its end, with these facts. */
bool ph_events_ended(struct porthole *client, porthole_id id, struct porthole_mapping *ret);

/* ---- facts.c: from what the engine knows to what the public sees ----------------------------- */

/* Reads a user's struct into ours of `known` bytes, what it lacks as zeros. INVALID for a size that
 * no version has, or when it asks for something that this version does not know. */
int ph_facts_read(const void *given, void *ret, size_t known);
/* INVALID when the user's struct has no valid size; NULL is valid. */
int ph_facts_check(const void *given);
/* Fills the user's struct as far as it goes, its size kept. NULL is a no-op. */
void ph_facts_write(void *ret, const void *from, size_t known);
void ph_facts_mapping(const struct ph_mapping_info *info, void *user, struct porthole_mapping *ret);
/* "NO_RESOURCES (8)", "upnp code 899" for one that no standard names, or the error's own text when
 * there is no code; "" for none. */
void ph_facts_text(int error, enum porthole_method method, int code, char ret[PORTHOLE_TEXT_SIZE]);
/* INVALID: no room. */
int ph_facts_address(const struct ph_addr *addr, char *ret, size_t size);

/* ---- map.c ----------------------------------------------------------------------------------- */

/* porthole_map() or porthole_remove(), by the type of the input, and porthole_unmap(), with the
 * lock held; `is_held`: its events are held back. */
int ph_map_ask(struct porthole *client, enum ph_input_type type,
               const struct porthole_request *request, bool is_held, porthole_id *ret_id);
void ph_map_give_up(struct porthole *client, porthole_id id);
/* The facts of a mapping now; false: it is no more. */
bool ph_map_facts(struct porthole *client, porthole_id id, struct porthole_mapping *ret);

#endif
