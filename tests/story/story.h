/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * story.h: what all stories use: asserts in the words of a story, and the answers that a scripted
 * router gives. A story's own behaviour of a router is a script of a few lines in its own file;
 * what it does not care about it leaves to the embedded gateway by ph_world_serve().
 */
#ifndef TESTS_STORY_STORY_H
#define TESTS_STORY_STORY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/world.h"
#include "wire/natpmp.h"
#include "wire/pcp.h"
#include "wire/soap.h"
#include "wire/ssdp.h"

#define STORY_PORT 8080
#define LENGTH_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- Beginning ------------------------------------------------------------------------------- */

/* A world with the embedded gateway and only these methods at it; the client asks for all. */
struct ph_world_options story_options(unsigned methods_of_gateway);
/* The same with one router model: a quirk of gateway/quirks.h. */
struct ph_world_options story_quirk_options(unsigned methods_of_gateway, enum ph_gw_quirk quirk);
/* TCP of STORY_PORT with these flags. */
porthole_id story_map(struct ph_world *world, unsigned flags);
/* Two hosts other than the gateway: on the same network, and far away. */
struct ph_endpoint story_neighbour(uint16_t port);
struct ph_endpoint story_outsider(uint16_t port);

/* ---- What became of it ----------------------------------------------------------------------- */

/* SUCCESS by this method with this external port; the address is the gateway's. */
void story_assert_mapped(struct ph_world *world, porthole_id id, enum porthole_method method,
                         uint16_t external_port);
void story_assert_failed(struct ph_world *world, porthole_id id, int error, enum porthole_method by,
                         int code);
/* When the first event of this type came, since the start of the world; PH_NEVER = it did not. */
ph_us story_event_time(const struct ph_world *world, porthole_id id, enum porthole_event_type type);
/* The last event is UNMAPPED of this mapping, its only one, with this fate. */
void story_assert_unmapped(struct ph_world *world, porthole_id id, enum porthole_fate fate);
/* The trace from `from` (an offset in it) on is exactly this text. */
void story_assert_trace(const struct ph_world *world, size_t from, const char *text);

/* ---- What was sent --------------------------------------------------------------------------- */

/* The n-th PCP MAP request that was sent, from 0; NULL = there are not so many. */
const struct ph_world_sent *story_pcp_sent(const struct ph_world *world, unsigned n);
unsigned story_pcp_count(const struct ph_world *world);
/* NAT-PMP requests of this opcode. */
const struct ph_world_sent *story_natpmp_sent(const struct ph_world *world, uint8_t opcode,
                                              unsigned n);
unsigned story_natpmp_count(const struct ph_world *world, uint8_t opcode);
/* HTTP requests that contain the text, such as "#AddPortMapping". */
const struct ph_world_sent *story_http_sent(const struct ph_world *world, const char *text,
                                            unsigned n);
unsigned story_http_count(const struct ph_world *world, const char *text);

/* ---- A router's answers ---------------------------------------------------------------------- */

/* Fills *ret and returns true when it is a PCP request. */
bool story_is_pcp(enum ph_world_port port, const uint8_t *bytes, size_t len,
                  struct ph_pcp_request *ret);
bool story_is_natpmp(enum ph_world_port port, const uint8_t *bytes, size_t len,
                     struct ph_natpmp_request *ret);
/* With the nonce, protocol and port of the request, from the gateway. */
void story_pcp_answer(struct ph_world *world, const struct ph_pcp_request *request,
                      enum ph_pcp_result result, uint32_t lifetime_s,
                      const struct ph_endpoint *external);
/* A script for PCP in which STORY_PORT is answered by what `user` points to; everything else is
 * served by the embedded gateway. */
struct story_pcp_reply {
    enum ph_pcp_result result;
    struct ph_endpoint external;
};
void story_pcp_script(struct ph_world *world, enum ph_world_port port,
                      const struct ph_endpoint *from, const uint8_t *bytes, size_t len);
/* With the gateway's clock filled in. */
void story_natpmp_answer(struct ph_world *world, const struct ph_natpmp_response *response);
/* An answer to a search for this target, from this host, with this LOCATION. */
void story_ssdp_answer(struct ph_world *world, const struct ph_endpoint *from, const char *target,
                       const char *location);
/* A whole HTTP answer; its length. */
size_t story_http_answer(unsigned status, const char *body, uint8_t *ret, size_t size);
/* A device description with services of these types, controlled at "/ctl/0", "/ctl/1", ... below
 * `base`, which may be "". The types are the part after "urn:schemas-upnp-org:service:". */
size_t story_description(const char *const *types, size_t count, const char *base, uint8_t *ret,
                         size_t size);
/* A fault, as status 500; and the reply of GetExternalIPAddress. */
size_t story_fault(unsigned code, uint8_t *ret, size_t size);
size_t story_address_reply(const char *address, uint8_t *ret, size_t size);
size_t story_reply(const char *action, const struct ph_soap_argument *arguments, size_t count,
                   uint8_t *ret, size_t size);
/* Whether the request calls this action; an argument's value as text and as a number, "" and 0 =
 * there is none. */
bool story_calls(const struct ph_http_message *request, const char *action);
void story_argument_text(const struct ph_http_message *request, const char *name, char *ret,
                         size_t size);
unsigned story_argument(const struct ph_http_message *request, const char *name);

#endif
