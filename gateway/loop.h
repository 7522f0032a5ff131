/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * loop.h: waits for sockets on behalf of the gateway. A thin face of epoll: thousands of mapped
 * ports are thousands of sockets, and a round must not cost more for those that are quiet.
 */
#ifndef PH_GATEWAY_LOOP_H
#define PH_GATEWAY_LOOP_H

#include <stdbool.h>

#include "base/time.h"

/* Lives inside its owner, who may remove it, and free itself, from within on_ready. */
struct ph_gw_source {
    int fd;
    /* `failed`: the socket has an error. */
    void (*on_ready)(struct ph_gw_source *source, ph_us now, bool failed);
};

enum ph_gw_interest {
    PH_GW_READ,  /* again and again while there is something to read */
    PH_GW_WRITE, /* the same for room to write */
    PH_GW_EDGES  /* both, but once for each change: the owner goes on until nothing more goes */
};

struct ph_gw_loop;

/* NULL: the system refused. */
struct ph_gw_loop *ph_gw_loop_new(void);
void ph_gw_loop_free(struct ph_gw_loop *loop); /* NULL is a no-op */
/* False: the system refused. */
bool ph_gw_loop_add(struct ph_gw_loop *loop, struct ph_gw_source *source,
                    enum ph_gw_interest interest);
void ph_gw_loop_change(struct ph_gw_loop *loop, struct ph_gw_source *source,
                       enum ph_gw_interest interest);
/* Forgets the source: on_ready is not called again. */
void ph_gw_loop_remove(struct ph_gw_loop *loop, struct ph_gw_source *source);
/* The same, and closes its socket. */
void ph_gw_loop_close(struct ph_gw_loop *loop, struct ph_gw_source *source);
/* Microseconds of the clock that this loop goes by. */
ph_us ph_gw_loop_now(void);
/* Waits until a source is ready or the time is `until`, and runs what is ready once. False: the
 * system refused. */
bool ph_gw_loop_wait(struct ph_gw_loop *loop, ph_us until);

#endif
