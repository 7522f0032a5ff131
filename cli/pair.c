/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * pair.c: see pair.h. Gateways number TCP and UDP ports apart, and no protocol asks for both at
 * once. So both are asked for at the same time, which is right nearly always; where the answers
 * differ, one half is given back and asked for with the other's port and no other, then both with a
 * few other ones.
 */
#include "cli/pair.h"

#include <stdio.h>
#include <string.h>

#include "cli/drive.h"
#include "cli/output.h"

/* Until it is given up for a while. */
#define TRIES_MAX 5U
/* For the other half to be moved by the gateway itself, after one has been. */
#define NUDGE_MS 2000
/* As the library's own for one mapping. */
#define REST_MS 2000
#define REST_MS_MAX 300000
#define PORT_MAX 65535U

static struct ph_hold *hold_of(const struct ph_pair *pair) { return pair->members[0].wish->hold; }

static struct ph_pair_member *member_of(const struct ph_wish *wish) {
    struct ph_pair *pair = wish->pair;
    return &pair->members[pair->members[0].wish == wish ? 0 : 1];
}

static bool is_exact(const struct ph_wish *wish) { return wish->group->terms.exact; }

/* Whether another port may help. */
static bool is_about_port(int error) {
    return error == PORTHOLE_ERR_PORT_TAKEN || error == PORTHOLE_ERR_REFUSED;
}

void ph_pair_join(struct ph_pair *pair, struct ph_wish *first, struct ph_wish *second) {
    *pair = (struct ph_pair){
        .members = {{.wish = first, .half = PH_PAIR_GONE}, {.wish = second, .half = PH_PAIR_GONE}},
        .due_ms = -1};
    first->pair = second->pair = pair;
}

/* ---- Telling --------------------------------------------------------------------------------- */

static void tell(struct ph_pair_member *member, enum porthole_event_type type) {
    static const enum porthole_state states[] = {[PORTHOLE_EVENT_PENDING] = PORTHOLE_PENDING,
                                                 [PORTHOLE_EVENT_MAPPED] = PORTHOLE_SUCCESS,
                                                 [PORTHOLE_EVENT_CHANGED] = PORTHOLE_SUCCESS,
                                                 [PORTHOLE_EVENT_FAILED] = PORTHOLE_FAILURE,
                                                 [PORTHOLE_EVENT_UNMAPPED] = PORTHOLE_DESTROYED};
    struct porthole_event event = {.size = sizeof event, .type = type, .mapping = member->newest};
    event.mapping.state = states[type]; /* of both together, not of the half */
    ph_hold_tell(member->wish, &event);
}

static void tell_open(struct ph_pair_member *member) {
    const struct porthole_mapping *now = &member->newest, *before = &member->wish->newest;
    if (!member->wish->is_open)
        tell(member, PORTHOLE_EVENT_MAPPED);
    else if (now->external_port != before->external_port || now->method != before->method ||
             strcmp(now->external_address, before->external_address) != 0)
        tell(member, PORTHOLE_EVENT_CHANGED);
}

static void tell_lost(struct ph_pair_member *member) {
    if (member->wish->is_open)
        tell(member, PORTHOLE_EVENT_PENDING);
}

/* A reason is told once, as the library does. */
static void tell_failed(struct ph_pair_member *member) {
    const struct ph_wish *wish = member->wish;
    if (wish->newest.state != PORTHOLE_FAILURE || wish->newest.error != member->newest.error)
        tell(member, PORTHOLE_EVENT_FAILED);
}

/* ---- Asking ---------------------------------------------------------------------------------- */

static int ask(struct ph_pair_member *member) {
    member->asks_again = false;
    member->half = PH_PAIR_ASKED;
    int result =
        ph_hold_ask(member->wish, member->asked, member->asked_exact || is_exact(member->wish));
    if (result < 0)
        member->half = PH_PAIR_GONE;
    return result;
}

static void ask_for(struct ph_pair_member *member, uint16_t port, bool exact) {
    member->asked = port;
    member->asked_exact = exact;
    if (member->half == PH_PAIR_GONE) {
        (void)ask(member);
        return;
    }
    tell_lost(member);
    member->asks_again = true;
    member->half = PH_PAIR_LEAVING; /* it goes before it comes again: the removal would be late */
    porthole_unmap(member->wish->hold->client, member->wish->id);
}

static void begin(struct ph_pair *pair) {
    pair->rests = pair->is_nudged = pair->was_agreed = false;
    pair->tries = 0;
    pair->lead = 0;
    pair->due_ms = -1;
    for (size_t i = 0; i < 2; i++)
        ask_for(&pair->members[i], pair->members[i].wished, false);
}

int ph_pair_begin(struct ph_wish *wish, uint16_t external_port) {
    struct ph_pair_member *member = member_of(wish);
    member->wished = member->asked = external_port;
    return ask(member);
}

/* Neither, for a while. */
static void give_up(struct ph_pair *pair, int error) {
    pair->rests = true;
    pair->due_ms = ph_drive_now_ms() +
                   (pair->rests_in_row > 7 ? REST_MS_MAX : (int64_t)REST_MS << pair->rests_in_row);
    pair->rests_in_row++;
    for (size_t i = 0; i < 2; i++) {
        struct ph_pair_member *member = &pair->members[i];
        /* What the gateway said itself says more. */
        if (member->half != PH_PAIR_FAILED ||
            (is_about_port(member->newest.error) && member->newest.code == 0)) {
            member->newest.error = error;
            member->newest.code = 0;
            snprintf(member->newest.text, sizeof member->newest.text,
                     "not the same external port for TCP and UDP");
        }
        tell_failed(member);
        member->asks_again = false;
        if (member->wish->id != 0) {
            member->half = PH_PAIR_LEAVING;
            porthole_unmap(member->wish->hold->client, member->wish->id);
        }
    }
}

/* The other half is to have the lead's port. */
static void follow(struct ph_pair *pair) {
    struct ph_pair_member *lead = &pair->members[pair->lead];
    if (is_exact(pair->members[0].wish) || pair->tries++ >= TRIES_MAX) {
        give_up(pair, PORTHOLE_ERR_PORT_TAKEN);
        return;
    }
    ask_for(&pair->members[1 - pair->lead], lead->newest.external_port, true);
}

/* The port that both were to have is not free for both: the next one is that which the gateway
 * chose for the half that moved, and then those above. */
static void try_another(struct ph_pair *pair, int error) {
    if (is_exact(pair->members[0].wish) || pair->tries++ >= TRIES_MAX) {
        give_up(pair, error);
        return;
    }
    const struct ph_pair_member *moved = &pair->members[1 - pair->lead];
    unsigned port = moved->granted;
    if (port == 0 || port == moved->asked || pair->tries > 2)
        port = moved->asked + 1U;
    if (port > PORT_MAX)
        port = PORT_MAX - 16;
    for (size_t i = 0; i < 2; i++)
        ask_for(&pair->members[i], (uint16_t)port, true);
}

/* ---- What is so, and what follows ------------------------------------------------------------ */

static void agree(struct ph_pair *pair) {
    pair->tries = pair->rests_in_row = 0;
    pair->is_nudged = false;
    pair->was_agreed = true;
    pair->due_ms = -1;
    for (size_t i = 0; i < 2; i++) {
        pair->members[i].wished = pair->members[i].newest.external_port;
        tell_open(&pair->members[i]);
    }
}

static void differ(struct ph_pair *pair) {
    if (pair->was_agreed && !pair->is_nudged) {
        /* The gateway has moved one: it may have moved both. */
        pair->is_nudged = true;
        pair->due_ms = ph_drive_now_ms() + NUDGE_MS;
        porthole_refresh(hold_of(pair)->client, pair->members[1 - pair->lead].wish->id);
        return;
    }
    if (pair->is_nudged && pair->due_ms >= 0 && ph_drive_now_ms() < pair->due_ms)
        return;
    pair->due_ms = -1;
    follow(pair);
}

static void one_failed(struct ph_pair *pair, size_t failed) {
    struct ph_pair_member *member = &pair->members[failed], *other = &pair->members[1 - failed];
    if (!is_about_port(member->newest.error)) {
        if (hold_of(pair)->once) {
            give_up(pair, member->newest.error);
            return;
        }
        tell_failed(member); /* it is tried again, and may be back before the other is given back */
        if (pair->due_ms < 0)
            pair->due_ms = ph_drive_now_ms() + ph_hold_timeout_ms(hold_of(pair));
    } else if (member->asked_exact && member->asked != other->newest.external_port) {
        pair->lead = 1 - failed; /* it was held to a port that the other has left */
        follow(pair);
    } else {
        pair->lead = 1 - failed;
        try_another(pair, member->newest.error);
    }
}

static void both_failed(struct ph_pair *pair) {
    struct ph_pair_member *members = pair->members;
    bool about_port =
        is_about_port(members[0].newest.error) || is_about_port(members[1].newest.error);
    if (about_port && (members[0].asked_exact || members[1].asked_exact)) {
        try_another(pair, PORTHOLE_ERR_PORT_TAKEN);
        return;
    }
    pair->due_ms = -1; /* the library tries again */
    for (size_t i = 0; i < 2; i++)
        tell_failed(&members[i]);
}

static void review(struct ph_pair *pair) {
    struct ph_pair_member *one = &pair->members[0], *other = &pair->members[1];
    if (pair->rests || hold_of(pair)->is_ending || one->half == PH_PAIR_LEAVING ||
        other->half == PH_PAIR_LEAVING)
        return;
    /* Both have left by now: a port that one of them had is free for it again. */
    for (size_t i = 0; i < 2; i++)
        if (pair->members[i].half == PH_PAIR_GONE && pair->members[i].asks_again)
            (void)ask(&pair->members[i]);
    bool one_open = one->half == PH_PAIR_OPEN, other_open = other->half == PH_PAIR_OPEN;
    if (one_open && other_open) {
        if (one->newest.external_port == other->newest.external_port)
            agree(pair);
        else
            differ(pair);
    } else if (one->half == PH_PAIR_FAILED && other->half == PH_PAIR_FAILED) {
        both_failed(pair);
    } else if (one_open && other->half == PH_PAIR_FAILED) {
        one_failed(pair, 1);
    } else if (other_open && one->half == PH_PAIR_FAILED) {
        one_failed(pair, 0);
    } else if ((one_open || other_open) && pair->due_ms < 0) {
        pair->due_ms = ph_drive_now_ms() + ph_hold_timeout_ms(hold_of(pair));
    }
}

void ph_pair_event(struct ph_wish *wish, const struct porthole_event *event) {
    struct ph_pair *pair = wish->pair;
    struct ph_pair_member *member = member_of(wish);
    bool is_leaving = member->half == PH_PAIR_LEAVING;
    uint16_t before = member->granted;
    switch (event->type) {
    case PORTHOLE_EVENT_MAPPED:
    case PORTHOLE_EVENT_CHANGED:
        member->newest = event->mapping;
        if (is_leaving)
            return;
        member->half = PH_PAIR_OPEN;
        member->granted = event->mapping.external_port;
        if (pair->was_agreed && !pair->is_nudged && event->mapping.external_port != before)
            pair->lead = (size_t)(member - pair->members);
        break;
    case PORTHOLE_EVENT_FAILED:
        if (is_leaving)
            return;
        member->newest = event->mapping;
        member->half = PH_PAIR_FAILED;
        break;
    case PORTHOLE_EVENT_PENDING:
        if (is_leaving)
            return;
        member->newest = event->mapping;
        member->half = PH_PAIR_ASKED;
        tell_lost(member);
        break;
    case PORTHOLE_EVENT_UNMAPPED:
        member->half = PH_PAIR_GONE;
        member->newest.id = event->mapping.id;
        if (hold_of(pair)->is_ending)
            ph_hold_tell(wish, event);
        break;
    }
    review(pair);
}

bool ph_pair_asks_again(const struct ph_wish *wish) {
    return member_of(wish)->asks_again && !wish->hold->is_ending;
}

void ph_pair_turn(struct ph_pair *pair) {
    int64_t due_ms = ph_pair_due_ms(pair);
    if (due_ms < 0 || ph_drive_now_ms() < due_ms)
        return;
    struct ph_pair_member *one = &pair->members[0], *other = &pair->members[1];
    if (one->half == PH_PAIR_LEAVING || other->half == PH_PAIR_LEAVING) {
        pair->due_ms = ph_drive_now_ms() + REST_MS;
    } else if (pair->rests) {
        begin(pair);
    } else if (one->half == PH_PAIR_OPEN && other->half == PH_PAIR_OPEN) {
        review(pair);
    } else {
        pair->due_ms = -1;
        if (one->half == PH_PAIR_OPEN || other->half == PH_PAIR_OPEN)
            give_up(pair, PORTHOLE_ERR_TIMEOUT);
    }
}

int64_t ph_pair_due_ms(const struct ph_pair *pair) {
    return hold_of(pair)->once && pair->rests ? -1 : pair->due_ms;
}

void ph_pair_refresh(struct ph_pair *pair) {
    if (pair->rests)
        pair->due_ms = ph_drive_now_ms();
}

void ph_pair_end(struct ph_pair *pair) {
    for (size_t i = 0; i < 2; i++) {
        struct ph_pair_member *member = &pair->members[i];
        const struct porthole_mapping *told = &member->wish->newest;
        if (member->wish->id != 0 ||
            (told->internal_port != 0 && told->state == PORTHOLE_DESTROYED))
            continue;
        member->newest.fate = PORTHOLE_FATE_NONE;
        member->newest.error = 0;
        tell(member, PORTHOLE_EVENT_UNMAPPED);
    }
}
