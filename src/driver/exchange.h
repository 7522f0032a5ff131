/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * exchange.h: one HTTP exchange: connect, write the request, read one answer, within a deadline.
 * It never blocks and looks into nothing: whether the answer makes sense is the core's to say. What
 * the peer may make it hold is capped by the reader.
 */
#ifndef PH_DRIVER_EXCHANGE_H
#define PH_DRIVER_EXCHANGE_H

#include <poll.h>

#include "base/list.h"
#include "core/engine.h"

struct ph_exchange {
    struct ph_link link; /* the owner's */
    uint32_t id;         /* the owner's */
    int fd;              /* -1 = none */
    int result;          /* see ph_exchange_run() */
    ph_us deadline;
    struct ph_http_reader *reader;
    uint8_t *request;
    size_t request_len;
    size_t sent;
};

/* Starts it; the request is copied. What fails at once, failing to connect included, is told by the
 * first run. NULL: out of memory. */
struct ph_exchange *ph_exchange_new(const struct ph_path *path, const struct ph_endpoint *to,
                                    const void *request, size_t len, ph_us deadline);
void ph_exchange_free(struct ph_exchange *exchange); /* NULL is a no-op */

/* Does what can be done at once, of bounded length. Returns 0 = goes on, 1 = the answer is whole,
 * or PORT_CLOSED, UNREACHABLE, TIMEOUT, MALFORMED, TRUNCATED, TOO_LARGE, NO_MEMORY, SYSTEM.
 * Anything but 0 is final. */
int ph_exchange_run(struct ph_exchange *exchange, ph_us now);
/* After a 1: borrowed until it is freed. */
struct ph_http_message ph_exchange_message(const struct ph_exchange *exchange);
/* What poll() is to wait for. */
struct pollfd ph_exchange_pollfd(const struct ph_exchange *exchange);

#endif
