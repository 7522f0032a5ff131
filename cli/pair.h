/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * pair.h: PORT/both: the same external port for TCP and UDP, or neither. It stands between the
 * client's events of two mappings and what is told of them: they are told to be open when both are,
 * by one port.
 */
#ifndef PH_CLI_PAIR_H
#define PH_CLI_PAIR_H

#include "cli/hold.h"

/* What the client says of a half. */
enum ph_pair_half { PH_PAIR_ASKED, PH_PAIR_OPEN, PH_PAIR_FAILED, PH_PAIR_LEAVING, PH_PAIR_GONE };

struct ph_pair_member {
    struct ph_wish *wish;
    enum ph_pair_half half;
    struct porthole_mapping newest; /* as the client told it last */
    uint16_t granted;               /* 0 = nothing yet */
    uint16_t wished;                /* when it was asked for first, or was open */
    uint16_t asked;                 /* the port it was asked for last, and whether that alone, */
    bool asked_exact;               /* because of the other half */
    bool asks_again;                /* once it has left */
};

struct ph_pair {
    struct ph_pair_member members[2];
    size_t lead;     /* whose port the other is to have */
    unsigned tries;  /* of other ports, since both were open or it began */
    bool was_agreed; /* both have had one port since it began */
    bool is_nudged;  /* the other was asked whether it moves by itself */
    bool rests;      /* given up, until due_ms */
    unsigned rests_in_row;
    int64_t due_ms; /* -1 = never */
};

void ph_pair_join(struct ph_pair *pair, struct ph_wish *first, struct ph_wish *second);
/* Asks for one of them for the first time. */
int ph_pair_begin(struct ph_wish *wish, uint16_t external_port);
void ph_pair_event(struct ph_wish *wish, const struct porthole_event *event);
/* Its end is not the end: it is asked for again at once. */
bool ph_pair_asks_again(const struct ph_wish *wish);
/* What is due; ph_pair_due_ms() says when, -1 = never. */
void ph_pair_turn(struct ph_pair *pair);
int64_t ph_pair_due_ms(const struct ph_pair *pair);
/* What was given up is tried now. */
void ph_pair_refresh(struct ph_pair *pair);
/* Tells the end of what the client does not know any more. */
void ph_pair_end(struct ph_pair *pair);

#endif
