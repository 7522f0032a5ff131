/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * forward.h: a NAT's data path in user space: for each mapping it listens on the external address
 * and relays TCP connections and UDP datagrams to the client, both ways. Its relays end with their
 * mapping.
 */
#ifndef PH_GATEWAY_FORWARD_H
#define PH_GATEWAY_FORWARD_H

#include "base/addr.h"
#include "base/time.h"
#include "gateway/loop.h"
#include "gateway/table.h"

struct ph_gw_forward;

/* Raises the process's limit of open files as far as allowed. NULL: out of memory. */
struct ph_gw_forward *ph_gw_forward_new(struct ph_gw_loop *loop, const struct ph_addr *external);
/* Closes all that is left; NULL is a no-op. */
void ph_gw_forward_free(struct ph_gw_forward *forward);

/* Opens the port of a mapping; *ret is for ph_gw_forward_close(). PORT_TAKEN when somebody else on
 * this host has it, or may have it; NO_RESOURCES for the rest. */
int ph_gw_forward_open(struct ph_gw_forward *forward, const struct ph_gw_facts *facts, void **ret);
void ph_gw_forward_close(struct ph_gw_forward *forward, void *listener);

/* When tick wants to run; PH_NEVER = not before a socket is ready. */
ph_us ph_gw_forward_deadline(const struct ph_gw_forward *forward);
void ph_gw_forward_tick(struct ph_gw_forward *forward, ph_us now);

#endif
