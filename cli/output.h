/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * output.h: all that the command prints. Results go to standard output, as lines for people or one
 * JSON object a line, each flushed when it is whole; complaints and logs go to standard error. What
 * comes from the network or the command line is made printable first.
 */
#ifndef PH_CLI_OUTPUT_H
#define PH_CLI_OUTPUT_H

#include <jansson.h>
#include <porthole/porthole.h>
#include <stdbool.h>
#include <stdint.h>

#if defined(__GNUC__)
#define PH_OUTPUT_PRINTF(at, first) __attribute__((format(printf, at, first)))
#else
#define PH_OUTPUT_PRINTF(at, first)
#endif

/* One line on standard error, after "porthole COMMAND: "; command may be NULL. */
void ph_output_error(const char *command, const char *format, ...) PH_OUTPUT_PRINTF(2, 3);

/* An argument in quotes, printable, and cut where it is long. Returns ret. */
#define PH_OUTPUT_QUOTE_SIZE 48
const char *ph_output_quote(const char *text, char ret[PH_OUTPUT_QUOTE_SIZE]);

/* A line on standard output; the newline is added. */
void ph_output_line(const char *format, ...) PH_OUTPUT_PRINTF(1, 2);
/* Text for the terminal with its control sequences, as it is. */
void ph_output_screen(const char *text);
/* Called before every line on standard output or standard error; NULL = nothing is. */
void ph_output_before(void (*before)(void *user), void *user);
/* Standard output belongs to another program from now on: lines go to standard error. */
void ph_output_give_away(void);
/* One JSON object as a line; takes the object over. NULL, from a failed json_pack(), counts as a
 * failed write. */
void ph_output_json(json_t *object);
/* True once a line could not be written; nothing more is printed then. */
bool ph_output_failed(void);
/* Says why a line could not be written, once, if one could not. Returns ph_output_failed(). */
bool ph_output_complain(const char *command);

/* "PCP", "NAT-PMP", "UPnP" as people write them. */
const char *ph_output_method(enum porthole_method method);
/* "a.b.c.d:port" or "[v6]:port". Returns ret. */
#define PH_OUTPUT_ENDPOINT_SIZE (PORTHOLE_ADDRESS_SIZE + 8)
const char *ph_output_endpoint(const char *address, uint16_t port,
                               char ret[PH_OUTPUT_ENDPOINT_SIZE]);
/* Why something failed, with the gateway's own code where it gave one. Returns ret. */
#define PH_OUTPUT_REASON_SIZE (2 * PORTHOLE_TEXT_SIZE)
const char *ph_output_reason(int error, int code, const char *text,
                             char ret[PH_OUTPUT_REASON_SIZE]);
/* Why an external address lets nobody in from the Internet; NULL when it does. */
const char *ph_output_reach_note(enum porthole_reach reach);

/* Milliseconds as a JSON number with three decimals. */
json_t *ph_output_ms(double ms);
/* Text as JSON, null when it is empty. */
json_t *ph_output_text(const char *text);
/* {"error":…,"code":…,"text":…}: why something failed. */
json_t *ph_output_why(int error, int code, const char *text);

/* A mapping's event as a JSON line. */
void ph_output_event_json(const struct porthole_event *event);
/* The same for people. `seen`: it was open before. `held`: it is renewed, and a failure is not the
 * end. */
void ph_output_event_human(const struct porthole_event *event, bool seen, bool held);
/* The same of what a bystander is to know: what goes wrong, and how it ended. */
void ph_output_event_trouble(const struct porthole_event *event, bool seen);
/* A note when the external address lets nobody in from the Internet, once for an address. */
void ph_output_reach(const struct porthole_mapping *mapping);

/* How a mapping is now, as a JSON line and for people. */
void ph_output_status_json(const struct porthole_mapping *mapping);
void ph_output_status_human(const struct porthole_mapping *mapping);

#endif
