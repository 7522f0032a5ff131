/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * listing.h: the part of state.h that is about a UPnP device's own list of mappings: the walk along
 * it, and the application's question for it. Only state.h includes it.
 */
#ifndef PH_CORE_LISTING_H
#define PH_CORE_LISTING_H

#include "base/heap.h"
#include "core/engine.h"

struct ph_gateway;

/* A device that never says that its list is at its end must not be asked for ever: entries in all,
 * and answers in a row that tell nothing new. */
#define PH_LISTING_MAX 4096U
#define PH_LISTING_REPEATS_MAX 16U
/* Times that the whole list is read: twice the same is what it is. */
#define PH_LISTING_PASSES_MAX 3U
#define PH_LISTING_TRIES_MAX 3U
#define PH_LISTING_SLOTS 4U

enum ph_listing_phase {
    PH_LISTING_IDLE,
    PH_LISTING_ASKED,   /* GetListOfPortMappings, for each protocol */
    PH_LISTING_CHECKED, /* whether an index behind what that told is empty */
    PH_LISTING_WALK     /* index by index */
};

/* Entries in the order of protocol, external port and remote host, each once. */
struct ph_listing_table {
    struct ph_portlist_entry *at; /* in the order in which they came */
    uint16_t *order;
    size_t count;
    size_t size;
};

void ph_listing_table_free(struct ph_listing_table *t);
const struct ph_portlist_entry *ph_listing_table_at(const struct ph_listing_table *t, size_t i);
/* 1 = it is new, 0 = it is there, or NO_MEMORY. */
int ph_listing_table_add(struct ph_listing_table *t, const struct ph_portlist_entry *entry);
bool ph_listing_table_is_same(const struct ph_listing_table *a, const struct ph_listing_table *b);

struct ph_listing_slot {
    uint32_t exchange; /* 0 = free */
    uint32_t index;    /* ASKED: 0 = TCP, 1 = UDP */
    uint8_t tries;
};

/* Of a gateway, made when it is first wanted. */
struct ph_listing {
    bool is_wanted;
    bool has_searched; /* the device was lost meanwhile */
    bool is_cut;       /* by a cap */
    uint8_t phase;
    uint8_t passes;    /* done */
    uint32_t next;     /* index to ask for; ASKED: lists asked for */
    uint32_t past;     /* one past the highest index that had an entry; ASKED: lists told */
    uint32_t end;      /* the lowest from `past` on that had none; UINT32_MAX = not known */
    unsigned repeats;  /* answers in a row that told nothing new */
    unsigned end_code; /* of the fault at the lowest index */
    int memory;        /* NO_MEMORY: an entry could not be kept */
    struct ph_listing_slot slots[PH_LISTING_SLOTS];
    struct ph_listing_table now;    /* of this pass */
    struct ph_listing_table before; /* of the one before it */
    struct ph_listing_table told;   /* how the last walk ended, with ... */
    int error;                      /* ... 0 = it came to the end; ... */
    int code;
    unsigned flags; /* PORTHOLE_LIST_* */
};

/* The application's question. */
struct ph_list_request {
    bool is_active;
    ph_us started;
    struct ph_timer timer;
    struct ph_list_result result;
};

/* Wants a walk to begin, or the one under way. False: out of memory. */
bool ph_listing_want(struct ph_gateway *g);
/* Does what is to be done; to be called at the end of each step. */
void ph_listing_run(struct ph_gateway *g);
bool ph_listing_is_wanted(const struct ph_gateway *g);
/* The next entry of the protocol that leads to this client from a port above this one, or NULL. Of
 * what the last walk told. */
const struct ph_portlist_entry *ph_listing_next(const struct ph_gateway *g, unsigned protocol,
                                                const struct ph_addr *client, unsigned above);
/* Takes an exchange's end; false: it is none of the list's. NULL: no answer. */
bool ph_listing_answer(struct ph_gateway *g, uint32_t exchange,
                       const struct ph_http_message *message, int error);
/* Nothing is in flight any more, and what was read is forgotten; a walk that is wanted begins anew
 * when the device is there. */
void ph_listing_drop(struct ph_gateway *g);
/* Nobody wants it any more. */
void ph_listing_stop(struct ph_gateway *g);
void ph_listing_free(struct ph_gateway *g);

int ph_list_start(struct ph_engine *e, ph_us deadline);
/* Ends the application's question, with what is known by now. */
void ph_list_end(struct ph_engine *e, int error);

#endif
