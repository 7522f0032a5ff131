/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * exchange.c: see exchange.h.
 */
#include "driver/exchange.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "driver/sock.h"

#define READ_SIZE 8192U
#define READS_MAX 8U /* a turn; a peer that never stops must not keep the others waiting */

struct ph_exchange *ph_exchange_new(const struct ph_path *path, const struct ph_endpoint *to,
                                    const void *request, size_t len, ph_us deadline) {
    struct ph_exchange *x = calloc(1, sizeof *x);
    if (!x)
        return NULL;
    ph_link_init(&x->link);
    x->fd = -1;
    x->deadline = deadline;
    x->request_len = len;
    x->request = malloc(len > 0 ? len : 1);
    x->reader = ph_http_reader_new(PH_HTTP_RESPONSE);
    if (!x->request || !x->reader) {
        ph_exchange_free(x);
        return NULL;
    }
    memcpy(x->request, request, len);
    x->fd = ph_sock_stream(path, to);
    if (x->fd < 0) {
        x->result = x->fd;
        x->fd = -1;
    }
    return x;
}

void ph_exchange_free(struct ph_exchange *exchange) {
    if (!exchange)
        return;
    if (exchange->fd >= 0)
        (void)close(exchange->fd);
    ph_http_reader_free(exchange->reader);
    free(exchange->request);
    free(exchange);
}

/* 0 = goes on. */
static int write_request(struct ph_exchange *x) {
    if (x->sent == 0) {
        /* Asked for expressly: not every system tells it to the write that comes next. */
        int error = ph_sock_pending_error(x->fd);
        if (error != 0)
            return error;
    }
    int n = ph_sock_send(x->fd, NULL, NULL, x->request + x->sent, x->request_len - x->sent);
    if (n >= 0) {
        x->sent += (size_t)n;
        return 0;
    }
    if (n == PORTHOLE_ERR_TRUNCATED) {
        /* It wants no more, but may have answered already. */
        x->sent = x->request_len;
        return 0;
    }
    return n == PH_SOCK_NOT_NOW ? 0 : n;
}

static int read_answer(struct ph_exchange *x) {
    uint8_t bytes[READ_SIZE];
    for (unsigned i = 0; i < READS_MAX; i++) {
        int n = ph_sock_receive(x->fd, NULL, bytes, sizeof bytes);
        if (n == PH_SOCK_NOT_NOW)
            return 0;
        /* A reset is an end as well: some routers close with our request half read, which their
         * system tells us by a reset after the whole answer. */
        if (n == 0 || n == PORTHOLE_ERR_TRUNCATED)
            return ph_http_reader_end(x->reader);
        if (n < 0)
            return n;
        int result = ph_http_reader_feed(x->reader, bytes, (size_t)n);
        if (result != 0)
            return result;
    }
    return 0;
}

int ph_exchange_run(struct ph_exchange *exchange, ph_us now) {
    struct ph_exchange *x = exchange;
    if (x->result == 0 && x->sent < x->request_len)
        x->result = write_request(x);
    if (x->result == 0 && x->sent == x->request_len)
        x->result = read_answer(x);
    if (x->result == 0 && now >= x->deadline)
        x->result = PORTHOLE_ERR_TIMEOUT;
    return x->result;
}

struct ph_http_message ph_exchange_message(const struct ph_exchange *exchange) {
    return ph_http_reader_message(exchange->reader);
}

struct pollfd ph_exchange_pollfd(const struct ph_exchange *exchange) {
    bool writes = exchange->sent < exchange->request_len;
    return (struct pollfd){.fd = exchange->fd, .events = writes ? POLLOUT : POLLIN};
}
