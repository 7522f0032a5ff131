/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * io_http.h: the TCP side of UPnP: connections of one request each, capped in number and time.
 * What is answered is server.h's affair.
 */
#ifndef PH_GATEWAY_IO_HTTP_H
#define PH_GATEWAY_IO_HTTP_H

#include "gateway/loop.h"
#include "gateway/server.h"

struct ph_gw_http;

/* Serves what connects to listen_fd, which it owns from now on, also when it fails. NULL: the
 * system refused. */
struct ph_gw_http *ph_gw_http_new(struct ph_gw_loop *loop, struct ph_gw_server *server,
                                  int listen_fd);
/* NULL is a no-op. */
void ph_gw_http_free(struct ph_gw_http *http);
/* When the next connection has had its time. */
ph_us ph_gw_http_deadline(const struct ph_gw_http *http);
void ph_gw_http_tick(struct ph_gw_http *http, ph_us now);

#endif
